"""Values that go into the store and come out of it. None of them knows a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import msgspec

from grading import Article, Grade


@dataclass(frozen=True, slots=True)
class Entry:
    """One article with its grade, on its way into the store."""

    article: Article
    grade: Grade | None  # None: the article is stored as it is (Store.unchanged), and graded so
    raw: bytes | None = (
        None  # the bytes it was read from, kept compressed if the store keeps raw records
    )
    raw_format: str | None = None  # "xml" | "medline" | "jsonl"
    parser_version: str | None = None
    source_digest: int | None = None  # of `raw` (storage.documents), None where it is not known


def revision_order(article: Article) -> tuple[int, str]:
    """What places one revision of an article before another."""
    return article.version, article.revised or ""


@dataclass(frozen=True, slots=True)
class SaveOutcome:
    """What `Store.save` did with the entries, by PMID."""

    new: tuple[int, ...] = ()
    revised: tuple[int, ...] = ()  # content differs from what was stored, and is not older
    unchanged: tuple[int, ...] = ()
    stale: tuple[int, ...] = ()  # older than what is stored: kept in history, not shown
    regraded: tuple[int, ...] = ()  # same article, another grade
    ungraded: tuple[int, ...] = ()  # came without a grade, but is not what is stored: not saved


@dataclass(frozen=True, slots=True)
class Record:
    """One stored record: the article, its present grade, and what the store adds."""

    article: Article
    grade: Grade
    topics: tuple[str, ...]
    added_at: datetime  # first stored, UTC
    updated_at: datetime  # article last changed in the store, UTC
    graded_at: datetime  # present grade made, UTC
    deleted_at: datetime | None = None  # NLM removed it from PubMed

    def to_json(self) -> dict[str, Any]:
        """The record as users see it: one flat object of JSON values."""
        record: dict[str, Any] = msgspec.to_builtins(self.article)
        record.update(msgspec.to_builtins(self.grade))
        record["graded_at"] = iso(self.graded_at)
        record["topics"] = list(self.topics)
        record["added_at"] = iso(self.added_at)
        record["updated_at"] = iso(self.updated_at)
        record["deleted_at"] = iso(self.deleted_at) if self.deleted_at else None
        return record


def iso(moment: datetime) -> str:
    """UTC time as "2026-11-24T12:48:00Z"."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of a record's history, oldest first: what it was before, and when that ended."""

    at: datetime  # when the change was stored, UTC
    what: str  # "added" | "revised" | "stale" | "regraded" | "deleted" | "restored"
    version: int
    revised: str | None = None  # DateRevised of the article that was replaced (or came too late)
    article: Article | None = None  # as it was before; None where only the grade changed
    grade: Grade | None = None  # as it was before
    summary: str = ""  # one line for people: "design case_report → case_series; level 4 → 3"


@dataclass(frozen=True, slots=True)
class Query:
    """What a person looks for. All filters must hold; within one filter any value may."""

    words: str = ""
    level: tuple[str, str] | None = None  # inclusive range in `scheme`, e.g. ("1", "2"), best first
    scheme: str = "ocebm_2011"
    designs: tuple[str, ...] = ()
    question: str | None = None
    topic: str | None = None
    journal: str | None = None  # full name, abbreviation or ISSN, case-insensitive
    author: str | None = None  # "Last", "Last F" or a collective name
    mesh: str | None = None  # heading or UI
    since: str | None = None  # published on or after: "2020", "2020-12", "2020-12-14"
    until: str | None = None  # published on or before the end of that year, month or day
    added_since: date | None = None
    flags: tuple[str, ...] = ()  # has all of these
    not_flags: tuple[str, ...] = ()  # has none of these
    min_n: int | None = None  # reported sample size at least
    sort: str = "relevance"  # relevance | level | date | added; relevance without words means date
    limit: int = 20
    after: str | None = None  # cursor of the page before
    pmids: tuple[int, ...] = ()  # only these
    include_deleted: bool = False  # also articles that NLM removed from PubMed


@dataclass(frozen=True, slots=True)
class Page:
    records: tuple[Record, ...]
    next_cursor: str | None  # None on the last page


@dataclass(frozen=True, slots=True)
class Run:
    """One row of the ledger: one pass over one window, or one load of one file."""

    kind: str  # "fetch" | "sync" | "sweep" | "refresh" | "load" | "mirror" | "regrade"
    subject: str  # topic name, file name, or ""
    started_at: datetime
    id: int | None = None
    window_start: str | None = None
    window_end: str | None = None
    finished_at: datetime | None = None
    state: str = "running"  # "running" | "done" | "failed" | "interrupted"
    asked: int = 0
    returned: int = 0
    new: int = 0
    revised: int = 0
    unchanged: int = 0
    stale: int = 0
    missing: int = 0
    failed: int = 0
    deleted: int = 0
    requests: int = 0
    seconds: float = 0.0
    error: str | None = None
    worker: str | None = None  # who read the file, where that was another machine's process
    md5: str | None = None  # of the file, where its source gives one


@dataclass(frozen=True, slots=True)
class TopicState:
    """Where the syncs of a topic stand."""

    name: str
    query: str
    created_through: str | None = None  # ISO date: every record created up to this day is stored
    revised_through: str | None = None  # ISO date: revisions up to this day are stored
    last_success: datetime | None = None
    last_attempt: datetime | None = None
    failures: int = 0  # in a row
    last_error: str | None = None
    articles: int = 0
    next_run: datetime | None = None  # as the daemon planned it


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Bytes that could not be read as a record, kept until they can."""

    id: int
    pmid: int | None
    source: str
    error: str
    raw: bytes
    first_seen: datetime
    last_seen: datetime
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The daemon's sign of life."""

    host: str
    pid: int
    started_at: datetime
    beat_at: datetime
    state: str = "running"  # "running" | "stopping" | "stopped"
    lives: bool = True  # its process runs here; elsewhere: it beat in the last three minutes


@dataclass(frozen=True, slots=True)
class StoreCounts:
    articles: int = 0
    deleted: int = 0
    retracted: int = 0
    quarantined: int = 0
    outdated_grades: int = 0  # graded by another grader version, and can be graded again
    abridged: int = 0  # kept without their abstracts: they cannot
    by_design: dict[str, int] = field(default_factory=dict)
