"""How articles and grades come into the store.

The rule, by PMID: a revision is placed by (version, DateRevised). An older one never replaces a
newer one and goes to history; of two at the same place the one that comes later stays; the same
content again is a confirmation. Whatever is replaced is kept in history.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from grading import Article, Grade
from storage import documents, history, levels, tables
from storage.database import Database
from storage.indexing import IndexedText, author_keys, first_and_last_day, indexed_text
from storage.names import Names, journal_identity
from storage.records import Entry, SaveOutcome

CHUNK: Final = 500  # entries looked up and written together: bounds memory

_CHANGE_COLUMNS: Final = (
    "pmid", "at", "what", "version", "revised", "summary", "digest", "article", "grade",
    "grader_version",
)  # fmt: skip


class Arrival(NamedTuple):
    """An entry with what comparing and keeping it needs."""

    entry: Entry
    article_json: bytes
    digest: int
    grade_json: bytes
    grade_digest: int
    fresh: bool = True  # read from a source; else a new grade of what is stored

    @property
    def pmid(self) -> int:
        return self.entry.article.pmid

    @property
    def order(self) -> tuple[int, str]:
        return self.entry.article.version, self.entry.article.revised or ""


def arrival(entry: Entry) -> Arrival:
    article_json = documents.article_json(entry.article)
    grade_json = documents.grade_json(entry.grade)
    return Arrival(
        entry,
        article_json,
        documents.digest(article_json),
        grade_json,
        documents.digest(grade_json),
    )


def arrivals(entries: Iterable[Entry]) -> Iterator[list[Arrival]]:
    """Entries in chunks, in the order in which they came, no PMID twice in one chunk."""
    chunk: dict[int, Arrival] = {}
    for entry in entries:
        if len(chunk) == CHUNK or entry.article.pmid in chunk:
            yield list(chunk.values())
            chunk = {}
        chunk[entry.article.pmid] = arrival(entry)
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
    article: Article
    grade: Grade
    article_packed: bytes
    grade_packed: bytes


_Keys = set[tuple[Any, ...]]
_Pairs = dict[sa.Table, _Keys]  # rows of the tables of pairs that belong to an article


class Saving:
    """What one transaction brings into the store."""

    def __init__(
        self,
        connection: sa.Connection,
        database: Database,
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
        self._names = Names(connection, database)
        self._new: list[int] = []
        self._revised: list[int] = []
        self._unchanged: list[int] = []
        self._stale: list[int] = []
        self._regraded: list[int] = []

    @property
    def outcome(self) -> SaveOutcome:
        return SaveOutcome(
            new=tuple(self._new),
            revised=tuple(self._revised),
            unchanged=tuple(self._unchanged),
            stale=tuple(self._stale),
            regraded=tuple(self._regraded),
        )

    def save(self, chunk: Sequence[Arrival]) -> None:
        """Save entries of different PMIDs."""
        pmids = [each.pmid for each in chunk]
        rows = self._rows(pmids)
        new: list[Arrival] = []
        stale: list[Arrival] = []
        same: list[Arrival] = []
        other: list[Arrival] = []
        for each in chunk:
            row = rows.get(each.pmid)
            if row is None:
                new.append(each)
            elif each.order < (row.version, row.revised or ""):
                stale.append(each)
            elif (each.digest, each.grade_digest) == (row.digest, row.grade_digest):
                same.append(each)
            else:
                other.append(each)
        self._restore([rows[each.pmid] for each in (*same, *other)])
        self._write_all(new, {})
        self._new += [each.pmid for each in new]
        self._confirm(same, rows)
        self._change(other, self._kept(rows, [each.pmid for each in other]))
        self._keep_stale(stale)
        if self._topic_id is not None:
            links = [(self._topic_id, pmid) for pmid in pmids]
            self._database.insert(self._connection, tables.topic_article, links, known="keep")
        self._connection.execute(
            sa.delete(tables.quarantine).where(
                self._database.among(tables.quarantine.c.pmid, pmids)
            )
        )

    def regrade(self, grades: Mapping[int, Grade]) -> None:
        """Give stored articles a new grade; PMIDs that are not stored are passed over."""
        kept = self._kept(self._rows(grades), grades)
        same: list[Arrival] = []
        other: list[Arrival] = []
        for pmid, old in kept.items():
            new = arrival(Entry(old.article, grades[pmid]))
            new = new._replace(digest=old.row.digest, fresh=False)
            (same if new.grade_digest == old.row.grade_digest else other).append(new)
        self._change(other, kept)
        self._note_grader(same)
        self._unchanged += [each.pmid for each in same]

    def confirm(self, pmids: Iterable[int]) -> None:
        """Note that PubMed holds these articles now, in whatever revision."""
        self._connection.execute(
            sa.update(tables.article)
            .where(self._database.among(tables.article.c.pmid, pmids))
            .values(confirmed_at=sa.literal(self._at, sa.BigInteger))
        )

    def delete(self, pmids: Iterable[int], source: str) -> tuple[int, ...]:
        """Mark articles as removed from PubMed. Answers those that were stored and shown."""
        gone = [row for row in self._rows(pmids).values() if row.deleted_at is None]
        self._connection.execute(
            sa.update(tables.article)
            .where(self._database.among(tables.article.c.pmid, [row.pmid for row in gone]))
            .values(deleted_at=sa.literal(self._at, sa.BigInteger))
        )
        self._note("deleted", gone, f"removed from PubMed ({source})")
        return tuple(row.pmid for row in gone)

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
                # As the plain numbers that bulk writes take.
                *(sa.type_coerce(columns[name], sa.BigInteger).label(name) for name in _MOMENTS),
            ).where(self._database.among(columns.pmid, pmids))
        )
        return {row.pmid: row for row in rows}

    def _kept(self, rows: Mapping[int, sa.Row[Any]], pmids: Iterable[int]) -> dict[int, _Kept]:
        wanted = [pmid for pmid in pmids if pmid in rows]
        if not wanted:
            return {}
        found = self._connection.execute(
            sa.select(tables.document).where(self._database.among(tables.document.c.pmid, wanted))
        )
        return {
            each.pmid: _Kept(
                rows[each.pmid],
                documents.read_article(each.article),
                documents.read_grade(each.grade, rows[each.pmid].grader_version),
                each.article,
                each.grade,
            )
            for each in found
        }

    # changes

    def _change(self, chunk: Sequence[Arrival], kept: Mapping[int, _Kept]) -> None:
        """Put another article or grade in the place of what is stored, and that into history."""
        changes = []
        for each in chunk:
            old, entry = kept[each.pmid], each.entry
            revised = each.digest != old.row.digest and entry.article != old.article
            regraded = each.grade_json != documents.grade_json(old.grade)
            if not revised and not regraded:
                self._unchanged.append(each.pmid)
                continue
            (self._revised if revised else self._regraded).append(each.pmid)
            changes.append(
                (
                    each.pmid,
                    self._at,
                    "revised" if revised else "regraded",
                    old.row.version,
                    old.row.revised,
                    history.summary(old.article, entry.article, old.grade, entry.grade),
                    old.row.digest if revised else None,
                    old.article_packed if revised else None,
                    old.grade_packed if regraded else None,
                    old.grade.grader_version if regraded else None,
                )
            )
        self._database.insert(self._connection, tables.change, changes, _CHANGE_COLUMNS)
        self._write_all(chunk, kept)

    def _confirm(self, chunk: Sequence[Arrival], rows: Mapping[int, sa.Row[Any]]) -> None:
        self._connection.execute(
            sa.update(tables.article)
            .where(self._database.among(tables.article.c.pmid, [each.pmid for each in chunk]))
            .values(confirmed_at=sa.literal(self._at, sa.BigInteger))
        )
        self._note_grader(
            [
                each
                for each in chunk
                if each.entry.grade.grader_version != rows[each.pmid].grader_version
            ]
        )
        self._unchanged += [each.pmid for each in chunk]

    def _note_grader(self, chunk: Sequence[Arrival]) -> None:
        """The same grade by another version of the grader, or at another time."""
        if chunk:
            self._database.update(
                self._connection,
                tables.article,
                [(each.pmid, each.entry.grade.grader_version, self._at) for each in chunk],
                ("grader_version", "graded_at"),
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
        self._database.insert(
            self._connection,
            tables.change,
            [
                (
                    each.pmid,
                    self._at,
                    "stale",
                    each.entry.article.version,
                    each.entry.article.revised,
                    "an older revision came after a newer one",
                    each.digest,
                    documents.pack(each.article_json),
                    documents.pack(each.grade_json),
                    each.entry.grade.grader_version,
                )
                for each in chunk
                if (each.pmid, each.digest) not in told
            ],
            _CHANGE_COLUMNS,
        )

    # writing

    def _write_all(self, chunk: Sequence[Arrival], kept: Mapping[int, _Kept]) -> None:
        """Write articles with all that is derived from them, in the place of those in `kept`."""
        if not chunk:
            return
        journals = self._names.journals(each.entry.article for each in chunk)
        terms = self._names.terms(
            name
            for each in chunk
            for grade in (each.entry.grade, kept[each.pmid].grade if each.pmid in kept else None)
            if grade is not None
            for name in _terms(grade)
        )
        headings = self._names.headings(
            heading
            for each in chunk
            for article in (each.entry.article, *_articles(kept, each.pmid))
            for heading in article.mesh
        )

        self._database.insert(
            self._connection,
            tables.article,
            [self._narrow(each, kept.get(each.pmid), journals, terms) for each in chunk],
            known="replace" if kept else None,
        )
        self._database.insert(
            self._connection,
            tables.document,
            [
                (each.pmid, documents.pack(each.article_json), documents.pack(each.grade_json))
                for each in chunk
            ],
            known="replace" if kept else None,
        )
        self._write_raw([each for each in chunk if each.fresh], kept)

        gone: list[tuple[int, IndexedText]] = []
        come: list[tuple[int, IndexedText]] = []
        pairs_gone: _Pairs = defaultdict(set)
        pairs_come: _Pairs = defaultdict(set)
        for each in chunk:
            entry, old = each.entry, kept.get(each.pmid)
            text = indexed_text(entry.article, entry.grade)
            old_text = indexed_text(old.article, old.grade) if old else None
            if text != old_text:
                come.append((each.pmid, text))
                if old_text is not None:
                    gone.append((each.pmid, old_text))
            old_pairs = _pairs(old.article, old.grade, terms, headings) if old else {}
            for table, keys in _pairs(entry.article, entry.grade, terms, headings).items():
                before = old_pairs.get(table, set())
                pairs_come[table] |= keys - before
                pairs_gone[table] |= before - keys
        self._database.unindex(self._connection, gone)
        self._database.index(self._connection, come)
        for table, keys in pairs_gone.items():
            self._database.delete(self._connection, table, list(keys))
        for table, keys in pairs_come.items():
            self._database.insert(self._connection, table, sorted(keys))

    def _write_raw(self, chunk: Sequence[Arrival], kept: Mapping[int, _Kept]) -> None:
        """Keep the bytes of the present articles; those of an article that was replaced go."""
        raw = {each.pmid: each.entry.raw for each in chunk if self._keep_raw and each.entry.raw}
        self._database.delete(
            self._connection,
            tables.raw_record,
            [
                (each.pmid,)
                for each in chunk
                if each.pmid not in raw
                and each.pmid in kept
                and each.digest != kept[each.pmid].row.digest
            ],
        )
        self._database.insert(
            self._connection,
            tables.raw_record,
            [
                (
                    each.pmid,
                    each.entry.raw_format,
                    each.entry.parser_version,
                    documents.pack(raw[each.pmid]),
                )
                for each in chunk
                if each.pmid in raw
            ],
            known="replace" if kept else None,
        )

    def _narrow(
        self,
        each: Arrival,
        old: _Kept | None,
        journals: Mapping[str, int],
        terms: Mapping[tuple[str, str], int],
    ) -> tuple[Any, ...]:
        article, grade = each.entry.article, each.entry.grade
        first, last = first_and_last_day(article.published)
        identity = journal_identity(article)
        size = grade.details.sample_size
        revised = old is None or article != old.article
        values = {
            "pmid": article.pmid,
            "version": article.version,
            "revised": article.revised,
            "digest": each.digest,
            "design_id": terms["design", grade.design],
            "question_id": terms["question", grade.question],
            **{f"rank_{scheme}": rank for scheme, rank in levels.ranks(grade.levels).items()},
            "confidence": grade.confidence,
            "published": first,
            "published_end": last,
            "journal_id": journals[identity] if identity else None,
            "sample_size": size.value if size.reported and isinstance(size.value, int) else None,
            "grade_digest": each.grade_digest,
            "grader_version": grade.grader_version,
            "added_at": self._at if old is None else old.row.added_at,
            "updated_at": self._at if old is None or revised else old.row.updated_at,
            "graded_at": self._at,
            "confirmed_at": self._at if old is None or each.fresh else old.row.confirmed_at,
            "deleted_at": None if old is None or each.fresh else old.row.deleted_at,
        }
        return tuple(values[name] for name in _ARTICLE_COLUMNS)


_MOMENTS: Final = ("added_at", "updated_at", "confirmed_at", "deleted_at")
_ARTICLE_COLUMNS: Final = tuple(tables.article.columns.keys())


def _articles(kept: Mapping[int, _Kept], pmid: int) -> Iterator[Article]:
    if pmid in kept:
        yield kept[pmid].article


def _terms(grade: Grade) -> Iterator[tuple[str, str]]:
    yield "design", grade.design
    yield "question", grade.question
    for name in grade.attributes:
        yield "attribute", name
    for name in grade.flags:
        yield "flag", name


def _pairs(
    article: Article,
    grade: Grade,
    terms: Mapping[tuple[str, str], int],
    headings: Mapping[str, int],
) -> _Pairs:
    pmid = article.pmid
    people = (*article.authors, *(article.book.editors if article.book else ()))
    return {
        tables.article_term: {
            *((terms["attribute", name], pmid) for name in grade.attributes),
            *((terms["flag", name], pmid) for name in grade.flags),
        },
        tables.article_heading: {(headings[heading.name], pmid) for heading in article.mesh},
        tables.author: {(key, pmid) for key in author_keys(people)},
        tables.relation: {
            (each.pmid, pmid, each.relation)
            for each in article.comments_corrections
            if each.direction == "out" and each.pmid is not None and each.pmid != pmid
        },
    }
