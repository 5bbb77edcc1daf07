"""What tags say: publication types, MeSH headings, journal; and how far tags can be trusted."""

from __future__ import annotations

from functools import lru_cache

from grading.article import Article
from grading.hits import Hit
from grading.patterns import fold
from grading.signals import signals

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
@lru_cache(maxsize=4096)
def _tag_hits(
    kind: str, name: str, ui: str | None, value: str, trust: float, reviewed: bool
) -> tuple[Hit, ...]:
    table = signals().metadata
    found = []
    for signal in table.get((kind, name.lower())) or table.get((kind, (ui or "").lower())) or ():
        for target, weight in signal.speaks_for:
            factor = 1.0 if abs(weight) >= CERTAIN and kind != "qualifier" else trust
            if kind == "publication_type" and reviewed and factor == trust:
                factor *= REVIEWED_TYPE
            shown = "mesh" if kind == "qualifier" else kind
            found.append(Hit(signal.id, shown, value, None, None, None, target, weight * factor))
    return tuple(found)


@lru_cache(maxsize=4096)
def _journal_hits(journal: str) -> tuple[Hit, ...]:
    name = fold(journal)
    return tuple(
        Hit(signal.id, "journal", journal, None, None, None, target, weight)
        for expression, signal in signals().journals
        if expression.find(name, 0, len(name))
        for target, weight in signal.speaks_for
    )


def metadata_hits(article: Article) -> list[Hit]:
    """What publication types, headings, qualifiers, journal and book say, in this order."""
    trust, reviewed = tag_trust(article), human_indexed(article)
    found: list[Hit] = []
    for tag in article.publication_types:
        found += _tag_hits("publication_type", tag.name, tag.ui, tag.name, trust, reviewed)
    for heading in article.mesh:
        found += _tag_hits("mesh", heading.name, heading.ui, heading.name, trust, reviewed)
    seen = set()
    for heading in article.mesh:
        for qualifier in heading.qualifiers:
            name = qualifier.name
            if name not in seen:
                seen.add(name)
                if _tag_hits("qualifier", name, qualifier.ui, "", trust, reviewed):
                    value = f"{heading.name}/{name}"
                    found += _tag_hits("qualifier", name, qualifier.ui, value, trust, reviewed)
    if journal := article.journal or article.journal_abbreviation:
        found += _journal_hits(journal)
    if article.book is not None:
        value = article.book.title or article.book.id or "book record"
        found.append(Hit("book.record", "book", value, None, None, None, "book_chapter", CERTAIN))
    return found
