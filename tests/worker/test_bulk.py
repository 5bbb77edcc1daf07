"""Bulk loads: in order, whole, equal to a fetch, whatever processes do the reading."""

from __future__ import annotations

import gzip
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import msgspec
import pytest
from bulk_site import bulk_file, record, retraction_notice

from storage import Store
from storage.processes import this_host
from storage.records import Query
from worker.bulk import Job, Loaded, load_files
from worker.files import read_source
from worker.intake import Intake
from worker.parsed import ParsedArticle
from worker.spools import BLOCK

DATA = Path(os.environ.get("PUBGRADE_DATA", Path(__file__).parents[2] / "../shared/data"))


def write(folder: Path, **files: bytes) -> list[Job]:
    for name, content in files.items():
        (folder / f"{name}.xml.gz").write_bytes(content)
    return [Job(str(folder / f"{name}.xml.gz")) for name in files]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(str(tmp_path / "store.db")) as opened:
        yield opened


def titles(store: Store) -> dict[int, str]:
    return {article.pmid: article.title for article, _ in store.articles(limit=10_000)}


@pytest.mark.parametrize("workers", [1, 2])
def test_files_are_applied_in_order(tmp_path: Path, store: Store, workers: int) -> None:
    # The first file takes longest to read: the others are ready before it.
    jobs = write(
        tmp_path,
        a=bulk_file([record(pmid) for pmid in range(1, 700)]),
        b=bulk_file([record(7, revision=2), record(8, version=2)], deleted=[9]),
        c=bulk_file([record(7, revision=1), record(8, version=1), record(10, revision=3)]),
    )
    loaded = list(load_files(store, jobs, workers=workers))
    assert [each.source for each in loaded] == [job.source for job in jobs]
    first, second, third = (each.run for each in loaded)
    assert (first.new, first.state, first.asked) == (699, "done", 699)
    assert (second.revised, second.deleted) == (2, 1)
    assert (third.stale, third.revised) == (2, 1)
    kept = titles(store)
    assert kept[7].endswith("Revision 2.")
    assert kept[10].endswith("Revision 3.")
    assert store.get(8).article.version == 2  # type: ignore[union-attr]
    assert store.get(9).deleted_at is not None  # type: ignore[union-attr]
    assert [run.state for run in store.runs(kind="load")] == ["done"] * 3


@pytest.mark.parametrize("end", [b"", b"</PubmedArticleSet>"])
def test_one_file_read_by_several_processes(tmp_path: Path, end: bytes) -> None:
    records = [record(pmid) for pmid in range(1, 2 * BLOCK + 30)]
    # A record that was never closed, just before the end of a block; the last is deleted again.
    records[BLOCK - 1] = records[BLOCK - 1].replace("</PubmedArticle>", "")
    records[3] = records[3].replace("</ArticleTitle>", "")
    text = gzip.decompress(bulk_file(records, deleted=[2 * BLOCK + 29]))
    (job,) = write(tmp_path, a=gzip.compress(text.replace(b"</PubmedArticleSet>", end)))
    found = []
    for workers in (1, 2):
        with Store.open(str(tmp_path / f"{workers}.db")) as store:
            (loaded,) = load_files(store, [job], workers=workers, sources=1)
            run = loaded.run
            counts = (run.asked, run.new, run.failed, run.deleted, run.state, loaded.fault)
            order = [(each.pmid, each.error) for each in store.quarantined()]
            found.append((counts, loaded.failures, order, titles(store)))
    assert found[0] == found[1]
    assert len(found[0][3]) > 2 * BLOCK
    assert (found[0][0][-1] is None) == bool(end)


@pytest.mark.parametrize("order", ["notice first", "article first", "same file"])
def test_a_retraction_warns_whatever_the_order(tmp_path: Path, store: Store, order: str) -> None:
    article, notice = record(100), retraction_notice(200, of=100)
    files = {
        "notice first": {"a": [notice], "b": [article]},
        "article first": {"a": [article], "b": [notice]},
        "same file": {"a": [article, notice]},
    }[order]
    jobs = write(tmp_path, **{name: bulk_file(records) for name, records in files.items()})
    list(load_files(store, jobs))
    found = store.get(100)
    assert found is not None
    assert "retracted" in found.grade.flags


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_loaded_is_found(
    tmp_path: Path, new_address: Callable[[], str], workers: int
) -> None:
    jobs = write(
        tmp_path,
        a=bulk_file([record(1, title="Garlic for gout"), record(2, title="Leeches for gout")]),
        b=bulk_file([record(1, title="Onions for gout", revision=1)], deleted=[2]),
    )

    def found(words: str) -> list[int]:
        return [each.article.pmid for each in store.search(Query(words=words)).records]

    with Store.open(new_address()) as store:
        list(load_files(store, jobs[:1], workers=workers))
        assert (found("garlic"), found("leech")) == ([1], [2])
        list(load_files(store, jobs[1:], workers=workers))
        assert (found("onion gout"), found("garlic"), found("leech")) == ([1], [], [])


def test_a_loaded_file_again_changes_nothing(tmp_path: Path, store: Store) -> None:
    jobs = write(tmp_path, a=bulk_file([record(1), retraction_notice(2, of=1)], deleted=[3]))
    list(load_files(store, jobs))
    before = [store.get(pmid) for pmid in (1, 2)]
    (again,) = load_files(store, jobs)
    assert (again.run.unchanged, again.run.new, again.run.revised) == (2, 0, 0)
    assert [store.get(pmid) for pmid in (1, 2)] == before


def test_bad_records_go_to_quarantine(tmp_path: Path, store: Store) -> None:
    broken = record(5).replace("</ArticleTitle>", "")
    jobs = write(tmp_path, a=bulk_file([record(4), broken, record(6)]))
    (loaded,) = load_files(store, jobs)
    assert (loaded.run.new, loaded.run.failed) == (2, 1)
    assert [pmid for pmid, _ in loaded.failures] == [5]
    assert [each.pmid for each in store.quarantined()] == [5]


def test_a_cut_file_keeps_what_was_read_unless_it_must_be_whole(
    tmp_path: Path, store: Store
) -> None:
    content = bulk_file([record(pmid) for pmid in range(1, 1500)])
    jobs = write(tmp_path, a=content[: len(content) * 2 // 3], b=bulk_file([record(9000)]))
    cut, good = load_files(store, jobs, whole=True)
    assert cut.fault is not None
    assert (cut.run.state, good.run.state) == ("failed", "done")
    assert set(titles(store)) == {9000}
    cut, good = load_files(store, jobs)
    assert cut.run.state == "failed"
    assert cut.run.new > 0
    assert len(titles(store)) == cut.run.new + 1


def test_stopped_between_files(tmp_path: Path, store: Store) -> None:
    names = "abcdef"
    jobs = write(tmp_path, **{n: bulk_file([record(ord(n))]) for n in names})
    stop = threading.Event()
    loaded: list[Loaded] = []
    for each in load_files(store, jobs, stop=stop):
        loaded.append(each)
        stop.set()
    assert 1 <= len(loaded) < len(names)
    assert len(titles(store)) == len(loaded)


def test_spools_that_a_killed_load_left_go(tmp_path: Path, store: Store) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    spool, host = tmp_path / "spool", this_host()
    dead = f"pubgrade-{host}-{gone.pid}-x"
    others = {f"pubgrade-{host}-{os.getpid()}-y", "pubgrade-elsewhere-1-z", "mine"}
    for name in (dead, *others):
        (spool / name).mkdir(parents=True)
        (spool / name / "0.spool").write_bytes(b"records")
    list(load_files(store, write(tmp_path, a=bulk_file([record(1)])), spool=spool))
    assert {each.name for each in spool.iterdir()} == others


def test_bulk_equals_fetch_field_by_field(tmp_path: Path) -> None:
    folder = DATA / "records" / "xml"
    if not folder.is_dir():
        pytest.skip(f"no records at {folder}: set PUBGRADE_DATA")
    sources = [str(file) for file in sorted(folder.glob("pubmed_00*.xml.gz"))[-1:]]
    sources.append(str(folder / "pubmed_books.xml.gz"))
    with (
        Store.open(str(tmp_path / "bulk.db")) as bulk,
        Store.open(str(tmp_path / "fetched.db")) as fetched,
    ):
        list(load_files(bulk, map(Job, sources), workers=2))
        sampled: set[int] = set()
        for source in sources:
            parsed = [item for item in read_source(source) if isinstance(item, ParsedArticle)]
            sample = list(islice(parsed, 0, None, 7))
            sampled |= {item.article.pmid for item in sample}
            Intake(fetched, source=source).take(sample)
        assert sampled
        for pmid in sampled:
            one, other = bulk.get(pmid), fetched.get(pmid)
            assert one is not None
            assert other is not None
            assert msgspec.json.encode(one.article) == msgspec.json.encode(other.article)
            if not bulk.notices_about([pmid]):
                assert msgspec.json.encode(one.grade) == msgspec.json.encode(other.grade)
            assert bulk.raw(pmid) == fetched.raw(pmid)
