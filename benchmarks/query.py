"""How large a SQLite store of N real records is, and how fast its queries are answered.

    python -m benchmarks.query --records 100000 [--store FILE] [--repeat 7] [--cold]
                              [--only TEXT] [FILE...]

FILE: PubMed files whose records fill the store, renumbered as often as needed (benchmarks.library);
by default those of `$PUBGRADE_DATA/records/xml` (../shared/data). `--store`: use this file, fill it
up to N records where it has fewer, and keep it. `--cold`: beside the runs one after the other, a first run of each query with the file
out of the page cache and a connection of its own. Prints bytes a record by table, then the
milliseconds of each query: the least and the median of `--repeat` runs, and processor time. Where
other work shares the machine, believe the least.
benchmarks.postgres does the same with PostgreSQL.
"""

from __future__ import annotations

import argparse
import os
import resource
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import library
from storage import Store
from storage.records import Query

PAGE = 20
Works = dict[str, Callable[[Store], Any]]


def works(store: Store) -> Works:
    """What is timed. Names to filter by are those of a record in the middle of the store."""
    middle = library.FIRST_PMID + store.count(Query()) // 2
    sample = next(
        record.article
        for record in store.get_many(range(middle, middle + 1_000)).values()
        if record.article.authors and record.article.mesh and record.article.journal
    )
    author = f"{sample.authors[0].last_name} {sample.authors[0].initials or ''}".strip()
    rare = library.unique_word(middle)
    two_years = ("2019", "2020")

    def page(**asked: Any) -> Callable[[Store], Any]:
        return lambda store: store.search(Query(limit=PAGE, **asked))

    def page_500(**asked: Any) -> Callable[[Store], Any]:
        query = Query(limit=PAGE, **asked)
        ahead = store.search(replace(query, limit=499 * PAGE)).next_cursor
        return lambda store: store.search(replace(query, after=ahead))

    def count(**asked: Any) -> Callable[[Store], Any]:
        return lambda store: store.count(Query(**asked))

    def capped(**asked: Any) -> Callable[[Store], Any]:
        return lambda store: store.count(Query(**asked), at_most=1_001)

    def count_by(by: str, **asked: Any) -> Callable[[Store], Any]:
        return lambda store: store.count_by(Query(**asked), by)

    newest: dict[str, Any] = {"sort": "date"}
    filters: dict[str, Any] = {
        "designs": ("cohort_study", "meta_analysis"),
        "not_flags": ("retracted",),
        "since": "2015",
    }
    return {
        "newest first, no words": page(),
        "  page 500, no words": page_500(),
        "newest first: patients": page(words="patients", **newest),
        "  page 500, patients": page_500(words="patients", **newest),
        "newest first: diabetes": page(words="diabetes", **newest),
        "newest first: metformin": page(words="metformin", **newest),
        "newest first: one record's word": page(words=rare, **newest),
        "newest first: no record's word": page(words="zzyzzyzzy", **newest),
        "newest first: two words": page(words="diabetes insulin", **newest),
        "newest first: a phrase": page(words='"randomized controlled trial"', **newest),
        "newest first: title:mortality": page(words="title:mortality", **newest),
        "newest first: diabet*": page(words="diabet*", **newest),
        "newest first: patients NOT trial": page(words="patients NOT trial", **newest),
        "patients, level 1-2": page(words="patients", level=("1", "2"), **newest),
        "patients, designs, no flag, since": page(words="patients", **filters, **newest),
        "diabetes, designs, no flag, since": page(words="diabetes", **filters, **newest),
        "patients, 2019-2020": page(
            words="patients", since=two_years[0], until=two_years[1], **newest
        ),
        "patients, until 1970": page(words="patients", until="1970", **newest),
        "patients, 1,000 people or more": page(words="patients", min_n=1_000, **newest),
        "patients, best level first": page(words="patients", sort="level"),
        "by relevance: patients": page(words="patients"),
        "  page 500, by relevance": page_500(words="patients"),
        "by relevance: diabetes insulin": page(words="diabetes insulin"),
        "by relevance: a phrase": page(words='"heart failure"'),
        "by relevance: diabet*": page(words="diabet*"),
        "by relevance: one record's word": page(words=rare),
        "by relevance: patients, level 1-2": page(words="patients", level=("1", "2")),
        "level 1-2": page(level=("1", "2")),
        "  page 500, level 1-2": page_500(level=("1", "2")),
        "best level first": page(sort="level"),
        "last added first": page(sort="added"),
        "last added first: patients": page(words="patients", sort="added"),
        "  page 500, last added first": page_500(sort="added"),
        "design": page(designs=("cohort_study",)),
        "flag": page(flags=("retracted",)),
        "author": page(author=author),
        "MeSH heading": page(mesh=sample.mesh[0].name),
        "journal": page(journal=sample.journal),
        "5,000 people or more": page(min_n=5_000),
        "count all": count(),
        "count patients": count(words="patients"),
        "count patients, to 1,001": capped(words="patients"),
        "count diabetes": count(words="diabetes"),
        "count patients, level 1-2": count(words="patients", level=("1", "2")),
        "count by design": count_by("design"),
        "count by year": count_by("year"),
        "count by journal": count_by("journal"),
        "count by year, patients": count_by("year", words="patients"),
        "count by year, diabetes": count_by("year", words="diabetes"),
        "count by level, diabetes": count_by("level", words="diabetes"),
        "one record": lambda store: store.get(middle),
    }


def measure(
    store: Store,
    repeat: int,
    *,
    only: str = "",
    chilled: Callable[[], Store] | None = None,
    busy: Callable[[], float] = lambda: 0.0,
) -> None:
    """Time every query.

    `chilled` gives another store each time, with nothing of it in memory; `busy` the processor
    seconds of a server.
    """
    names = ["least", "median", "CPU", "server's"[: 8 if busy() else 0], "cold" if chilled else ""]
    print(f"{'milliseconds':36}" + "".join(f"{name:>9}" for name in names if name) + "  answer")
    for name, work in works(store).items():
        if only not in name:
            continue
        rounds = []
        for _ in range(repeat):
            # Asking what the server has used takes some milliseconds: outside of what is timed.
            served = busy()
            before = time.perf_counter(), time.process_time()
            answer = work(store)
            after = time.perf_counter(), time.process_time()
            spent = [end - start for start, end in zip(before, after, strict=True)]
            rounds.append([seconds * 1000 for seconds in (*spent, busy() - served)])
        wall, cpu, server = zip(*rounds, strict=True)
        figures = [min(wall), statistics.median(wall), min(cpu)]
        if busy():
            figures.append(min(server))
        if chilled:
            with closing(chilled()) as other:
                start = time.perf_counter()
                work(other)
                figures.append((time.perf_counter() - start) * 1000)
        print(f"{name:36}{''.join(f'{figure:9.2f}' for figure in figures)}  {_shown(answer)}")


def _shown(answer: Any) -> str:
    if hasattr(answer, "records"):
        return f"{len(answer.records)} records"
    if isinstance(answer, list):
        return f"{len(answer)} counts, {sum(count for _, count in answer):,} in all"
    return f"{answer:,}" if isinstance(answer, int) else type(answer).__name__


def sizes(path: Path, records: int) -> Iterator[tuple[str, float]]:
    """Bytes a record of each table and index, the largest first."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC"
        )
        for name, size in rows:
            yield name, size / records


def chill(files: list[Path]) -> None:
    """Ask the system to forget what it holds of these files."""
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def parser_of(description: str | None) -> argparse.ArgumentParser:
    """What every database's benchmark of searches is told."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("files", nargs="*")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--cold", action="store_true", help="time cold runs too")
    parser.add_argument("--only", default="", help="time only queries whose name holds this")
    return parser


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--store", type=Path, help="use this file, fill it up, and keep it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.store or Path(folder) / "store.db"
        with Store.open(str(path)) as store:
            if store.count(Query()) < options.records:
                library.fill(store, options.files, options.records)
            stored = store.count(Query())
            files = list(path.parent.glob(f"{path.name}*"))
            total = sum(file.stat().st_size for file in files)
            print(
                f"{stored:,} records, {total / stored:,.0f} bytes each without raw records, of it"
            )
            for name, size in sizes(path, stored):
                if size >= 1:
                    print(f"  {name:28}{size:8,.0f}")

            def chilled() -> Store:
                chill(files)
                return Store.open(str(path))

            measure(
                store,
                options.repeat,
                only=options.only,
                chilled=chilled if options.cold else None,
            )
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
