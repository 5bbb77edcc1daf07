"""What an article and its grade are in the store: everything that is made of the two alone.

It takes a good part of the time of saving and no database, so any process can make it
(`arrival`, `content_of`), and hand it packed to the one that writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from grading import Article, Grade
from grading.notices import COUNTERPARTS
from storage import documents, levels
from storage.indexing import IndexedText, first_and_last_day, indexed_text, place, sample_size
from storage.names import JournalName, journal_of
from storage.records import Entry


class Content(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One article with its grade."""

    pmid: int
    place: int  # in the order of publication (storage.indexing)
    digest: int  # of the article
    grade_digest: int
    grader_version: str
    version: int
    revised: str | None
    design: str
    question: str
    ranks: tuple[int, ...]  # in the order of the schemes (storage.levels)
    confidence: float
    published: int  # first and last day that it can mean, as YYYYMMDD
    published_end: int
    sample_size: int | None
    abridged: bool  # its abstract is not kept (grading.abridgement)
    journal: JournalName | None
    headings: tuple[tuple[str, str], ...]  # identifier and name of MeSH descriptors
    counted: tuple[tuple[str, str], ...]  # what `total` counts of it: kind and key
    notices: tuple[tuple[int, str], ...]  # about which article, and what (table `relation`)
    text: IndexedText  # without the facets of topics and deletion
    body: bytes  # article and grade (storage.documents)

    def read(self) -> tuple[Article, Grade]:
        return documents.read_document(self.body, self.grader_version)


class Arrival(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An entry on its way into the store, made ready."""

    pmid: int
    version: int
    revised: str | None
    digest: int
    source_digest: int | None
    raw: bytes | None  # compressed
    raw_format: str | None
    parser_version: str | None
    content: Content | None  # None: it is stored so, and graded

    @property
    def order(self) -> tuple[int, str]:
        return self.version, self.revised or ""


def arrival(entry: Entry, *, vectors: bool = False) -> Arrival:
    """`vectors`: for a store that keeps them (`Store.keeps_vectors`); it would make them itself."""
    article = entry.article
    content = None if entry.grade is None else content_of(article, entry.grade)
    if content is not None and vectors:
        from storage.tsvector import vector_of

        text = content.text._replace(vector=vector_of(content.place, content.text))
        content = msgspec.structs.replace(content, text=text)
    return Arrival(
        article.pmid,
        article.version,
        article.revised,
        documents.article_digest(article) if content is None else content.digest,
        entry.source_digest,
        None if entry.raw is None else documents.pack_raw(entry.raw),
        entry.raw_format,
        entry.parser_version,
        content,
    )


def content_of(article: Article, grade: Grade) -> Content:
    article_bytes = documents.article_bytes(article)
    grade_bytes = documents.grade_bytes(grade)
    return _content(
        article,
        grade,
        digest=documents.digest(article_bytes),
        grade_digest=documents.digest(grade_bytes),
        body=documents.pack_document(article_bytes, grade_bytes),
    )


def stored_content(body: bytes, *, digest: int, grade_digest: int, grader_version: str) -> Content:
    """What is in the store already."""
    article, grade = documents.read_document(body, grader_version)
    return _content(article, grade, digest=digest, grade_digest=grade_digest, body=body)


def _content(
    article: Article, grade: Grade, *, digest: int, grade_digest: int, body: bytes
) -> Content:
    first, last = first_and_last_day(article.published)
    journal = journal_of(article)
    return Content(
        pmid=article.pmid,
        place=place(first, article.pmid),
        digest=digest,
        grade_digest=grade_digest,
        grader_version=grade.grader_version,
        version=article.version,
        revised=article.revised,
        design=grade.design,
        question=grade.question,
        ranks=tuple(levels.ranks(grade.levels)),
        confidence=grade.confidence,
        published=first,
        published_end=last,
        sample_size=sample_size(grade),
        abridged=article.abridged,
        journal=journal,
        headings=tuple((each.ui, each.name) for each in article.mesh if each.ui),
        counted=tuple(_counted(article, grade, journal, first)),
        notices=_notices(article),
        text=indexed_text(article, grade),
        body=body,
    )


def _counted(
    article: Article, grade: Grade, journal: JournalName | None, first_day: int
) -> Iterator[tuple[str, str]]:
    yield "design", grade.design
    yield "year", str(first_day // 10000)
    yield "journal", journal.shown if journal else ""
    if article.abridged:
        yield "abridged", ""
    else:
        yield "grader", grade.grader_version
    for scheme in levels.SCHEMES:
        level: Any = getattr(grade.levels, scheme)
        yield scheme, "" if level is None else str(level)
    for flag in grade.flags:
        yield "flag", flag


def _notices(article: Article) -> tuple[tuple[int, str], ...]:
    found = {
        (each.pmid, each.relation)
        for each in article.comments_corrections
        if each.relation in COUNTERPARTS
        and each.direction == "out"
        and each.pmid is not None
        and each.pmid != article.pmid
    }
    return tuple(sorted(found))
