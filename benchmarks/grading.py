"""How often the design is right, text only, on labelled abstracts; and how fast.

    python -m benchmarks.grading [--records FILE --labels FILE]

FILE: JSON lines, gzipped or not. Records have pmid, title, abstract; labels have pmid and design (an
id of `grading.vocabulary.DESIGNS` or one of the eight folded designs below). Without files, the part
of `$PUBGRADE_DATA/labels/designs.jsonl.gz` (default ../shared/data) that people labelled with 14 study
types is used, folded to eight designs. The shipped text model was trained on that very part: figures
on it are too good by far, and serve to find errors only. Out-of-fold figures stand in the README; for
honest ones give records of your own.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

from grading import Article, grade

FOLDED = {
    **dict.fromkeys(
        ("meta_analysis", "systematic_review", "umbrella_review", "scoping_review"),
        "systematic_review",
    ),
    **dict.fromkeys(
        (
            "narrative_review",
            "editorial",
            "letter",
            "comment",
            "practice_guideline",
            "consensus_statement",
            "narrative_review_or_opinion",
        ),
        "narrative_review",
    ),
    **dict.fromkeys(("randomized_controlled_trial", "n_of_1_trial", "rct"), "rct"),
    "case_report": "case_report",
    **dict.fromkeys(("animal_study", "animal"), "animal"),
    **dict.fromkeys(("in_vitro_study", "in_vitro"), "in_vitro"),
    "protocol": "protocol",
}


def lines(path: Path) -> list[dict[str, Any]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def labelled(records: Path | None, labels: Path | None) -> list[tuple[Article, str]]:
    if records is not None and labels is not None:
        truth = {str(row["pmid"]): row["design"] for row in lines(labels)}
        rows = [
            row | {"design": truth[str(row["pmid"])]}
            for row in lines(records)
            if str(row["pmid"]) in truth
        ]
    else:
        folder = Path(os.environ.get("PUBGRADE_DATA", "../shared/data"))
        rows = [
            row
            for row in lines(folder / "labels" / "designs.jsonl.gz")
            if row["source"] == "studytypeteller"
        ]
    return [
        (
            Article(
                pmid=int(row["pmid"] or 1), title=row["title"] or "", abstract=row["abstract"] or ""
            ),
            FOLDED.get(row["design"], "other"),
        )
        for row in rows
    ]


def f1(pairs: list[tuple[str, str]], design: str) -> tuple[float, float, float]:
    """Precision, recall, F1 of (truth, found) pairs."""
    right = sum(truth == found == design for truth, found in pairs)
    named = sum(found == design for _, found in pairs)
    there = sum(truth == design for truth, _ in pairs)
    precision, recall = right / named if named else 0.0, right / there if there else 0.0
    return precision, recall, 2 * right / (named + there) if named + there else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=Path)
    parser.add_argument("--labels", type=Path)
    options = parser.parse_args()
    data = labelled(options.records, options.labels)
    grade(data[0][0])
    started = time.perf_counter()
    grades = [grade(article) for article, _ in data]
    seconds = time.perf_counter() - started
    pairs = [
        (truth, FOLDED.get(found.design, "other"))
        for (_, truth), found in zip(data, grades, strict=True)
    ]
    names = sorted({truth for truth, _ in pairs})
    chance = random.Random(1)
    draws = [chance.choices(pairs, k=len(pairs)) for _ in range(200)]
    print(f"{len(pairs)} records, {len(pairs) / seconds:,.0f} graded a second")
    print(f"accuracy {sum(t == f for t, f in pairs) / len(pairs):.3f}")
    print(f"macro-F1 {sum(f1(pairs, name)[2] for name in names) / len(names):.3f}")
    print(f"{'design':20} precision recall F1 (95 % of 200 bootstrap draws)")
    for name in names:
        precision, recall, score = f1(pairs, name)
        spread = sorted(f1(draw, name)[2] for draw in draws)
        print(
            f"{name:20} {precision:.3f} {recall:.3f} {score:.3f} ({spread[4]:.3f}–{spread[195]:.3f})"
        )
    print("most confused (truth, found):")
    for (truth, found), count in Counter(p for p in pairs if p[0] != p[1]).most_common(8):
        print(f"  {count:4} {truth} → {found}")
    error = 0.0
    print("confidence bin: records, mean confidence, right")
    for low in range(10):
        bin_ = [
            (g.confidence, t == f)
            for g, (t, f) in zip(grades, pairs, strict=True)
            if low / 10 <= g.confidence < (low + 1) / 10
        ]
        if bin_:
            mean = sum(c for c, _ in bin_) / len(bin_)
            right = sum(ok for _, ok in bin_) / len(bin_)
            error += abs(mean - right) * len(bin_) / len(pairs)
            print(f"  {low / 10:.1f}: {len(bin_):5} {mean:.2f} {right:.2f}")
    print(f"expected calibration error {error:.3f}")


if __name__ == "__main__":
    main()
