"""Bulk files straight to Parquet: the bytes that an export of a store gives, whoever made them,
whenever they were killed, and in however many runs."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from bulk_site import bulk_file, record, retraction_notice
from killed_runs import KilledRuns

from storage import Store
from storage.parquet import RANGE
from storage.records import Query
from worker.bulk import Job, load_files
from worker.errors import ConfigError
from worker.parquet_export import export_parquet
from worker.processes import processes

if TYPE_CHECKING:
    from conftest import Pubgrade

pytest.importorskip("pyarrow")
polars = pytest.importorskip("polars")

from worker.dataset import Added, opened  # noqa: E402 - it needs pyarrow


def digests(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.glob("year=*/*")
    }


def exported(folder: Path, jobs: Iterable[Job]) -> dict[str, str]:
    """What an export holds of a store into which the files were loaded."""
    with Store.open(str(folder / "store.db")) as store:
        assert all(not loaded.fault for loaded in load_files(store, jobs))
        export_parquet(store, sorted(store.pmids(Query(limit=0))), folder / "exported")
    return digests(folder / "exported")


def build(folder: Path, jobs: Iterable[Job], *, workers: int = 1, **options: Any) -> list[Added]:
    with opened(folder) as dataset, ExitStack() as stack:
        added = list(dataset.add(jobs, workers=workers, **options))
        executor = stack.enter_context(processes(workers)) if workers > 1 else None
        dataset.write(executor=executor, workers=workers)
    return added


def scattered(folder: Path, seed: int, files: int = 12) -> list[Job]:
    """Files with revisions, versions, deletions, and notices, over few PMIDs of several ranges: all
    that may happen to one happens to some."""
    dice = random.Random(seed)
    pmids = [number * RANGE + pmid for number in range(3) for pmid in range(1, 7)]
    notices = [number * RANGE + pmid for number in range(3) for pmid in range(101, 104)]
    jobs = []
    for number in range(files):
        records = [
            record(pmid, revision=dice.randrange(4), version=dice.choice([1, 1, 1, 2]))
            for pmid in dice.choices(pmids, k=8)
        ]
        records += [
            retraction_notice(pmid, of=dice.choice(pmids)) for pmid in dice.choices(notices, k=2)
        ]
        dice.shuffle(records)
        if number == 0:
            records.append(retraction_notice(200, of=60))
        if number == files - 1:
            records.append(record(60))
        gone = dice.sample(pmids, 2) + dice.sample(notices, 1)
        path = folder / f"{number:02d}.xml.gz"
        path.write_bytes(bulk_file(records, deleted=gone if dice.random() < 0.7 else ()))
        jobs.append(Job(str(path)))
    return jobs


@pytest.mark.parametrize("seed", range(5))
def test_the_bytes_of_an_export(tmp_path: Path, seed: int) -> None:
    jobs = scattered(tmp_path, seed)
    expected = exported(tmp_path, jobs)
    assert expected
    build(tmp_path / "graded", jobs)
    assert digests(tmp_path / "graded") == expected
    frame = polars.scan_parquet(tmp_path / "graded/**/*.parquet", hive_partitioning=True).collect()
    assert "retracted" in frame.row(by_predicate=polars.col("pmid") == 60, named=True)["flags"]


def test_files_of_later_days(tmp_path: Path) -> None:
    jobs = scattered(tmp_path, seed=7)
    folder = tmp_path / "graded"
    start = 0
    for end in (1, 4, 5, 11, 12):
        added = build(folder, jobs[:end])  # those before are in it already
        assert [each.known for each in added] == [True] * start + [False] * (end - start)
        start = end
        (tmp_path / str(end)).mkdir()
        assert digests(folder) == exported(tmp_path / str(end), jobs[:end])
    unchanged = {path: path.stat().st_ino for path in folder.glob("year=*/*")}
    build(folder, jobs)
    assert unchanged == {path: path.stat().st_ino for path in folder.glob("year=*/*")}
    expected = digests(folder)
    next(iter(unchanged)).unlink()  # by somebody else
    build(folder, jobs)
    assert digests(folder) == expected


def test_a_notice_changes_only_the_range_of_what_it_names(tmp_path: Path) -> None:
    far = 2 * RANGE + 5
    files = {
        "a": bulk_file([record(1), record(far), record(RANGE + 1)]),
        "b": bulk_file([retraction_notice(2, of=far)]),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    jobs = [Job(str(tmp_path / name)) for name in files]
    build(tmp_path / "graded", jobs[:1])
    before = {path.stem: path.stat().st_ino for path in (tmp_path / "graded").glob("year=*/*")}
    build(tmp_path / "graded", jobs)
    after = {path.stem: path.stat().st_ino for path in (tmp_path / "graded").glob("year=*/*")}
    assert {name for name in after if after[name] != before[name]} == {"00000", "00002"}
    assert digests(tmp_path / "graded") == exported(tmp_path, jobs)


def test_processes_give_the_same_bytes(tmp_path: Path) -> None:
    jobs = scattered(tmp_path, seed=11)
    one = build(tmp_path / "one", jobs)
    two = build(tmp_path / "two", jobs, workers=2, sources=len(jobs))
    assert all(each.entry and each.entry.seconds > 0 for each in [*one, *two])
    assert digests(tmp_path / "one") == digests(tmp_path / "two") != {}


@pytest.mark.filterwarnings("ignore")  # distributed warns of the workers that we kill
def test_workers_of_a_cluster_are_killed(tmp_path: Path, dask: Any) -> None:
    from worker.cluster import executor_of

    cluster, client = dask
    jobs = scattered(tmp_path, seed=13, files=8)
    build(tmp_path / "one", jobs)
    killed: list[int] = []

    def kill() -> None:
        for nanny in list(cluster.workers.values()):
            pid = getattr(nanny, "pid", None)
            if pid and pid not in killed:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
                return

    with opened(tmp_path / "two") as dataset:
        added = []
        for each in dataset.add(jobs, cluster=client):
            added.append(each)
            if len(added) in (1, 3):
                kill()
        with executor_of(client) as executor:
            kill()
            dataset.write(executor=executor, workers=2)
    assert len(killed) >= 2
    workers = [each.entry.worker or "" for each in added if each.entry]
    assert all(worker.startswith("tcp://") for worker in workers)
    assert len(workers) == len(jobs)
    assert digests(tmp_path / "one") == digests(tmp_path / "two") != {}


# For each two lines that it reads it forks a run, which may be killed.
RUNS = """
import sys
from pathlib import Path
from worker.bulk import Job
from worker.dataset import opened
from grading import Article, grade
import worker.ranges, pyarrow.parquet

grade(Article(pmid=1))  # tables and models are read once
folder, *sources = sys.argv[1:]

def run():
    with opened(Path(folder)) as dataset:
        list(dataset.add(map(Job, sources)))
        dataset.write()
"""


def test_killed_at_any_moment(tmp_path: Path) -> None:
    jobs = scattered(tmp_path, seed=17, files=6)
    expected = exported(tmp_path, jobs)
    folder = tmp_path / "graded"
    dice = random.Random(5)
    with KilledRuns(RUNS, folder, *(job.source for job in jobs)) as runs:
        ends = 0
        while digests(folder) != expected:
            child = runs.start()
            if ends < 12:
                time.sleep(dice.uniform(0, 0.05 * (ends + 1)))  # however fast the machine
                os.kill(child, signal.SIGKILL)
            assert runs.end() == []
            ends += 1
            assert ends < 14
    assert ends > 1
    build(folder, jobs)
    assert digests(folder) == expected
    left = {path.name for path in (folder / "_parts").iterdir()}
    assert len(left) == len(jobs) + 3  # the ledger, the ranges, the lock


def test_killed_while_files_take_their_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = scattered(tmp_path, seed=41, files=6)
    build(tmp_path / "before", jobs[:3])
    build(tmp_path / "after", jobs)
    expected = digests(tmp_path / "after")
    replace = Path.replace
    moves = 0
    ended = False
    while not ended:
        folder = tmp_path / f"killed-{moves}"
        shutil.copytree(tmp_path / "before", folder)
        left = moves

        def dying(self: Path, target: Path) -> Path:
            nonlocal left
            if self.parent.parent.name.startswith("new-") and self.suffix != ".part":
                if not left:
                    raise KeyboardInterrupt
                left -= 1
            return replace(self, target)

        monkeypatch.setattr(Path, "replace", dying)
        try:
            build(folder, jobs)
            ended = True
        except KeyboardInterrupt:
            pass
        monkeypatch.undo()
        with opened(folder):
            pass
        assert digests(folder) == expected
        moves += 1
    assert moves > 3


def test_a_damaged_file(tmp_path: Path) -> None:
    jobs = scattered(tmp_path, seed=19, files=4)
    damaged = Path(jobs[2].source)
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[: len(whole) // 2])
    added = build(tmp_path / "graded", jobs)
    assert [each.fault is None for each in added] == [True, True, False, True]
    order = [jobs[0], jobs[1], jobs[3]]
    assert digests(tmp_path / "graded") == exported(tmp_path, order)
    damaged.write_bytes(whole)
    build(tmp_path / "graded", jobs)
    (tmp_path / "repaired").mkdir()
    # It comes last: what is in the dataset before it stays there.
    assert digests(tmp_path / "graded") == exported(tmp_path / "repaired", [*order, jobs[2]])


def test_stopped_before_all_is_done(tmp_path: Path) -> None:
    jobs = scattered(tmp_path, seed=23, files=4)
    stop = threading.Event()
    with opened(tmp_path / "graded") as dataset:
        for each in dataset.add(jobs, stop=stop):
            assert each.entry
            stop.set()
        assert 1 <= len(dataset.entries) < len(jobs)
        assert dataset.write(stop=stop) is None
    assert digests(tmp_path / "graded") == {}
    build(tmp_path / "graded", jobs)
    assert digests(tmp_path / "graded") == exported(tmp_path, jobs)


def test_half_a_line_of_the_ledger(tmp_path: Path) -> None:
    jobs = scattered(tmp_path, seed=29, files=3)
    folder = tmp_path / "graded"
    build(folder, jobs)
    expected = digests(folder)
    ledger = folder / "_parts" / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes()[:-20])
    added = build(folder, jobs)
    assert [each.known for each in added] == [True, True, False]
    assert digests(folder) == expected


def test_records_that_cannot_be_read(tmp_path: Path) -> None:
    broken = record(5).replace("</ArticleTitle>", "")
    (tmp_path / "a.xml.gz").write_bytes(bulk_file([record(4), broken, record(6)]))
    (added,) = build(tmp_path / "graded", [Job(str(tmp_path / "a.xml.gz"))])
    assert added.entry
    assert (added.entry.records, added.entry.failed) == (2, 1)
    assert [pmid for pmid, _ in added.failures] == [5]


def test_the_command(pubgrade: Pubgrade) -> None:
    jobs = scattered(pubgrade.folder, seed=31, files=3)
    sources = [Path(job.source).name for job in jobs]
    first = pubgrade("load", *sources[:2], "--parquet", "graded")
    assert first.returncode == 0
    assert first.stderr.endswith("/graded.\n")
    assert first.stdout.startswith(f"{sources[0]}: ")
    again = pubgrade("load", *sources, "--parquet", "graded", "--json")
    *lines, last = map(json.loads, again.stdout.splitlines())
    assert [line["known"] for line in lines] == [True, True, False]
    assert last == {
        "file": str(pubgrade.folder / "graded"),
        "format": "parquet",
        "records": len(polars.scan_parquet(pubgrade.folder / "graded/**/*.parquet").collect()),
    }
    assert digests(pubgrade.folder / "graded") == exported(pubgrade.folder, jobs)
    assert not (pubgrade.folder / "pubgrade.db").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-"], "only files become Parquet at once"),
        (["a.xml.gz", "--spool", "x"], "--spool"),
        (["a.xml.gz", "--store", "sqlite:///s.db"], "--parquet fills no store"),
        (["a.xml.gz", "--parquet", "mine"], "holds other things"),
        (["a.xml.gz", "--parquet", "a.xml.gz"], "cannot be written"),
    ],
)
def test_what_cannot_be_done(pubgrade: Pubgrade, arguments: list[str], told: str) -> None:
    (pubgrade.folder / "a.xml.gz").write_bytes(bulk_file([record(1)]))
    (pubgrade.folder / "mine").mkdir()
    (pubgrade.folder / "mine" / "thesis.txt").write_text("mine")
    if "--parquet" not in arguments:
        arguments = [*arguments, "--parquet", "graded"]
    done = pubgrade("load", *arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert len(done.stderr.splitlines()) <= 2
    assert (pubgrade.folder / "mine" / "thesis.txt").exists()


def test_two_at_work_in_one_folder(tmp_path: Path) -> None:
    with (
        opened(tmp_path / "graded"),
        pytest.raises(ConfigError, match="another process is at work"),
        opened(tmp_path / "graded"),
    ):
        pass


def test_what_other_versions_have_read(pubgrade: Pubgrade, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = scattered(pubgrade.folder, seed=37, files=3)
    sources = [Path(job.source).name for job in jobs]
    monkeypatch.setattr("worker.parts.GRADER_VERSION", "0")
    pubgrade("load", *sources[:2], "--parquet", "graded")
    monkeypatch.undo()
    later = pubgrade("load", sources[2], "--parquet", "graded")
    assert "2 of 3 files in it were read and graded by another version" in later.stderr
    again = pubgrade("load", *sources, "--parquet", "graded")
    assert "another version" not in again.stderr
    assert digests(pubgrade.folder / "graded") == exported(pubgrade.folder, jobs)
    monkeypatch.setattr("worker.dataset.layout", lambda: "another")
    refused = pubgrade("load", *sources, "--parquet", "graded")
    assert refused.returncode == 2
    assert "with other columns (the first: 00.xml.gz)" in refused.stderr
