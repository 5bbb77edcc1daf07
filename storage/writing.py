"""What is derived from an article and its grade, and written with them.

The narrow row that sorts and counts read, the compressed document, the full text with its facets,
notices, totals. Texts for the index are gathered over a transaction and written in its order, by
place: FTS5 writes a segment of its own for every step back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from grading import Article, Grade
from grading.notices import COUNTERPARTS
from storage import documents, levels, tables
from storage.database import Database
from storage.indexing import (
    IndexedText,
    first_and_last_day,
    indexed_text,
    place,
    sample_size,
)
from storage.names import Names, journal_name

_MOST_WAITING: Final = 20_000  # texts for the index held back: some 30 MB


@dataclass(frozen=True, slots=True)
class State:
    """All that an article's derived rows depend on."""

    article: Article
    grade: Grade
    deleted: bool = False
    topics: frozenset[int] = frozenset()

    @property
    def place(self) -> int:
        return place(first_and_last_day(self.article.published)[0], self.article.pmid)


@dataclass(frozen=True, slots=True)
class Written:
    """One article as it shall stand in the store."""

    state: State
    article_bytes: bytes
    grade_bytes: bytes
    digest: int
    grade_digest: int
    added_at: int
    updated_at: int
    graded_at: int
    confirmed_at: int
    deleted_at: int | None
    source_digest: int | None


class Writing:
    """Writes derived rows in one transaction; `finish` writes what was held back."""

    def __init__(self, connection: sa.Connection, database: Database, names: Names) -> None:
        self._connection = connection
        self._database = database
        self._names = names
        self._totals: Counter[tuple[str, str]] = Counter()
        self._waiting: dict[int, tuple[int, IndexedText]] = {}  # by PMID

    def finish(self) -> None:
        self._index_waiting()
        totals = [
            {"kind": kind, "key": key, "count": count}
            for (kind, key), count in sorted(self._totals.items())
            if count
        ]
        if totals:
            statement = self._database.upsert(tables.total)
            count = tables.total.c.count + statement.excluded.count
            self._connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["kind", "key"], set_={"count": count}
                ),
                totals,
            )

    def put(self, rows: Sequence[Written], *, known: str | None) -> None:
        """Write articles and documents; what is derived beside them comes by `derive`.

        `known` as in `Sqlite.insert`: None where all are new, "replace" where all are known.
        """
        articles = [row.state.article for row in rows]
        self._names.journals(articles)
        self._names.headings(articles)
        self._database.insert(
            self._connection,
            tables.article,
            [self._narrow(row) for row in rows],
            _ARTICLE_COLUMNS,
            known=known,
        )
        self._database.insert(
            self._connection,
            tables.document,
            [
                (
                    row.state.article.pmid,
                    documents.pack_document(row.article_bytes, row.grade_bytes),
                )
                for row in rows
            ],
            known=known,
        )

    def _narrow(self, row: Written) -> tuple[Any, ...]:
        article, grade = row.state.article, row.state.grade
        first, last = first_and_last_day(article.published)
        return (
            article.pmid,
            place(first, article.pmid),
            article.version,
            article.revised,
            row.digest,
            self._names.term("design", grade.design),
            self._names.term("question", grade.question),
            *levels.ranks(grade.levels),
            grade.confidence,
            first,
            last,
            self._names.journal(article),
            sample_size(grade),
            row.grade_digest,
            grade.grader_version,
            row.added_at,
            row.updated_at,
            row.graded_at,
            row.confirmed_at,
            row.deleted_at,
            row.source_digest,
        )

    def derive(self, before: Mapping[int, State], after: Iterable[State]) -> None:
        """Bring index, notices and totals from the states `before`, by PMID, to those after."""
        gone: list[tuple[int, IndexedText]] = []
        notices_gone: list[tuple[Any, ...]] = []
        notices_come: list[tuple[Any, ...]] = []
        for new in after:
            pmid = new.article.pmid
            old = before.get(pmid)
            text = (new.place, _text(new))
            notices = _notices(new.article)
            self._totals.update(_counted(new))
            if old is not None:
                self._totals.subtract(_counted(old))
                old_notices = _notices(old.article)
                notices_gone += old_notices - notices
                notices -= old_notices
            notices_come += notices
            if old is not None and pmid not in self._waiting:
                old_text = (old.place, _text(old))
                if old_text == text:
                    continue
                gone.append(old_text)
            self._waiting[pmid] = text
        self._database.unindex(self._connection, gone)
        self._database.delete(self._connection, tables.relation, notices_gone)
        self._database.insert(self._connection, tables.relation, sorted(notices_come))
        if len(self._waiting) > _MOST_WAITING:
            self._index_waiting()

    def count_graders(self, changed: Iterable[tuple[str, str]]) -> None:
        """Articles whose same grade was made by another grader: (version before, after)."""
        for before, after in changed:
            self._totals["grader", before] -= 1
            self._totals["grader", after] += 1

    def _index_waiting(self) -> None:
        self._database.index(self._connection, sorted(self._waiting.values()))
        self._waiting.clear()


_ARTICLE_COLUMNS: Final = (
    "pmid", "place", "version", "revised", "digest", "design_id", "question_id",
    *(f"rank_{scheme}" for scheme in levels.SCHEMES), "confidence", "published", "published_end",
    "journal_id", "sample_size", "grade_digest", "grader_version", "added_at", "updated_at",
    "graded_at", "confirmed_at", "deleted_at", "source_digest",
)  # fmt: skip


def _text(state: State) -> IndexedText:
    return indexed_text(state.article, state.grade, deleted=state.deleted, topics=state.topics)


def _counted(state: State) -> Iterator[tuple[str, str]]:
    """What `total` counts of an article."""
    if state.deleted:
        yield "deleted", ""
        return
    article, grade = state.article, state.grade
    first, _ = first_and_last_day(article.published)
    yield "design", grade.design
    yield "year", str(first // 10000)
    yield "journal", journal_name(article)
    yield "grader", grade.grader_version
    for scheme in levels.SCHEMES:
        level = getattr(grade.levels, scheme)
        yield scheme, "" if level is None else str(level)
    for flag in grade.flags:
        yield "flag", flag


def _notices(article: Article) -> set[tuple[Any, ...]]:
    return {
        (each.pmid, article.pmid, each.relation)
        for each in article.comments_corrections
        if each.relation in COUNTERPARTS
        and each.direction == "out"
        and each.pmid is not None
        and each.pmid != article.pmid
    }
