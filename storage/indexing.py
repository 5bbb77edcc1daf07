"""What searches find an article by: its text, its names, its facets, its dates.

The full-text index can forget an article only when given the very text that it was given before.
So these functions must go on giving the same text for the same article and grade; a change here
needs a migration that rebuilds the index.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from grading import Article, Grade
from grading.article import Author
from storage import levels
from storage.folding import compatible, folded


class IndexedText(NamedTuple):
    """One row of the full-text index."""

    title: str
    abstract: str
    keywords: str
    facets: str


def indexed_text(article: Article, grade: Grade) -> IndexedText:
    return IndexedText(
        title=compatible("\n".join(filter(None, (article.title, article.vernacular_title)))),
        abstract=compatible(article.abstract),
        keywords=compatible("\n".join(_keywords(article))),
        facets=" ".join(sorted(set(_facets(article, grade)))),
    )


def _keywords(article: Article) -> Iterator[str]:
    """Author keywords, MeSH headings with qualifiers, substances: each on a line, said once."""
    seen: set[str] = set()
    for word in (
        *article.keywords,
        *(heading.name for heading in article.mesh),
        *(qualifier.name for heading in article.mesh for qualifier in heading.qualifiers),
        *(concept.name for concept in article.supplementary_concepts),
        *(chemical.name for chemical in article.chemicals),
    ):
        if word and word not in seen:
            seen.add(word)
            yield word


def _facets(article: Article, grade: Grade) -> Iterator[str]:
    yield facet("design", grade.design)
    yield facet("question", grade.question)
    for scheme in levels.SCHEMES:
        yield facet(scheme, getattr(grade.levels, scheme))
    if article.published:
        yield facet("year", article.published[:4])
    for flag in grade.flags:
        yield facet("flag", flag)


_NOT_LETTER_OR_DIGIT: Final = re.compile(r"[^a-z0-9]+")


def facet(kind: str, value: str | int | None) -> str:
    """One token of the facet column: "design", "case_report" → "designxcasereportx0".

    Letters and digits only, and a last digit, so that neither the tokeniser nor the stemmer changes
    it.
    """
    name = "none" if value is None else str(value).casefold()
    return "x".join(_NOT_LETTER_OR_DIGIT.sub("", part) for part in (kind, name)) + "x0"


# authors


def author_keys(authors: Iterable[Author]) -> set[str]:
    """Authors as searched: "last,initials" for a person, "#name" for a collective, folded."""
    keys = set()
    for author in authors:
        if author.collective:
            keys.add("#" + folded(author.name))
        else:
            last = folded(author.last_name or author.name)
            initials = folded(author.initials or "").replace(" ", "")
            if not initials and author.fore_name:
                initials = "".join(word[0] for word in folded(author.fore_name).split())
            keys.add(f"{last},{initials}")
    return keys - {"#", ","}


def author_prefixes(asked: str) -> list[tuple[str, bool]]:
    """Keys that a person may mean by "Smith", "Smith J", "Smith, John", "RECOVERY Group".

    Each is (key, whole): a whole key, or the beginning of one. Where a forename is given, its
    initial is looked for; three letters may be either, unless capitals tell initials.
    """
    capitals = asked.split()[-1:] != [] and asked.split()[-1].isupper() and not asked.isupper()
    meant: list[tuple[str, bool]] = []
    if "," in asked:
        last, _, fore = asked.partition(",")
        pairs = [(folded(last), folded(fore))]
    else:
        words = folded(asked).split()
        pairs = [(" ".join(words), "")]
        if len(words) > 1:
            pairs.append((" ".join(words[:-1]), words[-1]))
    for last, fore in pairs:
        if last:
            initials = {fore.replace(" ", "")} if len(fore) <= 3 else {fore[0]}
            if len(fore) == 3 and not capitals:
                initials.add(fore[0])
            meant += [(f"{last},{each}", False) for each in sorted(initials)]
    collective = folded(asked)
    if collective:
        meant += [("#" + collective, True), (f"#{collective} ", False)]
    return meant


# dates

_DATE: Final = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")


def first_and_last_day(date: str | None) -> tuple[int, int]:
    """The first and the last day that an ISO date of any precision can mean, as YYYYMMDD.

    (0, 0) for None and for what is no date.
    """
    found = _DATE.fullmatch(date.strip()) if date else None
    if found is None:
        return 0, 0
    year, month, day = (int(part) if part else None for part in found.groups())
    assert year is not None  # noqa: S101 - the pattern asks for it
    if month is None or not 1 <= month <= 12 or year == 0:
        return year * 10000 + 101, year * 10000 + 1231
    last = calendar.monthrange(year, month)[1]
    start = year * 10000 + month * 100
    if day is None or not 1 <= day <= last:
        return start + 1, start + last
    return start + day, start + day
