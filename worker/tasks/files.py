"""`pubgrade load` and `pubgrade grade`."""

from __future__ import annotations

import dataclasses
import sys
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec

from grading import Article, Grade, grade_many
from storage.records import iso
from worker.errors import SourceError
from worker.invocation import EXIT_DONE, EXIT_SOME_FAILED, Invocation
from worker.parsed import MalformedRecord, ParsedArticle
from worker.tasks.output import emit, list_failures, progress, say
from worker.tasks.session import BATCH, counted, ledger_row, open_config, open_store, task


@task
def load(invocation: Invocation, *, sources: list[str]) -> int:
    from worker.files import list_sources, read_source
    from worker.intake import Intake

    found = list_sources(sources)
    config = open_config(invocation)
    status = EXIT_DONE
    with open_store(config) as store, progress(invocation, "Loading", None) as show_done:
        loaded = 0
        for source in found:
            intake = Intake(store, source=source)
            failures: list[tuple[int | None, str]] = []
            fault: SourceError | None = None
            with ledger_row(store, "load", source) as row:
                reader = read_source(source)
                while True:
                    batch: list[Any] = []
                    try:
                        for item in islice(reader, BATCH):
                            batch.append(item)  # noqa: PERF402 (a fault must not lose the batch)
                    except SourceError as error:
                        fault = error
                    if batch:
                        outcome = intake.take(batch)
                        came = sum(isinstance(item, ParsedArticle) for item in batch)
                        row[0] = counted(row[0], outcome, asked=len(batch), returned=came)
                        failures += [(item.pmid, item.error) for item in outcome.failed]
                        loaded += len(batch)
                        show_done(loaded)
                    if fault is not None or len(batch) < BATCH:
                        break
                if fault is not None:
                    row[0] = dataclasses.replace(row[0], state="failed", error=str(fault))
            done = row[0]
            if fault is not None:
                say(f"pubgrade: {fault}")
                status = EXIT_SOME_FAILED
            if list_failures(failures):
                status = EXIT_SOME_FAILED
            if invocation.json:
                emit(
                    {
                        "source": source,
                        "new": done.new,
                        "revised": done.revised,
                        "unchanged": done.unchanged,
                        "stale": done.stale,
                        "deleted": done.deleted,
                        "failed": done.failed,
                        "seconds": done.seconds,
                        "error": done.error,
                    }
                )
            elif not invocation.quiet:
                rate = done.returned / done.seconds if done.seconds else 0
                sys.stdout.write(
                    f"{source}: {done.new:,} new, {done.revised:,} revised, {done.unchanged:,} unchanged, "
                    f"{done.stale:,} older than stored, {done.deleted:,} deleted, {done.failed:,} failed "
                    f"({rate:,.0f} records a second)\n"
                )
    return status


@task
def grade(invocation: Invocation, *, source: str) -> int:
    from worker.files import list_sources, read_source

    failures: list[tuple[int | None, str]] = []
    fault: SourceError | None = None
    for one in list_sources([source]):
        batch: list[Article] = []
        try:
            for item in read_source(one):
                if isinstance(item, MalformedRecord):
                    failures.append((item.pmid, item.error))
                elif isinstance(item, ParsedArticle):
                    batch.append(item.article)
                if len(batch) == BATCH:
                    emit_graded(batch)
                    batch = []
        except SourceError as error:
            fault = error
            say(f"pubgrade: {error}")
        emit_graded(batch)
    return EXIT_SOME_FAILED if list_failures(failures) or fault else EXIT_DONE


def emit_graded(articles: list[Article]) -> None:
    for article, given in zip(articles, grade_many(articles), strict=True):
        emit(_graded(article, given))


def _graded(article: Article, given: Grade) -> dict[str, Any]:
    record: dict[str, Any] = msgspec.to_builtins(article)
    record.update(msgspec.to_builtins(given))
    record["graded_at"] = iso(datetime.now(UTC))
    record["topics"] = []
    return record
