"""Parse, grade and store on one core into SQLite: records a second, and the most memory used.

    python -m benchmarks.pipeline FILE...

FILE: PubMed XML, MEDLINE text or JSON lines. Prints the time of each stage alone, then all in.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from itertools import islice
from pathlib import Path

from grading import grade
from storage import Store
from worker.files import list_sources, read_source
from worker.intake import Intake
from worker.parsed import ParsedArticle


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+")
    sources = list_sources(parser.parse_args().files)
    parsed = graded = 0.0
    records = 0
    for source in sources:
        reader = read_source(source)
        while True:
            started = time.perf_counter()
            batch = list(islice(reader, 500))
            parsed += time.perf_counter() - started
            if not batch:
                break
            started = time.perf_counter()
            for item in batch:
                if isinstance(item, ParsedArticle):
                    grade(item.article)
            graded += time.perf_counter() - started
            records += len(batch)
    print(
        f"{records:,} records: parse {parsed / records * 1e6:.0f} µs, grade {graded / records * 1e6:.0f} µs each"
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        Store.open(f"sqlite:///{Path(folder) / 'b.db'}") as store,
    ):
        started = time.perf_counter()
        for source in sources:
            reader = read_source(source)
            while batch := list(islice(reader, 500)):
                Intake(store, source=source).take(batch)
        seconds = time.perf_counter() - started
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"parse + grade + store: {records / seconds:,.0f} records a second, most memory {most:.0f} MB"
    )


if __name__ == "__main__":
    main()
