"""`pubgrade load` and `pubgrade grade`."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from grading import Article, Grade, grade_many
from storage.records import iso
from worker.errors import SourceError
from worker.invocation import EXIT_DONE, EXIT_INTERRUPTED, EXIT_SOME_FAILED, EXIT_USAGE, Invocation
from worker.parsed import MalformedRecord, ParsedArticle
from worker.processes import cores
from worker.tasks.datasets import fill_dataset, open_dataset
from worker.tasks.output import emit, list_failures, progress, say
from worker.tasks.session import BATCH, open_config, open_store, task
from worker.tasks.workers import on_cluster

if TYPE_CHECKING:
    from worker.bulk import Loaded

SMALL = 4 << 20  # bytes of all files together that are not worth starting processes for


@task
def load(
    invocation: Invocation,
    *,
    sources: list[str],
    workers: int | None,
    cluster: str | None,
    spool: str | None,
    parquet: str | None,
) -> int:
    from worker.bulk import Job, load_files
    from worker.files import list_sources

    found = list_sources(sources)
    config = open_config(invocation)
    if parquet is not None:
        return _load_into_dataset(invocation, found, parquet, workers, cluster, spool)
    status = EXIT_DONE
    something = False  # was read from some source
    stop = stop_on_signals()
    with (
        open_store(config) as store,
        on_cluster(cluster, workers or cores()) as client,
        progress(invocation, "Loading", None) as show_done,
        closing(
            load_files(
                store,
                map(Job, found),
                workers=workers or processes_for(found),
                sources=len(found),
                cluster=client,
                spool=Path(spool) if spool else None,
                keep_raw=config.store.keep_raw,
                stop=stop,
                progress=show_done,
            )
        ) as all_loaded,
    ):
        for loaded in all_loaded:
            something = something or loaded.fault is None or loaded.run.asked > 0
            if loaded.fault is not None:
                say(f"pubgrade: {loaded.fault}")
                status = EXIT_SOME_FAILED
            if list_failures(loaded.failures, source=loaded.source):
                status = EXIT_SOME_FAILED
            show_loaded(invocation, loaded)
    if stop.is_set():
        say("interrupted; the work so far is kept")
        return EXIT_INTERRUPTED
    return status if something else EXIT_USAGE


def _load_into_dataset(
    invocation: Invocation,
    sources: list[str],
    folder: str,
    workers: int | None,
    cluster: str | None,
    spool: str | None,
) -> int:
    from worker.bulk import Job

    stop = stop_on_signals()
    with (
        open_dataset(invocation, folder, spool) as dataset,
        on_cluster(cluster, workers or cores()) as client,
    ):
        add = partial(dataset.add, [Job(source) for source in sources], sources=len(sources))
        workers = workers or processes_for(sources)
        return fill_dataset(invocation, dataset, add, client=client, workers=workers, stop=stop)


def processes_for(sources: list[str]) -> int:
    """One for each core where there is enough to do, else 1."""
    sizes = [os.path.getsize(source) for source in sources if os.path.isfile(source)]
    return cores() if sum(sizes) >= SMALL else 1


def stop_on_signals() -> threading.Event:
    """Set by SIGINT and SIGTERM: the file in hand is finished first. A second one ends at once."""
    stop = threading.Event()

    def on_signal(number: int, frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    return stop


def show_loaded(invocation: Invocation, loaded: Loaded) -> None:
    done = loaded.run
    if invocation.json:
        emit(
            {
                "source": done.subject,
                "new": done.new,
                "revised": done.revised,
                "unchanged": done.unchanged,
                "stale": done.stale,
                "deleted": done.deleted,
                "failed": done.failed,
                "left_out": loaded.left_out,
                "seconds": done.seconds,
                "error": done.error,
                "worker": done.worker,
            }
        )
    elif not invocation.quiet:
        rate = done.returned / done.seconds if done.seconds else 0
        sys.stdout.write(
            f"{done.subject}: {done.new:,} new, {done.revised:,} revised, "
            f"{done.unchanged:,} unchanged, {done.stale:,} older than stored, "
            f"{done.deleted:,} deleted, {done.failed:,} failed"
            + (f", {loaded.left_out:,} left out" if loaded.left_out else "")
            + f" ({rate:,.0f} records a second"
            + (f", by {done.worker})\n" if done.worker else ")\n")
        )


@task
def grade(invocation: Invocation, *, source: str) -> int:
    from worker.files import list_sources, read_source

    failures: list[tuple[int | None, str]] = []
    fault: SourceError | None = None
    something = False
    for one in list_sources([source]):
        batch: list[Article] = []
        try:
            for item in read_source(one):
                if isinstance(item, MalformedRecord):
                    failures.append((item.pmid, item.error))
                elif isinstance(item, ParsedArticle):
                    batch.append(item.article)
                something = True
                if len(batch) == BATCH:
                    _emit_graded(batch)
                    batch = []
        except SourceError as error:
            fault = error
            say(f"pubgrade: {error}")
        _emit_graded(batch)
    if list_failures(failures, kept="") or fault:
        return EXIT_SOME_FAILED if something else EXIT_USAGE
    return EXIT_DONE


def _emit_graded(articles: list[Article]) -> None:
    for article, given in zip(articles, grade_many(articles), strict=True):
        emit(_graded(article, given))


def _graded(article: Article, given: Grade) -> dict[str, Any]:
    record: dict[str, Any] = msgspec.to_builtins(article)
    record.update(msgspec.to_builtins(given))
    record["graded_at"] = iso(datetime.now(UTC))
    record["topics"] = []
    return record
