"""What only SQLite does in its own way: connections, locks, errors, bulk writes, full text.

The rest of the package speaks SQLAlchemy Core. `storage.postgres` has the same methods.

The full-text index is an FTS5 table without content of its own: the text is kept once, compressed,
in `document`. Such a table forgets a text only when told that text again (contentless_delete came
with SQLite 3.43), so the writer always has the old document at hand. Whoever changes
`storage.indexing` must rebuild the index in a migration.
"""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Final, Literal
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite as dialect
from sqlalchemy.exc import DBAPIError

from storage.database import Where
from storage.errors import StoreError, StoreUnavailable, StoreVersionError
from storage.fts5 import expression
from storage.indexing import END, IndexedText
from storage.words import Node

APPLICATION_ID: Final = 1349870151  # "PubG", in the file header: this is a pubgrade store

# bm25 weights of title, abstract, keywords, facets. A word in the title says what a paper is about;
# facets only filter. `words` searches the first three.
WEIGHTS: Final = (8.0, 1.0, 2.0, 0.0)

# Bytes. Most documents and their raw records take some thousand each: four times SQLite's own size
# wastes less of each page, and writes a tenth faster.
_PAGE: Final = 1 << 14
_PAGE_CACHE_KIB: Final = 8 * 1024
_CHANGED: Final = "full_text(full_text, rowid, title, abstract, keywords, facets)"

full_text = sa.table("full_text", sa.column("rowid", sa.Integer), sa.column("full_text", sa.Text))
score: Final = sa.literal_column(
    f"bm25(full_text, {', '.join(str(weight) for weight in WEIGHTS)})", sa.Float
)


class Sqlite:
    """One SQLite file."""

    def __init__(self, path: Path, *, wait: float, create: bool) -> None:
        """`wait`: seconds to wait for another process's lock.

        Raises StoreUnavailable where there is no such file and it may not or cannot be made.
        """
        self.path = path
        self.url = f"sqlite:///{path}"
        self.place = str(path)
        self._wait = wait
        if path.is_dir():
            raise StoreUnavailable(f"{path} is a folder: name a file in it, {path / 'pubgrade.db'}")
        if not path.exists():
            if not create:
                raise StoreUnavailable(
                    f"there is no store at {path}: fetch, sync or load records first, "
                    "or choose another store with --store"
                )
            if not path.parent.is_dir():
                raise StoreUnavailable(
                    f"the folder {path.parent} does not exist: create it, "
                    "or choose another store with --store"
                )
        address = sa.URL.create("sqlite", database=str(path))
        if _is_frozen(path):
            address = sa.URL.create(
                "sqlite",
                database=f"file:{quote(str(path))}",
                query={"immutable": "1", "uri": "true"},
            )
        self.engine = sa.create_engine(
            address,
            connect_args={"isolation_level": None, "timeout": wait},
            hide_parameters=True,  # no abstracts in error texts
        )
        sa.event.listen(self.engine, "connect", self._prepare)
        sa.event.listen(self.engine, "begin", _begin)

    def close(self) -> None:
        self.engine.dispose()

    @staticmethod
    def _prepare(connection: sqlite3.Connection, record: object) -> None:
        for pragma in (
            f"page_size = {_PAGE}",  # of a new file; others keep theirs
            "foreign_keys = ON",
            "synchronous = NORMAL",
            f"cache_size = -{_PAGE_CACHE_KIB}",
            "temp_store = MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    # transactions

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A consistent view of the store, beside any writer."""
        with self._errors(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """The one writer's transaction: kept whole at the end, or not at all."""
        with self._errors(), self.engine.connect() as connection:
            connection = connection.execution_options(pubgrade_writes=True)
            with connection.begin():
                yield connection

    @contextmanager
    def rebuilding(self) -> Iterator[sa.Connection]:
        """A write transaction for migrations: tables may be made anew; references are checked."""
        with self._errors(), self.engine.connect() as connection:
            driver: Any = connection.connection.dbapi_connection
            driver.execute("PRAGMA journal_mode = WAL")
            driver.execute("PRAGMA foreign_keys = OFF")
            try:
                connection = connection.execution_options(pubgrade_writes=True)
                with connection.begin():
                    yield connection
                    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
                    if broken is not None:
                        raise StoreError(
                            f"the store {self.path} could not be migrated: "
                            f"a row of {broken[0]} refers to a missing row of {broken[2]}"
                        )
            finally:
                driver.execute("PRAGMA foreign_keys = ON")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._explained(error.orig) from error
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def _explained(self, error: BaseException | None) -> StoreError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        where = f"the store {self.path}"
        match code:
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return StoreUnavailable(
                    f"{where} is locked by another process for more than {self._wait:g} s: "
                    "wait for it to finish, or stop it, then try again"
                )
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
                return StoreUnavailable(
                    f"{where} cannot be written: give this user the right to write the file "
                    "and its folder, or choose another store with --store"
                )
            case sqlite3.SQLITE_FULL:
                return StoreUnavailable(
                    f"{where} cannot grow, the disk is full: free some space and try again "
                    "(all that was saved before is kept)"
                )
            case sqlite3.SQLITE_CANTOPEN:
                return StoreUnavailable(
                    f"{where} cannot be opened: check that this user may read and write "
                    "the file and its folder"
                )
            case sqlite3.SQLITE_NOTADB:
                return StoreVersionError(
                    f"{self.path} is not a pubgrade store (not a SQLite database): "
                    "choose another file with --store"
                )
            case sqlite3.SQLITE_CORRUPT:
                return StoreUnavailable(
                    f"{where} is damaged ({error}): restore a backup, or run "
                    "`sqlite3 FILE .recover` on a copy"
                )
            case sqlite3.SQLITE_IOERR:
                full = getattr(error, "errno", None) == errno.ENOSPC
                cause = "the disk is full" if full else f"the disk reports an error ({error})"
                return StoreUnavailable(f"{where} cannot be read or written: {cause}")
        return StoreUnavailable(f"{where} cannot be used: {error}")

    # what is in the file

    def contents(self, connection: sa.Connection) -> Literal["nothing", "store", "other"]:
        """What the file holds."""
        if connection.exec_driver_sql("PRAGMA application_id").scalar_one() == APPLICATION_ID:
            return "store"
        tables = connection.exec_driver_sql("SELECT 1 FROM sqlite_master LIMIT 1").first()
        return "nothing" if tables is None else "other"

    # bulk reading and writing

    upsert = staticmethod(dialect.insert)  # an INSERT that can say ON CONFLICT

    @staticmethod
    def among(column: sa.ColumnElement[Any], values: Iterable[int | str]) -> Where:
        """`column` is one of `values`, however many: they travel as one parameter."""
        array = sa.func.json_each(json.dumps(list(values))).table_valued("value")
        return column.in_(sa.select(array.c.value))

    @staticmethod
    def insert(
        connection: sa.Connection,
        table: sa.Table,
        rows: Sequence[Sequence[Any]],
        columns: Sequence[str] | None = None,
        *,
        known: str | None = None,
    ) -> None:
        """Insert `rows`, tuples in the order of `columns` (all of the table's by default).

        Rows whose key exists: an error by default, passed over with known="keep", replaced column
        by column with known="replace". Values are the driver's own (no type conversion).
        """
        if rows:
            connection.exec_driver_sql(
                _insert_sql(table, tuple(columns or table.columns.keys()), known),
                [tuple(row) for row in rows],
            )

    @staticmethod
    def update(
        connection: sa.Connection,
        table: sa.Table,
        rows: Sequence[Sequence[Any]],
        columns: Sequence[str],
    ) -> None:
        """Set `columns` of rows found by primary key; each of `rows` is the key, then the values."""
        if rows:
            key = [column.name for column in table.primary_key]
            values = ", ".join(f'"{name}" = ?' for name in columns)
            found = " AND ".join(f'"{name}" = ?' for name in key)
            connection.exec_driver_sql(
                f'UPDATE "{table.name}" SET {values} WHERE {found}',  # noqa: S608
                [(*row[len(key) :], *row[: len(key)]) for row in rows],
            )

    @staticmethod
    def delete(connection: sa.Connection, table: sa.Table, keys: Sequence[Sequence[Any]]) -> None:
        """Delete rows by primary key, tuples in its order."""
        if keys:
            named = " AND ".join(f'"{column.name}" = ?' for column in table.primary_key)
            connection.exec_driver_sql(
                f'DELETE FROM "{table.name}" WHERE {named}',  # noqa: S608
                [tuple(key) for key in keys],
            )

    @staticmethod
    def go_on_numbering(connection: sa.Connection, copied: Iterable[sa.Table]) -> None:
        """After rows came with numbers of their own: SQLite takes the next by itself."""

    # full text

    keeps_vectors: ClassVar[bool] = False

    @staticmethod
    def index_is_missing(connection: sa.Connection) -> bool:
        """Never: the index is the table itself."""
        return False

    @staticmethod
    def drop_index(connection: sa.Connection) -> None:
        """It cannot be cheaper made afterwards."""

    @staticmethod
    def build_index(connection: sa.Connection) -> None:
        """It is there."""

    @staticmethod
    def index(connection: sa.Connection, texts: Sequence[tuple[int, IndexedText]]) -> None:
        """Take up articles: (place, text), in the order of places."""
        if texts:
            connection.exec_driver_sql(
                "INSERT INTO full_text(rowid, title, abstract, keywords, facets) "
                "VALUES (?, ?, ?, ?, ?)",
                [(place, *text.columns) for place, text in texts],
            )

    @staticmethod
    def unindex(connection: sa.Connection, texts: Sequence[tuple[int, IndexedText]]) -> None:
        """Forget articles; `texts` must be exactly what was indexed."""
        if texts:
            connection.exec_driver_sql(
                f"INSERT INTO {_CHANGED} VALUES ('delete', ?, ?, ?, ?, ?)",  # noqa: S608
                [(place, *text.columns) for place, text in texts],
            )

    most_ranked: ClassVar[int] = 10_000  # hits that are scored; about 20 ms

    @staticmethod
    def end(connection: sa.Connection) -> int:
        """A place above those of all articles, as low as it is cheap to tell."""
        return END

    @staticmethod
    def hits(wanted: Node, least: int = 0, most: int = END) -> sa.Select[Any]:
        """The places, from `least` to below `most`, of the articles that the index finds."""
        found = sa.select(full_text.c.rowid.label("place")).where(_match(wanted))
        return _between(found, least, most)

    @staticmethod
    def newest_hits(
        connection: sa.Connection,
        wanted: Node,
        least: int = 0,
        most: int = END,
        enough: int | None = None,
    ) -> sa.Select[Any]:
        """Those, the newest first; as they are read, no more are looked for.

        FTS5 is kept in this order. `enough`: how many will be read, where that is known.
        """
        return Sqlite.hits(wanted, least, most).order_by(full_text.c.rowid.desc())

    @staticmethod
    def hits_among(wanted: Node, places: Sequence[int]) -> sa.Select[Any]:
        """Those of the places that the index finds."""
        return Sqlite.hits(wanted).where(full_text.c.rowid.in_(places))

    @staticmethod
    def scored_hits(wanted: Node, words: Node, least: int, most: int) -> sa.Select[Any]:
        """As `hits`, with `relevance`: bm25 of the words, the greater the better. `wanted` are the
        words with all filters."""
        scored = sa.select(full_text.c.rowid.label("place"), (-score).label("relevance")).where(
            _match(words),
            sa.literal_column("+full_text.rowid", sa.BigInteger).in_(
                Sqlite.hits(wanted, least, most)
            ),
        )
        return _between(scored, least, most)

    @staticmethod
    def score(words: Node, place: int) -> sa.Select[Any]:
        """The relevance of the article at a place."""
        return sa.select(-score).where(_match(words), full_text.c.rowid == place)

    @staticmethod
    def alone(hits: sa.Select[Any]) -> sa.Subquery:
        """Hits to join with tables. The limit of all rows keeps SQLite from merging them with what
        is around: the index is walked once, never once for each article."""
        return hits.limit(-1).subquery("hits")

    @staticmethod
    def counts_between(
        connection: sa.Connection, hits: sa.Select[Any], bounds: Sequence[int]
    ) -> list[int]:
        """How many of the hits lie from each of the bounds, which ascend, to below the next."""
        ranges = sa.func.json_each(json.dumps(list(pairwise(bounds)))).table_valued("key", "value")
        least, most = (sa.func.json_extract(ranges.c.value, f"$[{end}]") for end in (0, 1))
        counted = (
            hits.with_only_columns(sa.func.count())
            .where(full_text.c.rowid >= least, full_text.c.rowid < most)
            .correlate(ranges)
            .scalar_subquery()
        )
        rows = connection.execute(sa.select(counted).select_from(ranges).order_by(ranges.c.key))
        return list(rows.scalars())


def _between(hits: sa.Select[Any], least: int, most: int) -> sa.Select[Any]:
    if least > 0:
        hits = hits.where(full_text.c.rowid >= least)
    if most < END:
        hits = hits.where(full_text.c.rowid < most)
    return hits


def _match(wanted: Node) -> Where:
    return sa.literal_column("full_text").op("MATCH")(expression(wanted))


def _is_frozen(path: Path) -> bool:
    """Whether nobody can write the file, as on a snapshot: SQLite then does without the files that
    it otherwise makes beside it, even to read. Not so where a writer left some of its work there."""
    return (
        path.exists()
        and bool(os.statvfs(path).f_flag & os.ST_RDONLY)
        and not path.with_name(f"{path.name}-wal").exists()
    )


def _begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("pubgrade_writes")
    # A writer asks for the lock at once: one that reads first can be refused without waiting.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@lru_cache(maxsize=128)
def _insert_sql(table: sa.Table, columns: tuple[str, ...], known: str | None) -> str:
    statement = dialect.insert(table)
    if known == "keep":
        statement = statement.on_conflict_do_nothing()
    elif known == "replace":
        keys = {column.name for column in table.primary_key}
        statement = statement.on_conflict_do_update(
            index_elements=list(table.primary_key),
            set_={name: statement.excluded[name] for name in columns if name not in keys},
        )
    return str(statement.compile(dialect=dialect.dialect(), column_keys=list(columns)))
