"""Work shared out among processes, of this machine or of a cluster, and taken back in order."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeVar

from worker.collector import look_rarely
from worker.errors import WorkerError

Given = TypeVar("Given")
Made = TypeVar("Made")


def cores() -> int:
    """Processors that this process may use."""
    able = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return able or 1


def begin_process() -> None:
    """Ctrl-C is the business of whoever gives out the work; a process without that one ends too."""
    look_rarely()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


@contextmanager
def processes(workers: int) -> Iterator[Executor]:
    """So many processes of this machine, begun when there is work for them."""
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(workers, mp_context=context, initializer=begin_process)
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def in_order(
    executor: Executor | None,
    work: Callable[[Given], Made],
    parts: Iterable[Given],
    *,
    ahead: int,
) -> Iterator[Made]:
    """`work` done on each of `parts`, of which no more than `ahead` are held beside the one wanted.

    Without an executor it is done here. Raises WorkerError where a process was killed.
    """
    if executor is None:
        yield from map(work, parts)
        return
    waiting: deque[Future[Made]] = deque()
    try:
        for part in parts:
            waiting.append(executor.submit(work, part))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise WorkerError(
            "a process that worked was killed (out of memory?). What was done before is kept; "
            "start again, or with fewer --workers."
        ) from None
    finally:
        for each in waiting:
            each.cancel()
