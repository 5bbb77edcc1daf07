"""The rate limit: never more than N calls in any second, over threads, processes and crashes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from loguru import logger

from worker import rate_limit
from worker.rate_limit import RateLimiter, Stopped

ROOT = Path(__file__).parents[2]


def most_in_a_second(moments: list[float]) -> int:
    moments = sorted(moments)
    return max(
        sum(start <= moment < start + 1.0 for moment in moments[n:])
        for n, start in enumerate(moments)
    )


def test_three_a_second_in_real_time() -> None:
    limiter = RateLimiter(3, name="real time")
    moments = []
    began = time.monotonic()
    for _ in range(7):
        with limiter.call():
            moments.append(time.monotonic())
    assert most_in_a_second(moments) == 3  # the first three go at once
    assert 2.0 <= time.monotonic() - began < 4.0


def test_threads_share_one_limit() -> None:
    limiter = RateLimiter(10, name="threads")
    moments: list[float] = []

    def work() -> None:
        for _ in range(6):
            with limiter.call():
                moments.append(time.monotonic())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(moments) == 24
    assert most_in_a_second(moments) <= 10


def test_a_call_counts_until_a_second_after_its_answer() -> None:
    limiter = RateLimiter(1, name="slow answer", window=0.2)
    with limiter.call():
        time.sleep(0.3)
        answered = time.monotonic()
    with limiter.call():
        assert time.monotonic() - answered >= 0.2


PROCESS = """
import sys, time
from pathlib import Path
from worker.rate_limit import RateLimiter
limiter = RateLimiter(10, name="processes", folder=Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    with limiter.call():
        print(time.monotonic(), flush=True)
if len(sys.argv) > 3:
    with limiter.call():
        time.sleep(60)
"""


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROCESS, str(folder), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
    )


def test_processes_share_one_limit(tmp_path: Path) -> None:
    """rentrez #132: two processes, each within the limit, met HTTP 429 together."""
    running = [start(tmp_path, "12"), start(tmp_path, "12")]
    moments = [float(line) for each in running for line in each.communicate(timeout=30)[0].split()]
    assert len(moments) == 24
    assert most_in_a_second(moments) <= 10


def test_a_killed_process_leaves_no_call_behind(tmp_path: Path) -> None:
    process = start(tmp_path, "0", "then hang in a call")
    state = next(iter(_wait_for(tmp_path, "rate-*.json")))
    while b"[[" not in state.read_bytes():
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    limiter = RateLimiter(10, name="processes", folder=tmp_path)
    began = time.monotonic()
    for _ in range(10):
        with limiter.call():
            pass
    assert time.monotonic() - began < 3.0


def _wait_for(folder: Path, pattern: str) -> list[Path]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if found := list(folder.glob(pattern)):
            return found
        time.sleep(0.01)
    raise AssertionError(f"no {pattern} in {folder}")


@pytest.mark.parametrize("damage", [b"[", b'{"calls": [["a"', b"\xff\xfe", b'{"calls": 3}\n'])
def test_a_damaged_file_counts_as_a_used_up_limit(tmp_path: Path, damage: bytes) -> None:
    limiter = RateLimiter(5, name="damage", folder=tmp_path, window=0.2)
    with limiter.call():
        pass
    (state,) = tmp_path.glob("rate-*.json")
    state.write_bytes(damage)
    began = time.monotonic()
    with limiter.call():
        assert time.monotonic() - began >= 0.15
    assert state.read_bytes().startswith(b'{"calls"')


def test_a_clock_that_went_back_voids_what_was_written(tmp_path: Path) -> None:
    limiter = RateLimiter(1, name="boot", folder=tmp_path)
    with limiter.call():
        pass
    (state,) = tmp_path.glob("rate-*.json")
    later = time.monotonic() + 1e6
    state.write_text(f'{{"calls":[["1.1",1,{later},{later}]],"hold_until":{later}}}\n')
    began = time.monotonic()
    with limiter.call():
        assert time.monotonic() - began < 0.5


def test_a_hold_stops_every_limiter_of_the_same_name(tmp_path: Path) -> None:
    RateLimiter(10, name="hold", folder=tmp_path).hold(0.3)
    began = time.monotonic()
    with RateLimiter(10, name="hold", folder=tmp_path).call():
        assert time.monotonic() - began >= 0.25
    with RateLimiter(10, name="another", folder=tmp_path).call():
        pass


def test_the_wait_ends_when_stopped() -> None:
    limiter = RateLimiter(1, name="stop")
    limiter.hold(60)
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Stopped), limiter.call(stop):
        pass
    assert time.monotonic() - began < 5


def test_an_unusable_folder_means_a_limit_of_this_process_and_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    occupied = tmp_path / "occupied"
    occupied.write_text("a file where the folder should be")
    monkeypatch.setenv("PUBGRADE_RUNTIME_DIR", str(occupied))
    said: list[str] = []
    sink = logger.add(said.append, format="{level} {message}")
    try:
        limiters = [RateLimiter(3, name="alone", window=0.3) for _ in range(2)]
        began = time.monotonic()
        for limiter in limiters * 2:
            with limiter.call():
                pass
    finally:
        logger.remove(sink)
    assert time.monotonic() - began >= 0.3  # the fourth call waited, though of another limiter
    assert len(said) == 1
    assert said[0].startswith("WARNING NCBI's rate limit is kept in this process only")
    assert "PUBGRADE_RUNTIME_DIR" in said[0]


def test_a_file_that_cannot_be_written_later_on_does_not_stop_the_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter = RateLimiter(3, name="later", folder=tmp_path)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rate_limit.os, "pwrite", full)
    with limiter.call():
        pass


def test_a_folder_of_another_user_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PUBGRADE_RUNTIME_DIR")
    monkeypatch.setattr(rate_limit.tempfile, "gettempdir", lambda: str(tmp_path))
    (tmp_path / f"pubgrade-{os.getuid()}").symlink_to(tmp_path)
    limiter = RateLimiter(3, name="link")
    with limiter.call():
        pass
    assert not list(tmp_path.glob("rate-*"))


def test_the_key_is_not_in_the_file_or_its_name(tmp_path: Path) -> None:
    with RateLimiter(3, name="host secretkey123", folder=tmp_path).call():
        pass
    for path in tmp_path.iterdir():
        assert "secretkey123" not in path.name
        assert b"secretkey123" not in path.read_bytes()


def test_a_limit_below_one_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        RateLimiter(0)
