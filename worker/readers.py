"""Who prepares sources for the writer: this process, or others on this machine.

`worker.cluster` has the readers on other machines.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from grading import GRADER_VERSION
from worker.errors import WorkerError
from worker.known import Known, Snapshot, known_to
from worker.preparing import Answer, Prepared, Task, shares_of
from worker.processes import begin_process

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

    from distributed import Client

    from storage import Store

Named = TypeVar("Named")
_STORED: Final = 2_500_000


class Readers(Protocol):
    @property
    def ahead(self) -> int:
        """How many sources are worth beginning before the first is wanted."""

    def begin(self, task: Task) -> Answer:
        """Begin with a source; the answer waits for it."""


@contextmanager
def readers_for(
    *,
    workers: int,
    sources: int | None,
    cluster: Client | None,
    stop: threading.Event,
    progress: Callable[[int], None],
    known: Store | None = None,
    shared: Path | None = None,
) -> Iterator[Readers]:
    """A cluster's workers, so many processes of this machine, or this one where that is 1.

    `known`: a store; what that was filled from just so need not be read again. `shared`: a folder
    for what a cluster's workers must see.
    """
    if cluster is not None:
        from worker.cluster import ClusterReaders

        there = None
        if known is not None and shared is not None and _is_worth_telling(known, sources):
            there = Snapshot.of(known, shared)
        yield ClusterReaders(cluster, stop, progress, sources, there)
    elif workers < 2:
        yield Inline(stop, progress, known)
    else:
        with Pool(workers, stop, progress, sources, known) as pool:
            yield pool


def _is_worth_telling(known: Store, sources: int | None) -> bool:
    """Telling other machines what a store knows takes as long as reading one source for each
    `_STORED` records in it; some of which will be known."""
    return sources is None or known.counts(GRADER_VERSION).articles <= _STORED * sources


def begun(
    readers: Readers, tasks: Iterable[tuple[Named, Task]], stop: threading.Event
) -> Iterator[tuple[Named, Task, Answer]]:
    """Each task with its answer, in order. Tasks are drawn only as far ahead as there are readers,
    and none once `stop` is set."""
    waiting: deque[tuple[Named, Task, Answer]] = deque()
    todo = iter(tasks)
    while True:
        while len(waiting) < readers.ahead and not stop.is_set():
            following = next(todo, None)
            if following is None:
                break
            waiting.append((*following, readers.begin(following[1])))
        if not waiting:
            return
        yield waiting.popleft()


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

    def begin(self, task: Task) -> Answer:
        known = _known_of(task, self._known)
        return lambda: task.prepare(known=known, stopped=self._stop.is_set, count=self._count)

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

    def begin(self, task: Task) -> Answer:
        futures = [
            self._executor.submit(_prepare_here, each)
            for each in shares_of(task, self._workers, self._sources)
        ]
        return lambda: Prepared.together([self._wait(each, task.source) for each in futures])

    def _wait(self, future: Future[Prepared], source: str) -> Prepared:
        while True:
            if self._stop.is_set():
                self._stopping.set()
            try:
                prepared = future.result(timeout=0.2)
            except TimeoutError:
                self._progress(self._read.value)
                continue
            except BrokenProcessPool:
                raise WorkerError(
                    f"{source}: a process that read it was killed (out of memory?). "
                    "Files loaded before are kept; start again, or with fewer --workers."
                ) from None
            self._progress(self._read.value)
            return prepared


_stopping: Event | None = None
_read: Any = None
_known: Known | None = None


def _begin_process(stopping: Event, read: Any, store: Store | None) -> None:
    global _stopping, _read, _known
    begin_process()
    _stopping, _read = stopping, read
    _known = known_to(store) if store else None


def _prepare_here(task: Task) -> Prepared:
    known = _known_of(task, _known)
    return task.prepare(known=known, stopped=_is_stopping, count=_count_read)


def _known_of(task: Task, known: Known | None) -> Known | None:
    """Where the store turns out to know better by then, a source is read once more: if it can be."""
    return None if task.source == "-" else known


def _is_stopping() -> bool:
    return _stopping is not None and _stopping.is_set()


def _count_read(records: int) -> None:
    with _read.get_lock():
        _read.value += records
