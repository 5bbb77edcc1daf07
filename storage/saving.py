"""How articles and grades come into the store.

The rule, by PMID: a revision is placed by (version, DateRevised). An older one never replaces a
newer one and goes to history; of two at the same place the one that comes later stays, but one
without its abstract (grading.abridgement) never replaces one with it; the same content again is a
confirmation. Whatever is replaced is kept in history.

What is made of an article and its grade is `storage.contents`; `storage.writing` writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from grading import Article, Grade
from grading.abridgement import has_abstracts
from storage import documents, history, quarantine, tables
from storage.contents import Arrival, Content, content_of, stored_content
from storage.database import Database
from storage.names import KnownNames, Names
from storage.records import SaveOutcome, revision_order
from storage.writing import State, Writing, Written

_AT_ONCE: Final = 50_000  # rows of `sources`
CHUNK: Final = 500  # entries looked up and written together: bounds memory

_CHANGE_COLUMNS: Final = (
    "pmid", "at", "what", "version", "revised", "summary", "digest", "article", "grade",
    "grader_version",
)  # fmt: skip


def arrival_chunks(arrivals: Iterable[Arrival]) -> Iterator[list[Arrival]]:
    """Arrivals in chunks, in the order in which they came, no PMID twice in one chunk."""
    chunk: dict[int, Arrival] = {}
    for each in arrivals:
        if len(chunk) == CHUNK or each.pmid in chunk:
            yield list(chunk.values())
            chunk = {}
        chunk[each.pmid] = each
    if chunk:
        yield list(chunk.values())


def grade_chunks(grades: Iterable[tuple[int, Grade]]) -> Iterator[dict[int, Grade]]:
    """The same for grades by PMID."""
    chunk: dict[int, Grade] = {}
    for pmid, grade in grades:
        if len(chunk) == CHUNK or pmid in chunk:
            yield chunk
            chunk = {}
        chunk[pmid] = grade
    if chunk:
        yield chunk


@dataclass(frozen=True, slots=True)
class _Kept:
    """An article and its grade as the store has them, before a change."""

    row: sa.Row[Any]
    state: State

    def written(self, content: Content) -> Written:
        """The same with another content."""
        row = self.row
        return Written(
            replace(self.state, content=content),
            row.added_at,
            row.updated_at,
            row.graded_at,
            row.confirmed_at,
            row.deleted_at,
            row.source_digest,
        )


def unchanged(
    connection: sa.Connection,
    database: Database,
    digests: Mapping[int, int],
    *,
    grader_version: str,
    abridging: bool = False,
) -> set[int]:
    """Those PMIDs whose shown articles were read from sources of these digests (by PMID), and
    graded by this version of the grader; without their abstracts only where that is wanted."""
    columns = tables.article.c
    statement = sa.select(columns.pmid, columns.source_digest).where(
        database.among(columns.pmid, digests),
        columns.grader_version == grader_version,
        columns.deleted_at.is_(None),
    )
    if not abridging:
        statement = statement.where(sa.not_(columns.abridged))
    rows = connection.execute(statement)
    return {pmid for pmid, digest in rows if digest == digests[pmid]}


def sources(
    connection: sa.Connection, *, after: int, grader_version: str
) -> list[tuple[int, int, bool]]:
    """Some thousand PMIDs from behind `after` on, ascending, with all that `unchanged` compares."""
    columns = tables.article.c
    rows = connection.execute(
        sa.select(columns.pmid, columns.source_digest, columns.abridged)
        .where(
            columns.pmid > after,
            columns.source_digest.is_not(None),
            columns.grader_version == grader_version,
            columns.deleted_at.is_(None),
        )
        .order_by(columns.pmid)
        .limit(_AT_ONCE)
    )
    return [(row.pmid, row.source_digest, row.abridged) for row in rows]


def outdated(
    connection: sa.Connection, database: Database, articles: Iterable[Article]
) -> set[int]:
    """PMIDs of those articles that are older than what is stored."""
    orders = {article.pmid: revision_order(article) for article in articles}
    if not orders:
        return set()
    columns = tables.article.c
    rows = connection.execute(
        sa.select(columns.pmid, columns.version, columns.revised).where(
            database.among(columns.pmid, orders)
        )
    )
    return {pmid for pmid, version, revised in rows if orders[pmid] < (version, revised or "")}


class Saving:
    """What one transaction brings into the store. `finish` must be its last call."""

    def __init__(
        self,
        connection: sa.Connection,
        database: Database,
        known: KnownNames,
        *,
        at: datetime,
        keep_raw: bool = True,
        topic_id: int | None = None,
    ) -> None:
        self._connection = connection
        self._database = database
        self._at = int(at.timestamp())
        self._keep_raw = keep_raw
        self._topic_id = topic_id
        self._names = Names(connection, database, known)
        self._writing = Writing(connection, database, self._names)
        self._new: list[int] = []
        self._revised: list[int] = []
        self._unchanged: list[int] = []
        self._stale: list[int] = []
        self._regraded: list[int] = []
        self._ungraded: list[int] = []

    def finish(self) -> None:
        self._writing.finish()

    def committed(self) -> None:
        """The transaction is in the store: what it found out may be used by the next."""
        self._names.remember()

    @property
    def outcome(self) -> SaveOutcome:
        return SaveOutcome(
            new=tuple(self._new),
            revised=tuple(self._revised),
            unchanged=tuple(self._unchanged),
            stale=tuple(self._stale),
            regraded=tuple(self._regraded),
            ungraded=tuple(self._ungraded),
        )

    def save(self, chunk: Sequence[Arrival]) -> None:
        """Save entries of different PMIDs."""
        rows = self._rows(each.pmid for each in chunk)
        chunk = self._unless_whole(chunk, rows)
        new: list[Arrival] = []
        stale: list[Arrival] = []
        same: list[Arrival] = []
        other: list[Arrival] = []
        for each in chunk:
            row = rows.get(each.pmid)
            if row is not None and each.digest == row.digest:
                graded = each.content is not None and each.content.grade_digest != row.grade_digest
                (other if graded else same).append(each)
            elif each.content is None:
                self._ungraded.append(each.pmid)
            elif row is None:
                new.append(each)
            elif each.order < (row.version, row.revised or ""):
                stale.append(each)
            else:
                other.append(each)
        saved = [each.pmid for each in (*new, *stale, *same, *other)]
        topics = self._topics(rows)
        self._restore([rows[each.pmid] for each in (*same, *other)])
        self._create(new)
        self._confirm(same, rows)
        linked = [
            pmid
            for pmid in (each.pmid for each in (*same, *stale))
            if self._topic_id is not None and self._topic_id not in topics.get(pmid, ())
        ]
        back = [each.pmid for each in same if rows[each.pmid].deleted_at is not None]
        kept = self._kept(rows, topics, {*(each.pmid for each in other), *linked, *back})
        self._change(other, kept)
        self._keep_stale(stale)
        shown = {each.pmid for each in same}
        again = {*linked, *back}
        self._writing.derive(
            {pmid: kept[pmid].state for pmid in again},
            [
                replace(
                    kept[pmid].state,
                    topics=self._with_topic(kept[pmid].state.topics),
                    deleted=kept[pmid].state.deleted and pmid not in shown,
                )
                for pmid in sorted(again)
            ],
        )
        if self._topic_id is not None:
            links = [(self._topic_id, pmid) for pmid in saved]
            self._database.insert(self._connection, tables.topic_article, links, known="keep")
        quarantine.release(self._connection, self._database, saved)

    def _unless_whole(
        self, chunk: Sequence[Arrival], rows: Mapping[int, sa.Row[Any]]
    ) -> list[Arrival]:
        """Entries, those without their abstracts only confirmed where this revision has its own."""
        shorter = {
            each.pmid
            for each in chunk
            if each.content is not None
            and each.content.abridged
            and (row := rows.get(each.pmid)) is not None
            and not row.abridged
            and each.order == (row.version, row.revised or "")
        }
        if not shorter:
            return list(chunk)
        stored = self._kept(rows, {}, shorter)
        whole = {
            pmid for pmid, kept in stored.items() if has_abstracts(kept.state.content.read()[0])
        }
        return [
            msgspec.structs.replace(
                each, content=None, source_digest=None, digest=rows[each.pmid].digest
            )
            if each.pmid in whole
            else each
            for each in chunk
        ]

    def confirm_sources(
        self, digests: Mapping[int, int], *, grader_version: str, abridging: bool = False
    ) -> bool:
        """Articles that came as they were: `digests` by PMID, as `unchanged` was asked.

        False, and nothing is done, where any of them has become another since.
        """
        same = unchanged(
            self._connection,
            self._database,
            digests,
            grader_version=grader_version,
            abridging=abridging,
        )
        if len(same) < len(digests):
            return False
        self.confirm(digests)
        quarantine.release(self._connection, self._database, digests)
        self._unchanged += digests
        return True

    def regrade(
        self, grades: Mapping[int, Grade], articles: Mapping[int, int] | None = None
    ) -> None:
        """Give stored articles a new grade; PMIDs that are not stored are passed over, and those
        whose digest is no longer the one in `articles`."""
        rows = self._rows(grades)
        if articles is not None:
            rows = {pmid: row for pmid, row in rows.items() if row.digest == articles.get(pmid)}
        same: list[tuple[sa.Row[Any], str]] = []
        other: list[int] = []
        for pmid, row in rows.items():
            if documents.digest(documents.grade_bytes(grades[pmid])) == row.grade_digest:
                same.append((row, grades[pmid].grader_version))
                self._unchanged.append(pmid)
            else:
                other.append(pmid)
        self._note_grader(same)
        kept = self._kept(rows, self._topics(other), other)
        written = []
        for pmid, old in kept.items():
            article, _ = old.state.content.read()
            written.append(
                replace(old.written(content_of(article, grades[pmid])), graded_at=self._at)
            )
        self._replace(written, kept)

    def confirm(self, pmids: Iterable[int]) -> None:
        """Note that PubMed holds these articles now, in whatever revision."""
        self._connection.execute(
            sa.update(tables.article)
            .where(self._database.among(tables.article.c.pmid, pmids))
            .values(confirmed_at=sa.literal(self._at, sa.BigInteger))
        )

    def delete(self, pmids: Iterable[int], source: str) -> tuple[int, ...]:
        """Mark articles as removed from PubMed. Answers those that were stored and shown."""
        rows = {pmid: row for pmid, row in self._rows(pmids).items() if row.deleted_at is None}
        kept = self._kept(rows, self._topics(rows), rows)
        self._connection.execute(
            sa.update(tables.article)
            .where(self._database.among(tables.article.c.pmid, rows))
            .values(deleted_at=sa.literal(self._at, sa.BigInteger))
        )
        self._note("deleted", rows.values(), f"removed from PubMed ({source})")
        self._writing.derive(
            {pmid: old.state for pmid, old in kept.items()},
            [replace(old.state, deleted=True) for old in kept.values()],
        )
        return tuple(rows)

    def link(self, pmids: Iterable[int], topic_id: int) -> int:
        """Link stored articles to a topic. Answers how many links are new."""
        rows = self._rows(pmids)
        topics = self._topics(rows)
        new = {pmid for pmid in rows if topic_id not in topics.get(pmid, ())}
        kept = self._kept(rows, topics, new)
        self._writing.derive(
            {pmid: old.state for pmid, old in kept.items()},
            [replace(old.state, topics=old.state.topics | {topic_id}) for old in kept.values()],
        )
        self._database.insert(
            self._connection, tables.topic_article, [(topic_id, pmid) for pmid in sorted(new)]
        )
        return len(new)

    # what is stored

    def _rows(self, pmids: Iterable[int]) -> dict[int, sa.Row[Any]]:
        columns = tables.article.c
        rows = self._connection.execute(
            sa.select(
                columns.pmid,
                columns.version,
                columns.revised,
                columns.digest,
                columns.grade_digest,
                columns.grader_version,
                columns.source_digest,
                columns.abridged,
                # As the plain numbers that bulk writes take.
                *(sa.type_coerce(columns[name], sa.BigInteger).label(name) for name in _MOMENTS),
            ).where(self._database.among(columns.pmid, pmids))
        )
        return {row.pmid: row for row in rows}

    def _topics(self, pmids: Iterable[int]) -> dict[int, frozenset[int]]:
        """The numbers of the topics of each, where there are any."""
        wanted = list(pmids)
        found: dict[int, set[int]] = {}
        if wanted:
            columns = tables.topic_article.c
            for pmid, topic in self._connection.execute(
                sa.select(columns.pmid, columns.topic_id).where(
                    self._database.among(columns.pmid, wanted)
                )
            ):
                found.setdefault(pmid, set()).add(topic)
        return {pmid: frozenset(topics) for pmid, topics in found.items()}

    def _kept(
        self,
        rows: Mapping[int, sa.Row[Any]],
        topics: Mapping[int, frozenset[int]],
        pmids: Iterable[int],
    ) -> dict[int, _Kept]:
        wanted = list(pmids)
        if not wanted:
            return {}
        found = self._connection.execute(
            sa.select(tables.document).where(self._database.among(tables.document.c.pmid, wanted))
        )
        kept = {}
        for each in found:
            row = rows[each.pmid]
            content = stored_content(
                each.body,
                digest=row.digest,
                grade_digest=row.grade_digest,
                grader_version=row.grader_version,
            )
            deleted = row.deleted_at is not None
            state = State(content, deleted=deleted, topics=topics.get(each.pmid, frozenset()))
            kept[each.pmid] = _Kept(row, state)
        return kept

    def _with_topic(self, topics: frozenset[int]) -> frozenset[int]:
        return topics if self._topic_id is None else topics | {self._topic_id}

    # changes

    def _create(self, chunk: Sequence[Arrival]) -> None:
        topics = self._with_topic(frozenset())
        at = self._at
        written = [
            Written(State(each.content, topics=topics), at, at, at, at, None, each.source_digest)
            for each in chunk
            if each.content is not None
        ]
        self._writing.put(written, known=None)
        self._write_raw(chunk, known=None)
        self._writing.derive({}, [row.state for row in written])
        self._new += [each.pmid for each in chunk]

    def _change(self, chunk: Sequence[Arrival], kept: Mapping[int, _Kept]) -> None:
        """Put another article or grade in the place of what is stored."""
        written = []
        revised = []
        for each in chunk:
            old, content = kept[each.pmid], each.content
            if content is None:
                continue
            revises = _is_other_article(content, old)
            if revises:
                revised.append(each)
            written.append(
                Written(
                    State(content, topics=self._with_topic(old.state.topics)),
                    old.row.added_at,
                    self._at if revises else old.row.updated_at,
                    self._at,
                    self._at,
                    None,
                    each.source_digest,
                )
            )
        self._write_raw(revised, known="replace")
        self._replace(written, kept)

    def _replace(self, written: Sequence[Written], kept: Mapping[int, _Kept]) -> None:
        """Write what differs from what is kept, and that into history."""
        changes = []
        for new in written:
            content = new.state.content
            old = kept[content.pmid]
            before, grade_before = old.state.content.read()
            after, grade_after = content.read()
            revised = content.digest != old.row.digest and before != after
            regraded = _unversioned(grade_before) != _unversioned(grade_after)
            if not revised and not regraded:
                self._unchanged.append(content.pmid)
                continue
            (self._revised if revised else self._regraded).append(content.pmid)
            article_bytes, grade_bytes = documents.document_parts(old.state.content.body)
            changes.append(
                (
                    content.pmid,
                    self._at,
                    "revised" if revised else "regraded",
                    old.row.version,
                    old.row.revised,
                    history.summary(before, after, grade_before, grade_after),
                    old.row.digest if revised else None,
                    documents.pack(article_bytes) if revised else None,
                    documents.pack(grade_bytes) if regraded else None,
                    grade_before.grader_version if regraded else None,
                )
            )
        self._database.insert(self._connection, tables.change, changes, _CHANGE_COLUMNS)
        self._writing.put(written, known="replace")
        self._writing.derive(
            {pmid: kept[pmid].state for pmid in (row.state.content.pmid for row in written)},
            [row.state for row in written],
        )

    def _confirm(self, chunk: Sequence[Arrival], rows: Mapping[int, sa.Row[Any]]) -> None:
        if not chunk:
            return
        self.confirm([each.pmid for each in chunk])
        self._note_grader(
            [
                (rows[each.pmid], each.content.grader_version)
                for each in chunk
                if each.content is not None
                and each.content.grader_version != rows[each.pmid].grader_version
            ]
        )
        self._database.update(
            self._connection,
            tables.article,
            [
                (each.pmid, each.source_digest)
                for each in chunk
                if each.source_digest not in (None, rows[each.pmid].source_digest)
            ],
            ("source_digest",),
        )
        self._unchanged += [each.pmid for each in chunk]

    def _note_grader(self, graded: Sequence[tuple[sa.Row[Any], str]]) -> None:
        """The same grade by another version of the grader, or at another time."""
        self._database.update(
            self._connection,
            tables.article,
            [(row.pmid, version, self._at) for row, version in graded],
            ("grader_version", "graded_at"),
        )
        self._writing.count_graders(
            (row.grader_version, version)
            for row, version in graded
            if row.deleted_at is None and not row.abridged
        )

    def _restore(self, rows: Sequence[sa.Row[Any]]) -> None:
        back = [row for row in rows if row.deleted_at is not None]
        if back:
            self._connection.execute(
                sa.update(tables.article)
                .where(self._database.among(tables.article.c.pmid, [row.pmid for row in back]))
                .values(deleted_at=None)
            )
            self._note("restored", back, "in PubMed again")

    def _note(self, what: str, rows: Iterable[sa.Row[Any]], summary: str) -> None:
        self._database.insert(
            self._connection,
            tables.change,
            [
                (row.pmid, self._at, what, row.version, row.revised, summary, *[None] * 4)
                for row in rows
            ],
            _CHANGE_COLUMNS,
        )

    def _keep_stale(self, chunk: Sequence[Arrival]) -> None:
        """Keep revisions that came too late, each content once."""
        self._stale += [each.pmid for each in chunk]
        if not chunk:
            return
        columns = tables.change.c
        known = self._connection.execute(
            sa.select(columns.pmid, columns.digest).where(
                self._database.among(columns.pmid, [each.pmid for each in chunk]),
                columns.digest.is_not(None),
            )
        )
        told = {(row.pmid, row.digest) for row in known}
        changes = []
        for each in chunk:
            if each.content is not None and (each.pmid, each.digest) not in told:
                article_bytes, grade_bytes = documents.document_parts(each.content.body)
                changes.append(
                    (
                        each.pmid,
                        self._at,
                        "stale",
                        each.version,
                        each.revised,
                        "an older revision came after a newer one",
                        each.digest,
                        documents.pack(article_bytes),
                        documents.pack(grade_bytes),
                        each.content.grader_version,
                    )
                )
        self._database.insert(self._connection, tables.change, changes, _CHANGE_COLUMNS)

    def _write_raw(self, chunk: Sequence[Arrival], *, known: str | None) -> None:
        """Keep the bytes of the present articles; those of an article that was replaced go."""
        raw = {each.pmid: each.raw for each in chunk if self._keep_raw and each.raw}
        if known:
            self._database.delete(
                self._connection,
                tables.raw_record,
                [(each.pmid,) for each in chunk if each.pmid not in raw],
            )
        self._database.insert(
            self._connection,
            tables.raw_record,
            [
                (
                    each.pmid,
                    each.raw_format,
                    each.parser_version,
                    raw[each.pmid],
                )
                for each in chunk
                if each.pmid in raw
            ],
            known=known,
        )


def _is_other_article(content: Content, old: _Kept) -> bool:
    """Articles of one digest are the same; those of two may be, where `Article` has a new field."""
    if content.digest == old.row.digest:
        return False
    return content.read()[0] != old.state.content.read()[0]


def _unversioned(grade: Grade) -> Grade:
    """An equal grade by another version of the grader is no new grade."""
    return msgspec.structs.replace(grade, grader_version="")


_MOMENTS: Final = ("added_at", "updated_at", "graded_at", "confirmed_at", "deleted_at")
