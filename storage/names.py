"""Names that are kept once: terms and journals by number, identifiers of MeSH headings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple

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

    def journals(self, names: Iterable[JournalName | None]) -> None:
        """Make sure that these journals have numbers."""
        wanted = {name.identity: name for name in set(names) if name and self.journal(name) is None}
        if wanted:
            self._read_journals(wanted)
        missing = wanted.keys() - self._found.journals.keys()
        if missing:
            self._database.insert(
                self._connection,
                tables.journal,
                [wanted[identity].row for identity in sorted(missing)],
                _JOURNAL_COLUMNS,
                known="keep",
            )
            self._read_journals(missing)

    def journal(self, name: JournalName | None) -> int | None:
        """The number of a journal; `journals` must have seen it."""
        if name is None:
            return None
        identity = name.identity
        return self._known.journals.get(identity) or self._found.journals.get(identity)

    def _read_journals(self, identities: Iterable[str]) -> None:
        columns = tables.journal.c
        rows = self._connection.execute(
            sa.select(columns.identity, columns.id).where(
                self._database.among(columns.identity, identities)
            )
        )
        self._found.journals.update((row.identity, row.id) for row in rows)

    def headings(self, identified: Iterable[tuple[str, str]]) -> None:
        """Note MeSH descriptors by identifier and name, so that they can be looked for."""
        pairs = set(identified) - self._known.headings - self._found.headings
        keys = sorted({(ui, folded(name)) for ui, name in pairs})
        self._database.insert(self._connection, tables.heading, keys, known="keep")
        self._found.headings.update(pairs)


_JOURNAL_COLUMNS: Final = (
    "identity", "name", "name_key", "abbreviation_key", "issn_key", "nlm_id",
)  # fmt: skip


class JournalName(NamedTuple):
    """All that tells one journal from another."""

    name: str | None
    abbreviation: str | None
    issn: str | None
    nlm_id: str | None

    @property
    def identity(self) -> str:
        return _identity(self)

    @property
    def shown(self) -> str:
        """The journal for people."""
        return self.name or self.abbreviation or self.issn or ""

    def is_called(self, asked: str) -> bool:
        """Whether this is its name, abbreviation or ISSN, in whatever case."""
        _, _, name, abbreviation, issn, _ = self.row
        return folded(asked) in (name, abbreviation) or issn_key(asked) == issn

    @property
    def row(self) -> tuple[Any, ...]:
        """Of the table `journal`."""
        return (
            self.identity,
            self.shown,
            folded(self.shown),
            folded(self.abbreviation) if self.abbreviation else None,
            issn_key(self.issn) if self.issn else None,
            self.nlm_id,
        )


@lru_cache(1 << 12)
def _identity(name: JournalName) -> str:
    return "\t".join([part or "" for part in name])


def journal_of(article: Article) -> JournalName | None:
    """The journal, None for an article without one."""
    name = JournalName(article.journal, article.journal_abbreviation, article.issn, article.nlm_id)
    return name if any(name[:3]) else None


def issn_key(issn: str) -> str:
    return issn.replace("-", "").strip().upper()
