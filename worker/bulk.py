"""Bulk loads: processes read, parse and grade whole files; one writer saves them in order.

A process turns one file into a spool: a temporary file of records that are parsed, graded and
compressed. The writer saves each spool in one transaction together with its row of the ledger, in
the order of the sources, whichever is ready first. Memory holds one block of records for each
process, whatever the files; whoever is killed loses only the files in hand.

A single small file goes the same way within this process.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from grading import Article, Grade, grade_many
from grading.article import Correction
from grading.notices import notices_in
from storage import Store
from storage.documents import Packed, pack
from storage.records import Entry, Run
from worker.collector import look_rarely
from worker.errors import SourceError, WorkerError
from worker.files import read_source
from worker.intake import grades_of
from worker.parsed import (
    PARSER_VERSION,
    DeletedCitations,
    MalformedRecord,
    Parsed,
    ParsedArticle,
)

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

    from distributed import Client

    from storage.loading import Loading
    from worker.selection import Selection

BLOCK: Final = 500  # records read, graded and written together
TRANSACTION: Final = 60_000  # records; NLM's files hold 30,000 at most


class _Prepared(msgspec.Struct, tag="article", array_like=True):
    """A graded article, ready to be saved."""

    article: Article
    grade: Grade
    raw: bytes | None  # compressed
    format: str


class _Malformed(msgspec.Struct, tag="malformed", array_like=True):
    raw: bytes
    error: str
    pmid: int | None


class _Deleted(msgspec.Struct, tag="deleted", array_like=True):
    pmids: tuple[int, ...]


_Item = _Prepared | _Malformed | _Deleted
_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(list[_Item])


@dataclass(frozen=True, slots=True)
class Spooled:
    """What was read from one source, and where it lies."""

    path: str
    fault: str | None = None  # why the source could not be read to its end
    stopped: bool = False
    records: int = 0
    by: str | None = None  # the worker of a cluster that read it


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of one source. `run` is its row of the ledger as it ended."""

    source: str
    run: Run
    failures: tuple[tuple[int | None, str], ...] = ()
    fault: str | None = None
    by: str | None = None  # the worker of a cluster that read it
    left_out: int = 0  # records that the selection did not keep


@dataclass(frozen=True, slots=True)
class Job:
    """One source to load. `subject` and `mark` are what the ledger calls it (storage.records.Run)."""

    source: str
    subject: str = ""
    mark: str | None = None

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


# reading and grading, in any process


def prepare(
    source: str,
    path: str,
    *,
    keep_raw: bool = True,
    stopped: Callable[[], bool] = lambda: False,
    count: Callable[[int], None] = lambda _: None,
) -> Spooled:
    """Read, parse and grade one source into a spool at `path`.

    A source that cannot be read to its end is a `fault`; what stood before it is in the spool.
    """
    fault: str | None = None
    records = 0
    with open(path, "wb", buffering=1 << 20) as spool:
        reader = read_source(source)
        while True:
            block: list[Parsed] = []
            try:
                for item in islice(reader, BLOCK):
                    block.append(item)  # noqa: PERF402 (a fault must not lose the block)
            except SourceError as error:
                fault = str(error)
            if block:
                content = _encoder.encode(list(_graded(block, keep_raw)))
                spool.write(len(content).to_bytes(8, "little"))
                spool.write(content)
                records += len(block)
                count(len(block))
            if fault is not None or len(block) < BLOCK:
                return Spooled(path, fault, records=records)
            if stopped():
                return Spooled(path, stopped=True, records=records)


def _graded(block: list[Parsed], keep_raw: bool) -> Iterator[_Item]:
    articles = [item for item in block if isinstance(item, ParsedArticle)]
    grades = iter(grades_of(articles, {}))
    for item in block:
        match item:
            case ParsedArticle():
                given = next(grades)
                if isinstance(given, Exception):
                    why = f"could not be graded: {type(given).__name__}: {given}"
                    yield _Malformed(item.raw, why, item.article.pmid)
                else:
                    raw = pack(item.raw) if keep_raw else None
                    yield _Prepared(item.article, given, raw, item.format)
            case MalformedRecord():
                yield _Malformed(item.raw, item.error, item.pmid)
            case DeletedCitations():
                yield _Deleted(item.pmids)


def _blocks(path: str) -> Iterator[list[_Item]]:
    with open(path, "rb", buffering=1 << 20) as spool:
        while size := spool.read(8):
            yield _decoder.decode(spool.read(int.from_bytes(size, "little")))


# writing


class _Writer:
    """Saves spools into a store, in the order in which they are given."""

    def __init__(
        self,
        store: Store,
        *,
        kind: str,
        now: Callable[[], datetime],
        selection: Selection | None,
    ) -> None:
        self._store = store
        self._selection = selection
        self._kind = kind
        self._now = now

    def start(self, job: Job) -> Run:
        run = Run(
            kind=self._kind,
            subject=job.name,
            window_start=self._selection.text if self._selection else None,
            window_end=job.mark,
            started_at=self._now(),
        )
        return self._store.start_run(run)

    def save(self, job: Job, run: Run, spooled: Spooled, started: float) -> Loaded:
        counts = _Counts()
        blocks = _blocks(spooled.path)
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
                )
                if last:
                    run = _ended(run, _state(spooled), spooled.fault, started, self._now())
                loading.close(run)
        failures = tuple(counts.failures)
        return Loaded(job.source, run, failures, spooled.fault, spooled.by, counts.left_out)

    def give_up(self, run: Run, state: str, error: str | None, started: float) -> Run:
        run = _ended(run, state, error, started, self._now())
        self._store.update_run(run)
        return run

    def _save_block(
        self, loading: Loading, source: str, block: list[_Item], counts: _Counts
    ) -> None:
        counts.asked += len(block)
        articles: list[_Prepared] = []
        for item in block:
            match item:
                case _Prepared():
                    articles.append(item)
                case _Malformed():
                    loading.quarantine(
                        raw=item.raw, error=item.error, source=source, pmid=item.pmid
                    )
                    counts.failed += 1
                    counts.failures.append((item.pmid, item.error))
                case _Deleted():
                    self._save_articles(loading, articles, counts)
                    articles = []
                    counts.deleted += len(loading.delete(item.pmids, source))
        self._save_articles(loading, articles, counts)

    def _save_articles(self, loading: Loading, articles: list[_Prepared], counts: _Counts) -> None:
        """Save articles, warned by the notices among them and in the store, whichever came first.

        Grades are made without notices; the few articles that a notice names are graded again.
        """
        if not articles:
            return
        counts.returned += len(articles)
        pmids = {item.article.pmid for item in articles}
        notices: dict[int, list[Correction]] = defaultdict(list)
        for item in articles:
            for target, notice in notices_in(item.article):
                notices[target].append(notice)
        for pmid, stored in loading.notices_about(pmids | notices.keys()).items():
            notices[pmid].extend(notice for notice in stored if notice not in notices[pmid])
        told = {pmid: tuple(said) for pmid, said in notices.items()}

        named = [item for item in articles if item.article.pmid in told]
        regraded = iter(grade_many([item.article for item in named], notices=told))
        entries = [
            Entry(
                item.article,
                next(regraded) if item.article.pmid in told else item.grade,
                None if item.raw is None else Packed(item.raw),
                item.format,
                PARSER_VERSION,
            )
            for item in articles
        ]
        if self._selection is not None:
            kept = _kept(loading, self._selection, entries)
            counts.left_out += len(entries) - len(kept)
            entries = kept
        loading.save(entries)
        others = loading.articles(told.keys() - pmids)
        if others:
            grades = grade_many(others, notices=told)
            loading.regrade((a.pmid, given) for a, given in zip(others, grades, strict=True))


def _kept(loading: Loading, selection: Selection, entries: list[Entry]) -> list[Entry]:
    """The entries that match, those that the store holds already, and notices about either.

    What was kept once is followed wherever it goes: leaving it as it was would show it as it no
    longer is. A notice must be there for as long as what it warns about is graded again.
    """
    kept = {
        entry.article.pmid
        for entry in entries
        if entry.grade is not None and selection.keeps(entry.article, entry.grade)
    }
    others = [entry.article for entry in entries if entry.article.pmid not in kept]
    about = {article.pmid: {target for target, _ in notices_in(article)} for article in others}
    kept |= loading.known(about.keys() | set().union(*about.values()))
    kept |= {pmid for pmid, targets in about.items() if not kept.isdisjoint(targets)}
    return [entry for entry in entries if entry.article.pmid in kept]


def _state(spooled: Spooled) -> str:
    return "interrupted" if spooled.stopped else "failed" if spooled.fault else "done"


def _ended(run: Run, state: str, error: str | None, started: float, now: datetime) -> Run:
    seconds = round(time.monotonic() - started, 3)
    return dataclasses.replace(run, state=state, error=error, finished_at=now, seconds=seconds)


# all together


def load_files(
    store: Store,
    jobs: Iterable[Job],
    *,
    workers: int = 1,
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

    `workers`: processes that read and grade; 1 does it in this one. `jobs` is drawn from only as
    far ahead as there are processes. `cluster`: its workers read instead; `spool` is then a folder
    that all of them share (a temporary one of this machine by default). `whole`: nothing is kept of a source that has a fault.
    `selection`: only records that match are saved, beside those that are stored already and notices
    about them.
    `progress` is told the number of records read so far. Once `stop` is set, what was read of the
    file in hand is saved (its run is "interrupted"; nothing if `whole`), and no other is begun.

    Raises WorkerError where a source cannot be reached at all, and StoreError.
    """
    stop = stop or threading.Event()
    writer = _Writer(store, kind=kind, now=now, selection=selection)
    with ExitStack() as stack:
        temporary = tempfile.TemporaryDirectory(
            prefix="pubgrade-", dir=spool, ignore_cleanup_errors=cluster is not None
        )
        folder = Path(stack.enter_context(temporary)).absolute()
        readers: Readers
        if cluster is not None:
            from worker.cluster import ClusterReaders

            readers = ClusterReaders(cluster, stop, progress, keep_raw=keep_raw)
        elif workers < 2:
            readers = _Inline(stop, progress, keep_raw=keep_raw)
        else:
            readers = stack.enter_context(_Pool(workers, stop, progress, keep_raw=keep_raw))
        waiting: deque[tuple[Job, Ready]] = deque()
        todo = iter(enumerate(jobs))
        while True:
            while len(waiting) < readers.ahead and not stop.is_set():
                following = next(todo, None)
                if following is None:
                    break
                number, job = following
                waiting.append((job, readers.begin(job.source, str(folder / f"{number}.spool"))))
            if not waiting:
                return
            job, ready = waiting.popleft()
            started = time.monotonic()
            run = writer.start(job)
            try:
                spooled = ready()
                if whole and (spooled.fault or spooled.stopped):
                    run = writer.give_up(run, _state(spooled), spooled.fault, started)
                    loaded = Loaded(job.source, run, (), spooled.fault, spooled.by)
                else:
                    loaded = writer.save(job, run, spooled, started)
                Path(spooled.path).unlink(missing_ok=True)
            except Exception as error:
                writer.give_up(run, "failed", str(error), started)
                raise
            yield loaded
            if spooled.stopped:
                return


Ready = Callable[[], Spooled]


class Readers(Protocol):
    """Whoever turns sources into spools."""

    @property
    def ahead(self) -> int:
        """How many sources are worth beginning before the first is wanted."""

    def begin(self, source: str, path: str) -> Ready:
        """Begin with a source; the answer waits for it."""


class _Inline:
    """Reads in this process, when the writer asks for it."""

    ahead = 1

    def __init__(
        self, stop: threading.Event, progress: Callable[[int], None], *, keep_raw: bool
    ) -> None:
        self._stop = stop
        self._progress = progress
        self._keep_raw = keep_raw
        self._read = 0

    def begin(self, source: str, path: str) -> Ready:
        return lambda: prepare(
            source, path, keep_raw=self._keep_raw, stopped=self._stop.is_set, count=self._count
        )

    def _count(self, records: int) -> None:
        self._read += records
        self._progress(self._read)


class _Pool:
    """Reads in other processes, a few files ahead of the writer."""

    def __init__(
        self,
        workers: int,
        stop: threading.Event,
        progress: Callable[[int], None],
        *,
        keep_raw: bool,
    ) -> None:
        context = get_context("spawn")
        self.ahead = workers + 1
        self._stop = stop
        self._progress = progress
        self._keep_raw = keep_raw
        self._stopping = context.Event()
        self._read: Any = context.Value("q", 0)
        self._executor = ProcessPoolExecutor(
            workers,
            mp_context=context,
            initializer=_begin_process,
            initargs=(self._stopping, self._read),
        )

    def __enter__(self) -> _Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._executor.shutdown(wait=True, cancel_futures=True)

    def begin(self, source: str, path: str) -> Ready:
        future = self._executor.submit(_prepare_here, source, path, self._keep_raw)
        return lambda: self._wait(future, source)

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


def _begin_process(stopping: Event, read: Any) -> None:
    """Ctrl-C is the writer's business; a process whose writer was killed ends too."""
    look_rarely()
    global _stopping, _read
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _stopping, _read = stopping, read
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _prepare_here(source: str, path: str, keep_raw: bool) -> Spooled:
    return prepare(source, path, keep_raw=keep_raw, stopped=_is_stopping, count=_count_read)


def _is_stopping() -> bool:
    return _stopping is not None and _stopping.is_set()


def _count_read(records: int) -> None:
    with _read.get_lock():
        _read.value += records
