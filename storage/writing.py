"""What is derived from an article and its grade, and written with them.

The narrow row that sorts and counts read, the compressed document, the full text with its facets,
notices, totals. Texts for the index are gathered over a transaction and written in its order, by
place: FTS5 writes a segment of its own for every step back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import sqlalchemy as sa

from storage import levels, tables
from storage.contents import Content
from storage.database import Database
from storage.indexing import IndexedText
from storage.names import Names

_MOST_WAITING: Final = 2_000  # texts for the index held back: some 10 MB, and as much within FTS5


@dataclass(frozen=True, slots=True)
class State:
    """All that an article's derived rows depend on."""

    content: Content
    deleted: bool = False
    topics: frozenset[int] = frozenset()

    @property
    def text(self) -> tuple[int, IndexedText]:
        """Its row of the full-text index, with its place."""
        content = self.content
        return content.place, content.text.standing(deleted=self.deleted, topics=self.topics)

    @property
    def counted(self) -> Iterable[tuple[str, str]]:
        """What `total` counts of it."""
        return (("deleted", ""),) if self.deleted else self.content.counted


@dataclass(frozen=True, slots=True)
class Written:
    """One article as it shall stand in the store."""

    state: State
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
        contents = [row.state.content for row in rows]
        self._names.journals(content.journal for content in contents)
        self._names.headings(chain.from_iterable([content.headings for content in contents]))
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
            [(content.pmid, content.body) for content in contents],
            known=known,
        )

    def _narrow(self, row: Written) -> tuple[Any, ...]:
        content = row.state.content
        return (
            content.pmid,
            content.place,
            content.version,
            content.revised,
            content.digest,
            self._names.term("design", content.design),
            self._names.term("question", content.question),
            *content.ranks,
            content.confidence,
            content.published,
            content.published_end,
            self._names.journal(content.journal),
            content.sample_size,
            content.grade_digest,
            content.grader_version,
            row.added_at,
            row.updated_at,
            row.graded_at,
            row.confirmed_at,
            row.deleted_at,
            row.source_digest,
            content.abridged,
        )

    def derive(self, before: Mapping[int, State], after: Iterable[State]) -> None:
        """Bring index, notices and totals from the states `before`, by PMID, to those after."""
        gone: list[tuple[int, IndexedText]] = []
        notices_gone: list[tuple[Any, ...]] = []
        notices_come: list[tuple[Any, ...]] = []
        for new in after:
            pmid = new.content.pmid
            old = before.get(pmid)
            text = new.text
            notices = _notices(new)
            self._totals.update(new.counted)
            if old is not None:
                self._totals.subtract(old.counted)
                old_notices = _notices(old)
                notices_gone += old_notices - notices
                notices -= old_notices
            notices_come += notices
            if old is not None and pmid not in self._waiting:
                old_text = old.text
                if (old_text[0], old_text[1].columns) == (text[0], text[1].columns):
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
    "graded_at", "confirmed_at", "deleted_at", "source_digest", "abridged",
)  # fmt: skip


def _notices(state: State) -> set[tuple[Any, ...]]:
    content = state.content
    return {(target, content.pmid, kind) for target, kind in content.notices}
