"""What commands print: results on stdout, words for people on stderr, progress, failures."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
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
) -> Iterator[Callable[[int], None]]:
    """Call the value with the number of records done; a bar appears only after `SLOW` seconds."""
    if not sys.stderr.isatty() or invocation.quiet:
        yield lambda _: None
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    bar: Progress | None = None
    task: TaskID | None = None
    started = time.monotonic()

    def show(done: int) -> None:
        nonlocal bar, task
        elapsed = time.monotonic() - started
        if bar is None and elapsed > SLOW:
            bar = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]:.0f}/s"),
                TimeRemainingColumn(),
                console=pages.console(err=True),
                transient=True,
            )
            bar.start()
            task = bar.add_task(label, total=total, rate=0.0)
        if bar is not None and task is not None:
            bar.update(task, completed=done, rate=done / elapsed)

    try:
        yield show
    finally:
        if bar is not None:
            bar.stop()


def list_failures(
    failures: Iterable[tuple[int | None, str]], *, kept: str = ", all in the store's quarantine"
) -> int:
    """Say which records failed, and why, the first `MOST_LISTED` of them. Returns how many."""
    number = 0
    for number, (pmid, why) in enumerate(failures, 1):
        if number <= MOST_LISTED:
            say(f"failed: {f'PMID {pmid}' if pmid else 'a record without PMID'}: {why}")
    if number > MOST_LISTED:
        say(f"… and {number - MOST_LISTED} more{kept}")
    return number
