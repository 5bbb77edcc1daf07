"""A Parquet dataset that mirrors the bulk site: every expected record and no other, byte for byte what
an export of a mirrored store holds, whatever the site and the moment of death do."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import shutil
import signal
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bulk_site import BulkSite, baseline, bulk_file, fill, record, update
from killed_runs import KilledRuns

from storage import Store
from storage.records import Query
from worker.errors import MirrorError
from worker.mirror import mirror
from worker.nlm_site import Site
from worker.parquet_export import export_parquet

if TYPE_CHECKING:
    from conftest import Pubgrade

pytest.importorskip("pyarrow")
polars = pytest.importorskip("polars")

from worker.dataset import opened  # noqa: E402 - it needs pyarrow
from worker.dataset_mirror import mirror_dataset  # noqa: E402

KILLS = 10
seconds = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=n) for n in count())


def digests(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.glob("year=*/*")
    }


def run(folder: Path, site: BulkSite) -> list[str]:
    """Mirror once; the names of what was added, in order."""
    near = Site(site.url, tries=4, wait=0.01)
    with opened(folder / "graded") as dataset:
        try:
            return [added.name for added in mirror_dataset(dataset, near, folder / "files")]
        finally:
            dataset.write()


def exported(folder: Path, site: BulkSite) -> dict[str, str]:
    """What an export holds of a store that mirrors the site, from call to call."""
    with Store.open(str(folder / "store.db")) as store:
        # By whole seconds a store tells what came before a new baseline.
        near = Site(site.url, wait=0.01)
        list(mirror(store, near, folder / "others", now=lambda: next(seconds)))
        export_parquet(store, sorted(store.pmids(Query(limit=0))), folder / "exported")
    return digests(folder / "exported")


def names(first: int, last: int, year: int = 26) -> list[str]:
    return [f"pubmed{year}n{number:04d}.xml.gz" for number in range(first, last + 1)]


# For each two lines that it reads it forks a run, which may be killed.
RUNS = """
import sys
from pathlib import Path
from grading import Article, grade
from worker.dataset import opened
from worker.dataset_mirror import mirror_dataset
from worker.nlm_site import Site
import worker.ranges, pyarrow.parquet

grade(Article(pmid=1))  # tables and models are read once
folder, address = sys.argv[1:]

def run():
    with opened(Path(folder) / "graded") as dataset:
        list(mirror_dataset(dataset, Site(address, wait=0.01), Path(folder) / "files"))
        dataset.write()
"""


def test_mirrored_though_killed(tmp_path: Path, site: BulkSite) -> None:
    shown, gone = fill(site)
    expected = exported(tmp_path, site)
    site.damaged[baseline(3)] = 1  # a bad MD5, once
    site.cut[update(14)] = 2  # cut short, and cut short again
    lost = {path: site.files[path] for path in (update(16), f"{update(16)}.md5")}
    site.remove(update(16))
    with pytest.raises(MirrorError, match="pubmed26n0016"):
        run(tmp_path, site)
    folder = tmp_path / "graded"
    frame = polars.scan_parquet(folder / "**/*.parquet").collect()  # of what came before it
    assert "retracted" in frame.row(by_predicate=polars.col("pmid") == 1101, named=True)["flags"]
    shutil.rmtree(folder)  # all again, with kills
    site.files |= lost
    dice = random.Random(6)
    with KilledRuns(RUNS, tmp_path, site.url) as runs:
        for kill in range(KILLS + 1):
            child = runs.start()
            if kill < KILLS:
                time.sleep(dice.uniform(0, 0.4))
                os.kill(child, signal.SIGKILL)
            assert runs.end() == []
    assert digests(folder) == expected
    rows = {
        row["pmid"]: row
        for row in polars.scan_parquet(folder / "**/*.parquet").collect().rows(named=True)
    }
    assert rows.keys() == shown.keys() | {7000}
    assert rows.keys().isdisjoint(gone)
    for pmid, (ending, version) in shown.items():
        assert rows[pmid]["version"] == version
        assert rows[pmid]["title"].endswith(ending)


def test_a_new_baseline_and_the_list_of_what_was_deleted(tmp_path: Path, site: BulkSite) -> None:
    site.put(baseline(1), bulk_file(record(pmid) for pmid in range(1, 9)))
    site.put(update(2), bulk_file([record(20)]))
    site.files["deleted.pmids.gz"] = gzip.compress(b"4\n900\n")
    assert run(tmp_path, site) == [*names(1, 2), "deleted.pmids.gz"]
    assert digests(tmp_path / "graded") == exported(tmp_path, site)
    site.remove(baseline(1))
    site.remove(update(2))
    site.put(baseline(1, 27), bulk_file(record(pmid) for pmid in (1, 2, 5)))
    site.put(baseline(2, 27), bulk_file([record(7), record(20)]))
    run(tmp_path, site)  # it may not be all there yet
    assert digests(tmp_path / "graded") == exported(tmp_path, site)
    site.put(update(3, 27), bulk_file([record(21)]))
    assert run(tmp_path, site) == [*names(3, 3, 27), "deleted.pmids.gz"]
    assert digests(tmp_path / "graded") == exported(tmp_path, site)
    frame = polars.scan_parquet(tmp_path / "graded/**/*.parquet").collect()
    assert sorted(frame["pmid"]) == [1, 2, 5, 7, 20, 21]
    with opened(tmp_path / "graded") as dataset:
        assert [entry.source for entry in dataset.entries] == [*names(1, 3, 27), "deleted.pmids.gz"]
    assert run(tmp_path, site) == []


def test_the_command(pubgrade: Pubgrade, site: BulkSite) -> None:
    fill(site, size=3)
    where = {"PUBGRADE_MIRROR__BASE_URL": site.url}
    planned = pubgrade("mirror", "--parquet", "graded", "--dry-run", **where)
    assert "20 files to load" in planned.stdout
    first = pubgrade("mirror", "--parquet", "graded", "--workers", "1", "--json", **where)
    *files, last = map(json.loads, first.stdout.splitlines())
    assert first.returncode == 0
    assert [file["source"] for file in files] == names(1, 20)
    assert last["records"] == len(
        polars.scan_parquet(pubgrade.folder / "graded/**/*.parquet").collect()
    )
    assert not any((pubgrade.folder / "pubmed").glob("*.xml.gz"))
    again = pubgrade("mirror", "--parquet", "graded", "--workers", "1", **where)
    assert (again.returncode, again.stdout) == (0, "")
    refused = pubgrade("mirror", "--parquet", "graded", "--filter", "gout", **where)
    assert refused.returncode == 2
    assert "--parquet keeps all of PubMed" in refused.stderr
