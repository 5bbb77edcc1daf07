"""A cluster whose workers are killed gives the same store as one process, row for row."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from bulk_site import bulk_file, record, retraction_notice

from storage import Store
from storage.records import Query
from worker.bulk import Job, load_files

if TYPE_CHECKING:
    from conftest import Pubgrade

FILES = 8


def content(store: Store) -> list[bytes]:
    """Everything that the store knows of each article, times aside."""
    found = []
    for pmid in sorted(store.pmids(Query(limit=0, include_deleted=True))):
        record_ = store.get(pmid)
        assert record_ is not None
        history = [(each.what, each.version, each.summary) for each in store.history(pmid)]
        deleted = record_.deleted_at is not None
        raw = store.raw(pmid)
        found.append(msgspec.json.encode([record_.article, record_.grade, deleted, history, raw]))
    return found


@pytest.mark.filterwarnings("ignore")  # distributed warns of the workers that we kill
def test_workers_are_killed(tmp_path: Path, dask: Any) -> None:
    cluster, client = dask
    jobs = []
    for number in range(FILES):
        records = [record(pmid) for pmid in range(number * 100 + 1, number * 100 + 41)]
        records += [record(1, revision=number), record(2, revision=FILES - number)]
        records.append(retraction_notice(5000 + number, of=100 * (FILES - number) + 5))
        path = tmp_path / f"{number}.xml.gz"
        path.write_bytes(bulk_file(records, deleted=[number * 100 + 3]))
        jobs.append(Job(str(path)))
    with Store.open(str(tmp_path / "serial.db")) as store:
        serial = [loaded.run.new for loaded in load_files(store, jobs)]
        expected = content(store)
    assert len(expected) > FILES * 40

    with Store.open(str(tmp_path / "cluster.db")) as store:
        killed: list[int] = []
        done = threading.Event()

        def kill() -> None:
            while len(killed) < 3 and not done.wait(0.7):
                for nanny in list(cluster.workers.values()):
                    pid = getattr(nanny, "pid", None)
                    if pid and pid not in killed:
                        os.kill(pid, signal.SIGKILL)
                        killed.append(pid)
                        break

        killer = threading.Thread(target=kill)
        killer.start()
        loaded = []
        for each in load_files(store, jobs, cluster=client):
            loaded.append(each)
            if len(killed) < 2:
                time.sleep(0.7)  # on a fast machine too, some workers die in the midst of it
        done.set()
        killer.join()
        assert killed
        assert [each.run.new for each in loaded] == serial
        assert all(each.run.worker and each.run.worker.startswith("tcp://") for each in loaded)
        assert content(store) == expected
        assert [run.state for run in store.runs(kind="load")] == ["done"] * FILES


@pytest.mark.parametrize("theirs", ["0.0.1", None])
def test_a_worker_of_another_pubgrade(
    pubgrade: Pubgrade, tmp_path: Path, theirs: str | None
) -> None:
    """It would grade by other rules; one without pubgrade ends with each task, and all wait."""
    distributed = pytest.importorskip("distributed")
    (tmp_path / "a.xml").write_bytes(bulk_file([record(1)]))
    path = tmp_path / "theirs"
    if theirs:
        metadata = path / "pubgrade-0.0.1.dist-info" / "METADATA"
        metadata.parent.mkdir(parents=True)
        metadata.write_text("Metadata-Version: 2.1\nName: pubgrade\nVersion: 0.0.1\n")
    else:
        path.mkdir()
        (path / "sitecustomize.py").write_text(
            "import importlib.metadata as m\n"
            "def version(name, real=m.version):\n"
            "    if name == 'pubgrade':\n"
            "        raise m.PackageNotFoundError(name)\n"
            "    return real(name)\n"
            "m.version = version\n"
        )
    with (
        distributed.LocalCluster(n_workers=0, processes=True, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        words = ["worker", "--no-nanny", "--no-dashboard", cluster.scheduler_address]
        worker = subprocess.Popen(
            [sys.executable, "-m", "dask", *words],
            env=os.environ | {"PYTHONPATH": str(path)},
            stderr=subprocess.DEVNULL,
        )
        try:
            client.wait_for_workers(1, timeout=60)
            done = pubgrade("load", "a.xml", "--cluster", cluster.scheduler_address)
        finally:
            worker.kill()
            worker.wait()
    assert done.returncode == 2
    has = f"has pubgrade {theirs}, this is" if theirs else "has no pubgrade, this is"
    assert has in done.stderr, done.stderr


def test_a_scheduler_without_workers_that_goes_away(
    pubgrade: Pubgrade, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("worker.cluster.PATIENCE", 2)
    (tmp_path / "a.xml").write_bytes(bulk_file([record(1)]))
    words = ["scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    with subprocess.Popen(
        [sys.executable, "-m", "dask", *words], stderr=subprocess.PIPE, text=True
    ) as scheduler:
        assert scheduler.stderr is not None
        line = next(line for line in scheduler.stderr if "Scheduler at" in line)
        threading.Thread(target=scheduler.stderr.read, daemon=True).start()
        threading.Timer(5, scheduler.kill).start()
        done = pubgrade("load", "a.xml", "--cluster", line.split()[-1])
    assert done.returncode == 4
    assert "the cluster has no workers: waiting until there are some" in done.stderr
    assert "the scheduler of the cluster is gone" in done.stderr
