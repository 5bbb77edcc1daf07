"""Killed with SIGKILL at any moment, twenty times in a row, a sync loses nothing."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from eutils_server import EutilsServer, Library
from killed_runs import KilledRuns

from storage import Store

RECORDS = 3_000
KILLS = 20

SYNCS = """
import sys
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

def run():
    client = EntrezClient(
        email="tests@example.org",
        base_url=base_url,
        limiter=RateLimiter(100, name=base_url),
        timeout=2.0,
        backoff=0.01,
    )
    with Store.open(path) as store:
        done = sync_topic(store, client, topic, today=date(2024, 4, 10), cap=100)
    print("new", done.new, flush=True)

import grading  # what the first record would import
from worker import pubmed_xml
"""


@pytest.fixture
def server(eutils: Callable[..., EutilsServer]) -> EutilsServer:
    return eutils(Library.generate(RECORDS), rate=100, search_cap=100)


def test_twenty_kills(tmp_path: Path, server: EutilsServer) -> None:
    path = tmp_path / "store.db"
    dice = random.Random(20)
    with KilledRuns(SYNCS, path, server.base_url) as syncs:
        for _ in range(KILLS):
            made = len(server.calls)
            pid = syncs.start()
            # Told by calls and not by time, the moments fall into the midst of it on any machine.
            calls = dice.randint(0, 20)
            latest = time.monotonic() + 3  # nothing is left to do: it may end before so many calls
            while len(server.calls) - made < calls and time.monotonic() < latest:
                time.sleep(0.002)
            time.sleep(dice.uniform(0.0, 0.05))
            os.kill(pid, signal.SIGKILL)
            syncs.end()

        with Store.open(str(path)) as store:
            before = {article.pmid for article, _ in store.articles(limit=RECORDS * 2)}
            killed = store.runs(limit=10_000)
            assert 0 < len(before) < RECORDS  # the kills fell into the midst of it
            for run in killed:  # what the ledger claims was true even in the moment of the kill
                assert run.new <= len(before)
            assert sum(run.new for run in killed) <= len(before)

        syncs.start()
        (said,) = syncs.end()
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
