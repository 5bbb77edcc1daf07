"""Lint of the signal tables: signals that never fire, are slow, or fire mostly where they are wrong.

    python -m benchmarks.signals [FILE...] [--all]

FILE: PubMed XML, MEDLINE text or JSON lines; without, `$PUBGRADE_DATA/records/xml` (default
../shared/data). A design's truth is NLM's publication type on records that people indexed, where
there is one for it; else the grade of the whole article, in which the signal had its say: there a
contradiction counts all the more. "Lift" is how much more frequent the design is where the signal
fires than elsewhere: below 1, the signal contradicts what it speaks for.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from itertools import islice
from pathlib import Path

from grading import grade_many
from grading.evidence import find
from grading.metadata import human_indexed
from grading.signals import Signal, signals
from grading.text import Text
from grading.vocabulary import DESIGNS
from worker.files import list_sources, read_source
from worker.parsed import ParsedArticle

TAGS = {
    "randomized_controlled_trial": "Randomized Controlled Trial",
    "meta_analysis": "Meta-Analysis",
    "systematic_review": "Systematic Review",
    "case_report": "Case Reports",
    "practice_guideline": "Practice Guideline",
    "letter": "Letter",
    "editorial": "Editorial",
    "comment": "Comment",
    "news": "News",
    "biography": "Biography",
    "historical_article": "Historical Article",
    "erratum": "Published Erratum",
}
ENOUGH = 10  # firings below which a lift says nothing


class Counts:
    """How often each signal fires, and how often each design is there and with which signal."""

    def __init__(self) -> None:
        self.records = self.indexed = 0
        self.fired: Counter[str] = Counter()
        self.fired_indexed: Counter[str] = Counter()
        self.graded: Counter[str] = Counter()
        self.tagged: Counter[str] = Counter()
        self.with_grade: Counter[tuple[str, str]] = Counter()
        self.with_tag: Counter[tuple[str, str]] = Counter()

    def add(self, fired: set[str], design: str, tags: set[str], *, indexed: bool) -> None:
        self.records += 1
        self.fired.update(fired)
        self.graded[design] += 1
        self.with_grade.update((name, design) for name in fired)
        if indexed:
            self.indexed += 1
            self.fired_indexed.update(fired)
            self.tagged.update(tags)
            self.with_tag.update((name, tag) for name in fired for tag in tags)

    def lift(self, signal: Signal, design: str) -> tuple[float, int] | None:
        """Lift, and the firings that it rests on; None where there are too few."""
        tag = TAGS.get(design)
        if tag is not None and signal.kind != "publication_type":
            fires, hits = self.fired_indexed[signal.id], self.with_tag[signal.id, tag]
            elsewhere, records = self.tagged[tag] - hits, self.indexed - fires
        else:
            fires, hits = self.fired[signal.id], self.with_grade[signal.id, design]
            elsewhere, records = self.graded[design] - hits, self.records - fires
        if fires < ENOUGH or records < ENOUGH or hits + elsewhere < ENOUGH:
            return None
        base = max(elsewhere / records, 1 / records)
        return hits / fires / base, fires


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*")
    parser.add_argument("--all", action="store_true", help="a line for every signal")
    options = parser.parse_args()
    folder = Path(os.environ.get("PUBGRADE_DATA", "../shared/data"))
    counts = Counts()
    for source in list_sources(options.files or [str(folder / "records" / "xml")]):
        reader = read_source(source)
        while batch := list(islice(reader, 500)):
            articles = [item.article for item in batch if isinstance(item, ParsedArticle)]
            for article, graded in zip(articles, grade_many(articles), strict=True):
                counts.add(
                    {hit.signal for hit in find(Text(article)).hits},
                    graded.design,
                    {tag.name for tag in article.publication_types},
                    indexed=human_indexed(article),
                )
    print(f"{counts.records:,} records, {counts.indexed:,} of them indexed by people")
    silent = [signal for signal in signals().all if not counts.fired[signal.id]]
    print(f"\nnever fired: {len(silent)} of {len(signals().all)}")
    for signal in silent:
        print(f"  {signal.id:40} {signal.kind}")
    slow = [signals().text[number] for number in signals().expressions.always]
    print(f"\nno words to look for first, so tried on every text: {len(slow)}")
    for signal in slow:
        print(f"  {signal.id}")
    print("\nsignal, what it speaks for, weight, firings, lift" if options.all else "\ncontradict:")
    for signal in signals().all:
        for target, weight in signal.speaks_for:
            if target not in DESIGNS or (found := counts.lift(signal, target)) is None:
                continue
            lift, fires = found
            wrong = lift < 1 if weight > 0 else lift > 1
            if wrong or options.all:
                print(
                    f"  {signal.id:40} {target:30} {weight:+5.1f} {fires:6} {lift:8.2f}"
                    f"{'  contradicts' if wrong and options.all else ''}"
                )


if __name__ == "__main__":
    main()
