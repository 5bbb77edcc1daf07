"""Opening a store: new, old, newer, not one at all; locks, full disks, rights."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import storage
from storage import Store, documents, schema, tables
from storage.errors import StoreUnavailable, StoreVersionError
from storage.indexing import indexed_text
from storage.records import Entry, Query
from storage.sqlite import Sqlite

ROOT = Path(storage.__file__).parents[1]


def test_loading_the_package_loads_no_database_library() -> None:
    code = (
        "import sys, storage, storage.records, storage.errors, storage.exports\n"
        "assert not {'sqlalchemy', 'sqlmodel', 'alembic'} & sys.modules.keys()\n"
        "from storage import Store\n"
        "assert 'alembic' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_alembic_is_loaded_only_to_migrate(path: Path) -> None:
    Store.open(str(path)).close()
    code = (
        "import sys\nfrom storage import Store\n"
        f"Store.open({str(path)!r}).close()\n"
        "assert 'alembic' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for address in ("a.db", "sqlite:///b.db", f"sqlite:///{tmp_path}/c with %20 and ?.db"):
        with Store.open(address) as store:
            assert store.url.startswith("sqlite:///")
    assert {file.name for file in tmp_path.glob("*.db")} == {"a.db", "b.db", "c with %20 and ?.db"}


@pytest.mark.parametrize(
    "address", ["mysql://me:secret@host/db", "oracle://x", "sqlite://", "", ":memory:"]
)
def test_other_addresses_are_refused_without_the_password(address: str) -> None:
    with pytest.raises(StoreUnavailable, match=r"sqlite:///FOLDER/FILE\.db") as refused:
        Store.open(address)
    assert "secret" not in str(refused.value)


def test_nothing_is_made_unless_wanted(path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="there is no store at"):
        Store.open(str(path), create=False)
    assert not path.exists()
    path.touch()
    with pytest.raises(StoreUnavailable, match="is empty"):
        Store.open(str(path), create=False)
    Store.open(str(path)).close()
    Store.open(str(path), create=False).close()


def test_a_missing_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"nowhere does not exist: create it"):
        Store.open(str(tmp_path / "nowhere" / "store.db"))
    with pytest.raises(StoreUnavailable, match="is a folder"):
        Store.open(str(tmp_path))


def test_other_files_are_no_stores(path: Path) -> None:
    path.write_bytes(b"PMID,title\n1,x\n" * 100)
    with pytest.raises(StoreVersionError, match="not a pubgrade store"):
        Store.open(str(path))
    path.unlink()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE alembic_version (version_num TEXT)")
    other.close()
    with pytest.raises(StoreVersionError, match="database of another program"):
        Store.open(str(path))


def test_a_newer_store_says_what_to_do(path: Path) -> None:
    Store.open(str(path)).close()
    with sqlite3.connect(path) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
    newer.close()
    with pytest.raises(StoreVersionError, match=r"newer pubgrade \(schema 9999.*upgrade pubgrade"):
        Store.open(str(path))


def test_revisions_are_those_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(storage.__file__).parent / "migrations"))
    scripts = list(ScriptDirectory.from_config(config).walk_revisions())
    assert tuple(script.revision for script in reversed(scripts)) == schema.REVISIONS


def test_migrations_give_the_tables_of_the_model(path: Path) -> None:
    Store.open(str(path)).close()
    database = Sqlite(path, wait=1, create=False)
    with database.reading() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"include_name": lambda name, kind, _: not str(name).startswith("full_text")},
        )
        assert compare_metadata(context, tables.metadata) == []
    database.close()


OLDEST_ARTICLE = """
INSERT INTO article (
    pmid, place, version, revised, digest, design_id, question_id, rank_ocebm_2011, rank_ocebm_2009,
    rank_grade_start, rank_sort, rank_nhmrc, confidence, published, published_end, grade_digest,
    grader_version, added_at, updated_at, graded_at, confirmed_at
) VALUES (7, ?, 1, ?, 1, 1, 2, 3, 0, 0, 0, 0, 0.8, 20210504, 20210504, 1, '1', 1, 1, 1, 1)
"""


OLDEST_PLACE = (date(2021, 5, 4).toordinal() << 27) | 7


def test_a_store_of_the_oldest_schema_is_brought_up_with_its_rows(path: Path, make: Any) -> None:
    database = Sqlite(path, wait=1, create=True)
    with database.rebuilding() as connection:
        schema.upgrade(connection, schema.REVISIONS[0])
        article, grade = make.article(7), make.grade()
        for statement, values in [
            ("INSERT INTO term VALUES (1, 'design', ?)", (grade.design,)),
            ("INSERT INTO term VALUES (2, 'question', ?)", (grade.question,)),
            (
                OLDEST_ARTICLE,
                (OLDEST_PLACE, article.revised),
            ),
            (
                (
                    "INSERT INTO run (id, kind, subject, started_at, window_end, state, asked, returned, "
                    "new, revised, unchanged, stale, missing, failed, deleted, requests, seconds, host, "
                    "pid) VALUES (1, 'mirror', 'pubmed26n0001.xml.gz', 1, ?, 'done', "
                    "1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 'here', 1)"
                ),
                ("f" * 32,),
            ),
            (
                "INSERT INTO document VALUES (7, ?)",
                (
                    documents.pack_document(
                        documents.article_bytes(article), documents.grade_bytes(grade)
                    ),
                ),
            ),
        ]:
            connection.exec_driver_sql(statement, values)
        database.index(connection, [(OLDEST_PLACE, indexed_text(article, grade))])
    database.close()
    with Store.open(str(path)) as store:
        record = store.get(7)
        assert record is not None
        assert (record.article, record.grade) == (article, grade)
        (loaded,) = store.runs(kind="mirror")
        assert (loaded.md5, loaded.window_end, loaded.worker) == ("f" * 32, None, None)
        # What it was read from is not known yet; once it comes again it is.
        digest = documents.source_digest(b"<seven/>", "1")
        assert store.unchanged({7: digest}, grader_version="1") == set()
        store.save([Entry(article, grade, b"<seven/>", "xml", "1", digest)])
        assert store.unchanged({7: digest}, grader_version="1") == {7}
        assert store.count(Query(level=("3", "3"))) == 1
        found = store.search(
            Query(words=article.title.split()[0], since="2021-05", until="2021-05")
        )
        assert [hit.article.pmid for hit in found.records] == [7]


def test_a_failed_migration_leaves_nothing_behind(
    path: Path, migrate_in_vain: Callable[[str], None]
) -> None:
    migrate_in_vain(str(path))
    with Store.open(str(path)) as store:
        assert store.count(Query()) == 0


HOLD_THE_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
connection.execute("COMMIT")
connection.close()
"""


def test_another_process_with_the_lock(path: Path, make: Any) -> None:
    with Store.open(str(path), wait=0.1) as store:
        store.save([make.entry(1)])
        with subprocess.Popen(
            [sys.executable, "-c", HOLD_THE_LOCK, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "locked\n"
            assert store.count(Query(words="stockings")) == 1  # reading goes on
            with pytest.raises(StoreUnavailable, match=r"locked by another process.*0\.1 s"):
                store.save([make.entry(2)])
            other.communicate("go\n")
        store.save([make.entry(2)])
        assert store.known([1, 2]) == {1, 2}


SAVE_SOME = """
import sys
sys.path[:0] = sys.argv[1:3]
from conftest import make_entry
from storage import Store
with Store.open(sys.argv[3]) as store:
    for pmid in range(int(sys.argv[4]), int(sys.argv[4]) + 40):
        store.save([make_entry(pmid), make_entry(1)], topic="shared")
"""


def test_two_processes_write_and_one_reads(path: Path) -> None:
    """Both start from no file at all, so they also race to make the store."""
    here = str(Path(__file__).parent)
    writers = [
        subprocess.Popen([sys.executable, "-c", SAVE_SOME, str(ROOT), here, str(path), start])
        for start in ("100", "200")
    ]
    seen = [0]
    try:
        while any(writer.poll() is None for writer in writers):
            if path.exists() and path.stat().st_size > 0:
                with Store.open(str(path)) as store:
                    seen.append(store.count(Query()))
                    assert (
                        len(store.search(Query(words="stockings", limit=500)).records) >= seen[-1]
                    )
    finally:
        assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    assert seen == sorted(seen)
    with Store.open(str(path)) as store:
        assert store.count(Query(words="stockings")) == store.count(Query(topic="shared")) == 81
        assert [change.what for change in store.history(1)] == ["added"]


def test_a_full_disk(path: Path, make: Any) -> None:
    with Store.open(str(path)) as store:
        store.save([make.entry(1)])

        def keep_small(connection: sqlite3.Connection, *_: object) -> None:
            connection.execute("PRAGMA max_page_count = 1")

        sa.event.listen(store._database.engine, "checkout", keep_small)
        with pytest.raises(StoreUnavailable, match="the disk is full: free some space"):
            store.save(make.entry(pmid) for pmid in range(2, 400))
        assert store.known(range(400)) == {1}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_store_that_may_not_be_written(path: Path, make: Any) -> None:
    with Store.open(str(path)) as store:
        store.save([make.entry(1)])
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        with (
            pytest.raises(StoreUnavailable, match=r"right to write|read and write"),
            Store.open(str(path)) as store,
        ):
            store.save([make.entry(2)])
    finally:
        path.parent.chmod(0o700)


def test_a_store_that_may_only_be_read(path: Path, make: Any) -> None:
    with Store.open(str(path)) as store:
        store.save([make.entry(1)])

        def only_read(connection: sqlite3.Connection, *_: object) -> None:
            connection.execute("PRAGMA query_only = ON")

        sa.event.listen(store._database.engine, "checkout", only_read)
        with pytest.raises(StoreUnavailable, match="cannot be written: give this user the right"):
            store.save([make.entry(2)])
        assert store.count(Query()) == 1


def test_a_damaged_store(path: Path, make: Any) -> None:
    with Store.open(str(path)) as store:
        store.save(make.entry(pmid) for pmid in range(200))
    content = bytearray(path.read_bytes())
    content[4096 : len(content) // 2] = b"\xa5" * (len(content) // 2 - 4096)
    path.write_bytes(content)
    with pytest.raises(StoreUnavailable, match="is damaged"), Store.open(str(path)) as store:
        list(store.records(Query(limit=0)))


def test_errors_hold_no_article_text(path: Path, make: Any) -> None:
    with Store.open(str(path), wait=0.1) as store:
        with sqlite3.connect(path, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable) as refused:
                store.save([make.entry(1)])
            other.execute("ROLLBACK")
        other.close()
        cause = refused.value.__cause__
        assert "swollen" not in f"{refused.value} {cause}"
