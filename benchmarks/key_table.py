"""The narrow table of a SQLite store alone, as long as all of PubMed: its size, and walks in it.

    python -m benchmarks.key_table [--rows 40000000] [--store FILE]

Fills `article` and its indexes with made-up rows by one INSERT, in the order of PMIDs, and asks the
store for pages without words or filters of the full-text index. There are no documents: what is
timed is how a page's PMIDs are found, at the head, in the middle and at the end.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.query import sizes
from storage import Store
from storage.levels import SCHEMES
from storage.records import Query

_FIRST, _LAST = date(1966, 1, 1).toordinal(), date(2026, 11, 15).toordinal()
_PLACES_A_DAY = 1 << 27

FILL = """
INSERT INTO article (
    pmid, place, version, revised, digest, design_id, question_id, {ranks}, confidence, published,
    published_end, journal_id, sample_size, grade_digest, grader_version, added_at, updated_at,
    graded_at, confirmed_at
)
WITH RECURSIVE numbered(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbered WHERE n + 1 < :rows),
dated(n, day) AS (SELECT n, :first + n * (:last - :first) / :rows FROM numbered),
spelt(n, day, iso) AS (SELECT n, day, date('0001-01-01', (day - 1) || ' days') FROM dated)
SELECT
    n + 1, day * {a_day} + n + 1, 1, iso, n * 11400714819, abs(n * 31 % 39) + 1, 40,
    {levels}, 0.75, replace(iso, '-', ''), replace(iso, '-', ''), n % 30000 + 1,
    iif(n % 3, NULL, n % 5000), n * 14029467366, '1', 1700000000 + n / 2000,
    1700000000 + n / 2000, 1700000000 + n / 2000, 1700000000 + n / 2000
FROM spelt
"""


def fill(path: Path, rows: int) -> None:
    statement = FILL.format(
        ranks=", ".join(f"rank_{scheme}" for scheme in SCHEMES),
        levels=", ".join(f"abs(n * 17 % {len(levels) + 1})" for levels in SCHEMES.values()),
        a_day=_PLACES_A_DAY,
    )
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany("INSERT INTO term VALUES (?, 'design', ?)", _named(39, 1))
        connection.executemany("INSERT INTO term VALUES (?, 'question', ?)", _named(1, 40))
        start = time.process_time()
        connection.execute(statement, {"rows": rows, "first": _FIRST, "last": _LAST})
        connection.commit()
        seconds = time.process_time() - start
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    print(f"{rows:,} rows: {seconds / rows * 1e6:.2f} µs each with both indexes (CPU)")


def _named(count: int, first: int) -> list[tuple[int, str]]:
    return [(number, f"name {number}") for number in range(first, first + count)]


def measure(store: Store, rows: int) -> None:
    newest, added = Query(), Query(sort="added")
    works: dict[str, Callable[[], Any]] = {
        "newest first": lambda: store.search(newest),
        "newest first, from the middle on": lambda: store.search(Query(until="1996-06")),
        "newest first, the oldest": lambda: store.search(Query(until="1966-01-02")),
        "since a day": lambda: store.search(Query(since="2026-11-10")),
        "last added first": lambda: store.search(added),
        "1,000 PMIDs": lambda: store.count(Query(pmids=tuple(range(1, rows, rows // 1_000)))),
    }
    for name, query in (("newest first", newest), ("last added first", added)):
        deep = replace(query, after=store.search(replace(query, limit=499 * 20)).next_cursor)
        works[f"{name}, page 500"] = lambda deep=deep: store.search(deep)
    for name, work in works.items():
        taken = []
        for _ in range(9):
            start = time.process_time()
            work()
            taken.append((time.process_time() - start) * 1000)
        print(f"  {name:36}{median(taken):8.2f} ms (CPU), worst {max(taken):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=40_000_000)
    parser.add_argument("--store", type=Path, help="make this file, and keep it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.store or Path(folder) / "store.db"
        with Store.open(str(path)) as store:
            fill(path, options.rows)
            for name, size in sizes(path, options.rows):
                if size >= 1:
                    print(f"  {name:36}{size:8.1f} bytes a row")
            measure(store, options.rows)


if __name__ == "__main__":
    main()
