"""What commands print: results on stdout, words for people on stderr, progress, failures."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from worker import pages
from worker.invocation import Invocation

if TYPE_CHECKING:
    from rich.progress import TaskID

SLOW = 2.0  # seconds after which a person who watches sees progress
MOST_LISTED = 20  # failures printed one by one


def say(message: str) -> None:
    print(message, file=sys.stderr)  # noqa: T201


def emit(record: object) -> None:
    sys.stdout.write(msgspec.json.encode(record).decode() + "\n")


@contextmanager
def progress(
    invocation: Invocation, label: str, total: int | None
) -> Iterator[Callable[..., None]]:
    """Call the value with the number of records done, and of all where that only shows now.

    A bar appears only after `SLOW` seconds, and only to a person who watches.
    """
    if not sys.stderr.isatty() or invocation.quiet:
        yield lambda *_: None
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
    )

    bar: Progress | None = None
    task: TaskID | None = None
    started = time.monotonic()

    def show(done: int, total: int | None = total) -> None:
        nonlocal bar, task
        elapsed = time.monotonic() - started
        rate = done / elapsed if elapsed else 0.0
        left = _time_left(done, total, rate)
        if bar is None and elapsed > SLOW:
            bar = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]:.0f}/s"),
                TextColumn("{task.fields[left]}"),
                console=pages.console(err=True),
                transient=True,
            )
            task = bar.add_task(label, completed=done, total=total, rate=rate, left=left)
            bar.start()
        if bar is not None and task is not None:
            bar.update(task, completed=done, total=total, rate=rate, left=left)

    try:
        yield show
    finally:
        if bar is not None:
            bar.stop()


def _time_left(done: int, total: int | None, rate: float) -> str:
    """ "0:01:30 left" at the rate so far, or "" where that cannot be told."""
    if total is None or not rate:
        return ""
    return f"{timedelta(seconds=round(max(0, total - done) / rate))} left"


def list_failures(
    failures: Iterable[tuple[int | None, str]],
    *,
    source: str | None = None,
    kept: str = ", all in the store's quarantine",
) -> int:
    """Say which records failed (of a source, if it is told), and why, the first `MOST_LISTED` of
    them. Returns how many.
    """
    place = f"{source}: " if source else ""
    number = 0
    for number, (pmid, why) in enumerate(failures, 1):
        if number <= MOST_LISTED:
            say(f"failed: {place}{f'PMID {pmid}' if pmid else 'a record without PMID'}: {why}")
    if number > MOST_LISTED:
        say(f"… and {number - MOST_LISTED} more{kept}")
    return number
