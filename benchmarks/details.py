"""How often study details are read right, on abstracts that people marked.

    python -m benchmarks.details [--errors N]

Data: `$PUBGRADE_DATA` (default ../shared/data). Sample sizes: exact match with the one number that
people marked in a trial's abstract. Effect estimates: ratios marked in sentences about risk. Registry
numbers: trial number to the record of its result paper, where that record is among the data.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
from pathlib import Path
from typing import Any

from grading import Article
from grading.details import read_details
from grading.text import Text

FOLDER = Path(os.environ.get("PUBGRADE_DATA", "../shared/data"))
RATIOS = ("RR", "HR", "OR", "IRR")


def lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def sample_sizes(shown: int) -> None:
    rows = [r for r in lines(FOLDER / "labels" / "sample_size.jsonl.gz") if r["single_valued"]]
    right = missing = 0
    for row in rows:
        title, _, abstract = row["text"].partition(". ")
        article = Article(pmid=int(row["pmid"]), title=title, abstract=abstract)
        size = read_details(Text(article)).sample_size
        right += size.value == row["numbers"][0]
        missing += not size.reported
        if size.value != row["numbers"][0] and shown > 0:
            shown -= 1
            print(f"  PMID {row['pmid']}: marked {row['numbers']}, read {size.value} {size.text!r}")
    print(
        f"sample size: {right} of {len(rows)} exact ({right / len(rows):.1%}), {missing} not found,"
        f" {right / max(1, len(rows) - missing):.1%} of those found right"
    )


def effects(shown: int) -> None:
    marked = found_all = right = with_interval = 0
    for row in lines(FOLDER / "labels" / "effect_sizes.jsonl.gz"):
        for sentence in row["sentences"]:
            words = sentence["text"]
            # The marks begin one character late and end one late.
            truth = [
                float(words[e["b"] - 1 : e["e"]].strip(" [](),;=:").replace("·", "."))
                for e in sentence.get("entities", ())
                if e["type"].endswith("_ratio")
                and words[e["b"] - 1 : e["e"]].strip(" [](),;=:").replace(".", "", 1).isdigit()
            ]
            read = [
                e
                for e in read_details(Text(Article(pmid=1, abstract=words))).effects
                if e.measure in RATIOS
            ]
            if not truth:
                continue
            values = [e.value for e in read]
            marked += len(truth)
            found_all += len(read)
            hits = sum(value in values for value in truth)
            right += hits
            with_interval += sum(e.value in truth and e.ci_low is not None for e in read)
            if hits < len(truth) and shown > 0:
                shown -= 1
                print(f"  PMID {row['pmid']}: marked {truth}, read {values}")
    print(
        f"effect estimates: {right} of {marked} marked ratios read ({right / marked:.1%}); {found_all}"
        f" read in those sentences, {with_interval} of the right ones with their interval"
    )


def registry_numbers() -> None:
    from worker.files import list_sources, read_source
    from worker.parsed import ParsedArticle

    links: dict[int, set[str]] = {}
    for row in lines(FOLDER / "labels" / "registry_links.jsonl.gz"):
        if str(row["publication_pmid"]).isdigit():
            links.setdefault(int(row["publication_pmid"]), set()).add(row["id"])
    there = read = tagged = 0
    for source in list_sources([str(FOLDER / "records" / "xml")]):
        for item in read_source(source):
            if not isinstance(item, ParsedArticle) or item.article.pmid not in links:
                continue
            article = item.article
            wanted = links[article.pmid]
            printed = {w for w in wanted if w in article.title + article.abstract}
            found = {r.value for r in read_details(Text(article)).registry_ids}
            there += len(printed)
            read += len(printed & found)
            tagged += bool(wanted & {r.id for r in article.registry_ids})
    print(
        f"registry numbers: {read} of {there} printed ones read; {tagged} records tagged with theirs"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--errors", type=int, default=0, help="show this many errors of each kind")
    shown = parser.parse_args().errors
    sample_sizes(shown)
    effects(shown)
    registry_numbers()


if __name__ == "__main__":
    main()
