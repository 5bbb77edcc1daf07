"""Killed with SIGKILL at any moment, twenty times in a row, a sync loses nothing."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from eutils_server import EutilsServer, Library

from storage import Store

ROOT = Path(__file__).parents[2]
RECORDS = 3_000
KILLS = 20

# Imports once; for each two lines it reads it forks a sync, which may be killed, and waits for it.
SYNCS = """
import os, sys
from datetime import date
from types import SimpleNamespace
from storage import Store
from worker.entrez import EntrezClient
from worker.rate_limit import RateLimiter
from worker.sync import sync_topic

path, base_url = sys.argv[1:]
topic = SimpleNamespace(
    name="everything", query="trial OR cohort OR case OR review OR advances", since="2024-01-01"
)

def sync():
    client = EntrezClient(
        email="tests@example.org",
        base_url=base_url,
        limiter=RateLimiter(100, name=base_url),
        timeout=2.0,
        backoff=0.01,
    )
    with Store.open(path) as store:
        return sync_topic(store, client, topic, today=date(2024, 4, 10), cap=100).new

import grading  # what the first record would import
from worker import pubmed_xml

for _ in sys.stdin:
    child = os.fork()
    if not child:
        print("new", sync(), flush=True)
        os._exit(0)
    print("pid", child, flush=True)
    sys.stdin.readline()  # until then the number of an ended process is not given to another
    os.waitpid(child, 0)
    print("ended", flush=True)
"""


@pytest.fixture
def syncs(tmp_path: Path, server: EutilsServer) -> Iterator[subprocess.Popen[str]]:
    search_path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(
        [sys.executable, "-c", SYNCS, str(tmp_path / "store.db"), server.base_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": search_path},
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def server(eutils: Callable[..., EutilsServer]) -> EutilsServer:
    return eutils(Library.generate(RECORDS), rate=100, search_cap=100)


def start(syncs: subprocess.Popen[str]) -> int:
    """Begin a sync; the number of its process."""
    assert syncs.stdin is not None
    assert syncs.stdout is not None
    syncs.stdin.write("\n")
    syncs.stdin.flush()
    word, pid = syncs.stdout.readline().split()
    assert word == "pid"
    return int(pid)


def ended(syncs: subprocess.Popen[str]) -> list[str]:
    """Wait for the sync; what it said."""
    assert syncs.stdin is not None
    assert syncs.stdout is not None
    syncs.stdin.write("\n")
    syncs.stdin.flush()
    return list(iter(syncs.stdout.readline, "ended\n"))


def test_twenty_kills(tmp_path: Path, server: EutilsServer, syncs: subprocess.Popen[str]) -> None:
    path = tmp_path / "store.db"
    dice = random.Random(20)
    for _ in range(KILLS):
        made = len(server.calls)
        pid = start(syncs)
        # Told by calls and not by time, the moments fall into the midst of it on any machine.
        calls = dice.randint(0, 20)
        latest = time.monotonic() + 3  # nothing is left to do: it may end before so many calls
        while len(server.calls) - made < calls and time.monotonic() < latest:
            time.sleep(0.002)
        time.sleep(dice.uniform(0.0, 0.05))
        os.kill(pid, signal.SIGKILL)
        ended(syncs)

    with Store.open(str(path)) as store:
        before = {article.pmid for article, _ in store.articles(limit=RECORDS * 2)}
        killed = store.runs(limit=10_000)
        assert 0 < len(before) < RECORDS  # the kills fell into the midst of it
        for run in killed:  # what the ledger claims was true even in the moment of the kill
            assert run.new <= len(before)
        assert sum(run.new for run in killed) <= len(before)

    start(syncs)
    (said,) = ended(syncs)
    last_new = int(said.removeprefix("new "))

    with Store.open(str(path)) as store:
        stored = [article.pmid for article, _ in store.articles(limit=RECORDS * 2)]
        assert stored == server.library.pmids  # every record, once
        assert store.known(stored, topic="everything") == set(stored)
        runs = store.runs(limit=10_000)
        assert {run.state for run in runs} <= {"done", "interrupted"}
        assert last_new == RECORDS - len(before)
        # A kill between saving a batch and writing its numbers leaves a row at most a batch behind.
        interrupted = sum(run.state == "interrupted" for run in runs)
        assert 0 < interrupted <= KILLS
        assert RECORDS - 200 * interrupted <= sum(run.new for run in runs) <= RECORDS
        for run in runs:
            assert run.asked == run.returned == run.new + run.revised + run.unchanged
        (state,) = store.topics()
        assert state.created_through == "2024-04-09"
    assert server.violations == []
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    asked = sum(len(call.params["id"].split(",")) for call in server.calls_of("efetch"))
    # Repeated: at most the batch in hand of each kill, and what the sweeps and refreshes look at.
    assert asked <= RECORDS + (KILLS + 1) * 300
