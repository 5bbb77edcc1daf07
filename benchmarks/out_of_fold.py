"""Answers of text models that did not see the record, kept by `benchmarks.train_text_model --oof`.

The shipped text model was trained on most of the development data: figures on those records are too
good by far. `KeptPredictions` stands in for it in `grade_many(…, model=…)`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.labelled import data_folder, read_lines
from grading import Article
from grading.text_model import TextModel, TextPrediction, shipped_model


class KeptPredictions:
    """Predictions by record: a `Predictor` of `grade_many`.

    Records that no fold held out were never trained on: the shipped model answers for them, and
    `unseen` counts them.
    """

    def __init__(self, folder: Path) -> None:
        """Read `oof.jsonl` and `oof_xml.jsonl` of a folder; train the fold models if it has none."""
        if not (folder / "oof.jsonl").exists():
            print(f"training fold models into {folder} (some minutes) …", file=sys.stderr)
            train = [sys.executable, "-m", "benchmarks.train_text_model"]
            where = ["--data", str(data_folder()), "--out", str(folder / "model")]
            subprocess.run([*train, *where, "--oof", str(folder)], check=True, stdout=sys.stderr)
        labelled = list(read_lines(data_folder() / "labels" / "designs.jsonl.gz"))
        self._by_text: dict[tuple[str, str], TextPrediction] = {}
        self._by_pmid: dict[int, TextPrediction] = {}
        for row in read_lines(folder / "oof.jsonl"):
            line = labelled[row["index"]]
            prediction = TextPrediction(probabilities=row["probabilities"], tags=row["tags"])
            self._by_text[line["title"] or "", line["abstract"] or ""] = prediction
            if line["pmid"]:
                self._by_pmid[int(line["pmid"])] = prediction
        for row in read_lines(folder / "oof_xml.jsonl"):
            if row["pmid"]:
                self._by_pmid.setdefault(
                    row["pmid"],
                    TextPrediction(probabilities=row["probabilities"], tags=row["tags"]),
                )
        self._shipped: TextModel = shipped_model()
        self.unseen = 0

    def predict_many(self, articles: Sequence[Article]) -> list[TextPrediction]:
        kept = [
            self._by_text.get((article.title, article.abstract)) or self._by_pmid.get(article.pmid)
            for article in articles
        ]
        others = [article for article, found in zip(articles, kept, strict=True) if found is None]
        self.unseen += len(others)
        answers = iter(self._shipped.predict_many(others))
        return [found if found is not None else next(answers) for found in kept]
