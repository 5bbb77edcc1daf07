"""Train the shipped text model and print how well it does out of fold.

    python -m benchmarks.train_text_model --data DIR --out grading/model

DIR holds `records/xml/*.xml.gz`, `records/medline/*.txt.gz`, `records/other/with_pubtypes_*.jsonl.gz`
and `labels/designs.jsonl.gz` (default: $PUBGRADE_DATA, else ../shared/data). Out-of-fold
predictions are written where `--oof` names a folder.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from grading.article import Article, MeshHeading, PublicationType
from worker.training import DESIGNS, TAGS, Report, Training, tagged, train

# Where a source does not tell how a record was indexed, only records finished before NLM began to
# index automatically are trusted.
BEFORE_AUTOMATIC_INDEXING = "2018"

_OTHER = "primary_research"
_REVIEWS = frozenset({"narrative_review", "systematic_review"})
_TELLER = {
    "Human-systematic-review": "systematic_review",
    "Non-systematic-review": "narrative_review",
    "Human-case-report": "case_report",
    "In-vitro-study": "in_vitro_study",
    "Clinical-study-protocol": "protocol",
}
_MOTTE = {
    "meta_analysis": "systematic_review",
    "systematic_review": "systematic_review",
    "protocol": "protocol",
    "randomized_trial": "randomized_controlled_trial",
    "rodent": "animal_study",
    "human_intervention": _OTHER,
}
_PSYNAMIC = {
    "case_report": {"case_report"},
    "case_series": {"case_report", _OTHER},
    "protocol": {"protocol"},
    "systematic_review": {"systematic_review"},
    "cohort": {_OTHER},
    "qualitative": {_OTHER},
    "real_world_observational": {_OTHER},
    "other": {"narrative_review", "animal_study", "in_vitro_study", "systematic_review", _OTHER},
}
_CORONA = {
    "Meta-analysis": {"systematic_review"},
    "Review": _REVIEWS,
    "Comment/Editorial": {"narrative_review"},
    "Recommendations": {"narrative_review"},
    "Forecasting & Modelling": {_OTHER},
    "Clinical Reports": {"case_report", _OTHER},
    "Non-human": {"animal_study", "in_vitro_study", _OTHER},
}
_PREPRINTS = {"RCT": {"randomized_controlled_trial"}, "observational study": {_OTHER}}


def possible_designs(source: str, native: Any) -> frozenset[str]:
    """What the annotators' label leaves possible of the eight designs; empty where nothing known.

    "other" of a set that did not ask for, say, narrative reviews may be one.
    """
    labels = native if isinstance(native, list) else [native]
    if source == "psynamic" and "rct" in labels:
        return frozenset({"randomized_controlled_trial"})
    if len(labels) != 1:
        return frozenset()
    label = labels[0]
    if source == "studytypeteller":
        if label.startswith("Animal"):
            return frozenset({"animal_study"})
        if label.startswith("Human-RCT"):
            return frozenset({"randomized_controlled_trial"})
        return frozenset({_TELLER.get(label, _OTHER)})
    if source == "motte_2022":
        if label in _MOTTE:
            return frozenset({_MOTTE[label]})
        return frozenset(
            {"narrative_review", "case_report", "in_vitro_study", "animal_study", _OTHER}
        )
    tables: dict[str, dict[str, Any]] = {
        "psynamic": _PSYNAMIC,
        "coronacentral": _CORONA,
        "xuzuo_covid_preprints": _PREPRINTS,
    }
    return frozenset(tables.get(source, {}).get(label, ()))


@dataclass(frozen=True)
class Corpus:
    labelled: list[dict[str, Any]]  # the lines of designs.jsonl.gz
    records: list[Training]  # one for each of them, then those indexed by NLM


def _key(text: str | None) -> str:
    return re.sub(r"\W+", "", (text or "").lower())[:80]


def _groups(lines: list[dict[str, Any]]) -> list[str]:
    """The same group for the same PMID, title or opening of the abstract."""
    of: dict[str, str] = {}
    groups = []
    for number, line in enumerate(lines):
        keys = ["t" + _key(line["title"])]
        if line["pmid"]:
            keys.append(f"p{line['pmid']}")
        if len(line["abstract"] or "") > 100:
            keys.append("a" + _key(line["abstract"])[:60])
        group = next((of[key] for key in keys if key in of), f"label {number}")
        groups.append(group)
        for key in keys:
            of.setdefault(key, group)
    return groups


def read_json_lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)


def corpus(data: Path, indexed: Iterable[Article]) -> Corpus:
    """The labelled lines, and those indexed records that are not among them, each once."""
    lines = list(read_json_lines(data / "labels" / "designs.jsonl.gz"))
    records = [
        Training(
            article=Article(
                pmid=int(line["pmid"] or 0),
                title=line["title"] or "",
                abstract=line["abstract"] or "",
            ),
            designs=possible_designs(line["source"], line["native"]),
            group=group,
        )
        for line, group in zip(lines, _groups(lines), strict=True)
    ]
    titles = {_key(line["title"]) for line in lines}
    pmids = {int(line["pmid"]) for line in lines if line["pmid"]}
    for article in indexed:
        item = tagged(article)
        if item is None or article.pmid in pmids or _key(article.title) in titles:
            continue
        pmids.add(article.pmid)
        # Designs read off tags were tried and helped no further than the tag heads do.
        records.append(replace(item, designs=frozenset()))
    return Corpus(labelled=lines, records=records)


def indexed_articles(data: Path) -> Iterator[Article]:
    """The records of the data folder, those that tell how they were indexed first."""
    from worker.files import read_source
    from worker.parsed import ParsedArticle

    for folder, pattern in (("xml", "*.xml.gz"), ("medline", "*.txt.gz")):
        for path in sorted((data / "records" / folder).glob(pattern)):
            for parsed in read_source(str(path)):
                if isinstance(parsed, ParsedArticle):
                    article = parsed.article
                    if folder == "xml" or _is_early(article.completed):
                        yield article
    for path in sorted((data / "records" / "other").glob("with_pubtypes_*.jsonl.gz")):
        for line in read_json_lines(path):
            if _is_early(line["year"]):
                yield Article(
                    pmid=int(line["pmid"]),
                    title=line["title"] or "",
                    abstract=line["abstract"] or "",
                    publication_types=tuple(
                        PublicationType(name=name) for name in line["pub_types"] or ()
                    ),
                    mesh=tuple(
                        MeshHeading(name=name.split("/")[0].lstrip("*"))
                        for name in line["mesh"] or ()
                    ),
                    published=line["year"],
                    status="MEDLINE" if line["mesh"] else None,
                )


def _is_early(date: str | None) -> bool:
    return bool(date) and str(date)[:4] < BEFORE_AUTOMATIC_INDEXING


def show(given: Corpus, report: Report) -> None:
    """Figures per source, per design and per tag, all out of fold."""
    print(f"{report.records} records, {report.tagged} with tags, {report.designed} with a design")
    print(f"{report.features} features, temperature {report.temperature}")
    by_source: dict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(given.labelled):
        if given.records[number].designs:
            by_source[line["source"]].append(number)
    best = report.design_scores.argmax(axis=1)
    chance = np.exp(report.design_scores - report.design_scores.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    for source, rows in by_source.items():
        right = np.array([DESIGNS[best[row]] in given.records[row].designs for row in rows])
        sure = chance[rows].max(axis=1)
        bins = np.minimum((sure * 10).astype(int), 9)
        error = sum(
            abs(right[bins == b].mean() - sure[bins == b].mean()) * (bins == b).mean()
            for b in set(bins.tolist())
        )
        print(
            f"{source:24s} n {len(rows):5d}  accuracy {right.mean():.4f}  calibration {error:.3f}"
        )
    rows = by_source["studytypeteller"]
    truth = np.array([DESIGNS.index(next(iter(given.records[row].designs))) for row in rows])
    scores = []
    for index, design in enumerate(DESIGNS):
        hit = int(((best[rows] == index) & (truth == index)).sum())
        found, real = int((best[rows] == index).sum()), int((truth == index).sum())
        scores.append(2 * hit / max(found + real, 1))
        print(f"  {design:28s} n {real:4d}  F1 {scores[-1]:.3f}")
    print(f"  macro-F1 {np.mean(scores):.4f}")
    for index, tag in enumerate(TAGS):
        known = [
            row
            for row, item in enumerate(given.records)
            if tag in item.tags and item.article.abstract
        ]
        real = np.array([given.records[row].tags[tag] for row in known])
        if not real.any():
            continue
        order = np.argsort(-report.tag_scores[known, index], kind="stable")
        hits = np.cumsum(real[order])
        found = np.arange(1, len(known) + 1)
        half = int((report.tag_scores[known, index] > 0).sum())
        at_half = 2 * (hits[half - 1] if half else 0) / (half + real.sum())
        print(
            f"  tag {tag:28s} n {int(real.sum()):5d}  F1 at 0.5 {at_half:.3f}"
            f"  best F1 {float((2 * hits / (found + real.sum())).max()):.3f}"
        )


def write_oof(given: Corpus, report: Report, folder: Path) -> None:
    """Out-of-fold probabilities: `oof.jsonl` of the labelled, `oof_xml.jsonl` of the indexed."""
    chance = np.exp(report.design_scores - report.design_scores.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    tags = 1 / (1 + np.exp(-np.clip(report.tag_scores, -30, 30)))
    folder.mkdir(parents=True, exist_ok=True)
    labelled, indexed = folder / "oof.jsonl", folder / "oof_xml.jsonl"
    with labelled.open("w") as first, indexed.open("w") as second:
        for row, item in enumerate(given.records):
            said: dict[str, Any] = {
                "pmid": item.article.pmid or None,
                "probabilities": dict(zip(DESIGNS, chance[row].round(4).tolist(), strict=True)),
                "tags": dict(zip(TAGS, tags[row].round(4).tolist(), strict=True)),
            }
            if row < len(given.labelled):
                line = given.labelled[row]
                about = {key: line[key] for key in ("doi", "source", "native", "design")}
                about["possible"] = sorted(item.designs)
                first.write(json.dumps({"index": row, **about, **said}) + "\n")
            else:
                second.write(json.dumps({**said, "known": dict(item.tags)}) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    default = os.environ.get("PUBGRADE_DATA", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--oof", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    given = corpus(options.data, indexed_articles(options.data))
    report = train(given.records, options.out, options.seed)
    show(given, report)
    if options.oof:
        write_oof(given, report, options.oof)


if __name__ == "__main__":
    main()
