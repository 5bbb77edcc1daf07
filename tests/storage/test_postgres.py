"""What is special about a store in PostgreSQL: addresses, failures, secrets, locks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import storage
from storage import Store, documents, periods, schema, tables, tsquery
from storage.errors import StoreUnavailable, StoreVersionError
from storage.folding import indexed_words
from storage.indexing import indexed_text, place
from storage.postgres import Postgres
from storage.records import Entry, Query
from storage.words import Phrase

if TYPE_CHECKING:
    from postgres_server import PostgresServer

ROOT = Path(storage.__file__).parents[1]
SECRET = "p:w@r/d?"
ESCAPED = "p%3Aw%40r%2Fd%3F"


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    name = postgres.new_database()
    yield name
    postgres.drop(name)


@pytest.fixture
def address(postgres: PostgresServer, database: str) -> str:
    return postgres.url(database)


def test_the_address_is_shown_without_its_secrets(postgres: PostgresServer, database: str) -> None:
    with Store.open(postgres.url(database, password=ESCAPED) + "&sslpassword=hidden") as store:
        assert store.url.startswith("postgresql://postgres@/" + database)
        for secret in (SECRET, ESCAPED, "hidden"):
            assert secret not in store.url
            assert secret not in repr(store._database.engine)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:s3cret@host:port/db",
        "postgres://me:s3cret@x@host:5/6/7/db",
        "postgresql+psycopg2://me:s3cret@host/db",
        "postgresql://me:s3cret@host/db?connect_timeout=soon",
        "postgresql://me:s3cret@[::1/db",
    ],
)
def test_an_address_that_cannot_be_read(address: str) -> None:
    with pytest.raises(StoreUnavailable) as refused:
        Store.open(address)
    assert "s3cret" not in str(refused.value)


def test_the_driver_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreUnavailable, match=r"pip install 'pubgrade\[postgres\]'"):
        Store.open("postgresql://host/db")


def test_no_server_there(tmp_path: Path) -> None:
    for host in (f"me:{ESCAPED}@/db?host={tmp_path}", f"me:{ESCAPED}@127.0.0.1:1/db"):
        with pytest.raises(
            StoreUnavailable, match=r"does not answer .*check that the server"
        ) as no:
            Store.open(f"postgresql://{host}")
        assert SECRET not in str(no.value)
        assert "\n" not in str(no.value)


def test_no_such_database_or_user(postgres: PostgresServer, database: str) -> None:
    with pytest.raises(StoreUnavailable, match=r"does not exist .*create the database first"):
        Store.open(postgres.url("nowhere"))
    with pytest.raises(StoreUnavailable, match="refuses this user or password"):
        Store.open(postgres.url(database, user="nobody", password=ESCAPED))


def test_rights(postgres: PostgresServer, database: str) -> None:
    postgres.execute("CREATE ROLE reader LOGIN")
    with pytest.raises(StoreUnavailable, match="make the user the owner of the database"):
        Store.open(postgres.url(database, user="reader"))
    Store.open(postgres.url(database)).close()
    with pytest.raises(StoreUnavailable, match="may not be used by this user"):
        Store.open(postgres.url(database, user="reader"))
    postgres.execute("DROP ROLE reader")


def test_read_only(postgres: PostgresServer, database: str, address: str, make: Any) -> None:
    with Store.open(address) as store:
        store.save([make.entry(1)])
    postgres.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    with Store.open(address) as store:
        assert store.count(Query()) == 1
        with pytest.raises(StoreUnavailable, match=r"cannot be written .*read-only"):
            store.save([make.entry(2)])


def test_out_of_connections(postgres: PostgresServer, database: str) -> None:
    postgres.execute("CREATE ROLE shared LOGIN CONNECTION LIMIT 1")
    postgres.execute(f"ALTER DATABASE {database} OWNER TO shared")
    with (
        psycopg.connect(postgres.url(database, user="shared")),
        pytest.raises(StoreUnavailable, match=r"has no free connection .*max_connections"),
    ):
        Store.open(postgres.url(database, user="shared"))


def test_a_connection_that_was_lost_is_made_again(
    postgres: PostgresServer, database: str, address: str, make: Any
) -> None:
    with Store.open(address) as store:
        store.save([make.entry(1)])
        postgres.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "  # noqa: S608
            f"'{database}'"
        )
        store.save([make.entry(2)])
        assert store.known([1, 2]) == {1, 2}


def test_nothing_is_made_unless_wanted(address: str) -> None:
    with pytest.raises(StoreUnavailable, match="is empty"):
        Store.open(address, create=False)
    Store.open(address).close()
    Store.open(address, create=False).close()


def test_databases_of_others(postgres: PostgresServer, database: str, address: str) -> None:
    postgres.execute("CREATE TABLE article (id int)", database)
    postgres.execute("CREATE TABLE alembic_version (version_num text)", database)
    with pytest.raises(StoreVersionError, match="database of another program"):
        Store.open(address)


def test_a_newer_store(postgres: PostgresServer, database: str, address: str) -> None:
    Store.open(address).close()
    postgres.execute("UPDATE alembic_version SET version_num = '9999'", database)
    with pytest.raises(StoreVersionError, match=r"newer pubgrade \(schema 9999.*upgrade pubgrade"):
        Store.open(address)


def test_a_schema_of_its_own(postgres: PostgresServer, database: str, make: Any) -> None:
    postgres.execute("CREATE SCHEMA pubs", database)
    postgres.execute("CREATE TABLE article (another text)", database)
    with Store.open(postgres.url(database) + "&options=-csearch_path%3Dpubs") as store:
        store.save([make.entry(1)])
        assert store.count(Query(words="stockings")) == 1
    assert postgres.execute("SELECT count(*) FROM pubs.article", database) == [(1,)]


def test_migrations_give_the_tables_of_the_model(address: str) -> None:
    Store.open(address).close()
    database = Postgres(address, wait=1)
    with database.reading() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_name": lambda name, kind, _: not str(name).startswith("full_text"),
                # Those of the tables that are written in bulk are left out here.
                "include_object": lambda it, name, kind, *_: kind != "foreign_key_constraint",
            },
        )
        assert compare_metadata(context, tables.metadata) == []
    database.close()


def test_an_index_by_pmid_becomes_one_by_place(address: str, make: Any) -> None:
    database = Postgres(address, wait=1)
    article, grade = make.article(7), make.grade()
    packed = documents.pack_document(documents.article_bytes(article), documents.grade_bytes(grade))
    text = indexed_text(article, grade)
    facets = " ".join(f"={token}" for token in text.facets.split())
    with database.rebuilding() as connection:
        schema.upgrade(connection, "0002")
        for statement, values in [
            (
                "INSERT INTO term VALUES (1, 'design', %s), (2, 'question', 'therapy')",
                (grade.design,),
            ),
            (
                (
                    "INSERT INTO article (pmid, place, version, digest, design_id, question_id, "
                    "rank_ocebm_2011, rank_ocebm_2009, rank_grade_start, rank_sort, rank_nhmrc, "
                    "confidence, published, published_end, grade_digest, grader_version, added_at, "
                    "updated_at, graded_at, confirmed_at) "
                    "VALUES (7, %s, 1, 1, 1, 2, 3, 0, 0, 0, 0, 0.8, 20210504, 20210504, 1, '1', 1, 1, 1, 1)"
                ),
                ((date(2021, 5, 4).toordinal() << 27 | 7),),
            ),
            ("INSERT INTO document VALUES (7, %s)", (packed,)),
            (
                (
                    "INSERT INTO full_text VALUES (7, to_tsvector('pubgrade', %s) "
                    "|| array_to_tsvector(string_to_array(%s, ' ')))"
                ),
                (text.title, facets),
            ),
        ]:
            connection.exec_driver_sql(statement, values)
    database.close()
    with Store.open(address) as store:
        query = Query(words="stockings", designs=(grade.design,), since="2021", sort="date")
        page = store.search(query)
        assert [record.article for record in page.records] == [article]
        assert store.mark_deleted([7], source="a test") == (7,)
        assert store.count(query) == 0


def test_a_failed_migration_leaves_nothing_behind(
    address: str, migrate_in_vain: Callable[[str], None]
) -> None:
    migrate_in_vain(address)
    with Store.open(address) as store:
        assert store.count(Query()) == 0


def test_another_process_with_the_lock(address: str, make: Any) -> None:
    with Store.open(address, wait=0.1) as store, Store.open(address) as other:
        store.save([make.entry(1)])
        with other._database.writing():
            assert store.count(Query(words="stockings")) == 1  # reading goes on
            with pytest.raises(StoreUnavailable, match=r"locked by another process.*0\.1 s"):
                store.save([make.entry(2)])
        store.save([make.entry(2)])


SAVE_SOME = """
import sys
sys.path[:0] = sys.argv[1:3]
from conftest import make_entry
from storage import Store
with Store.open(sys.argv[3]) as store:
    for pmid in range(int(sys.argv[4]), int(sys.argv[4]) + 40):
        # Each meets the same articles in another order, and revises them in turn.
        shared = [make_entry(each, revised=f"2022-01-{pmid % 40 + 1:02}") for each in range(1, 6)]
        if pmid % 2:
            shared.reverse()
        store.save([make_entry(pmid), *shared], topic="shared")
        store.quarantine(raw=b"x", error="broken", source=sys.argv[4])
"""


def test_two_processes_write_and_one_reads(address: str) -> None:
    """Both start from an empty database, so they also race to make the store."""
    here = str(Path(__file__).parent)
    writers = [
        subprocess.Popen([sys.executable, "-c", SAVE_SOME, str(ROOT), here, address, start])
        for start in ("100", "200")
    ]
    seen = [0]
    try:
        while any(writer.poll() is None for writer in writers):
            with Store.open(address) as store:
                seen.append(store.count(Query()))
    finally:
        assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    assert seen == sorted(seen)
    with Store.open(address) as store:
        assert store.count(Query(words="stockings")) == store.count(Query(topic="shared")) == 85
        record = store.get(1)
        assert record is not None
        assert record.article.revised == "2022-01-40"
        assert [each.attempts for each in store.quarantined()] == [80]


def test_errors_hold_no_article_text(address: str, make: Any) -> None:
    with Store.open(address, wait=0.1) as store, Store.open(address) as other:
        with other._database.writing(), pytest.raises(StoreUnavailable) as refused:
            store.save([make.entry(1)])
        assert "swollen" not in f"{refused.value} {refused.value.__cause__}"


KILLED_WHILE_FILLING = """
import os, sys
sys.path.insert(0, sys.argv[1])
from grading import Article, grade
from storage import Store
from storage.records import Entry
article = Article(pmid=1, title="Compression stockings")
store = Store.open(sys.argv[2])
with store.filling():
    store.save([Entry(article, grade(article))])
    os._exit(9)
"""


def test_a_first_load_makes_the_index_at_its_end(address: str, make: Any) -> None:
    with Store.open(address) as store:
        with store.filling():
            assert store.index_is_missing()
            store.save([make.entry(1)])
            assert store.count(Query(words="stockings")) == 1
        assert not store.index_is_missing()
        with store.filling():
            assert (
                not store.index_is_missing()
            )  # others are at work in a store that holds something


@pytest.mark.parametrize("stopped", [False, True])
def test_a_first_load_that_fails(address: str, make: Any, stopped: bool) -> None:
    def fail(store: Store) -> None:
        with store.filling(unless=lambda: stopped):
            store.save([make.entry(1)])
            raise ValueError("a file that is cut short")

    with Store.open(address) as store:
        with pytest.raises(ValueError, match="cut short"):
            fail(store)
        assert store.index_is_missing() == stopped
        with store.filling():  # the next one makes up for it
            pass
        assert not store.index_is_missing()


def test_a_first_load_that_is_killed(address: str) -> None:
    subprocess.run([sys.executable, "-c", KILLED_WHILE_FILLING, str(ROOT), address], check=False)
    with Store.open(address) as store:
        assert store.index_is_missing()
        assert store.count(Query(words="stockings")) == 1
        store.build_index()
        assert not store.index_is_missing()
        store.build_index()
        assert store.count(Query(words="stockings")) == 1


def test_vectors_are_those_that_the_server_would_make(address: str, make: Any) -> None:
    texts = [
        ("Trials of CO₂ in 10⁹ cells: naïve, 5.5mg/m²", "αβ-Blockers’ effects, s t U.S. 1e5 0x1f"),
        ("S", "word " * 300 + "other " * 17_000 + "end " + "x" * 3_000),
        (
            "Ⅷ ½ ŒUVRE Straße ΟΔΟΣ İstanbul ﬁne ™",
            "running runs ran generalizations; e.g. http://a.b/c",
        ),
    ]
    articles = [
        make.article(pmid, title=title, abstract=abstract)
        for pmid, (title, abstract) in enumerate(texts, 1)
    ]
    with Store.open(address) as store:
        store.save([Entry(article, make.grade()) for article in articles])
    with psycopg.connect(address) as connection:
        for article in articles:
            text = indexed_text(article, make.grade())
            facets = [*text.facets.split(), *periods.tokens(place(20210504, article.pmid))]
            words = [
                " ".join(word[:400] for word in indexed_words(part).split()) for part in text[:3]
            ]
            (same,) = connection.execute(
                "SELECT vector::text = (setweight(to_tsvector('pubgrade', %s), 'A') "
                "|| setweight(to_tsvector('pubgrade', %s), 'B') || to_tsvector('pubgrade', %s) "
                "|| array_to_tsvector(%s))::text FROM full_text WHERE place %% 1073741824 = %s",
                (words[0], words[2], words[1], [f"={each}" for each in facets], article.pmid),
            ).fetchone()  # type: ignore[misc]
            assert same, article.title


def test_words_are_stemmed_as_the_server_would_stem_them(address: str) -> None:
    typed = ["running", "generalizations", "S", "naïve", "CO₂", "5.5", "non-small-cell", "x" * 500]
    words = [word[:400] for each in typed for word in indexed_words(each).split()]
    Store.open(address).close()
    with psycopg.connect(address) as connection:
        for word in words:
            for sign in ("", ":*"):
                node = Phrase((word,), prefix=bool(sign))
                (same,) = connection.execute(
                    "SELECT to_tsquery('pubgrade', %s)::text = %s::tsquery::text",
                    (f"'{word}'{sign}", tsquery.expression(node)),
                ).fetchone()  # type: ignore[misc]
                assert same, (word, sign)
