"""`sync_topic`: one incremental pass over a topic: the store then holds what PubMed finds for it.

A pass has three parts, each with rows of its own in the ledger:

sync      polls `crdt`, the day on which PubMed added a record, from the topic's watermark (or its
          `since`) to today. Only `crdt` finds records that PubMed adds late. Records that the
          topic has already are not fetched again.
sweep     polls `mdat`, the day of the last revision, and fetches all it finds. Not on a topic's
          first pass, when everything has just been fetched.
refresh   fetches again those that NCBI confirmed longest ago, a 28th of the topic and at most 200,
          since NLM changes records without a new revision date; and what stands in quarantine.

A window with more records than one search gives is split by date, then by PMID range. A watermark
moves only when all of its window is stored, and never past yesterday: today's records still come.
Each poll begins some days before its watermark (`CREATED_OVERLAP`, `REVISED_OVERLAP`): records may
be found a little later than their date says, and what is known costs no fetch.

Records are saved in batches, one transaction each. A pass that is stopped or killed loses at most
the batch in hand, and the next pass passes over what is stored. The counts of a ledger row are
written after each batch: exact when the run is "done", at most one batch behind when its process
was killed ("interrupted").
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from loguru import logger

from storage import Store
from storage.errors import StoreError
from storage.records import Run
from worker.entrez import SEARCH_CAP, EntrezClient, SearchResult, Stopped
from worker.fetch import FetchedBatch, fetch_articles
from worker.intake import Intake, IntakeOutcome
from worker.parsed import ParsedArticle

CREATED_OVERLAP = 7  # days; each costs at most the search, known records are not fetched again
REVISED_OVERLAP = 2  # days; records revised in them are fetched with each pass
REFRESH_PASSES = 28  # passes in which a topic is refreshed once
REFRESH_MOST = 200  # records refreshed in one pass: one EFetch
RETRY_MOST = 10  # quarantined records asked for again in one pass
QUARANTINE_LOOK = 1_000  # quarantined records looked through for those of this topic

BEGINNING = date(1800, 1, 1)  # before PubMed's oldest record
LAST_PMID = 99_999_999
_DAY = timedelta(days=1)
# PubMed's days are those of its place; the hour of summer time does not matter beside the overlap.
_NCBI_BEHIND_UTC = timedelta(hours=5)


class Topic(Protocol):
    """A saved search, as the configuration gives it."""

    @property
    def name(self) -> str: ...
    @property
    def query(self) -> str: ...
    @property
    def since(self) -> date | str | None: ...


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """How far one part of a pass is; `total` is what PubMed counts and may grow."""

    topic: str
    stage: str  # "sync" | "sweep" | "refresh"
    done: int
    total: int
    window: str  # "2024-01-01 to 2024-03-31", or ""


@dataclass(frozen=True, slots=True)
class SyncOutcome:
    """What one pass did, all its ledger rows together."""

    topic: str
    runs: int = 0  # ledger rows
    asked: int = 0  # asked = returned + missing + failed
    returned: int = 0  # returned = new + revised + unchanged + stale
    new: int = 0
    revised: int = 0
    unchanged: int = 0
    stale: int = 0
    missing: int = 0
    failed: int = 0
    requests: int = 0
    seconds: float = 0.0
    failures: tuple[tuple[int | None, str], ...] = ()  # PMID and why, of those in quarantine now
    warnings: tuple[str, ...] = ()  # what PubMed said of the query
    interrupted: bool = False


def sync_topic(
    store: Store,
    client: EntrezClient,
    topic: Topic,
    *,
    stop: threading.Event | None = None,
    today: date | None = None,
    progress: Callable[[SyncProgress], None] | None = None,
    cap: int = SEARCH_CAP,
) -> SyncOutcome:
    """One pass over `topic`. `today` is PubMed's day by default; `cap`: records of one search.

    With `stop` set it finishes the batch in hand, marks the run "interrupted" and returns. Use one
    client per thread if the requests counted in the ledger are to be those of this topic only.

    Raises EntrezRejected when PubMed refuses the query (with its words), EntrezUnavailable,
    StoreError; the run is then marked "failed" and the topic notes the error.
    """
    today = today or (datetime.now(UTC) - _NCBI_BEHIND_UTC).date()
    store.interrupt_runs()
    sync = _Pass(store, client, topic, stop or threading.Event(), today, progress, cap)
    try:
        sync.run()
        store.note_attempt(topic.name, error=None)
    except Stopped:
        sync.close("interrupted")
        return dataclasses.replace(sync.outcome, interrupted=True)
    except Exception as error:
        message = client.redact(str(error) or type(error).__name__)
        try:
            sync.close("failed", message)
            store.note_attempt(topic.name, error=message)
        except StoreError as also:
            logger.error("the failure of topic {} could not be noted: {}", topic.name, also)
        raise
    except BaseException:  # Ctrl-C
        sync.close("interrupted")
        raise
    return sync.outcome


@dataclass(frozen=True, slots=True)
class _Window:
    """Some days, or a PMID range of one day, that one search covers."""

    first: date
    last: date
    pmids: tuple[int, ...]
    closes: bool = True  # with it everything up to `last` is covered


class _Pass:
    """The state of one pass: where it stands, and the ledger row that is open."""

    def __init__(
        self,
        store: Store,
        client: EntrezClient,
        topic: Topic,
        stop: threading.Event,
        today: date,
        progress: Callable[[SyncProgress], None] | None,
        cap: int,
    ) -> None:
        self._store = store
        self._client = client
        self._topic = topic
        self._stop = stop
        self._today = today
        self._progress = progress
        self._cap = cap
        self._source = f"EFetch for topic {topic.name}"
        self._intake = Intake(store, source=self._source, topic=topic.name)
        self._run: Run | None = None
        self._kind = "sync"
        self._span: tuple[date, date] | None = None
        self._requests = client.requests  # when the last row was closed
        self._clock = time.monotonic()
        self._done = 0
        self._total = 0
        self._fetched: set[int] = set()  # this pass, created where the sweep will look
        self.outcome = SyncOutcome(topic.name)

    def run(self) -> None:
        state = self._store.topic(self._topic.name, self._topic.query)
        yesterday = self._today - _DAY
        if state.revised_through is None:
            # From here on revisions are swept; what is fetched from now on is newer than that. A
            # topic whose query was changed has been swept up to its last success.
            last = state.last_success
            swept = min(yesterday, last.date() - _DAY) if last is not None else yesterday
            self._store.advance(self._topic.name, revised_through=swept.isoformat())
        else:
            swept = date.fromisoformat(state.revised_through)
        first_pass = state.revised_through is None and state.last_success is None
        if state.created_through is not None:
            start = date.fromisoformat(state.created_through) + _DAY - CREATED_OVERLAP * _DAY
            start = max(start, _day(self._topic.since))
        else:
            start = _day(self._topic.since)
        sweep_from = min(swept, yesterday) + _DAY - REVISED_OVERLAP * _DAY
        held = self._held()

        self._sync(start, frozenset(held), sweep_from)
        if not first_pass:
            self._sweep(sweep_from, frozenset(held))
        self._refresh(held, 0 if first_pass else state.articles)

    # -- the three parts

    def _sync(self, start: date, held: frozenset[int], sweep_from: date) -> None:
        self._begin_part("sync")
        for window in self._windows(start, self._today, "crdt"):
            self._open(window)
            known = self._store.known(window.pmids, topic=self._topic.name)
            skipped = known | held.intersection(window.pmids)
            wanted = [pmid for pmid in window.pmids if pmid not in skipped]
            self._count_done(len(skipped))
            self._take(wanted)
            if window.last >= sweep_from:
                self._fetched.update(wanted)
            self.close("done")
            if window.closes:
                through = min(window.last, self._today - _DAY)
                self._store.advance(self._topic.name, created_through=through.isoformat())

    def _sweep(self, start: date, held: frozenset[int]) -> None:
        self._begin_part("sweep")
        for window in self._windows(start, self._today, "mdat"):
            self._open(window)
            skipped = (held | self._fetched).intersection(window.pmids)
            self._count_done(len(skipped))
            self._take([pmid for pmid in window.pmids if pmid not in skipped])
            self.close("done")
            if window.closes:
                through = min(window.last, self._today - _DAY)
                self._store.advance(self._topic.name, revised_through=through.isoformat())

    def _refresh(self, held: list[int], articles: int) -> None:
        self._begin_part("refresh")
        retried = held[:RETRY_MOST]
        share = min(REFRESH_MOST, -(-articles // REFRESH_PASSES))
        oldest: list[int] = []
        if share:
            # What NCBI did not give last time is still the oldest: look past it.
            before = self._store.runs(subject=self._topic.name, kind="refresh", limit=1)
            stuck = min(before[0].missing + before[0].failed, REFRESH_MOST) if before else 0
            wanted = self._store.oldest_checked(self._topic.name, share + stuck)
            oldest = [pmid for pmid in wanted if pmid not in held and pmid not in self._fetched]
        if not retried and not oldest:
            return
        self._total = len(retried) + len(oldest)
        self._open(None)
        for pmid in retried:
            self._take([pmid])  # alone: its batch would only fail with it again
        self._take(oldest)
        self.close("done")

    def _held(self) -> list[int]:
        """PMIDs that earlier passes of this topic put in quarantine, the longest waiting first."""
        found = self._store.quarantined(limit=QUARANTINE_LOOK)
        mine = [item for item in found if item.source == self._source and item.pmid is not None]
        mine.sort(key=lambda item: item.last_seen)
        last_tried = {item.pmid: item.last_seen for item in mine if item.pmid is not None}
        return sorted(last_tried, key=lambda pmid: (last_tried[pmid], pmid))

    # -- windows

    def _windows(self, first: date, last: date, datetype: str) -> Iterator[_Window]:
        """The hits of the topic between two days, in order of date, in windows of at most `cap`."""
        if first > last:
            return
        self._span = (first, last)
        found = self._search(self._topic.query, first, last, datetype)
        if not self._total:
            self._total = found.count
        if found.count <= self._cap:
            yield _Window(first, last, found.pmids)
        elif first < last:
            middle = first + (last - first) // 2
            yield from self._windows(first, middle, datetype)
            yield from self._windows(middle + _DAY, last, datetype)
        else:
            yield from self._ranges(first, datetype, found, 1, LAST_PMID)

    def _ranges(
        self, day: date, datetype: str, found: SearchResult, low: int, high: int
    ) -> Iterator[_Window]:
        """The hits of one day by PMID range, lowest first."""
        if found.count <= self._cap:
            yield _Window(day, day, found.pmids, closes=high == LAST_PMID)
            return
        listed = sorted(found.pmids)
        # The middle of those listed lies among the hits, wherever in the range they crowd.
        middle = min(max(listed[len(listed) // 2], low), high - 1)
        for start, end in ((low, middle), (middle + 1, high)):
            term = f"({self._topic.query}) AND {start}:{end}[uid]"
            part = self._search(term, day, day, datetype)
            yield from self._ranges(day, datetype, part, start, end)

    def _search(self, term: str, first: date, last: date, datetype: str) -> SearchResult:
        found = self._client.search(
            term, mindate=first, maxdate=last, datetype=datetype, retmax=self._cap, stop=self._stop
        )
        warnings = dict.fromkeys((*self.outcome.warnings, *found.warnings))
        if found.count and len(warnings) > len(self.outcome.warnings):
            self.outcome = dataclasses.replace(self.outcome, warnings=tuple(warnings))
        return found

    # -- records into the store, numbers into the ledger

    def _take(self, pmids: Iterable[int]) -> None:
        wanted = tuple(pmids)
        asked = 0
        for batch in fetch_articles(self._client, wanted, stop=self._stop):
            outcome = self._intake.take([*batch.parsed, *batch.failed])
            self._count(batch, outcome)
            asked += len(batch.asked)
            self._count_done(len(batch.asked))
        if asked < len(wanted):
            raise Stopped("stopped between two batches")

    def _begin_part(self, kind: str) -> None:
        self._kind = kind
        self._span = None
        self._done = 0
        self._total = 0
        if self._stop.is_set():
            raise Stopped("stopped between two parts")

    def _open(self, window: _Window | None) -> None:
        self._span = (window.first, window.last) if window else None
        self._run = self._store.start_run(
            Run(
                kind=self._kind,
                subject=self._topic.name,
                started_at=datetime.now(UTC),
                window_start=window.first.isoformat() if window else None,
                window_end=window.last.isoformat() if window else None,
            )
        )

    def _count(self, batch: FetchedBatch, outcome: IntakeOutcome) -> None:
        assert self._run is not None  # noqa: S101  -- only called between _open and close
        unusable = {record.pmid for record in outcome.failed}
        came = {item.article.pmid for item in batch.parsed if isinstance(item, ParsedArticle)}
        came -= unusable
        new = came.intersection(outcome.new)
        revised = came.intersection(outcome.revised) - new
        stale = came.intersection(outcome.stale) - new - revised
        run = self._run
        self._run = dataclasses.replace(
            run,
            asked=run.asked + len(batch.asked),
            returned=run.returned + len(came),
            new=run.new + len(new),
            revised=run.revised + len(revised),
            stale=run.stale + len(stale),
            unchanged=run.unchanged + len(came - new - revised - stale),
            missing=run.missing + len(batch.missing),
            failed=run.failed + len(unusable),
            requests=self._client.requests - self._requests,
            seconds=round(time.monotonic() - self._clock, 3),
        )
        self._store.update_run(self._run)
        failures = tuple((record.pmid, record.error) for record in outcome.failed)
        self.outcome = dataclasses.replace(self.outcome, failures=self.outcome.failures + failures)

    def _count_done(self, more: int) -> None:
        self._done += more
        if self._progress is not None:
            window = f"{self._span[0]} to {self._span[1]}" if self._span else ""
            self._progress(
                SyncProgress(
                    self._topic.name, self._kind, self._done, max(self._total, self._done), window
                )
            )

    def close(self, state: str, error: str | None = None) -> None:
        """Close the open row; without one, a failed search still gets a row that says so."""
        if self._run is None:
            if state == "done":
                return
            span = self._span
            self._open(_Window(span[0], span[1], ()) if span else None)
        assert self._run is not None  # noqa: S101  -- just opened
        run = dataclasses.replace(
            self._run,
            state=state,
            error=error,
            finished_at=datetime.now(UTC),
            requests=self._client.requests - self._requests,
            seconds=round(time.monotonic() - self._clock, 3),
        )
        self._run = None
        self._requests = self._client.requests
        self._clock = time.monotonic()
        sofar = self.outcome
        self.outcome = dataclasses.replace(
            sofar,
            runs=sofar.runs + 1,
            **{name: getattr(sofar, name) + getattr(run, name) for name in _SUMMED},
        )
        self._store.update_run(run)


_SUMMED = (
    "asked",
    "returned",
    "new",
    "revised",
    "unchanged",
    "stale",
    "missing",
    "failed",
    "requests",
    "seconds",
)


def _day(since: date | str | None) -> date:
    """The first day that `since` names: a date, "2020-01-31", "2020-01" or "2020"."""
    if since is None:
        return BEGINNING
    if isinstance(since, date):
        return since
    year, month, day = ([int(part) for part in since.replace("/", "-").split("-")] + [1, 1])[:3]
    return date(year, month, day)
