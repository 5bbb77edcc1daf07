"""Parquet of a mirrored store: every record and no other, whoever writes it, whenever it dies."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bulk_site import BulkSite, baseline, fill, update
from killed_runs import KilledRuns

from grading import Article, grade
from storage import Store
from storage.parquet import RANGE
from storage.records import Entry, Query
from worker.errors import MirrorError
from worker.mirror import mirror
from worker.nlm_site import Site
from worker.parquet_export import export_parquet
from worker.processes import processes

polars = pytest.importorskip("polars")
KILLS = 8


def export(store: Store, folder: Path, **options: object) -> int:
    return export_parquet(store, sorted(store.pmids(Query(limit=0))), folder, **options)  # type: ignore[arg-type]


def digests(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def populate(store: Store) -> None:
    """Records over several ranges and years."""
    articles = [
        Article(pmid=number * RANGE + pmid, title="A trial", published=str(2000 + pmid % 5))
        for number in range(6)
        for pmid in range(1, 9)
    ]
    store.save(Entry(article, grade(article)) for article in articles)


# For each two lines that it reads it forks an export, which may be killed.
EXPORTS = """
import sys
from pathlib import Path
from grading import Article, grade
from storage import Store
from storage.records import Query
import storage.parquet, pyarrow.parquet
from worker.parquet_export import export_parquet

address, folder = sys.argv[1:]

def run():
    with Store.open(address) as store:
        export_parquet(store, sorted(store.pmids(Query(limit=0))), Path(folder))
"""


def test_mirrored_and_exported_though_killed(
    new_address: Callable[[], str], tmp_path: Path, site: BulkSite
) -> None:
    shown, gone = fill(site)
    address, folder = new_address(), tmp_path / "graded"
    site.damaged[baseline(3)] = 1  # a bad MD5, once
    site.cut[update(14)] = 2  # cut short, and cut short again
    lost = {path: site.files[path] for path in (update(16), f"{update(16)}.md5")}
    site.remove(update(16))
    with Store.open(address) as store:
        source = Site(site.url, wait=0.001)
        with pytest.raises(MirrorError, match="pubmed26n0016"):
            list(mirror(store, source, tmp_path / "files"))
        export(store, folder)  # of what came before the missing one
        site.files |= lost
        list(mirror(store, source, tmp_path / "files"))
        export(store, tmp_path / "whole")
    expected = digests(tmp_path / "whole")
    dice = random.Random(3)
    with KilledRuns(EXPORTS, address, folder) as exports:
        for kill in range(KILLS + 1):
            before = digests(folder) if folder.exists() else {}
            child = exports.start()
            if kill < KILLS:
                time.sleep(dice.uniform(0, 0.3))
                os.kill(child, signal.SIGKILL)
            assert exports.end() == []
            if folder.exists():  # the earlier one or a whole new one
                assert digests(folder) in (before, expected)
    assert digests(folder) == expected
    assert not folder.with_name("graded.part").exists()
    table = polars.scan_parquet(folder / "**/*.parquet", hive_partitioning=True).collect()
    rows = {row["pmid"]: row for row in table.iter_rows(named=True)}
    assert len(rows) == len(table)
    assert rows.keys() == shown.keys() | {7000}
    assert rows.keys().isdisjoint(gone)
    for pmid, (ending, version) in shown.items():
        assert rows[pmid]["version"] == version
        assert rows[pmid]["title"].endswith(ending)
    assert "retracted" in rows[1101]["flags"]


def test_processes_give_the_same_bytes(new_address: Callable[[], str], tmp_path: Path) -> None:
    with Store.open(new_address()) as store, processes(2) as executor:
        populate(store)
        assert export(store, tmp_path / "one") == 48
        assert export(store, tmp_path / "two", executor=executor, workers=2) == 48
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    assert len(digests(tmp_path / "one")) > 20


@pytest.mark.filterwarnings("ignore")  # distributed warns of the workers that we kill
def test_workers_of_a_cluster_are_killed(tmp_path: Path, dask: Any) -> None:
    from worker.cluster import executor_of

    cluster, client = dask
    with (
        executor_of(client) as executor,
        Store.open(str(tmp_path / "store.db")) as store,
    ):
        populate(store)
        export(store, tmp_path / "one")
        killed: list[int] = []

        def kill(done: int) -> None:
            if not killed:
                killed.append(next(iter(cluster.workers.values())).pid)
                os.kill(killed[0], signal.SIGKILL)

        export(store, tmp_path / "two", executor=executor, workers=2, progress=kill)
        assert killed
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
