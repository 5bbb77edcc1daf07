"""Who turns sources into spools: this process, or others on this machine.

`worker.cluster` has the readers on other machines.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Protocol

from worker.errors import WorkerError
from worker.known import Known, known_to
from worker.processes import begin_process
from worker.spools import Spooled, Task, prepare

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

    from storage import Store

Ready = Callable[[], Spooled]  # waits for what was begun


class Readers(Protocol):
    @property
    def ahead(self) -> int:
        """How many sources are worth beginning before the first is wanted."""

    def begin(self, task: Task) -> Ready:
        """Begin with a source; the answer waits for it."""


def shares_of(task: Task, workers: int, sources: int | None) -> list[Task]:
    """The task for all workers that there are for one of so many sources, each share of it with a
    spool of its own. Only a file can be read more than once."""
    shares = -(-workers // sources) if sources else 1
    if shares < 2 or not os.path.isfile(task.source):
        return [task]
    return [
        replace(task, path=f"{task.path}.{share}", share=share, shares=shares)
        for share in range(shares)
    ]


class Inline:
    """Reads in this process, when the writer asks for it; not what `store` knows."""

    ahead = 1

    def __init__(
        self, stop: threading.Event, progress: Callable[[int], None], store: Store | None
    ) -> None:
        self._stop = stop
        self._progress = progress
        self._known = known_to(store) if store else None
        self._read = 0

    def begin(self, task: Task) -> Ready:
        return lambda: prepare(
            task, known=_known_of(task, self._known), stopped=self._stop.is_set, count=self._count
        )

    def _count(self, records: int) -> None:
        self._read += records
        self._progress(self._read)


class Pool:
    """Reads in other processes, some way ahead of the writer; not what `store` knows. `sources`: how
    many there are."""

    def __init__(
        self,
        workers: int,
        stop: threading.Event,
        progress: Callable[[int], None],
        sources: int | None,
        store: Store | None,
    ) -> None:
        context = get_context("spawn")
        self.ahead = workers + 1  # so all are at work while one source is written
        self._workers = workers
        self._sources = sources
        self._stop = stop
        self._progress = progress
        self._stopping = context.Event()
        self._read: Any = context.Value("q", 0)
        self._executor = ProcessPoolExecutor(
            workers,
            mp_context=context,
            initializer=_begin_process,
            initargs=(self._stopping, self._read, store),
        )

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._executor.shutdown(wait=True, cancel_futures=True)

    def begin(self, task: Task) -> Ready:
        futures = [
            self._executor.submit(_prepare_here, each)
            for each in shares_of(task, self._workers, self._sources)
        ]
        return lambda: Spooled.together([self._wait(each, task.source) for each in futures])

    def _wait(self, future: Future[Spooled], source: str) -> Spooled:
        while True:
            if self._stop.is_set():
                self._stopping.set()
            try:
                spooled = future.result(timeout=0.2)
            except TimeoutError:
                self._progress(self._read.value)
                continue
            except BrokenProcessPool:
                raise WorkerError(
                    f"{source}: a process that read it was killed (out of memory?). "
                    "Files loaded before are kept; start again, or with fewer --workers."
                ) from None
            self._progress(self._read.value)
            return spooled


_stopping: Event | None = None
_read: Any = None
_known: Known | None = None


def _begin_process(stopping: Event, read: Any, store: Store | None) -> None:
    global _stopping, _read, _known
    begin_process()
    _stopping, _read = stopping, read
    _known = known_to(store) if store else None


def _prepare_here(task: Task) -> Spooled:
    known = _known_of(task, _known)
    return prepare(task, known=known, stopped=_is_stopping, count=_count_read)


def _known_of(task: Task, known: Known | None) -> Known | None:
    """Where the store turns out to know better by then, a source is read once more: if it can be."""
    return None if task.source == "-" else known


def _is_stopping() -> bool:
    return _stopping is not None and _stopping.is_set()


def _count_read(records: int) -> None:
    with _read.get_lock():
        _read.value += records
