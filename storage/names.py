"""Names that are kept once and referred to by number: terms, journals, MeSH headings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from grading import Article
from grading.article import MeshHeading
from storage import tables
from storage.database import Database
from storage.folding import folded


class Names:
    """The numbers of names, made where they are new, in one transaction.

    Keeps what it looked up, so it must not outlive the transaction: numbers made in one that is
    rolled back never were.
    """

    def __init__(self, connection: sa.Connection, database: Database) -> None:
        self._connection = connection
        self._database = database
        self._terms: dict[tuple[str, str], int] = {}
        self._journals: dict[str, int] = {}
        self._headings: dict[str, tuple[int, str | None]] = {}

    def terms(self, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """(kind, name) → number."""
        missing = set(wanted) - self._terms.keys()
        if missing:
            self._read_terms()
            missing -= self._terms.keys()
        if missing:
            self._database.insert(
                self._connection, tables.term, sorted(missing), ("kind", "name"), known="keep"
            )
            self._read_terms()
        return self._terms

    def _read_terms(self) -> None:
        rows = self._connection.execute(sa.select(tables.term))
        self._terms = {(row.kind, row.name): row.id for row in rows}

    def journals(self, articles: Iterable[Article]) -> dict[str, int]:
        """`journal_identity` → number."""
        wanted = {identity: each for each in articles if (identity := journal_identity(each))}
        missing = wanted.keys() - self._journals.keys()
        if missing:
            self._read_journals(missing)
            missing -= self._journals.keys()
        if missing:
            self._database.insert(
                self._connection,
                tables.journal,
                [_journal_row(identity, wanted[identity]) for identity in sorted(missing)],
                _JOURNAL_COLUMNS,
                known="keep",
            )
            self._read_journals(missing)
        return self._journals

    def _read_journals(self, identities: Iterable[str]) -> None:
        columns = tables.journal.c
        rows = self._connection.execute(
            sa.select(columns.identity, columns.id).where(
                self._database.among(columns.identity, identities)
            )
        )
        self._journals.update((row.identity, row.id) for row in rows)

    def headings(self, wanted: Iterable[MeshHeading]) -> dict[str, int]:
        """Descriptor → number."""
        uis: dict[str, str | None] = {}
        for each in wanted:
            uis[each.name] = each.ui or uis.get(each.name)
        missing = uis.keys() - self._headings.keys()
        if missing:
            self._read_headings(missing)
        new = [
            (name, folded(name), ui)
            for name, ui in sorted(uis.items())
            if name not in self._headings or (ui and self._headings[name][1] is None)
        ]
        if new:
            statement = self._database.upsert(tables.heading)
            statement = statement.on_conflict_do_update(
                index_elements=["name"],
                set_={"ui": sa.func.coalesce(tables.heading.c.ui, statement.excluded.ui)},
            )
            self._connection.execute(
                statement, [{"name": name, "key": key, "ui": ui} for name, key, ui in new]
            )
            self._read_headings(name for name, _, _ in new)
        return {name: self._headings[name][0] for name in uis}

    def _read_headings(self, names: Iterable[str]) -> None:
        columns = tables.heading.c
        rows = self._connection.execute(
            sa.select(columns.name, columns.id, columns.ui).where(
                self._database.among(columns.name, names)
            )
        )
        self._headings.update((row.name, (row.id, row.ui)) for row in rows)


_JOURNAL_COLUMNS = ("identity", "name", "name_key", "abbreviation_key", "issn_key", "nlm_id")


def journal_identity(article: Article) -> str | None:
    """All that tells one journal from another, None for an article without one."""
    parts = (article.journal, article.journal_abbreviation, article.issn, article.nlm_id)
    return "\t".join(part or "" for part in parts) if any(parts[:3]) else None


def issn_key(issn: str) -> str:
    return issn.replace("-", "").strip().upper()


def _journal_row(identity: str, article: Article) -> tuple[Any, ...]:
    name = article.journal or article.journal_abbreviation or article.issn or ""
    abbreviation = article.journal_abbreviation
    return (
        identity,
        name,
        folded(name),
        folded(abbreviation) if abbreviation else None,
        issn_key(article.issn) if article.issn else None,
        article.nlm_id,
    )
