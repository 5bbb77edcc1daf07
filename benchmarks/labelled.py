"""Records and labels to measure the grader on: files of others, or the development data.

The development data is a folder named by `$PUBGRADE_DATA` (default ../shared/data). Nothing of it
comes with the project.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from grading import Article
from worker.files import read_source
from worker.parsed import ParsedArticle


def data_folder() -> Path:
    return Path(os.environ.get("PUBGRADE_DATA", "../shared/data"))


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines, gzipped or not."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as stream:
        for line in stream:
            if line.strip():
                yield json.loads(line)


def read_articles(path: Path) -> Iterator[Article]:
    """The articles of PubMed XML, MEDLINE text or JSON lines; what cannot be read is left out."""
    for parsed in read_source(str(path)):
        if isinstance(parsed, ParsedArticle):
            yield parsed.article


def plain(row: dict[str, Any]) -> Article:
    """An article of title and abstract alone."""
    return Article(
        pmid=int(row.get("pmid") or 0),
        title=row.get("title") or "",
        abstract=row.get("abstract") or "",
    )


def text_only(article: Article) -> Article:
    """Title, abstract and section labels: what stands in print, without what NLM says of it."""
    return Article(
        pmid=article.pmid,
        title=article.title,
        abstract=article.abstract,
        sections=article.sections,
        languages=article.languages,
    )


def find_articles(files: Iterable[Path], wanted: set[int]) -> dict[int, Article]:
    """The wanted PMIDs of these files; of one that stands in several, the first."""
    found: dict[int, Article] = {}
    for path in files:
        for article in read_articles(path):
            if article.pmid in wanted:
                found.setdefault(article.pmid, article)
    return found


def blank(article: Article, start: int, end: int) -> Article:
    """The article with these characters of its abstract turned to spaces: no other span moves."""

    def wiped(text: str, first: int, last: int) -> str:
        first, last = max(first, 0), min(last, len(text))
        return text[:first] + " " * (last - first) + text[last:] if first < last else text

    sections = []
    for section in article.sections:
        offset = section.end - len(section.text)  # the text stands at the end of its line
        label = section.label
        if label and start < offset and end > section.start:
            label = None
        sections.append(
            msgspec.structs.replace(
                section, label=label, text=wiped(section.text, start - offset, end - offset)
            )
        )
    return msgspec.structs.replace(
        article, abstract=wiped(article.abstract, start, end), sections=tuple(sections)
    )
