"""What only PostgreSQL does in its own way: connections, locks, errors, bulk writes, full text.

`storage.sqlite` has the same methods. Writers take turns, as they do in SQLite, by an advisory lock
that ends with their transaction: so none overtakes another between looking and writing, and none
can deadlock. Readers wait for nobody.

The full-text index is the table `full_text`: one tsvector for each article, with a GIN index.
Titles weigh A, keywords B, abstracts D; facets are lexemes that begin with "=" (storage.tsquery).
GIN has no order: `storage.periods` tells how the newest are found without looking at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, ClassVar, Final, Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as dialect
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from storage import periods, tsquery
from storage.database import Where
from storage.errors import StoreError, StoreUnavailable
from storage.indexing import END, IndexedText
from storage.words import AllOf, AnyOf, Facet, Node

# Weights of D, C, B, A in ts_rank: abstract, nothing, keywords, title.
WEIGHTS: Final = "{0.1, 0.1, 0.25, 1.0}"

_LOCKS: Final = 1349870151  # "PubG": the class of our advisory locks
_WRITER: Final = 1
_INDEX: Final = "ix_full_text_vector"
_INDEX_MEMORY: Final = "256MB"  # while it is built
_SECRETS: Final = ("password", "sslpassword", "passfile", "sslkey")
_CONNECT_SECONDS: Final = 10

full_text = sa.table(
    "full_text", sa.column("place", sa.BigInteger), sa.column("vector", dialect.TSVECTOR)
)


class Postgres:
    """One PostgreSQL database, or one schema of it."""

    def __init__(self, url: str, *, wait: float) -> None:
        """`url`: "postgresql://user:password@host:port/database"; what it leaves out comes from
        libpq's environment (PGPASSWORD, PGPASSFILE, PGSERVICE …). `wait`: seconds to wait for
        another process's lock.

        Raises StoreUnavailable where the driver is missing or the address cannot be read.
        """
        try:
            import psycopg
        except ImportError:
            raise StoreUnavailable(
                "a store in PostgreSQL needs the driver psycopg: pip install 'pubgrade[postgres]'"
            ) from None
        self._driver_error: type[Exception] = psycopg.Error
        parsed = _parsed(url)
        self._password = str(parsed.password or parsed.query.get("password") or "")
        self._wait = wait
        secrets = {name: parsed.query[name] for name in _SECRETS if name in parsed.query}
        parsed = parsed.difference_update_query(_SECRETS)
        self.url = parsed._replace(password=None).render_as_string()
        self.place = self.url
        self.engine = sa.create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            connect_args={
                "prepare_threshold": None,  # a plan made for these words, not for any; poolers too
                "connect_timeout": int(parsed.query.get("connect_timeout", _CONNECT_SECONDS)),  # type: ignore[arg-type]
                "application_name": "pubgrade",
                **secrets,
            },
            pool_pre_ping=True,  # a restarted server costs a new connection, not a failed run
            hide_parameters=True,  # no abstracts in error texts
        )
        sa.event.listen(self.engine, "connect", self._prepare)

    def close(self) -> None:
        self.engine.dispose()

    def _prepare(self, connection: Any, record: object) -> None:
        connection.autocommit = True
        connection.execute(
            "SELECT set_config('lock_timeout', %s, false), set_config('jit', 'off', false), "
            "set_config('client_min_messages', 'warning', false)",
            (f"{max(1, round(self._wait * 1000))}ms",),
        )
        connection.autocommit = False

    # transactions

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A consistent view of the store, beside any writer."""
        with self._errors(), self.engine.connect() as connection:
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """The one writer's transaction: kept whole at the end, or not at all."""
        with self._errors(), self.engine.connect() as connection, connection.begin():
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCKS, _WRITER)))
            yield connection

    rebuilding = writing  # a migration is one transaction here as well

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._explained(error.orig) from self._cause(error)
        except self._driver_error as error:
            raise self._explained(error) from self._cause(error)
        except PoolTimeout:
            raise StoreUnavailable(
                f"the store {self.place} has no free connection: too many threads use it at once"
            ) from None

    def _cause(self, error: Exception) -> Exception | None:
        """The error beneath, for a traceback; None where it would tell the password."""
        return None if self._password and self._password in str(error) else error

    def _explained(self, error: BaseException | None) -> StoreError:
        where = f"the store {self.place}"
        state = getattr(error, "sqlstate", None) or ""
        said = self._said(error)
        for cause in _CAUSES:
            if state.startswith(cause.states) if state else re.search(cause.said, said):
                message = cause.message.format(where=where, said=said, wait=self._wait)
                return StoreUnavailable(message)
        return StoreUnavailable(f"{where} cannot be used: {said}")

    def _said(self, error: BaseException | None) -> str:
        """The server's or the driver's own words, in one line, without the password."""
        diagnosis = getattr(getattr(error, "diag", None), "message_primary", None)
        lines = str(diagnosis or error or "no answer").strip().splitlines()
        said = next((line for line in reversed(lines) if "FATAL:" in line), lines[0])
        said = said.partition("FATAL:")[2].strip() or said
        return said.replace(self._password, "…") if self._password else said

    # what is in the database

    def contents(self, connection: sa.Connection) -> Literal["nothing", "store", "other"]:
        """What the schema holds, apart from what extensions brought."""
        names = set(
            connection.execute(
                sa.text(
                    "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') "
                    "AND relnamespace = to_regnamespace(quote_ident(current_schema())) "
                    "AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = pg_class.oid "
                    "AND classid = 'pg_class'::regclass AND deptype = 'e')"
                )
            ).scalars()
        )
        if not names:
            return "nothing"
        if "alembic_version" in names:
            mark = sa.text("SELECT obj_description('alembic_version'::regclass, 'pg_class')")
            if connection.execute(mark).scalar() == "pubgrade":
                return "store"
        return "other"

    # bulk reading and writing

    upsert = staticmethod(dialect.insert)  # an INSERT that can say ON CONFLICT

    @staticmethod
    def among(column: sa.ColumnElement[Any], values: Iterable[int | str]) -> Where:
        """`column` is one of `values`, however many: they travel as one parameter."""
        kind = sa.Text() if isinstance(column.type, sa.String) else sa.BigInteger()
        array = sa.literal(list(values), dialect.ARRAY(kind))
        return column == sa.any_(array)

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
        if not rows:
            return
        names = tuple(columns or table.columns.keys())
        if known is None:
            _copy(connection, table.name, names, _column_types(table, names), rows)
        else:
            _cursor(connection).executemany(_insert_sql(table, names, known), rows)

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
            values = ", ".join(f'"{name}" = %s' for name in columns)
            found = " AND ".join(f'"{name}" = %s' for name in key)
            _cursor(connection).executemany(
                f'UPDATE "{table.name}" SET {values} WHERE {found}',  # noqa: S608
                [(*row[len(key) :], *row[: len(key)]) for row in rows],
            )

    @staticmethod
    def delete(connection: sa.Connection, table: sa.Table, keys: Sequence[Sequence[Any]]) -> None:
        """Delete rows by primary key, tuples in its order."""
        if keys:
            named = " AND ".join(f'"{column.name}" = %s' for column in table.primary_key)
            _cursor(connection).executemany(
                f'DELETE FROM "{table.name}" WHERE {named}',  # noqa: S608
                [tuple(key) for key in keys],
            )

    @staticmethod
    def go_on_numbering(connection: sa.Connection, copied: Iterable[sa.Table]) -> None:
        """After rows came with numbers of their own: the next one made is the next."""
        for table in copied:
            if "id" in table.c:
                highest = sa.select(sa.func.max(table.c.id)).scalar_subquery()
                sequence = sa.func.pg_get_serial_sequence(f'"{table.name}"', "id")
                connection.execute(
                    sa.select(
                        sa.func.setval(sequence, sa.func.coalesce(highest, 1), highest.is_not(None))
                    )
                )

    # full text

    keeps_vectors: ClassVar[bool] = True

    @staticmethod
    def index_is_missing(connection: sa.Connection) -> bool:
        """Words are found without it, but every text is looked at."""
        return connection.scalar(sa.text(f"SELECT to_regclass('{_INDEX}')")) is None

    @staticmethod
    def drop_index(connection: sa.Connection) -> None:
        connection.execute(sa.text(f"DROP INDEX IF EXISTS {_INDEX}"))

    @staticmethod
    def build_index(connection: sa.Connection) -> None:
        """In one go, with memory for it; and let the planner know what the tables hold."""
        name = "maintenance_work_mem"
        connection.execute(
            sa.text(
                f"SELECT set_config('{name}', '{_INDEX_MEMORY}', true) "
                f"WHERE pg_size_bytes(current_setting('{name}')) < pg_size_bytes('{_INDEX_MEMORY}')"
            )
        )
        connection.execute(
            sa.text(f"CREATE INDEX IF NOT EXISTS {_INDEX} ON full_text USING gin (vector)")
        )
        connection.execute(sa.text("ANALYZE full_text, article"))

    @staticmethod
    def index(connection: sa.Connection, texts: Sequence[tuple[int, IndexedText]]) -> None:
        """Take up articles: (place, text), none at the place of another."""
        from storage.tsvector import vector_of

        if texts:
            _copy(
                connection,
                "full_text",
                ("place", "vector"),
                ["int8", "bytea"],  # bytes as they are: the column is a tsvector
                [(place, text.vector or vector_of(place, text)) for place, text in texts],
            )

    @staticmethod
    def unindex(connection: sa.Connection, texts: Sequence[tuple[int, IndexedText]]) -> None:
        """Forget articles."""
        if texts:
            gone = Postgres.among(full_text.c.place, [place for place, _ in texts])
            connection.execute(sa.delete(full_text).where(gone))

    most_ranked: ClassVar[int] = 1_000  # hits that are scored; 5 ms, of phrases 50

    @staticmethod
    def end(connection: sa.Connection) -> int:
        """A place above those of all articles, as low as it is cheap to tell."""
        newest = sa.select(sa.func.max(full_text.c.place))
        return (connection.execute(newest).scalar() or 0) + 1

    @staticmethod
    def hits(wanted: Node, least: int = 0, most: int = END) -> sa.Select[Any]:
        """The places, from `least` to below `most`, of the articles that the index finds."""
        found = _found(wanted, _tsquery(_within(tsquery.sieve(wanted), least, most)))
        return sa.select(found.c.place).where(found.c.place >= least, found.c.place < most)

    @staticmethod
    def newest_hits(
        connection: sa.Connection,
        wanted: Node,
        least: int = 0,
        most: int = END,
        enough: int | None = None,
    ) -> sa.Select[Any]:
        """Those, the newest first; as they are read, no more are looked for.

        They are looked for in one window after the other (storage.periods), the next only when all
        of the last are read: so a join by nested loops goes, which a lateral one of rows without an
        index must be. Too many windows cost a look each, too large ones what is found there and not
        needed: the more so, the more hits are `enough` (None: all).
        """
        windows = _windows(connection, least, most, enough)
        bounds = [[window[end] for window in windows] for end in (0, 1)]
        sieve = tsquery.sieve(wanted)
        texts = [tsquery.expression(_within(sieve, *window)) for window in windows]
        window = (
            sa.func.unnest(
                sa.cast(sa.literal(texts, _TEXTS), dialect.ARRAY(dialect.TSQUERY)),
                *(sa.literal(end, _NUMBERS) for end in bounds),
            )
            .table_valued("wanted", "least", "most")
            .render_derived("windows")
        )
        found = _found(wanted, sa.literal_column("windows.wanted"))
        inside = (
            sa.select(found.c.place)
            .where(
                found.c.place >= sa.literal_column("windows.least"),
                found.c.place < sa.literal_column("windows.most"),
            )
            .order_by(found.c.place.desc())
            .lateral("hits")
        )
        return sa.select(inside.c.place).select_from(window.join(inside, sa.true()))

    @staticmethod
    def hits_among(wanted: Node, places: Sequence[int]) -> sa.Select[Any]:
        """Those of the places that the index finds."""
        place, vector = full_text.c
        return sa.select(place).where(
            Postgres.among(place, places), vector.op("@@")(_tsquery(wanted))
        )

    @staticmethod
    def scored_hits(wanted: Node, words: Node, least: int, most: int) -> sa.Select[Any]:
        """As `hits`, with `relevance`: ts_rank of the words, the greater the better. `wanted` are
        the words with all filters."""
        sifted = _tsquery(_within(tsquery.sieve(wanted), least, most))
        found = _found(wanted, sifted, vector=True)
        return sa.select(found.c.place, _score(words, found.c.vector).label("relevance")).where(
            found.c.place >= least, found.c.place < most
        )

    @staticmethod
    def score(words: Node, place: int) -> sa.Select[Any]:
        """The relevance of the article at a place."""
        return sa.select(_score(words, full_text.c.vector)).where(full_text.c.place == place)

    @staticmethod
    def alone(hits: sa.Select[Any]) -> sa.Subquery:
        """Hits to join with tables."""
        return hits.subquery("hits")

    @staticmethod
    def counts_between(
        connection: sa.Connection, hits: sa.Select[Any], bounds: Sequence[int]
    ) -> list[int]:
        """How many of the hits lie from each of the bounds, which ascend, to below the next."""
        found = hits.subquery()
        between = sa.func.width_bucket(
            found.c.place, sa.literal(list(bounds), dialect.ARRAY(sa.BigInteger))
        )
        rows = connection.execute(sa.select(between, sa.func.count()).group_by(between))
        counted = {row[0]: row[1] for row in rows}
        return [counted.get(number, 0) for number in range(1, len(bounds))]


_FIRST_WINDOW: Final = 1_000  # articles among which hits are looked for first
_PAGE: Final = 100  # hits; more are no page


def _windows(
    connection: sa.Connection, least: int, most: int, enough: int | None
) -> list[tuple[int, int]]:
    """Ranges of places, the newest first, in which hits are looked for one after the other."""
    top, first, count, bottom = connection.execute(
        _ENDS, {"least": least, "most": most, "count": _FIRST_WINDOW}
    ).one()
    if count < _FIRST_WINDOW:
        return [(least, most)]
    growth = 2 if enough is not None and enough > _PAGE else 4
    return [*periods.windows(least, top + 1, oldest=bottom, first=first, growth=growth)]


# The newest of the first window's articles, the oldest, how many, and the oldest of all.
_ENDS: Final = sa.text(
    "SELECT max(place), min(place), count(*), (SELECT min(place) FROM full_text) FROM ("
    "SELECT place FROM full_text WHERE place >= :least AND place < :most "
    "ORDER BY place DESC LIMIT :count) AS newest"
)


def _within(wanted: Node, least: int, most: int) -> Node:
    """The same in periods that hold all places from `least` to below `most`."""
    within = periods.covering(least, most) if least > 0 or most < END else []
    return AllOf((wanted, AnyOf(tuple(map(Facet, within))))) if within else wanted


def _found(wanted: Node, sifted: sa.ColumnElement[Any], *, vector: bool = False) -> sa.Subquery:
    """Of what the index finds by `sifted`, a tsquery (storage.tsquery.sieve), what is wanted.

    OFFSET 0 keeps the server from merging this with what is around. It would else walk through all
    places, newest first, and look at each text, where it takes a word for more common than it is.
    """
    columns = (full_text.c.place, full_text.c.vector)[: 1 + vector]
    found = sa.select(*columns).where(full_text.c.vector.op("@@")(sifted))
    if tsquery.sieve(wanted) != wanted:
        # As a function and not as its operator @@ it is not asked of the index.
        found = found.where(sa.func.ts_match_vq(full_text.c.vector, _tsquery(wanted)))
    return found.offset(sa.literal_column("0")).subquery("found")


def _tsquery(node: Node) -> sa.ColumnElement[Any]:
    return sa.cast(sa.literal(tsquery.expression(node), sa.Text), dialect.TSQUERY)


_TEXTS: Final = dialect.ARRAY(sa.Text())
_NUMBERS: Final = dialect.ARRAY(sa.BigInteger())


def _score(wanted: Node, vector: sa.ColumnElement[Any]) -> sa.ColumnElement[float]:
    words = tsquery.words_of(wanted)
    if words is None:
        return sa.literal_column("0.0", sa.Float)
    weights: sa.ColumnElement[Any] = sa.literal_column(f"'{WEIGHTS}'::real[]")
    rank = sa.func.ts_rank(weights, vector, _tsquery(words))
    return sa.cast(rank, dialect.DOUBLE_PRECISION)


# addresses


def _parsed(url: str) -> sa.URL:
    scheme, _, rest = url.partition("://")
    try:
        if scheme not in ("postgresql", "postgres", "postgresql+psycopg"):
            raise ValueError
        parsed = sa.make_url(f"postgresql://{rest}")
        int(str(parsed.query.get("connect_timeout", 0)))
    except (ArgumentError, ValueError):
        raise StoreUnavailable(
            f"the address {scheme}://… of the store cannot be read: write it as "
            "postgresql://USER@HOST:PORT/DATABASE, with signs such as @ : / in a password "
            "as %40 %3A %2F"
        ) from None
    return parsed


class _Cause(NamedTuple):
    """One way to fail."""

    states: tuple[str, ...]  # beginnings of SQLSTATEs
    said: str  # a pattern of libpq's words, for failures to connect, which have no SQLSTATE
    message: str  # what is wrong and what to do


_CAUSES: Final = (
    _Cause(
        ("55P03", "40P01"),
        "lock timeout",
        "{where} is locked by another process for more than {wait:g} s: "
        "wait for it to finish, or stop it, then try again",
    ),
    _Cause(
        ("28P01", "28000"),
        "authentication|no password supplied|role .* does not exist|pg_hba",
        "{where} refuses this user or password ({said}): check the user in the address, and "
        "PGPASSWORD or the password file ~/.pgpass",
    ),
    _Cause(
        ("3D000",),
        "database .* does not exist",
        "{where} does not exist ({said}): create the database first, as in `createdb NAME`",
    ),
    _Cause(
        ("53300",),
        "too many|connection slots",
        "{where} has no free connection ({said}): close other programs that use it, or raise "
        "max_connections of the server",
    ),
    _Cause(
        ("42501", "3F000"),
        "permission denied",
        "{where} may not be used by this user ({said}): make the user the owner of the database",
    ),
    _Cause(
        ("25006",),
        "read-only",
        "{where} cannot be written ({said}): connect to a server and a database that are not "
        "read-only, or choose another store with --store",
    ),
    _Cause(
        ("53100",),
        "No space left",
        "{where} cannot grow, the server's disk is full ({said}): free some space and try again "
        "(all that was saved before is kept)",
    ),
    _Cause(
        ("57P", "08"),
        "refused|could not connect|failed|time-?out|timed out|closed|lost|terminat|translate host|"
        "resolve|starting up|shutting down|No such file",
        "{where} does not answer ({said}): check that the server runs and can be reached from here",
    ),
)


# bulk

_TYPES: Final = {
    "BOOLEAN": "bool",
    "SMALLINT": "int2",
    "INTEGER": "int4",
    "BIGINT": "int8",
    "FLOAT": "float8",
    "DOUBLE PRECISION": "float8",
    "VARCHAR": "text",
    "TEXT": "text",
    "BYTEA": "bytea",
}


@lru_cache(maxsize=128)
def _column_types(table: sa.Table, columns: tuple[str, ...]) -> tuple[str, ...]:
    """PostgreSQL's names of the columns' types, as COPY in its binary form needs them."""
    driver: Any = dialect.dialect
    return tuple(
        _TYPES[table.c[name].type.compile(dialect=driver()).partition(" COLLATE")[0]]
        for name in columns
    )


def _cursor(connection: sa.Connection) -> Any:
    """A cursor of the driver, in the transaction of `connection`."""
    return connection.connection.driver_connection.cursor()  # type: ignore[union-attr]


def _copy(
    connection: sa.Connection,
    table: str,
    columns: Sequence[str],
    types: Sequence[str],
    rows: Iterable[Sequence[Any]],
) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    statement = f'COPY "{table}" ({names}) FROM STDIN (FORMAT binary)'
    with _cursor(connection).copy(statement) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


@lru_cache(maxsize=128)
def _insert_sql(table: sa.Table, columns: tuple[str, ...], known: str) -> str:
    statement = dialect.insert(table)
    if known == "keep":
        statement = statement.on_conflict_do_nothing()
    else:
        keys = {column.name for column in table.primary_key}
        statement = statement.on_conflict_do_update(
            index_elements=list(table.primary_key),
            set_={name: statement.excluded[name] for name in columns if name not in keys},
        )
    driver: Any = dialect.dialect
    return str(statement.compile(dialect=driver(paramstyle="format"), column_keys=list(columns)))
