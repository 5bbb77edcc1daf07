"""`load` and `mirror` with --parquet: bulk files straight to Parquet."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from worker.errors import ConfigError, WorkerError
from worker.invocation import EXIT_DONE, EXIT_INTERRUPTED, EXIT_SOME_FAILED, EXIT_USAGE, Invocation
from worker.tasks.output import emit, list_failures, progress, say
from worker.tasks.workers import executor_on

if TYPE_CHECKING:
    from distributed import Client

    from worker.dataset import Added, Dataset


@contextmanager
def open_dataset(invocation: Invocation, folder: str, spool: str | None) -> Iterator[Dataset]:
    """The dataset that --parquet names. Raises ConfigError where it cannot be written, or other
    options do not go with it."""
    if find_spec("pyarrow") is None:
        raise ConfigError("Parquet needs pyarrow: pip install 'pubgrade[parquet]'")
    if invocation.store is not None:
        raise ConfigError("--parquet fills no store: leave --store out, or --parquet")
    if spool is not None:
        raise ConfigError("--spool: with --parquet nothing waits to be written; leave it out")
    from worker.dataset import opened

    try:
        with opened(Path(folder)) as dataset:
            yield dataset
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written: {error.strerror}") from None


def fill_dataset(
    invocation: Invocation,
    dataset: Dataset,
    add: Callable[..., Generator[Added, None, None]],
    *,
    client: Client | None,
    workers: int,
    stop: threading.Event,
) -> int:
    """`add` sources, with these options, then write the dataset: also where `add` ended by an error,
    of what came before it. Answers the exit status."""
    end: WorkerError | None = None
    failed, added = [], 0
    with (
        progress(invocation, "Loading", None) as show_read,
        closing(add(workers=workers, cluster=client, stop=stop, progress=show_read)) as all_added,
    ):
        try:
            for each in all_added:
                added += each.entry is not None
                if each.fault is not None:
                    say(f"pubgrade: {each.fault}")
                kept = f", all told below {dataset.parts}"
                listed = list_failures(each.failures, source=each.source, kept=kept)
                failed.append(bool(listed or each.fault))
                _show(invocation, each)
        except WorkerError as error:
            end = error
    if not _write(invocation, dataset, client=client, workers=workers, stop=stop):
        say("interrupted; the work so far is kept")
        return EXIT_INTERRUPTED
    if end is not None:
        raise end
    if not any(failed):
        return EXIT_DONE
    return EXIT_SOME_FAILED if added else EXIT_USAGE


def _write(
    invocation: Invocation,
    dataset: Dataset,
    *,
    client: Client | None,
    workers: int,
    stop: threading.Event,
) -> bool:
    """False where it was stopped before it was done."""
    if stop.is_set():
        return False
    with (
        executor_on(client, workers) as (executor, able),
        progress(invocation, "Writing ranges", None) as show_done,
    ):
        records = dataset.write(executor=executor, workers=able, stop=stop, progress=show_done)
    if records is None:
        return False
    if invocation.json:
        emit({"file": str(dataset.folder), "format": "parquet", "records": records})
    elif not invocation.quiet:
        say(f"{records:,} records below {dataset.folder}.")
    if dataset.outdated:
        say(
            f"pubgrade: {dataset.outdated:,} of {len(dataset.entries):,} files in it were read and "
            "graded by another version of pubgrade. Load them again to have all alike."
        )
    return True


def _show(invocation: Invocation, added: Added) -> None:
    entry = added.entry
    if invocation.json:
        emit(
            {
                "source": added.name,
                "records": entry.records if entry else 0,
                "deleted": entry.deleted if entry else 0,
                "failed": entry.failed if entry else 0,
                "seconds": entry.seconds if entry else 0.0,
                "error": added.fault,
                "worker": entry.worker if entry else None,
                "known": added.known,
            }
        )
    elif entry is not None and not invocation.quiet:
        if added.known:
            how = f"in it already, since {entry.finished_at}"
        else:
            rate = entry.records / entry.seconds if entry.seconds else 0
            how = f"{rate:,.0f} records a second" + (f", by {entry.worker}" if entry.worker else "")
        sys.stdout.write(
            f"{added.name}: {entry.records:,} records, {entry.deleted:,} deletions, "
            f"{entry.failed:,} failed ({how})\n"
        )
