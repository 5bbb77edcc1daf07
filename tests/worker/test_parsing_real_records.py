"""Text of real records against the standard library's ElementTree, under the rules of `Article`.

A sample by default; every record with PUBGRADE_ALL_RECORDS=1. Skipped where the data is not there.
"""

from __future__ import annotations

import html
import os
import re
import unicodedata
from pathlib import Path
from xml.etree import ElementTree

import pytest

from worker.files import read_source
from worker.parsed import MalformedRecord, ParsedArticle

RECORDS = Path(os.environ.get("PUBGRADE_DATA", "../shared/data")) / "records"
FILES = [path for name in ("xml", "nlm", "odd") for path in sorted((RECORDS / name).glob("*.gz"))]
STEP = 1 if os.environ.get("PUBGRADE_ALL_RECORDS") else 17

needs_data = pytest.mark.skipif(not FILES, reason=f"no records at {RECORDS} (PUBGRADE_DATA)")

RAISED = dict(zip("0123456789+-−=().", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾·", strict=True))
LOWERED = dict(zip("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎", strict=True))
AGAIN = re.compile(r"&(?:lt|gt|amp|quot|apos|nbsp|#\d{1,6}|#x[0-9a-fA-F]{1,5});")


def expected(element: ElementTree.Element) -> str:
    """The words of `itertext`, scripts rewritten where they are digits and signs alone."""
    for part in reversed(list(element.iter())):  # scripts stand within scripts
        table = {"sup": RAISED, "sub": LOWERED}.get(part.tag)
        inside = "".join(part.itertext()).strip()
        scripts = {*RAISED.values(), *LOWERED.values()} - {"·"}
        if table and inside and set(inside) <= {*table, *scripts}:
            for leaf in part.iter():
                leaf.text = "".join(table.get(sign, sign) for sign in leaf.text or "")
                if leaf is not part:
                    leaf.tail = "".join(table.get(sign, sign) for sign in leaf.tail or "")
    text = AGAIN.sub(lambda found: html.unescape(found[0]), "".join(element.itertext()))
    return unicodedata.normalize("NFC", " ".join(text.split()))


def bare(text: str) -> str:
    """Without spaces, and scripts as plain signs: MathML has line breaks that mean nothing."""
    return "".join(unicodedata.normalize("NFKC", text).replace("−", "-").replace("/", "").split())


def same(ours: str, element: ElementTree.Element) -> bool:
    if any(str(part.tag).endswith("math") for part in element.iter()):
        return bare(ours) == bare(expected(element))
    return ours == expected(element)


@needs_data
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.split(".")[0])
def test_text_equals_that_of_elementtree(path: Path) -> None:
    wrong: list[int] = []
    for number, item in enumerate(read_source(str(path))):
        assert not isinstance(item, MalformedRecord), item.error
        if number % STEP or not isinstance(item, ParsedArticle):
            continue
        article, root = item.article, ElementTree.fromstring(item.raw)
        top = root if root.tag == "MedlineCitation" else root[0]
        body = top if top.tag == "BookDocument" else top.find("Article")
        assert body is not None
        title = body.find("ArticleTitle")
        if title is None and article.book:
            title = body.find("Book/BookTitle")
        sections = [part for part in body.findall("Abstract/AbstractText") if expected(part)]
        lines = [f"{s.label}: {s.text}" if s.label else s.text for s in article.sections]
        right = (
            (title is None or same(article.title, title))
            and len(sections) == len(article.sections)
            and all(
                same(section.text, part)
                and (section.label or "") == " ".join((part.get("Label") or "").split())
                for section, part in zip(article.sections, sections, strict=True)
            )
            and article.abstract == "\n".join(lines)
            and lines == [article.abstract[s.start : s.end] for s in article.sections]
        )
        if not right:
            wrong.append(article.pmid)
    assert wrong == []
