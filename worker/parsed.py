"""What the readers of PubMed files and answers yield, one value per record found.

A reader never raises for one bad record: it yields a `MalformedRecord` and goes on.
"""

from __future__ import annotations

from dataclasses import dataclass

from grading import Article

LARGEST_PMID = 999_999_999  # the store has room for nine digits; PubMed has used eight
PARSER_VERSION = "1"  # raise it when the same bytes give another Article


def number_in(text: str) -> int | None:
    """A whole number of up to nine digits; None for anything else, which no database would hold."""
    digits = text.lstrip("0") or text[:1]
    return int(digits) if len(digits) <= 9 and digits.isascii() and digits.isdigit() else None


@dataclass(frozen=True, slots=True)
class ParsedArticle:
    """An article and the exact bytes it was read from."""

    article: Article
    raw: bytes
    format: str  # "xml" | "medline" | "jsonl"
    digest: int | None = None  # of the bytes (worker.known), where it was looked at already


@dataclass(frozen=True, slots=True)
class MalformedRecord:
    """A record that could not be read: its bytes, and why. `pmid` where it could still be told."""

    raw: bytes
    error: str
    pmid: int | None = None


@dataclass(frozen=True, slots=True)
class DeletedCitations:
    """PMIDs that NLM removed from PubMed. A deletion is not a retraction."""

    pmids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class UnchangedRecord:
    """The store was filled from these very bytes: they were not read. Only where that is asked for
    (worker.known)."""

    pmid: int
    digest: int


Parsed = ParsedArticle | MalformedRecord | DeletedCitations | UnchangedRecord
