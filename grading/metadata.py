"""What tags say: publication types, MeSH headings, journal; and how far tags can be trusted."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from grading.article import Article
from grading.patterns import fold
from grading.signals import Signal, signals

# Trust in the tags of a record, as a factor on their weights. All indexing since April 2022 starts
# as automated; types before MEDLINE completion come from publishers. Trialstreamer trusts types
# only of MEDLINE records not indexed by algorithm alone (Marshall et al., JAMIA 2020;27:1903).
HUMAN_INDEXED = 1.0
AUTOMATED = 0.7
PUBLISHER = 0.6
UNKNOWN = 0.8

# A publication type that a person gave after reading the paper outweighs what its abstract leaves out:
# such types agree with a re-labelling in 91 % (micro-F1), the best reader of text alone in 75 %.
REVIEWED_TYPE = 1.6

# Notices and records of whole books are never written by an algorithm: full weight always.
CERTAIN = 10.0


def human_indexed(article: Article) -> bool:
    """Whether a person assigned or reviewed the tags (ncbi.md: Status MEDLINE, not Automated)."""
    return article.status in ("MEDLINE", "OLDMEDLINE") and article.indexing_method != "Automated"


def tag_trust(article: Article) -> float:
    if article.status is None:
        return UNKNOWN
    if human_indexed(article):
        return HUMAN_INDEXED
    return AUTOMATED if article.status == "MEDLINE" else PUBLISHER


# The same tags and journals come with record after record.
@lru_cache(maxsize=16384)
def _of_tag(kind: str, name: str, ui: str | None) -> tuple[Signal, ...]:
    table = signals().metadata
    return table.get((kind, name.lower())) or table.get((kind, (ui or "").lower())) or ()


@lru_cache(maxsize=4096)
def _of_journal(journal: str) -> tuple[Signal, ...]:
    name = fold(journal)
    return tuple(
        signal for expression, signal in signals().journals if expression.find(name, 0, len(name))
    )


def metadata_hits(article: Article) -> Iterator[tuple[Any, ...]]:
    """Rows for `grading.evidence.Hit`."""
    trust, reviewed = tag_trust(article), human_indexed(article)
    for kind, tags in (("publication_type", article.publication_types), ("mesh", article.mesh)):
        for tag in tags:
            for signal in _of_tag(kind, tag.name, tag.ui):
                for target, weight in signal.speaks_for:
                    factor = 1.0 if abs(weight) >= CERTAIN else trust
                    if kind == "publication_type" and reviewed and factor == trust:
                        factor *= REVIEWED_TYPE
                    yield (signal.id, kind, tag.name, None, None, None, target, weight * factor)
    seen = set()
    for heading in article.mesh:
        for qualifier in heading.qualifiers:
            if qualifier.name in seen:
                continue
            seen.add(qualifier.name)
            for signal in _of_tag("qualifier", qualifier.name, qualifier.ui):
                value = f"{heading.name}/{qualifier.name}"
                for target, weight in signal.speaks_for:
                    yield (signal.id, "mesh", value, None, None, None, target, weight * trust)
    journal = article.journal or article.journal_abbreviation
    if journal:
        for signal in _of_journal(journal):
            for target, weight in signal.speaks_for:
                yield (signal.id, "journal", journal, None, None, None, target, weight)
    if article.book is not None:
        value = article.book.title or article.book.id or "book record"
        yield ("book.record", "book", value, None, None, None, "book_chapter", CERTAIN)
