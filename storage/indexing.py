"""What searches find an article by: its text, its names, its facets, its dates.

The full-text index can forget an article only when given the very text that it was given before.
So these functions must go on giving the same text for the same article and grade; a change here
needs a migration that rebuilds the index.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

from grading import Article, Grade
from grading.article import Author
from storage import levels
from storage.folding import compatible, folded

_PMID_BITS: Final = 30  # PMIDs have eight digits today; worker.parsed takes nine


def place(first_day: int, pmid: int) -> int:
    """Where an article stands in the order of publication: by its first day, then by PMID.

    `first_day` as YYYYMMDD, 0 where unknown. The full-text index is kept in this order, so that
    the newest are found first and days are ranges. Raises ValueError for what is no PMID.
    """
    if not 0 <= pmid <= PMID_MASK:
        raise ValueError(f"the store has no room for the PMID {pmid}: it takes up to nine digits")
    return places_from(first_day) | pmid


@lru_cache(maxsize=1 << 13)
def places_from(day: int) -> int:
    """The least place of a day (YYYYMMDD), 0 for 0."""
    if not day:
        return 0
    return date(day // 10000, day // 100 % 100, day % 100).toordinal() << _PMID_BITS


DAY: Final = 1 << _PMID_BITS  # from the least place of a day to that of the next
PMID_MASK: Final = DAY - 1  # the PMID in a place
END: Final = 1 << 62  # above all places


class IndexedText(NamedTuple):
    """One row of the full-text index."""

    title: str
    abstract: str
    keywords: str
    facets: str
    vector: bytes = b""  # all this for PostgreSQL (storage.tsvector), where it was made beforehand

    @property
    def columns(self) -> tuple[str, str, str, str]:
        return self.title, self.abstract, self.keywords, self.facets

    def standing(self, *, deleted: bool, topics: Iterable[int]) -> IndexedText:
        """The same with what the store adds to the article."""
        added = [facet("topic", topic) for topic in topics]
        if deleted:
            added.append(DELETED)
        if not added:
            return self
        facets = " ".join(sorted({*self.facets.split(" "), *added}))
        return self._replace(facets=facets, vector=b"")


def indexed_text(article: Article, grade: Grade) -> IndexedText:
    return IndexedText(
        title=compatible("\n".join(filter(None, (article.title, article.vernacular_title)))),
        abstract=compatible(article.abstract),
        keywords=compatible("\n".join(_keywords(article))),
        facets=" ".join(sorted(_facets(article, grade))),
    )


def _keywords(article: Article) -> Iterable[str]:
    """Author keywords, MeSH headings with qualifiers, substances: each on a line, said once."""
    words = [*article.keywords]
    words += [heading.name for heading in article.mesh]
    for heading in article.mesh:
        words += [qualifier.name for qualifier in heading.qualifiers]
    words += [concept.name for concept in article.supplementary_concepts]
    words += [chemical.name for chemical in article.chemicals]
    return filter(None, dict.fromkeys(words))


def _facets(article: Article, grade: Grade) -> set[str]:
    found = {
        ALL,
        facet("design", grade.design),
        facet("question", grade.question),
        *[facet(scheme, getattr(grade.levels, scheme)) for scheme in levels.SCHEMES],
        *[facet("flag", flag) for flag in grade.flags],
        *[_heading_facet(heading.name) for heading in article.mesh],
    }
    size = sample_size(grade)
    if size is not None:
        found.add(facet("digits", len(str(size))))
    journal = journal_key(article)
    if journal is not None:
        found.add(journal_facet(journal))
    for author in article.authors:
        _add_facets(author, found)
    if article.book:
        for author in article.book.editors:
            _add_facets(author, found)
    return found


_NOT_LETTER_OR_DIGIT: Final = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=4096)
def facet(kind: str, value: str | int | None) -> str:
    """One token of the facet column: "design", "case_report" → "designxcasereportx0".

    Letters and digits only, and a last digit, so that neither the tokeniser nor the stemmer changes
    it.
    """
    name = "none" if value is None else str(value).casefold()
    return "x".join(_NOT_LETTER_OR_DIGIT.sub("", part) for part in (kind, name)) + "x0"


ALL: Final = facet("all", "")  # every article has it
DELETED: Final = facet("deleted", "")


def name_facet(kind: str, name: str) -> str:
    """The same for a folded name: "mesh", "heart failure" → "mesh9heart9failure9"."""
    return f"{kind}9{name.replace(' ', '9')}9"


_MESH: Final = "mesh"
_GROUP: Final = "group"


def mesh_facet(name: str) -> str:
    return name_facet(_MESH, name)


@lru_cache(maxsize=1 << 12)
def _heading_facet(name: str) -> str:
    return mesh_facet(folded(name))


def sample_size(grade: Grade) -> int | None:
    size = grade.details.sample_size
    value = size.value
    return value if size.reported and isinstance(value, int) and value >= 0 else None


def size_facets(least: int) -> list[str]:
    """Those that a sample size of at least this can have: one for each number of digits."""
    return [facet("digits", digits) for digits in range(len(str(max(0, least))), 20)]


def sizes_are_exact(least: int) -> bool:
    """Whether `size_facets` find no smaller size: 0, 10, 100 …"""
    return least <= 0 or (least > 1 and str(least).strip("0") == "1")


# journals


def journal_key(article: Article) -> str | None:
    """What tells a journal under all its names: NLM's number, else its name."""
    name = article.journal or article.journal_abbreviation or article.issn
    return (article.nlm_id or folded(name)) if name else None


@lru_cache(maxsize=1 << 12)
def journal_facet(key: str) -> str:
    return name_facet("journal", folded(key))


# authors


def _add_facets(author: Author, facets: set[str]) -> None:
    """A person is found by last name, and by last name and initials; a collective by its name."""
    if author.collective:
        if key := folded(author.name):
            facets.add(name_facet(_GROUP, key))
        return
    key = folded(author.last_name or author.name)
    if not key:
        return
    person = _person_facet(key)
    facets.add(person)
    letters = folded(author.initials or "").replace(" ", "")
    if not letters and author.fore_name:
        letters = "".join(word[0] for word in folded(author.fore_name).split())
    if letters:
        facets.add(f"{person}{'9'.join(letters)}9")


def _person_facet(last: str) -> str:
    return f"person9{last.replace(' ', '9')}99"


def author_facets(asked: str) -> list[tuple[str, bool]]:
    """What a person may mean by "Smith", "Smith J", "Smith, John", "John Smith", "RECOVERY Group".

    Each is (facet, prefix): a whole facet, or the beginning of some. Where a forename is given, its
    initial is looked for; three letters may be either, unless capitals tell initials. Without a
    comma a forename may stand on either side, as people write it or as PubMed does.
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
            if len(words[-1]) > 1 and not capitals:
                pairs += [
                    (" ".join(words[place:]), "".join(word[0] for word in words[:place]))
                    for place in range(1, len(words))
                ]
    for last, fore in pairs:
        if last:
            initials = {fore.replace(" ", "")} if len(fore) <= 3 else {fore[0]}
            if len(fore) == 3 and not capitals:
                initials.add(fore[0])
            person = _person_facet(last)
            meant += [
                (person + "9".join(letters) + "9", True) if letters else (person, False)
                for letters in sorted(initials)
            ]
    collective = folded(asked)
    if collective:
        meant.append((name_facet(_GROUP, collective), True))
    return meant


# dates

_DATE: Final = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")


@lru_cache(maxsize=1 << 12)
def first_and_last_day(text: str | None) -> tuple[int, int]:
    """The first and the last day that an ISO date of any precision can mean, as YYYYMMDD.

    (0, 0) for None and for what is no date.
    """
    found = _DATE.fullmatch(text.strip()) if text else None
    if found is None:
        return 0, 0
    year, month, day = (int(part) if part else None for part in found.groups())
    assert year is not None  # noqa: S101 - the pattern asks for it
    if year == 0:
        return 0, 0
    if month is None or not 1 <= month <= 12:
        return year * 10000 + 101, year * 10000 + 1231
    last = calendar.monthrange(year, month)[1]
    start = year * 10000 + month * 100
    if day is None or not 1 <= day <= last:
        return start + 1, start + last
    return start + day, start + day
