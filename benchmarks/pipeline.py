"""Parse, grade and store in one process into SQLite: records a second, and the most memory used.

    python -m benchmarks.pipeline FILE... [--repeat N]

FILE: PubMed XML, MEDLINE text or JSON lines. First each stage by itself, then all in, in
batches as `pubgrade fetch` and `sync` save them. Seconds are of the processor, which a busy machine
disturbs least; wall seconds stand beside. `--repeat` goes through the files N times with other
PMIDs: memory must not grow.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import msgspec

from grading import grade_many
from storage import Store
from worker.collector import look_rarely
from worker.files import list_sources, read_source
from worker.intake import Intake
from worker.parsed import Parsed, ParsedArticle

BATCH = 500
APART = 100_000_000  # between the PMIDs of one repeat and the next


def batches(sources: list[str], repeat: int = 0) -> Iterator[list[Parsed]]:
    for source in sources:
        reader = read_source(source)
        while batch := list(islice(reader, BATCH)):
            yield [_renumbered(item, repeat) if repeat else item for item in batch]


def _renumbered(item: Parsed, repeat: int) -> Parsed:
    if not isinstance(item, ParsedArticle):
        return item
    pmid = item.article.pmid + repeat * APART
    return replace(item, article=msgspec.structs.replace(item.article, pmid=pmid))


def memory() -> float:
    """Most memory used so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--repeat", type=int, default=1)
    options = parser.parse_args()
    look_rarely()  # as the command line does
    sources = list_sources(options.files)
    parse = grade = 0.0
    records = with_abstract = 0
    started = time.process_time()
    for batch in batches(sources):
        parsed = time.process_time()
        parse += parsed - started
        articles = [item.article for item in batch if isinstance(item, ParsedArticle)]
        grade_many(articles)
        started = time.process_time()
        grade += started - parsed
        records += len(articles)
        with_abstract += sum(bool(article.abstract) for article in articles)
    print(f"{records:,} records, {with_abstract:,} with an abstract")
    print(
        f"parse {parse / records * 1e6:,.0f} µs, grade {grade / records * 1e6:,.0f} µs each (CPU)"
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        Store.open(f"sqlite:///{Path(folder) / 'b.db'}") as store,
    ):
        for repeat in range(options.repeat):
            cpu, wall = time.process_time(), time.perf_counter()
            for batch in batches(sources, repeat):
                Intake(store, source="benchmark").take(batch)
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            rest = (cpu - parse - grade) / records * 1e6
            print(
                f"all in: {records / cpu:,.0f} records a second of CPU ({records / wall:,.0f} of wall "
                f"time), store {rest:,.0f} µs each; most memory so far {memory():,.0f} MB"
            )


if __name__ == "__main__":
    main()
