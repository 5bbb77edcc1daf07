"""The mirror: every file once and in order, whatever the site and the moment of death do."""

from __future__ import annotations

import gzip
import os
import random
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bulk_site import BulkSite, Expected, baseline, bulk_file, fill, record, update
from killed_runs import KilledRuns

from storage import Store
from worker.errors import ConfigError, EntrezUnavailable, MirrorError
from worker.mirror import mirror
from worker.nlm_site import Site

pytestmark = pytest.mark.usefixtures("here")

KILLS = 10


def check(store: Store, expected: tuple[Expected, set[int]]) -> None:
    shown, gone = expected
    records = store.get_many([article.pmid for article, _ in store.articles(limit=10_000)])
    deleted = {pmid for pmid, found in records.items() if found.deleted_at}
    assert deleted == gone
    assert records.keys() - deleted == shown.keys() | {7000}
    for pmid, (ending, version) in shown.items():
        article = records[pmid].article
        assert article.version == version
        assert article.title.endswith(ending)
        if ending == ".":
            assert "Revision" not in article.title
    assert "retracted" in records[1101].grade.flags


def run(store: Store, site: BulkSite, **options: Any) -> list[str]:
    """Mirror once; the subjects of the runs, in order."""
    near = Site(site.url, tries=4, wait=0.01)
    return [loaded.run.subject for loaded in mirror(store, near, Path("files"), **options)]


def names(first: int, last: int, year: int = 26) -> list[str]:
    return [f"pubmed{year}n{number:04d}.xml.gz" for number in range(first, last + 1)]


def test_baseline_and_updates_in_order(store: Store, site: BulkSite) -> None:
    expected = fill(site)
    site.damaged[baseline(3)] = 1  # a bad MD5, once
    site.cut[update(14)] = 2  # cut short, and cut short again
    site.failing = 2
    assert run(store, site) == names(1, 20)
    check(store, expected)
    assert site.downloads(baseline(3)) == 2
    ranges = [wanted for path, wanted in site.asked if path == update(14)]
    assert ranges[0] is None
    assert all(wanted and wanted.startswith("bytes=") for wanted in ranges[1:])
    done = store.runs(kind="mirror", limit=100)
    assert all(len(each.md5 or "") == 32 for each in done)  # its MD5
    assert run(store, site) == []  # all is there
    assert site.downloads(baseline(1)) == 1


def test_a_missing_number_stops_what_comes_after(store: Store, site: BulkSite) -> None:
    expected = fill(site)
    lost = {path: site.files[path] for path in (update(16), f"{update(16)}.md5")}
    site.remove(update(16))
    with pytest.raises(MirrorError, match=r"pubmed26n0016\.xml\.gz is missing .* later files"):
        run(store, site)
    done = {each.subject for each in store.runs(kind="mirror", limit=100)}
    assert done == set(names(1, 15))
    site.files |= lost
    assert run(store, site) == names(16, 20)
    check(store, expected)


def test_a_file_that_stays_damaged_is_reported(store: Store, site: BulkSite) -> None:
    fill(site)
    site.damaged[update(12)] = 100
    with pytest.raises(MirrorError, match=r"pubmed26n0012\.xml\.gz: its MD5 .* after 4 downloads"):
        run(store, site)
    done = {each.subject for each in store.runs(kind="mirror", limit=100)}
    assert done == set(names(1, 11))


def test_a_truncated_file_with_a_right_md5_is_reported(store: Store, site: BulkSite) -> None:
    fill(site)
    whole = site.files[update(13)]
    site.put(update(13), whole[: len(whole) // 2])
    with pytest.raises(MirrorError, match=r"(?s)pubmed26n0013.*Nothing after .* was loaded"):
        run(store, site)
    assert site.downloads(update(13)) == 2
    assert store.get(5013) is None  # nothing is kept of half a file
    assert store.get(5012) is not None
    site.put(update(13), whole)
    assert run(store, site) == names(13, 20)


def test_two_mirrors_of_one_folder(store: Store, site: BulkSite) -> None:
    expected = fill(site)
    first = mirror(store, Site(site.url), Path("files"))
    next(first)
    with pytest.raises(ConfigError, match="files: another mirror is at work here"):
        run(store, site)
    first.close()
    assert run(store, site) == names(2, 20)
    check(store, expected)


def test_a_site_that_is_down(store: Store, site: BulkSite) -> None:
    fill(site)
    site.failing = 10_000
    with pytest.raises(EntrezUnavailable, match="the site answers 503"):
        run(store, site)


def test_a_new_baseline_drops_what_it_does_not_hold(store: Store, site: BulkSite) -> None:
    clock = [datetime(2026, 1, 1, tzinfo=UTC)]

    def now() -> datetime:
        clock[0] += timedelta(seconds=1)
        return clock[0]

    site.put(baseline(1), bulk_file(record(pmid) for pmid in range(1, 9)))
    site.put(update(2), bulk_file([record(20)]))
    run(store, site, now=now)
    site.remove(baseline(1))
    site.remove(update(2))
    site.put(baseline(1, 27), bulk_file(record(pmid) for pmid in (1, 2, 4, 5)))
    site.put(baseline(2, 27), bulk_file([record(7), record(20)]))
    assert run(store, site, now=now) == names(1, 2, 27)
    assert store.known(range(30)) == {*range(1, 9), 20}  # it may not be all there yet
    site.put(update(3, 27), bulk_file([record(21)]))
    assert run(store, site, now=now) == [*names(3, 3, 27), "pubmed27: dropped by the new baseline"]
    assert store.known(range(30)) == {1, 2, 4, 5, 7, 20, 21}
    assert store.get(3) is not None  # marked as deleted, not lost
    assert run(store, site, now=now) == []


def test_the_list_of_deleted_pmids(store: Store, site: BulkSite) -> None:
    site.put(baseline(1), bulk_file(record(pmid) for pmid in range(1, 4)))
    site.files["deleted.pmids.gz"] = gzip.compress(b"2\n99\n")
    assert run(store, site) == [*names(1, 1), "deleted.pmids.gz"]
    assert store.known(range(10)) == {1, 3}


# Imports once; for each two lines it reads it forks a mirror, which may be killed.
MIRRORS = """
import sys
from pathlib import Path
from storage import Store
from worker.mirror import mirror
from worker.nlm_site import Site
import worker.pubmed_xml
from grading import Article, grade
grade(Article(pmid=1, abstract="We asked 20 people. " * 20))  # loads its tables

address, url, folder = sys.argv[1:]

def run():
    with Store.open(address) as store:
        store.interrupt_runs()
        site = Site(url, wait=0.01)
        for loaded in mirror(store, site, Path(folder)):
            pass
"""


def test_killed_and_resumed(new_address: Callable[[], str], tmp_path: Path, site: BulkSite) -> None:
    expected = fill(site)
    site.slow = 0.01
    address = new_address()
    dice = random.Random(10)
    with KilledRuns(MIRRORS, address, site.url, tmp_path / "files") as mirrors:
        for kill in range(KILLS + 1):
            asked = len(site.asked)
            child = mirrors.start()
            if kill < KILLS:
                calls, latest = dice.randint(1, 12), time.monotonic() + 5
                while len(site.asked) - asked < calls and time.monotonic() < latest:
                    time.sleep(0.002)
                time.sleep(dice.uniform(0, 0.1))
                os.kill(child, signal.SIGKILL)
            assert mirrors.end() == []
    with Store.open(address) as store:
        check(store, expected)
        runs = store.runs(kind="mirror", limit=1000)
        done = [each.subject for each in reversed(runs) if each.state == "done"]
        assert done == names(1, 20)  # each once, in order
        assert {each.state for each in runs} == {"done", "interrupted"}
