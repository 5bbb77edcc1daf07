"""Runs, topics and the daemon's claim."""

from __future__ import annotations

import dataclasses
import os
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import storage
from storage import Store
from storage.errors import StoreError, StoreInUse
from storage.records import Run

ROOT = Path(storage.__file__).parents[1]
HOST = socket.gethostname()


def test_runs(store: Store, make: Any) -> None:
    first = store.start_run(Run("sync", "flights", make.now, window_start="2026-01-01"))
    assert first.id is not None
    second = store.start_run(Run("load", "file.xml", make.now))
    done = dataclasses.replace(
        first,
        state="done",
        asked=9,
        missing=1,
        seconds=1.5,
        finished_at=make.now,
        worker="tcp://node7",
        md5="0" * 32,
    )
    store.update_run(done)
    assert store.runs() == [second, done]
    assert store.runs(subject="flights") == [done]
    assert store.runs(kind="load", limit=1) == [second]
    with pytest.raises(StoreError, match="no run 99"):
        store.update_run(dataclasses.replace(done, id=99))


START_A_RUN = """
import os, sys
sys.path.insert(0, sys.argv[1])
from datetime import UTC, datetime
from storage import Store
from storage.records import Run
Store.open(sys.argv[2]).start_run(Run("sync", "flights", datetime.now(UTC)))
os._exit(9)
"""


def test_runs_of_dead_processes_are_interrupted(store: Store, address: str, make: Any) -> None:
    subprocess.run([sys.executable, "-c", START_A_RUN, str(ROOT), address], check=False)
    own = store.start_run(Run("fetch", "", make.now))
    assert [run.state for run in store.runs()] == ["running", "running"]
    assert store.interrupt_runs(at=make.now) == 1
    assert store.interrupt_runs() == 0
    assert store.runs()[0] == own
    assert (store.runs()[1].state, store.runs()[1].finished_at) == ("interrupted", make.now)


def test_topics(store: Store, make: Any) -> None:
    made = store.topic("flights", "stockings[ti]")
    assert (made.created_through, made.failures, made.articles) == (None, 0, 0)
    store.advance("flights", created_through="2026-05-01", revised_through="2026-04-01")
    store.advance("flights", created_through="2026-04-01", revised_through="2026-06-01")
    state = store.topic("flights", "stockings[ti]")
    assert (state.created_through, state.revised_through) == ("2026-05-01", "2026-06-01")
    store.save([make.entry(1)], topic="flights")
    for failures in (1, 2):
        store.note_attempt("flights", error="NCBI is down", at=make.now)
        assert store.topics()[0].failures == failures
    store.note_attempt("flights", error=None, at=make.now, next_run=make.now + timedelta(days=1))
    state = store.topics()[0]
    assert (state.failures, state.last_error, state.last_success) == (0, None, make.now)
    assert (state.articles, state.next_run) == (1, make.now + timedelta(days=1))
    changed = store.topic("flights", "socks[ti]")
    assert (changed.created_through, changed.revised_through) == (None, None)
    assert (changed.query, changed.articles) == ("socks[ti]", 1)
    with pytest.raises(StoreError, match="no topic 'trains'"):
        store.advance("trains", created_through="2026-05-01")


def test_one_daemon_at_a_time(store: Store, make: Any) -> None:
    assert store.heartbeat() is None
    store.release_daemon()  # nothing to give back
    with pytest.raises(StoreInUse):
        store.beat()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        store.claim_daemon(host=HOST, pid=other.pid, at=make.now)
        with pytest.raises(StoreInUse, match=f"process {other.pid} on {HOST}"):
            store.claim_daemon(host=HOST, pid=os.getpid(), at=make.now + timedelta(days=1))
        alive = store.heartbeat(at=make.now + timedelta(days=1))
        assert alive is not None
        assert alive.lives
        other.communicate(b"\n")
    gone = store.heartbeat(at=make.now)
    assert gone is not None
    assert not gone.lives
    # It died a moment ago: a restart need not wait for its heartbeat to grow old.
    store.claim_daemon(host=HOST, pid=os.getpid(), at=make.now)
    store.beat(at=make.now + timedelta(minutes=1))
    beat = store.heartbeat()
    assert beat is not None
    assert (beat.host, beat.pid, beat.started_at) == (HOST, os.getpid(), make.now)
    assert beat.beat_at == make.now + timedelta(minutes=1)
    store.release_daemon()
    beat = store.heartbeat()
    assert beat is not None
    assert beat.state == "stopped"


def test_a_daemon_elsewhere_lives_while_it_beats(store: Store, make: Any) -> None:
    store.claim_daemon(host="elsewhere", pid=1, at=make.now)
    with pytest.raises(StoreInUse, match="process 1 on elsewhere"):
        store.claim_daemon(host=HOST, pid=os.getpid(), at=make.now + timedelta(minutes=1))
    store.claim_daemon(host=HOST, pid=os.getpid(), at=make.now + timedelta(hours=1))


def test_a_lost_claim_is_told(store: Store, address: str, make: Any) -> None:
    store.claim_daemon(host="elsewhere", pid=1, at=make.now)
    with Store.open(address) as other:
        other.claim_daemon(host=HOST, pid=os.getpid())
        with pytest.raises(StoreInUse, match="not the daemon"):
            store.beat()
