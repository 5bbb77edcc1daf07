"""`Store`: the one way to what is kept. No SQL stands elsewhere than in this package."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self

import sqlalchemy as sa

from grading import Article, Grade
from grading.article import Correction
from storage import copying, documents, heartbeat, ledger, quarantine, schema, tables
from storage.contents import arrival
from storage.database import Database, connect
from storage.errors import StoreError
from storage.loading import Loading, noticed_by, notices_about
from storage.names import KnownNames
from storage.records import (
    Change,
    Entry,
    Heartbeat,
    Page,
    Quarantined,
    Query,
    Record,
    Run,
    SaveOutcome,
    StoreCounts,
    TopicState,
)
from storage.saving import Saving, arrival_chunks, grade_chunks, outdated, sources, unchanged
from storage.search import Search

_article = tables.article.c
_document = tables.document.c
_change = tables.change.c
_links = tables.topic_article.c

_READ_AT_ONCE: Final = 500  # records unpacked together while streaming


class Store:
    """Articles, grades and their history in one database; safe to use from several threads.

    Every method is one transaction: it happens whole or not at all. Reading goes on beside one
    writer, in this process or another. Times are UTC, to the second; `at` is now by default.

    Any method may raise StoreUnavailable (storage.errors), with a message for a person.
    """

    def __init__(self, database: Database, *, keep_raw: bool, address: str, wait: float) -> None:
        self._database = database
        self._keep_raw = keep_raw
        self._address = address  # may hold a password
        self._wait = wait
        self._names = KnownNames()
        self._daemon: tuple[str, int] | None = None

    @classmethod
    def open(
        cls, url: str, *, keep_raw: bool = True, create: bool = True, wait: float = 30.0
    ) -> Store:
        """Open a store, made or migrated as needed.

        `url`: "sqlite:///pubgrade.db", a path, or "postgresql://user@host/database". `keep_raw`: keep
        the bytes that articles were read from. `create`: False to refuse where there is none. `wait`:
        seconds to wait for another process's lock.

        Raises StoreUnavailable; StoreVersionError for a newer schema or another program's file.
        """
        database = connect(url, wait=wait, create=create)
        try:
            schema.bring_up(database, create=create)
        except BaseException:
            database.close()
            raise
        return cls(database, keep_raw=keep_raw, address=url, wait=wait)

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process that is given a store opens it for itself."""
        return _opened, (self._address, self._keep_raw, self._wait)

    @property
    def url(self) -> str:
        """Where the store is, without a password."""
        return self._database.url

    @property
    def keeps_vectors(self) -> bool:
        """Whether its full-text index is made of tsvectors (storage.contents.arrival)."""
        return self._database.keeps_vectors

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # copying

    def count_rows(self) -> int:
        """The rows of all tables: what `copy_to` has to carry."""
        return copying.count_rows(self._database)

    def copy_to(
        self, target: Store, watch: Callable[[int], None] = lambda done: None
    ) -> dict[str, int]:
        """Copy everything into an empty store, whatever its database; all of it or nothing.

        Answers the rows of each table, counted in both stores. `watch` is told the rows done.
        Raises StoreError where the target is not empty.
        """
        return copying.copy(self._database, target._database, watch)

    # articles: writing

    def save(
        self, entries: Iterable[Entry], *, topic: str | None = None, at: datetime | None = None
    ) -> SaveOutcome:
        """Store articles with their grades in one transaction, and link them to `topic`.

        A revision older than what is stored goes to history only; see `storage.saving`. Saving a
        deleted article restores it, unless it comes as an older revision. Whoever arrives whole
        leaves the quarantine.
        """
        if not self._keep_raw:
            entries = (replace(entry, raw=None) for entry in entries)
        chunks = arrival_chunks(map(arrival, entries))
        first = next(chunks, None)  # made ready before the lock is taken
        if first is None:
            return SaveOutcome()
        with self._saving(at, topic=topic) as saving:
            saving.save(first)
            for chunk in chunks:
                saving.save(chunk)
        return saving.outcome

    @contextmanager
    def _saving(self, at: datetime | None, *, topic: str | None = None) -> Iterator[Saving]:
        with self._database.writing() as connection:
            saving = Saving(
                connection,
                self._database,
                self._names,
                at=at or _now(),
                keep_raw=self._keep_raw,
                topic_id=None if topic is None else ledger.topic_id(connection, topic),
            )
            yield saving
            saving.finish()
        saving.committed()

    def unchanged(
        self, digests: Mapping[int, int], *, grader_version: str, abridging: bool = False
    ) -> set[int]:
        """Those PMIDs whose shown articles were read from the very bytes that have these digests
        (`documents.source_digest`, by PMID), and graded by this version of the grader.

        Such an article would come out as it is stored, and be graded so, unless what notices say
        about it has changed (grading.notices). One that is stored without its abstract counts only
        for whoever would leave that out again (`abridging`).
        """
        with self._database.reading() as connection:
            return unchanged(
                connection,
                self._database,
                digests,
                grader_version=grader_version,
                abridging=abridging,
            )

    def sources(self, *, grader_version: str) -> Iterator[tuple[int, int, bool]]:
        """All PMIDs that `unchanged` may answer, ascending, each with the digest that it asks for
        and whether its article is without its abstract."""
        after = 0
        while True:
            with self._database.reading() as connection:
                found = sources(connection, after=after, grader_version=grader_version)
            if not found:
                return
            yield from found
            after = found[-1][0]

    def outdated(self, articles: Iterable[Article]) -> set[int]:
        """PMIDs of those articles that are older than what is stored; one article for each PMID."""
        with self._database.reading() as connection:
            return outdated(connection, self._database, articles)

    def regrade(
        self,
        grades: Iterable[tuple[int, Grade]],
        *,
        articles: Mapping[int, int] | None = None,
        at: datetime | None = None,
    ) -> SaveOutcome:
        """Give stored articles new grades, by PMID, in one transaction.

        An equal grade changes only its grader version and time ("unchanged"); another one puts the
        old into history ("regraded"). PMIDs that are not stored are passed over; so are, with
        `articles` (PMID → digest of what was graded), those that have become others meanwhile.
        """
        chunks = grade_chunks(grades)
        first = next(chunks, None)
        if first is None:
            return SaveOutcome()
        with self._saving(at) as saving:
            saving.regrade(first, articles)
            for chunk in chunks:
                saving.regrade(chunk, articles)
        return saving.outcome

    def mark_deleted(
        self, pmids: Iterable[int], *, source: str, at: datetime | None = None
    ) -> tuple[int, ...]:
        """Hide articles that NLM removed from PubMed. `source` says where that was read.

        Nothing is thrown away: `get` and `history` still answer. Returns the PMIDs that were stored
        and not yet deleted.
        """
        wanted = list(pmids)
        if not wanted:
            return ()
        with self._saving(at) as saving:
            return saving.delete(wanted, source)

    @contextmanager
    def loading(self, run: Run, *, at: datetime | None = None) -> Iterator[Loading]:
        """One file in one transaction, its row of the ledger with it: all of it or nothing.

        `run` was given by `start_run`; close it with `Loading.close`.
        """
        with self._database.writing() as connection:
            loading = Loading(
                connection,
                self._database,
                run,
                at=at or _now(),
                keep_raw=self._keep_raw,
                known=self._names,
            )
            yield loading
        loading.committed()

    @contextmanager
    def filling(self, *, unless: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """A load of many records, by any number of `loading`.

        Into an empty store they come without the full-text index, where making that at the end is
        cheaper (PostgreSQL). It is made however the load ends, `unless` that says otherwise then:
        whoever must stop at once, or was killed, leaves it to the next load or to `build_index`.
        """
        with self._database.reading() as connection:
            empty = connection.execute(sa.select(_article.pmid).limit(1)).first() is None
        if empty:
            with self._database.writing() as connection:
                self._database.drop_index(connection)
        try:
            yield
        except StoreError:
            raise
        except BaseException:
            if not unless():
                self.build_index()
            raise
        if not unless():
            self.build_index()

    def index_is_missing(self) -> bool:
        """Whether the full-text index waits to be made: searches are right without it, but slow."""
        with self._database.reading() as connection:
            return self._database.index_is_missing(connection)

    def build_index(self) -> None:
        """Make the full-text index where it is missing. Nothing can be written meanwhile."""
        if self.index_is_missing():
            with self._database.writing() as connection:
                self._database.build_index(connection)

    def sample(self, size: int) -> list[int]:
        """PMIDs of up to `size` records that are shown, chosen at random."""
        with self._database.reading() as connection:
            statement = sa.select(_article.pmid).where(_article.deleted_at.is_(None))
            shuffled = statement.order_by(sa.func.random()).limit(size)
            return list(connection.execute(shuffled).scalars())

    def unconfirmed(self, since: datetime) -> list[int]:
        """PMIDs that are shown but that no source has named since then, up to the highest that one
        has: what a new baseline dropped."""
        moment = sa.literal(int(since.timestamp()), sa.BigInteger)
        confirmed = sa.type_coerce(_article.confirmed_at, sa.BigInteger)
        highest = sa.select(sa.func.max(_article.pmid)).where(confirmed >= moment)
        with self._database.reading() as connection:
            return list(
                connection.execute(
                    sa.select(_article.pmid)
                    .where(
                        _article.deleted_at.is_(None),
                        confirmed < moment,
                        _article.pmid <= highest.scalar_subquery(),
                    )
                    .order_by(_article.pmid)
                ).scalars()
            )

    def link(self, pmids: Iterable[int], topic: str) -> int:
        """Link stored articles to a topic. Returns how many links are new."""
        with self._database.writing() as connection:
            topic_id = ledger.topic_id(connection, topic)
            saving = Saving(connection, self._database, self._names, at=_now())
            new = saving.link(pmids, topic_id)
            saving.finish()
        saving.committed()
        return new

    # articles: reading

    def get(self, pmid: int) -> Record | None:
        """One record, also a deleted one."""
        return self.get_many([pmid]).get(pmid)

    def get_many(self, pmids: Iterable[int]) -> dict[int, Record]:
        """Those of the records that are stored, deleted ones too, in the order asked."""
        with self._database.reading() as connection:
            return self._records(connection, list(pmids))

    def _records(self, connection: sa.Connection, pmids: list[int]) -> dict[int, Record]:
        rows = connection.execute(
            sa.select(
                _article.pmid,
                _article.grader_version,
                _article.added_at,
                _article.updated_at,
                _article.graded_at,
                _article.deleted_at,
                _document.body,
                tables.topic.c.name.label("topic"),
            )
            .join_from(tables.article, tables.document, _document.pmid == _article.pmid)
            .outerjoin(tables.topic_article, _links.pmid == _article.pmid)
            .outerjoin(tables.topic, tables.topic.c.id == _links.topic_id)
            .where(self._database.among(_article.pmid, pmids))
        ).all()
        articles = {row.pmid: row for row in rows}  # a row for each of its topics
        topics: dict[int, list[str]] = {pmid: [] for pmid in articles}
        for row in rows:
            if row.topic is not None:
                topics[row.pmid].append(row.topic)
        found = {}
        for pmid, row in articles.items():
            article, grade = documents.read_document(row.body, row.grader_version)
            found[pmid] = Record(
                article=article,
                grade=grade,
                topics=tuple(sorted(topics[pmid])),
                added_at=row.added_at,
                updated_at=row.updated_at,
                graded_at=row.graded_at,
                deleted_at=row.deleted_at,
            )
        return {pmid: found[pmid] for pmid in pmids if pmid in found}

    def raw(self, pmid: int) -> bytes | None:
        """The bytes that the present article was read from, None where they were not kept."""
        with self._database.reading() as connection:
            columns = tables.raw_record.c
            body = connection.execute(sa.select(columns.body).where(columns.pmid == pmid)).scalar()
        return None if body is None else documents.unpack(body)

    def history(self, pmid: int) -> list[Change]:
        """How the record came to be what it is, oldest first. Empty where it is not stored."""
        with self._database.reading() as connection:
            now = connection.execute(
                sa.select(_article.added_at, _article.version, _article.revised).where(
                    _article.pmid == pmid
                )
            ).first()
            rows = connection.execute(
                sa.select(tables.change).where(_change.pmid == pmid).order_by(_change.id)
            ).all()
        if now is None:
            return []
        changes = [
            Change(
                at=row.at,
                what=row.what,
                version=row.version,
                revised=row.revised,
                article=None
                if row.article is None
                else documents.article_from(documents.unpack(row.article)),
                grade=None
                if row.grade is None
                else documents.grade_from(documents.unpack(row.grade), row.grader_version or ""),
                summary=row.summary,
            )
            for row in rows
        ]
        first = next((change for change in changes if change.what == "revised"), now)
        added = Change(
            at=now.added_at,
            what="added",
            version=first.version,
            revised=first.revised,
            summary="first stored",
        )
        return [added, *changes]

    def known(self, pmids: Iterable[int], *, topic: str | None = None) -> set[int]:
        """Those that are stored and not deleted, and linked to `topic` where one is given."""
        statement = sa.select(_article.pmid).where(
            self._database.among(_article.pmid, pmids), _article.deleted_at.is_(None)
        )
        if topic is not None:
            statement = statement.where(_article.pmid.in_(_linked(topic)))
        with self._database.reading() as connection:
            return set(connection.execute(statement).scalars())

    def notices_about(self, pmids: Iterable[int]) -> dict[int, tuple[Correction, ...]]:
        """What stored articles say about these PMIDs, told from their side (grading.notices)."""
        with self._database.reading() as connection:
            return notices_about(connection, self._database, pmids)

    def noticed_by(self, pmids: Iterable[int]) -> set[int]:
        """The PMIDs that these stored articles, deleted ones too, give notice of."""
        with self._database.reading() as connection:
            return noticed_by(connection, self._database, pmids)

    def articles(
        self,
        *,
        after: int = 0,
        limit: int = 500,
        outdated_for: str | None = None,
        pmids: Iterable[int] | None = None,
    ) -> list[tuple[Article, Grade]]:
        """Articles with their grades by ascending PMID, from behind `after`, deleted ones too.

        `outdated_for`: only those graded by another version than this. `pmids`: only these.
        """
        found = self.documents(after=after, limit=limit, outdated_for=outdated_for, pmids=pmids)
        return [document.read() for document in found]

    def documents(
        self,
        *,
        after: int = 0,
        limit: int = 500,
        outdated_for: str | None = None,
        gradable: bool = False,
        pmids: Iterable[int] | None = None,
    ) -> list[documents.Document]:
        """The same, still packed: for another process to read. `gradable`: only those that can be
        graded again, since their abstracts are kept."""
        statement = (
            sa.select(_article.pmid, _article.digest, _article.grader_version, _document.body)
            .join_from(tables.article, tables.document, _document.pmid == _article.pmid)
            .where(_article.pmid > after)
            .order_by(_article.pmid)
            .limit(limit)
        )
        if outdated_for is not None:
            statement = statement.where(_article.grader_version != outdated_for)
        if gradable:
            statement = statement.where(sa.not_(_article.abridged))
        if pmids is not None:
            statement = statement.where(self._database.among(_article.pmid, pmids))
        with self._database.reading() as connection:
            return [documents.Document(*row) for row in connection.execute(statement)]

    def oldest_checked(self, topic: str, limit: int) -> list[int]:
        """PMIDs of the topic that NCBI confirmed longest ago, those first."""
        statement = (
            sa.select(_article.pmid)
            .where(_article.pmid.in_(_linked(topic)), _article.deleted_at.is_(None))
            .order_by(_article.confirmed_at, _article.pmid)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return list(connection.execute(statement).scalars())

    # searching

    def search(self, query: Query) -> Page:
        """One page of what a query finds.

        Raises ValueError for a filter that cannot be, naming what is allowed; CursorError for a
        cursor of another query. Words never raise (storage.words).
        """
        with self._database.reading() as connection:
            found = Search(connection, self._database).page(query)
            records = self._records(connection, list(found.pmids))
        return Page(tuple(records.values()), found.next_cursor)

    def records(self, query: Query) -> Iterator[Record]:
        """Every hit in order (`query.limit` of them where it is above 0), unpacked in batches."""
        pmids = self.pmids(query)
        for start in range(0, len(pmids), _READ_AT_ONCE):
            yield from self.get_many(pmids[start : start + _READ_AT_ONCE]).values()

    def pmids(self, query: Query) -> array[int]:
        """The PMID of every hit in order, `query.limit` of them where it is above 0."""
        with self._database.reading() as connection:
            found = Search(connection, self._database).all_pmids(query)
        return found[: query.limit] if query.limit > 0 else found

    def count(self, query: Query, *, at_most: int | None = None) -> int:
        """How many records a query finds. Counting stops at `at_most`, where that is given: of
        broad words an exact count takes long."""
        with self._database.reading() as connection:
            return Search(connection, self._database).count(query, at_most)

    def count_by(self, query: Query, by: str) -> list[tuple[str, int]]:
        """Counts by design, level, year, journal or topic: most first; level and year in order."""
        with self._database.reading() as connection:
            return Search(connection, self._database).count_by(query, by)

    def counts(self, grader_version: str) -> StoreCounts:
        """Totals of the store; `grader_version` is the present one, to tell outdated grades."""
        with self._database.reading() as connection:
            search = Search(connection, self._database)
            by_design = dict(search.count_by(Query(), "design"))
            graders = search.totals("grader")
            return StoreCounts(
                articles=sum(by_design.values()),
                deleted=sum(search.totals("deleted").values()),
                retracted=search.totals("flag").get("retracted", 0),
                quarantined=_count(connection, tables.quarantine),
                outdated_grades=sum(graders.values()) - graders.get(grader_version, 0),
                abridged=sum(search.totals("abridged").values()),
                by_design=by_design,
            )

    # ledger and topics

    def start_run(self, run: Run) -> Run:
        """Enter a run in the ledger. Returns it as kept, with its id."""
        with self._database.writing() as connection:
            return ledger.start_run(connection, run)

    def update_run(self, run: Run) -> None:
        """Keep the counters and the state of a run as they are now."""
        with self._database.writing() as connection:
            ledger.update_run(connection, run)

    def runs(
        self, *, subject: str | None = None, kind: str | None = None, limit: int = 20
    ) -> list[Run]:
        """Newest first."""
        with self._database.reading() as connection:
            return ledger.runs(connection, subject=subject, kind=kind, limit=limit)

    def interrupt_runs(self, *, at: datetime | None = None) -> int:
        """Close runs left open by processes of this host that died. Returns how many."""
        with self._database.writing() as connection:
            return ledger.interrupt_runs(connection, at or _now())

    def topic(self, name: str, query: str) -> TopicState:
        """A topic, made if absent. A changed query resets its watermarks; articles stay linked."""
        with self._database.writing() as connection:
            return ledger.topic(connection, name, query)

    def topics(self) -> list[TopicState]:
        """By name."""
        with self._database.reading() as connection:
            return ledger.topics(connection)

    def advance(
        self,
        topic: str,
        *,
        created_through: str | None = None,
        revised_through: str | None = None,
    ) -> None:
        """Move a topic's watermarks on (ISO dates), never back."""
        with self._database.writing() as connection:
            ledger.advance(
                connection,
                topic,
                created_through=created_through,
                revised_through=revised_through,
            )

    def note_attempt(
        self,
        topic: str,
        *,
        error: str | None,
        at: datetime | None = None,
        next_run: datetime | None = None,
    ) -> None:
        """Note how a sync of the topic ended; success (no error) clears its failures."""
        with self._database.writing() as connection:
            ledger.note_attempt(connection, topic, error=error, at=at or _now(), next_run=next_run)

    def plan(self, topic: str, next_run: datetime | None) -> None:
        """Note when the daemon will sync the topic next; a topic never synced is passed over."""
        with self._database.writing() as connection:
            ledger.plan(connection, topic, next_run)

    # quarantine

    def quarantine(
        self,
        *,
        raw: bytes,
        error: str,
        source: str,
        pmid: int | None = None,
        at: datetime | None = None,
    ) -> int:
        """Keep a record that could not be read. Returns its number in the quarantine."""
        with self._database.writing() as connection:
            return quarantine.put(
                connection, raw=raw, error=error, source=source, pmid=pmid, at=at or _now()
            )

    def quarantined(self, *, limit: int = 100) -> list[Quarantined]:
        """Last seen first."""
        with self._database.reading() as connection:
            return quarantine.newest(connection, limit)

    def release(self, pmids: Iterable[int]) -> int:
        """Let these PMIDs out of quarantine: they have arrived whole. `save` does so by itself."""
        with self._database.writing() as connection:
            return quarantine.release(connection, self._database, pmids)

    # daemon

    def claim_daemon(self, *, host: str, pid: int, at: datetime | None = None) -> None:
        """Make a process the one daemon of this store. Raises StoreInUse where another lives."""
        with self._database.writing() as connection:
            heartbeat.claim(connection, host=host, pid=pid, at=at or _now())
        self._daemon = (host, pid)

    def beat(self, *, state: str = "running", at: datetime | None = None) -> None:
        """A sign of life of the daemon that this Store claimed for. Raises StoreInUse if lost."""
        host, pid = self._daemon or ("", 0)
        with self._database.writing() as connection:
            heartbeat.beat(connection, host=host, pid=pid, state=state, at=at or _now())

    def release_daemon(self) -> None:
        """Give the claim back; nothing happens where there is none."""
        if self._daemon is not None:
            self.beat(state="stopped")
            self._daemon = None

    def heartbeat(self, *, at: datetime | None = None) -> Heartbeat | None:
        """The last sign of life of a daemon, None where none ever ran."""
        with self._database.reading() as connection:
            return heartbeat.read(connection, at=at or _now())


def _opened(address: str, keep_raw: bool, wait: float) -> Store:
    return Store.open(address, keep_raw=keep_raw, create=False, wait=wait)


def _now() -> datetime:
    return datetime.now(UTC)


def _linked(topic: str) -> sa.Select[tuple[int]]:
    return (
        sa.select(_links.pmid)
        .join_from(tables.topic_article, tables.topic)
        .where(tables.topic.c.name == topic)
    )


def _count(connection: sa.Connection, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
    statement = sa.select(sa.func.count()).select_from(table).where(*conditions)
    return int(connection.execute(statement).scalar_one())
