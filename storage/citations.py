"""Records as bibliographies know them: what is written to RIS, BibTeX and CSL-JSON.

Here is decided what a reference manager is told; the modules of the formats (`ris`, `bibtex`,
`csl_json`) only know how to say it. Texts are as the record has them, without line breaks but for
those between the sections of an abstract.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

from grading import Article, Grade
from grading.article import Author, MeshHeading
from grading.vocabulary import FLAGS, QUESTIONS
from storage.languages import language_tag
from storage.records import Record

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+ *")
_DATE: Final = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
# "123-9" and "S12-8", but no part of a longer number such as "5.17-5.20" or "1-2-10".
_PAGES: Final = re.compile(r"(?<![\w.-])([A-Za-z]*)(\d+)[–-](\d+)(?![\w-])")
_RANGE: Final = re.compile(r"([^\s,;–-]+)[–-]([^\s,;–-]+)")
_INITIALS: Final = re.compile(r"[^\W\d_]{2,4}")
_SEASONS: Final = {3: "Spring", 6: "Summer", 9: "Autumn", 12: "Winter"}  # by their first month

Kind = Literal["article", "preprint", "chapter", "book"]


class Name(NamedTuple):
    """A person; or, in `literal` alone, a name without parts: a group's, for instance."""

    family: str = ""
    given: str = ""
    suffix: str = ""
    literal: str = ""


class Citation(NamedTuple):
    """One record. What it does not tell is "", 0 or ()."""

    kind: Kind
    key: str  # to cite it by: the same in every format and for ever
    pmid: str
    pmcid: str
    doi: str
    url: str
    title: str
    authors: tuple[Name, ...]
    authors_complete: bool
    editors: tuple[Name, ...]
    container: str  # journal, preprint server or, of a chapter, book
    abbreviation: str  # of the journal
    issn: str
    isbn: tuple[str, ...]
    volume: str
    issue: str
    first_page: str  # or what stands in its place: "e1234", "123-9, 145"
    last_page: str  # in full: 129 of "123-9"
    year: int
    month: int
    day: int
    season: str  # "Spring"; there is no month then
    publisher: str
    place: str
    edition: str
    series: str
    languages: tuple[str, ...]  # BCP 47
    abstract: str  # one section a line
    keywords: tuple[str, ...]  # the grade first, then MeSH headings, then authors' keywords
    warnings: tuple[str, ...]  # "RETRACTED": what nobody must miss
    grade: str  # in one line


def warnings(record: Record) -> tuple[str, ...]:
    """What a reader must not miss."""
    loud = [FLAGS[flag].label for flag in record.grade.flags if FLAGS[flag].label.isupper()]
    return (*loud, *["DELETED FROM PUBMED"] * (record.deleted_at is not None))


def citation(record: Record) -> Citation:
    article, grade, book = record.article, record.grade, record.article.book
    kind: Kind
    if book is None:
        kind = "preprint" if "preprint" in grade.flags else "article"
    else:
        kind = "chapter" if article.title and article.title != book.title else "book"
    journal = book.title if book else article.journal or article.journal_abbreviation
    year, month, day, season = _date(article)
    first_page, last_page = _pages(one_line(article.pages))
    loud = warnings(record)
    return Citation(
        kind=kind,
        key=f"pmid{article.pmid}",
        pmid=str(article.pmid),
        pmcid=one_line(article.pmcid),
        doi=one_line(article.doi),
        url=f"https://pubmed.ncbi.nlm.nih.gov/{article.pmid}/",
        title=one_line(article.title or article.vernacular_title),
        authors=_names(article.authors),
        authors_complete=article.authors_complete,
        editors=_names(book.editors) if book else (),
        container="" if kind == "book" else one_line(journal),
        abbreviation=one_line(article.journal_abbreviation) if kind == "article" else "",
        issn="" if book else one_line(article.issn),
        isbn=tuple(map(one_line, book.isbn)) if book else (),
        volume=one_line(article.volume),
        issue=one_line(article.issue),
        first_page=first_page,
        last_page=last_page,
        year=year,
        month=month,
        day=day,
        season=season,
        publisher=one_line(book.publisher) if book else "",
        place=one_line(book.place) if book else "",
        edition=one_line(book.edition) if book else "",
        series=one_line(book.collection) if book else "",
        languages=tuple(filter(None, map(language_tag, map(one_line, article.languages)))),
        abstract="\n".join(filter(None, map(one_line, article.abstract.splitlines()))),
        keywords=_keywords(article, grade, loud),
        warnings=loud,
        grade=_grade(grade),
    )


def one_line(text: str | None) -> str:
    """Without line breaks and other control characters, which would end a field or break it."""
    return _CONTROL.sub(" ", text).strip() if text else ""


def _names(authors: tuple[Author, ...]) -> tuple[Name, ...]:
    """Without those that NLM keeps only because they were once misspelt."""
    return tuple(name for author in authors if author.valid and any(name := _name(author)))


def _name(author: Author) -> Name:
    if author.collective or not author.last_name:
        return Name(literal=one_line(author.name))
    given = one_line(author.fore_name)
    if not given and author.initials:
        given = one_line(author.initials)
        if given.isupper() and _INITIALS.fullmatch(given):
            given = " ".join(given)  # "AJ" would be read as one name
    return Name(one_line(author.last_name), given, one_line(author.suffix))


def _date(article: Article) -> tuple[int, int, int, str]:
    """Year, month, day and season, each 0 or "" where it is not told."""
    found = _DATE.fullmatch(article.published or "")
    if found is None:  # articles from JSON lines may have anything there
        return 0, 0, 0, ""
    year, month, day = map(int, found.groups("0"))
    if article.published_precision == "season":
        return year, 0, 0, _SEASONS.get(month, "")
    if not 1 <= month <= 12:
        return year, 0, 0, ""
    return year, month, day if day <= 31 else 0, ""


def _pages(pages: str) -> tuple[str, str]:
    """First and last page in full; what is no plain range is all "first"."""
    pages = _PAGES.sub(_in_full, pages)
    found = _RANGE.fullmatch(pages)
    return (found[1], found[2]) if found else (pages, "")


def _in_full(found: re.Match[str]) -> str:
    prefix, first, last = found.groups()
    last = first[: max(0, len(first) - len(last))] + last
    return f"{prefix}{first}-{prefix}{last}" if int(last) >= int(first) else found[0]


def _keywords(article: Article, grade: Grade, loud: tuple[str, ...]) -> tuple[str, ...]:
    level = grade.levels.ocebm_2011
    return tuple(
        dict.fromkeys(
            [
                *loud,
                f"Design: {grade.design_label}",
                f"OCEBM 2011: {f'level {level}' if level else 'no level'}",
                *map(_heading, article.mesh),
                *filter(None, map(one_line, article.keywords)),
            ]
        )
    )


def _heading(heading: MeshHeading) -> str:
    """As PubMed writes it, but for the asterisk of major topics, which RIS does not allow."""
    names = [heading.name, *[qualifier.name for qualifier in heading.qualifiers]]
    return one_line("/".join(names))


def _grade(grade: Grade) -> str:
    parts = [
        f"Study design: {grade.design_label}",
        f"confidence: {grade.shown_confidence:.2f}",
        f"OCEBM 2011 level: {grade.levels.ocebm_2011 or 'none'}",
        f"question: {QUESTIONS[grade.question].label}",
    ]
    if grade.flags:
        parts.append(f"flags: {', '.join(FLAGS[flag].label for flag in grade.flags)}")
    return "; ".join([*parts, f"graded by: pubgrade, grader {grade.grader_version}"])
