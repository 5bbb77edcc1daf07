"""Names that are kept once: terms and journals by number, identifiers of MeSH headings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from grading import Article
from storage import tables
from storage.database import Database
from storage.folding import folded


@dataclass(frozen=True, slots=True)
class KnownNames:
    """Names that are in the store for good: nothing takes them out again."""

    terms: dict[tuple[str, str], int] = field(default_factory=dict)
    journals: dict[str, int] = field(default_factory=dict)
    headings: set[tuple[str, str]] = field(default_factory=set)


class Names:
    """The numbers of names, made where they are new, in one transaction.

    Starts from what earlier transactions of this process found. What this one finds or makes must
    be handed on (`remember`) only after its commit: numbers rolled back never were.
    """

    def __init__(self, connection: sa.Connection, database: Database, known: KnownNames) -> None:
        self._connection = connection
        self._database = database
        self._known = known
        self._found = KnownNames()

    def remember(self) -> None:
        self._known.terms.update(self._found.terms)
        self._known.journals.update(self._found.journals)
        self._known.headings.update(self._found.headings)

    def term(self, kind: str, name: str) -> int:
        key = (kind, name)
        number = self._known.terms.get(key) or self._found.terms.get(key)
        if number is None:
            self._database.insert(
                self._connection, tables.term, [key], ("kind", "name"), known="keep"
            )
            columns = tables.term.c
            number = int(
                self._connection.execute(
                    sa.select(columns.id).where(columns.kind == kind, columns.name == name)
                ).scalar_one()
            )
            self._found.terms[key] = number
        return number

    def journals(self, articles: Iterable[Article]) -> None:
        """Make sure that the journals of these articles have numbers."""
        wanted = {
            identity: each
            for each in articles
            if (identity := journal_identity(each)) and self._journal(identity) is None
        }
        if wanted:
            self._read_journals(wanted)
        missing = wanted.keys() - self._found.journals.keys()
        if missing:
            self._database.insert(
                self._connection,
                tables.journal,
                [_journal_row(identity, wanted[identity]) for identity in sorted(missing)],
                _JOURNAL_COLUMNS,
                known="keep",
            )
            self._read_journals(missing)

    def journal(self, article: Article) -> int | None:
        """The number of its journal; `journals` must have seen it."""
        identity = journal_identity(article)
        return self._journal(identity) if identity else None

    def _journal(self, identity: str) -> int | None:
        return self._known.journals.get(identity) or self._found.journals.get(identity)

    def _read_journals(self, identities: Iterable[str]) -> None:
        columns = tables.journal.c
        rows = self._connection.execute(
            sa.select(columns.identity, columns.id).where(
                self._database.among(columns.identity, identities)
            )
        )
        self._found.journals.update((row.identity, row.id) for row in rows)

    def headings(self, articles: Iterable[Article]) -> None:
        """Note the identifiers of MeSH descriptors, so that they can be looked for."""
        pairs = set(_identified(articles)) - self._known.headings - self._found.headings
        keys = sorted({(ui, folded(name)) for ui, name in pairs})
        self._database.insert(self._connection, tables.heading, keys, known="keep")
        self._found.headings.update(pairs)


def _identified(articles: Iterable[Article]) -> Iterator[tuple[str, str]]:
    for article in articles:
        for heading in article.mesh:
            if heading.ui:
                yield heading.ui, heading.name


_JOURNAL_COLUMNS: Final = (
    "identity", "name", "name_key", "abbreviation_key", "issn_key", "nlm_id",
)  # fmt: skip


def journal_identity(article: Article) -> str | None:
    """All that tells one journal from another, None for an article without one."""
    parts = (article.journal, article.journal_abbreviation, article.issn, article.nlm_id)
    return "\t".join(part or "" for part in parts) if any(parts[:3]) else None


def journal_name(article: Article) -> str:
    """The journal for people, "" for an article without one."""
    return article.journal or article.journal_abbreviation or article.issn or ""


def issn_key(issn: str) -> str:
    return issn.replace("-", "").strip().upper()


def _journal_row(identity: str, article: Article) -> tuple[Any, ...]:
    abbreviation = article.journal_abbreviation
    name = journal_name(article)
    return (
        identity,
        name,
        folded(name),
        folded(abbreviation) if abbreviation else None,
        issn_key(article.issn) if article.issn else None,
        article.nlm_id,
    )
