"""Bulk loads: processes read, parse and grade files; one writer saves them in order.

Readers (worker.readers) turn each file into a spool (worker.spools). The writer saves each spool in
one transaction together with its row of the ledger, in the order of the sources, whichever is ready
first. Memory holds one block of records for each process, whatever the files; whoever is killed
loses only the files in hand.

A single small file goes the same way within this process.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from grading import GRADER_VERSION, Article
from grading.article import Correction
from grading.notices import notices_in
from grading.warnings import warned
from storage import Store
from storage.contents import Content, content_of
from storage.records import Run
from worker.notices import notices_with
from worker.preparing import Prepared, Task
from worker.readers import begun, readers_for
from worker.spools import (
    Deleted,
    Item,
    Malformed,
    Ready,
    SpoolTask,
    Unchanged,
    blocks_of,
    spool_folder,
)

if TYPE_CHECKING:
    from distributed import Client

    from storage.loading import Loading
    from worker.selection import Selection

TRANSACTION: Final = 60_000  # records; NLM's files hold 30,000 at most


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of one source. `run` is its row of the ledger as it ended."""

    source: str
    run: Run
    failures: tuple[tuple[int | None, str], ...] = ()
    fault: str | None = None
    left_out: int = 0  # records that the selection did not keep

    @property
    def interrupted(self) -> bool:
        return self.run.state == "interrupted"


@dataclass(frozen=True, slots=True)
class Job:
    """One source to load. `subject` and `md5` are what the ledger keeps (storage.records.Run)."""

    source: str
    subject: str = ""
    md5: str | None = None

    @property
    def name(self) -> str:
        return self.subject or self.source


@dataclass
class _Counts:
    asked: int = 0
    returned: int = 0
    failed: int = 0
    deleted: int = 0
    left_out: int = 0
    failures: list[tuple[int | None, str]] = field(default_factory=list)


# writing


class _Overtaken(Exception):
    """What the store had when a source was read, it has no more: the source must be read whole."""


class _Writer:
    """Saves spools into a store, in the order in which they are given."""

    def __init__(
        self,
        store: Store,
        *,
        kind: str,
        now: Callable[[], datetime],
        selection: Selection | None,
        whole: bool,
    ) -> None:
        self._store = store
        self._whole = whole
        self._selection = selection
        self._kind = kind
        self._now = now

    def start(self, job: Job) -> Run:
        run = Run(
            kind=self._kind,
            subject=job.name,
            window_start=self._selection.text if self._selection else None,
            md5=job.md5,
            started_at=self._now(),
        )
        return self._store.start_run(run)

    def save(self, job: Job, run: Run, prepared: Prepared, started: float) -> Loaded:
        """Raises _Overtaken, with nothing of the source saved but whole transactions of it."""
        if self._whole and (prepared.fault or prepared.stopped):
            run = self.give_up(run, _state(prepared), prepared.fault, started)
            return Loaded(job.source, run, (), prepared.fault)
        counts = _Counts()
        blocks = blocks_of(prepared)
        last = False
        while not last:
            with self._store.loading(run, at=self._now()) as loading:
                saved = 0
                last = True
                for block in blocks:
                    self._save_block(loading, job.name, block, counts)
                    saved += len(block)
                    if saved >= TRANSACTION:
                        last = False
                        break
                outcome = loading.outcome
                run = dataclasses.replace(
                    run,
                    asked=counts.asked,
                    returned=counts.returned,
                    failed=counts.failed,
                    deleted=counts.deleted,
                    new=run.new + len(outcome.new),
                    revised=run.revised + len(outcome.revised),
                    unchanged=run.unchanged + len(outcome.unchanged),
                    stale=run.stale + len(outcome.stale),
                    worker=prepared.by,
                )
                if last:
                    run = _ended(run, _state(prepared), prepared.fault, started, self._now())
                loading.close(run)
        failures = tuple(counts.failures)
        return Loaded(job.source, run, failures, prepared.fault, counts.left_out)

    def give_up(self, run: Run, state: str, error: str | None, started: float) -> Run:
        run = _ended(run, state, error, started, self._now())
        self._store.update_run(run)
        return run

    def _save_block(
        self, loading: Loading, source: str, block: list[Item], counts: _Counts
    ) -> None:
        counts.asked += len(block)
        articles: list[Ready] = []
        unchanged: dict[int, int] = {}
        for item in block:
            match item:
                case Unchanged():
                    unchanged[item.pmid] = item.source_digest
                    counts.returned += 1
                case Ready():
                    articles.append(item)
                case Malformed():
                    loading.quarantine(
                        raw=item.raw, error=item.error, source=source, pmid=item.pmid
                    )
                    counts.failed += 1
                    counts.failures.append((item.pmid, item.error))
                case Deleted():
                    self._save_articles(loading, articles, counts)
                    articles = []
                    noticed = loading.noticed_by(item.pmids)
                    counts.deleted += len(loading.delete(item.pmids, source))
                    _warn(loading, noticed, loading.notices_about(noticed))
        self._save_articles(loading, articles, counts)
        if unchanged and not loading.confirm(
            unchanged,
            grader_version=GRADER_VERSION,
            abridging=self._selection is not None and not self._selection.abstracts,
        ):
            raise _Overtaken

    def _save_articles(self, loading: Loading, articles: list[Ready], counts: _Counts) -> None:
        """Save articles, warned by the notices among them and in the store, whichever came first.

        Grades are made without notices; those of the few articles that a notice names are told of it.
        """
        if not articles:
            return
        counts.returned += len(articles)
        pmids = {item.arrival.pmid for item in articles}
        told = notices_with(map(_telling, articles), loading)
        articles = self._warned(articles, told)
        named = [item for item in articles if item.arrival.pmid in told]
        if self._selection is not None:
            kept = _kept(loading, articles)
            counts.left_out += len(articles) - len(kept)
            articles = kept
        loading.save(item.arrival for item in articles)
        older = loading.outdated(map(_telling, named))  # so another one is stored
        _warn(loading, (told.keys() - pmids) | older, told)

    def _warned(
        self, articles: list[Ready], told: Mapping[int, tuple[Correction, ...]]
    ) -> list[Ready]:
        """Grades as notices tell."""
        result = []
        for item in articles:
            if item.arrival.pmid in told:
                article, grade = _content(item).read()
                grade = warned(grade, article, told[article.pmid])
                selected = item.eligible and (
                    self._selection is None or self._selection.admits(grade)
                )
                arrival = msgspec.structs.replace(item.arrival, content=content_of(article, grade))
                item = msgspec.structs.replace(item, arrival=arrival, selected=selected)
            result.append(item)
        return result


def _content(item: Ready) -> Content:
    content = item.arrival.content
    assert content is not None  # noqa: S101 - `worker.spools` grades them all
    return content


def _telling(item: Ready) -> Article:
    """The article as far as notices go: most give none and need not be unpacked."""
    arrival = item.arrival
    if item.gives_notice:
        return _content(item).read()[0]
    return Article(pmid=arrival.pmid, version=arrival.version, revised=arrival.revised)


def _warn(
    loading: Loading, pmids: AbstractSet[int], told: Mapping[int, tuple[Correction, ...]]
) -> None:
    """Grades of stored articles, as notices tell now."""
    records = loading.articles(pmids) if pmids else []
    loading.regrade(
        (article.pmid, warned(grade, article, told.get(article.pmid, ())))
        for article, grade in records
    )


def _kept(loading: Loading, articles: list[Ready]) -> list[Ready]:
    """Those that match, those that the store holds already, and notices about either.

    What was kept once is followed wherever it goes: leaving it as it was would show it as it no
    longer is. A notice must be there for as long as what it warns about is graded again.
    """
    kept = {item.arrival.pmid for item in articles if item.selected}
    others = [item for item in articles if item.arrival.pmid not in kept]
    about = {
        item.arrival.pmid: {target for target, _ in notices_in(_telling(item))} for item in others
    }
    kept |= loading.known(about.keys() | set().union(*about.values()))
    kept |= {pmid for pmid, targets in about.items() if not kept.isdisjoint(targets)}
    return [item for item in articles if item.arrival.pmid in kept]


def _forget(prepared: Prepared) -> None:
    for path in prepared.paths:
        Path(path).unlink(missing_ok=True)


def _state(prepared: Prepared) -> str:
    return "interrupted" if prepared.stopped else "failed" if prepared.fault else "done"


def _ended(run: Run, state: str, error: str | None, started: float, now: datetime) -> Run:
    seconds = round(time.monotonic() - started, 3)
    return dataclasses.replace(run, state=state, error=error, finished_at=now, seconds=seconds)


# all together


def load_files(
    store: Store,
    jobs: Iterable[Job],
    *,
    workers: int = 1,
    sources: int | None = None,
    kind: str = "load",
    whole: bool = False,
    keep_raw: bool = True,
    selection: Selection | None = None,
    cluster: Client | None = None,
    spool: Path | None = None,
    stop: threading.Event | None = None,
    progress: Callable[[int], None] = lambda _: None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Generator[Loaded, None, None]:
    """Load sources in order, each in one transaction with its row of the ledger.

    `workers`: processes that read and grade; 1 does it in this one. `sources`: how many jobs there
    are, where that is known: of few, several processes read one together. `jobs` is drawn from only
    as far ahead as there are processes. `cluster`: its workers read instead; `spool` is then a folder
    that all of them share (a temporary one of this machine by default). `whole`: nothing is kept of
    a source that has a fault. `selection`: only records that match are saved, beside those that are
    stored already and notices about them. `progress` is told the number of records read so far. Once
    `stop` is set, what was read of the file in hand is saved (its run is "interrupted"; nothing if
    `whole`), and no other is begun.

    Raises WorkerError where a source cannot be reached at all, and StoreError.
    """
    stop = stop or threading.Event()
    writer = _Writer(store, kind=kind, now=now, selection=selection, whole=whole)
    with ExitStack() as stack:
        stack.enter_context(store.filling(unless=stop.is_set))
        folder = stack.enter_context(spool_folder(spool))
        readers = stack.enter_context(
            readers_for(
                workers=workers,
                sources=sources,
                cluster=cluster,
                known=store if store.articles(limit=1) else None,  # to an empty store nothing is
                shared=folder,
                stop=stop,
                progress=progress,
            )
        )

        def tasks() -> Iterator[tuple[Job, Task]]:
            for number, job in enumerate(jobs):
                path = str(folder / f"{number}.spool")
                yield job, SpoolTask(job.source, path, keep_raw, selection, store.keeps_vectors)

        for job, task, ready in begun(readers, tasks(), stop):
            started = time.monotonic()
            run = writer.start(job)
            try:
                prepared = ready()
                try:
                    loaded = writer.save(job, run, prepared, started)
                except _Overtaken:
                    _forget(prepared)
                    prepared = task.prepare(stopped=stop.is_set)
                    loaded = writer.save(job, run, prepared, started)
                _forget(prepared)
            except Exception as error:
                writer.give_up(run, "failed", str(error), started)
                raise
            yield loaded
            if prepared.stopped:
                return
