"""Bulk loads: one file in one transaction, together with its row of the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa

from grading import Article, Grade
from grading.article import Correction
from grading.notices import COUNTERPARTS, in_order, notices_in
from storage import documents, ledger, quarantine, tables
from storage.contents import Arrival
from storage.database import Database
from storage.names import KnownNames
from storage.records import Run, SaveOutcome
from storage.saving import Saving, arrival_chunks, grade_chunks, outdated


class Loading:
    """What one transaction brings in. Made by `Store.loading`; not to be kept beyond it."""

    def __init__(
        self,
        connection: sa.Connection,
        database: Database,
        run: Run,
        *,
        at: datetime,
        keep_raw: bool,
        known: KnownNames,
    ) -> None:
        self._connection = connection
        self._database = database
        self._at = at
        self._saving = Saving(connection, database, known, at=at, keep_raw=keep_raw)
        self.run = run

    @property
    def outcome(self) -> SaveOutcome:
        return self._saving.outcome

    def save(self, arrivals: Iterable[Arrival]) -> None:
        """As `Store.save`, of entries made ready (storage.contents)."""
        for chunk in arrival_chunks(arrivals):
            self._saving.save(chunk)

    def confirm(
        self, digests: Mapping[int, int], *, grader_version: str, abridging: bool = False
    ) -> bool:
        """Note that articles came just as they are stored (`Store.unchanged`).

        False, and nothing is done, where any of them has become another since.
        """
        return self._saving.confirm_sources(
            digests, grader_version=grader_version, abridging=abridging
        )

    def regrade(self, grades: Iterable[tuple[int, Grade]]) -> None:
        """As `Store.regrade`."""
        for chunk in grade_chunks(grades):
            self._saving.regrade(chunk)

    def delete(self, pmids: Iterable[int], source: str) -> tuple[int, ...]:
        """As `Store.mark_deleted`."""
        return self._saving.delete(list(pmids), source)

    def quarantine(self, *, raw: bytes, error: str, source: str, pmid: int | None) -> None:
        """As `Store.quarantine`."""
        quarantine.put(
            self._connection, raw=raw, error=error, source=source, pmid=pmid, at=self._at
        )

    def known(self, pmids: Iterable[int]) -> set[int]:
        """Those that are stored, deleted or not."""
        pmid = tables.article.c.pmid
        rows = self._connection.execute(sa.select(pmid).where(self._database.among(pmid, pmids)))
        return set(rows.scalars())

    def articles(self, pmids: Iterable[int]) -> list[tuple[Article, Grade]]:
        """Those that are stored, with their grades, by ascending PMID."""
        columns = tables.article.c
        rows = self._connection.execute(
            sa.select(tables.document.c.body, columns.grader_version)
            .join_from(tables.article, tables.document)
            .where(self._database.among(columns.pmid, pmids))
            .order_by(columns.pmid)
        )
        return [documents.read_document(body, version) for body, version in rows]

    def notices_about(self, pmids: Iterable[int]) -> dict[int, tuple[Correction, ...]]:
        """As `Store.notices_about`."""
        return notices_about(self._connection, self._database, pmids)

    def noticed_by(self, pmids: Iterable[int]) -> set[int]:
        """As `Store.noticed_by`."""
        return noticed_by(self._connection, self._database, pmids)

    def outdated(self, articles: Iterable[Article]) -> set[int]:
        """As `Store.outdated`."""
        return outdated(self._connection, self._database, articles)

    def close(self, run: Run) -> None:
        """Write the last state of the run into the ledger."""
        # An older revision too tells that PubMed holds the article.
        self._saving.confirm(self._saving.outcome.stale)
        self._saving.finish()
        ledger.update_run(self._connection, run)
        self.run = run

    def committed(self) -> None:
        """The transaction is in the store."""
        self._saving.committed()


def notices_about(
    connection: sa.Connection, database: Database, pmids: Iterable[int]
) -> dict[int, tuple[Correction, ...]]:
    """What stored articles say about these PMIDs, told from their side (grading.notices)."""
    columns = tables.relation.c
    rows = connection.execute(
        sa.select(columns.target, columns.pmid, tables.document.c.body)
        .join_from(tables.relation, tables.article, tables.article.c.pmid == columns.pmid)
        .join(tables.document, tables.document.c.pmid == columns.pmid)
        .where(
            database.among(columns.target, pmids),
            columns.kind.in_(COUNTERPARTS),
            tables.article.c.deleted_at.is_(None),
        )
        .order_by(columns.target, columns.pmid)
        .distinct()
    ).all()
    said: dict[int, list[Correction]] = {}
    for target, _, packed in rows:
        told = notices_in(documents.article_in(packed))
        said.setdefault(target, []).extend(notice for about, notice in told if about == target)
    return {target: in_order(notices) for target, notices in said.items()}


def noticed_by(connection: sa.Connection, database: Database, pmids: Iterable[int]) -> set[int]:
    """The PMIDs that these stored articles give notice of."""
    columns = tables.relation.c
    told = sa.select(columns.target).where(database.among(columns.pmid, pmids))
    return set(connection.execute(told).scalars())
