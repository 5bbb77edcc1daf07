"""`RateLimiter`: at most so many calls in any second, over all threads and processes of a machine.

NCBI counts 3 calls a second of an address, or 10 of an API key, whichever program makes them: a
manual fetch beside the daemon shares its limit. So the calls are written down in a small file that
all processes of a user share, under a file lock.

A call counts from the moment it is let go until a second (and a margin) after it has been answered:
NCBI counts when a call arrives, and that is somewhere in between. Counted so, no delay on the way
can push one call too many into a second. A call of a process that has died counts from its start.

The file is `rate-<service>.json` in the folder `$PUBGRADE_RUNTIME_DIR`, else `pubgrade-<user id>`
in the system's folder for temporary files. Where that cannot be used (read-only, somebody else's),
the limit holds within this process only, and one warning says so.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TypeVar

import msgspec
from filelock import FileLock, Timeout
from loguru import logger

T = TypeVar("T")

WINDOW = 1.1  # seconds: NCBI's one, and a margin for clocks that do not run alike
LONGEST_CALL = 600.0  # seconds after which a call without an end is taken for lost
LONGEST_HOLD = 120.0  # seconds that all calls wait at most because one was told to wait
LOCK_PATIENCE = 10.0  # seconds; the lock is held for well under a millisecond
IN_FLIGHT_POLL = 0.02  # seconds between two looks while only unanswered calls stand in the way

RUNTIME_DIR = "PUBGRADE_RUNTIME_DIR"


class Stopped(Exception):
    """A wait or a call was given up because the caller's stop event is set."""


class _Call(msgspec.Struct, array_like=True):
    id: str
    pid: int
    started: float  # time.monotonic(): one clock for all processes since the machine started
    ended: float | None = None


class _State(msgspec.Struct):
    calls: list[_Call] = []  # msgspec copies the empty default
    hold_until: float = 0.0


class RateLimiter:
    """Lets at most `per_second` calls go in any second.

    Safe to share between threads; limiters of the same `name` on one machine and user count
    together. `name` should say whose limit it is (service and key); only its hash is stored.
    """

    def __init__(
        self,
        per_second: int,
        *,
        name: str = "",
        folder: Path | None = None,
        window: float = WINDOW,
    ) -> None:
        if per_second < 1:
            raise ValueError(f"per_second must be at least 1, not {per_second}")
        self.per_second = per_second
        self._window = window
        self._name = hashlib.sha256(name.encode()).hexdigest()[:16]
        self._file = _SharedFile.open(folder, f"rate-{self._name}")
        self._lock = threading.Lock()

    @contextmanager
    def call(self, stop: threading.Event | None = None) -> Iterator[None]:
        """Wait for a free place, and hold it for as long as the `with` block makes its call.

        Raises `Stopped` when `stop` is set before the place is free.
        """
        own = self._wait_for_place(stop)
        try:
            yield
        finally:
            self._update(lambda state: _end(state, own))

    def hold(self, seconds: float) -> None:
        """Let no call go for `seconds`, in no process: NCBI said that there were too many."""
        until = time.monotonic() + min(seconds, LONGEST_HOLD)

        def change(state: _State) -> None:
            state.hold_until = max(state.hold_until, until)

        self._update(change)

    def _wait_for_place(self, stop: threading.Event | None) -> str:
        while True:
            if stop is not None and stop.is_set():
                raise Stopped("stopped while waiting for the rate limit")
            place = self._update(self._take_place)
            if isinstance(place, str):
                return place
            if stop is None:
                time.sleep(place)
            else:
                stop.wait(place)

    def _take_place(self, state: _State) -> str | float:
        """The id of the place taken, or the seconds after which it is worth asking again."""
        now = time.monotonic()
        # A clock that went back means the machine was started anew: what was written is void.
        state.calls = [
            call for call in state.calls if call.started <= now and self._counts(call, now)
        ]
        if now < state.hold_until <= now + LONGEST_HOLD:
            return state.hold_until - now
        if len(state.calls) < self.per_second:
            own = _Call(f"{os.getpid()}.{next(_numbers)}", os.getpid(), now)
            state.calls.append(own)
            return own.id
        ends = [call.ended + self._window - now for call in state.calls if call.ended is not None]
        return max(min([*ends, IN_FLIGHT_POLL] if len(ends) < len(state.calls) else ends), 0.001)

    def _counts(self, call: _Call, now: float) -> bool:
        if call.ended is None and now < call.started + LONGEST_CALL and _alive(call.pid):
            return True
        return now < (call.ended or call.started) + self._window

    def _update(self, change: Callable[[_State], T]) -> T:
        """Apply `change` to the shared state, or to this process's own where there is none."""
        with self._lock:
            if self._file is not None:
                try:
                    return self._file.update(change, self._unreadable)
                except (OSError, Timeout) as error:
                    self._file = None
                    _warn_not_shared(str(error))
            with _process_lock:
                return change(_process_states.setdefault(self._name, _State()))

    def _unreadable(self) -> _State:
        """What to assume when the file is damaged: that the limit has just been used up."""
        now = time.monotonic()
        return _State([_Call(f"?{n}", os.getpid(), now, now) for n in range(self.per_second)])


_numbers = itertools.count(1)
_process_lock = threading.Lock()
_process_states: dict[str, _State] = {}
_warned: set[str] = set()


def _end(state: _State, own: str) -> None:
    for call in state.calls:
        if call.id == own:
            call.ended = time.monotonic()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # not ours to signal: it lives
        return True
    return True


def _warn_not_shared(why: str) -> None:
    if why not in _warned:
        _warned.add(why)
        logger.warning(
            "NCBI's rate limit is kept in this process only, not shared with other pubgrade "
            "processes: {}. Set {} to a folder that can be written to.",
            why,
            RUNTIME_DIR,
        )


class _SharedFile:
    """The state as one line of JSON in a file, changed under a file lock."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(path.with_suffix(".lock"), timeout=LOCK_PATIENCE, thread_local=False)

    @classmethod
    def open(cls, folder: Path | None, name: str) -> _SharedFile | None:
        """None, with a warning, where the folder cannot be used."""
        try:
            return cls(_runtime_folder(folder) / f"{name}.json")
        except OSError as error:
            _warn_not_shared(str(error))
            return None

    def update(self, change: Callable[[_State], T], unreadable: Callable[[], _State]) -> T:
        with self._lock.acquire(poll_interval=0.002):
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                state = self._read(fd, unreadable)
                result = change(state)
                # A line end closes the state. Killed while writing, it is missing or the line is
                # not JSON; the rest of a longer state before stays behind it and is not read.
                os.pwrite(fd, msgspec.json.encode(state) + b"\n", 0)
            finally:
                os.close(fd)
        return result

    def _read(self, fd: int, unreadable: Callable[[], _State]) -> _State:
        size = os.fstat(fd).st_size
        if not size:
            return _State()
        line, end, _ = os.pread(fd, size, 0).partition(b"\n")
        try:
            return msgspec.json.decode(line, type=_State) if end else unreadable()
        except msgspec.DecodeError:
            return unreadable()


def _runtime_folder(folder: Path | None) -> Path:
    """The folder of the shared files, made if absent; never one that another user could change.

    $XDG_RUNTIME_DIR is not used: a service and a person's shell of the same user differ in it.
    """
    if folder is None and (named := os.environ.get(RUNTIME_DIR)):
        folder = Path(named)
    if folder is not None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder
    owner = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    folder = Path(tempfile.gettempdir()) / f"pubgrade-{owner}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or (hasattr(os, "getuid") and found.st_uid != os.getuid()):
        raise PermissionError(f"{folder} belongs to another user")
    return folder


def retry_after_of(value: str | None) -> float | None:
    """Seconds of a Retry-After header, which is a number of seconds or a date."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
