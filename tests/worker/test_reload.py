"""Loads of what a store holds already: nothing is read twice, and nothing is the worse for it."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from bulk_site import bulk_file, record, retraction_notice

from storage import Store, tables
from storage.database import connect
from storage.records import Query, Record, Run
from worker.bulk import Job, load_files
from worker.files import read_blocks, read_source
from worker.intake import Intake
from worker.invocation import Invocation
from worker.known import Snapshot, known_to
from worker.parsed import UnchangedRecord
from worker.readers import readers_for
from worker.spools import SpoolTask, Unchanged, blocks_of
from worker.tasks.status import status


def write(folder: Path, name: str, records: list[str], deleted: tuple[int, ...] = ()) -> Job:
    path = folder / f"{name}.xml.gz"
    path.write_bytes(bulk_file(records, deleted))
    return Job(str(path))


def load(store: Store, *jobs: Job, **options: Any) -> list[Any]:
    return [loaded.run for loaded in load_files(store, jobs, **options)]


def rows(address: str) -> dict[str, list[Any]]:
    """All rows but those of the ledger; of when PubMed was last seen to hold an article, nothing."""
    database = connect(address, wait=5, create=False)
    found = {}
    with database.reading() as connection:
        for table in tables.metadata.sorted_tables:
            if table is not tables.run:
                columns = [column for column in table.c if column.name != "confirmed_at"]
                statement = sa.select(*columns).order_by(*table.primary_key)
                found[table.name] = [tuple(row) for row in connection.execute(statement)]
    database.close()
    return found


@pytest.mark.parametrize("workers", [1, 2])
def test_no_row_and_no_history_changes(
    tmp_path: Path, store: Store, address: str, workers: int
) -> None:
    records = [record(pmid) for pmid in range(1, 600)]
    records += [record(600, version=version) for version in (1, 2, 3)]
    first = write(tmp_path, "a", [*records, retraction_notice(700, of=5)], deleted=(9,))
    text = tmp_path / "b.txt"
    text.write_text("PMID- 800\nOWN - NLM\nTI  - An invented title.\n\n")
    load(store, first, Job(str(text)))
    before = rows(address)
    assert before["change"]
    again, texts = load(store, first, Job(str(text)), workers=workers)
    # The deleted one comes and goes once more, the two older versions stay older.
    assert (again.returned, again.new, again.revised) == (603, 0, 0)
    assert (again.unchanged, again.stale, again.deleted) == (601, 2, 1)
    assert (texts.unchanged, texts.new) == (1, 0)
    after = rows(address)
    gone_and_back = [row for row in after["change"] if row not in before["change"]]
    assert {row[1] for row in gone_and_back} == {9}
    for found in (before, after):
        found["change"] = [row for row in found["change"] if row[1] != 9]
        found["article"] = [row for row in found["article"] if row[0] != 9]
    assert after == before


def test_what_is_known_is_not_read(tmp_path: Path, store: Store) -> None:
    job = write(tmp_path, "a", [record(1), record(2), record(3)])
    load(store, job)
    load(store, write(tmp_path, "b", [record(2, revision=1)], deleted=(3,)))
    (block,) = read_blocks(job.source, size=500, known=known_to(store))
    assert [isinstance(item, UnchangedRecord) for item in block] == [True, False, False]


def test_what_is_known_is_told_without_the_store(tmp_path: Path, store: Store) -> None:
    job = write(tmp_path, "a", [record(pmid) for pmid in (1, 2, 3, 5)])
    assert Snapshot.of(store, tmp_path)({1: 7}) == set()  # it is empty
    load(store, job)
    load(store, write(tmp_path, "b", [record(2, revision=1)], deleted=(3,)))
    (tmp_path / "later").mkdir()
    snapshot = Snapshot.of(store, tmp_path / "later")
    asked: list[dict[int, int]] = []

    def both(digests: Mapping[int, int], *, abridging: bool = False) -> set[int]:
        asked.append(dict(digests))
        return snapshot(digests, abridging=abridging)

    source = write(tmp_path, "c", [record(pmid) for pmid in (1, 2, 3, 4, 5, 6)]).source
    (block,) = read_blocks(source, size=500, known=both)
    assert [isinstance(item, UnchangedRecord) for item in block] == [
        True,
        *[False] * 3,
        True,
        False,
    ]
    assert snapshot(asked[0]) == known_to(store)(asked[0]) == {1, 5}


def test_a_cluster_reads_nothing_twice(tmp_path: Path, store: Store, dask: Any) -> None:
    _, client = dask
    first = write(tmp_path, "a", [record(pmid) for pmid in range(1, 40)], deleted=(9,))
    load(store, first)
    task = SpoolTask(first.source, str(tmp_path / "spool"))
    with readers_for(
        workers=1,
        sources=1,
        cluster=client,
        known=store,
        shared=tmp_path,
        stop=threading.Event(),
        progress=lambda _: None,
    ) as readers:
        (block,) = blocks_of(readers.begin(task)())
    assert sum(isinstance(item, Unchanged) for item in block) == 38
    one, other = record(7, revision=1), record(7, revision=1, title="Of the same day.")
    load(store, write(tmp_path, "b", [one]))
    jobs = [write(tmp_path, "c", [other]), write(tmp_path, "d", [one]), first]
    runs = load(store, *jobs, cluster=client)
    assert [(run.revised, run.unchanged, run.stale) for run in runs] == [
        (1, 0, 0),
        (1, 0, 0),
        (0, 38, 1),
    ]


def test_an_article_that_moved_on_meanwhile_is_read_after_all(tmp_path: Path, store: Store) -> None:
    """All three are read before the first is saved; the last is what the store had before."""
    one, other = record(7, revision=1), record(7, revision=1, title="Of the same day.")
    first = write(tmp_path, "a", [one])
    load(store, first)
    runs = load(store, write(tmp_path, "b", [other]), write(tmp_path, "c", [one]), workers=2)
    assert [(run.revised, run.unchanged) for run in runs] == [(1, 0), (1, 0)]
    runs = load(store, write(tmp_path, "d", [other, one, record(8)]))
    assert [(run.revised, run.new) for run in runs] == [(2, 1)]
    runs = load(store, write(tmp_path, "e", [one], deleted=(7,)), write(tmp_path, "f", [one]))
    assert [run.deleted for run in runs] == [1, 0]
    found = store.get(7)
    assert found is not None
    assert found.deleted_at is None


def test_a_notice_reaches_what_is_not_read(tmp_path: Path, store: Store) -> None:
    article = record(100)
    load(store, write(tmp_path, "a", [article]))
    (run,) = load(store, write(tmp_path, "b", [article, retraction_notice(200, of=100)]))
    assert (run.unchanged, run.new) == (1, 1)
    assert is_retracted(store, 100)
    # Whoever takes it back, by another revision or by leaving PubMed, takes the warning back.
    load(store, write(tmp_path, "c", [record(200, revision=9)]))
    assert not is_retracted(store, 100)
    load(store, write(tmp_path, "d", [article, retraction_notice(300, of=100)]))
    assert is_retracted(store, 100)
    load(store, write(tmp_path, "e", [article], deleted=(300,)))
    assert not is_retracted(store, 100)
    # What an older revision said is no longer said.
    load(store, write(tmp_path, "f", [retraction_notice(200, of=100), article]))
    assert not is_retracted(store, 100)


def is_retracted(store: Store, pmid: int) -> bool:
    found = store.get(pmid)
    assert found is not None
    return "retracted" in found.grade.flags


def test_a_record_that_could_not_be_read_comes_whole_again(tmp_path: Path, store: Store) -> None:
    whole = write(tmp_path, "a", [record(5)])
    load(store, whole)
    load(store, write(tmp_path, "b", [record(5).replace("</ArticleTitle>", "")]))
    assert [each.pmid for each in store.quarantined()] == [5]
    load(store, whole)
    assert store.quarantined() == []


def history(number: random.Random) -> Iterator[tuple[list[str], tuple[int, ...]]]:
    """Files as they might come, with much that came before."""
    pool = [record(pmid, revision=revision) for pmid in range(1, 9) for revision in (0, 1, 2)]
    pool += [record(pmid, version=2) for pmid in range(1, 4)]
    pool += [retraction_notice(pmid, of=target) for pmid in (3, 20, 21) for target in (1, 2, 4)]
    pool += [record(20, revision=1), record(21)]
    for _ in range(12):
        records = number.sample(pool, number.randint(1, 12))
        yield records, tuple(number.sample(range(1, 22), number.choice((0, 0, 1, 3))))


def _pmid(found: Record) -> int:
    return found.article.pmid


def content(store: Store) -> list[Any]:
    """What users see, and how it came to be; times apart."""
    found = []
    for each in sorted(store.records(Query(limit=0, include_deleted=True)), key=_pmid):
        changes = [(change.what, change.version) for change in store.history(each.article.pmid)]
        article, grade = msgspec.to_builtins(each.article), msgspec.to_builtins(each.grade)
        found.append((article, grade, each.deleted_at is None, changes))
    return found


@pytest.mark.parametrize("how", ["files", "batches"])
@pytest.mark.parametrize("seed", range(3))
def test_it_ends_as_if_all_had_been_read(tmp_path: Path, how: str, seed: int) -> None:
    """The twin is given the same records in bytes that it never saw: it must read them all."""
    unheard = count()

    def in_other_bytes(xml: str) -> str:
        return xml.replace("<PubmedArticle>", f"<PubmedArticle n='{next(unheard)}'>")

    with (
        Store.open(str(tmp_path / "one.db")) as one,
        Store.open(str(tmp_path / "twin.db")) as twin,
    ):
        for number, (records, deleted) in enumerate(list(history(random.Random(seed))) * 2):
            job = write(tmp_path, f"{number}", records, deleted)
            twin_job = write(
                tmp_path, f"twin-{number}", list(map(in_other_bytes, records)), deleted
            )
            if how == "batches":
                Intake(one, source="a file").take(read_source(job.source))
                Intake(twin, source="a file").take(read_source(twin_job.source))
            else:
                load(one, job)
                load(twin, twin_job)
        assert content(one) == content(twin)


@pytest.mark.parametrize("running", [False, True])
def test_status_makes_the_index_that_a_load_left_out(
    postgres: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str], running: bool
) -> None:
    name = postgres.new_store()
    address = postgres.url(name)
    config = tmp_path / "config.toml"
    config.write_text("")
    stop = threading.Event()
    stop.set()
    with Store.open(address) as store:
        with store.filling(unless=stop.is_set):
            pass
        if running:
            store.start_run(Run("load", "a file", datetime.now(UTC)))
        assert status(Invocation(config=str(config), store=address)) == 0
        said = capfd.readouterr()
        assert ("words are slow" in said.out) == running
        assert ("making it now" in said.err) != running
        assert store.index_is_missing() == running
    postgres.drop(name)
