"""Sentences of a title and an abstract, each with the role it plays in the article.

Roles: ``title``; ``aims``, ``background``, ``methods``, ``results``, ``conclusions``,
``registration`` and ``stated_level`` for the abstract. A structured abstract says its roles by
`Section.category` or label; in an unstructured one they are read from cue words and position.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from grading.article import Article, Section

ROLES = (
    "title",
    "aims",
    "background",
    "methods",
    "results",
    "conclusions",
    "registration",
    "stated_level",
)

# Labels are tested in this order, so that "AIMS AND METHODS" counts as aims, "METHODS AND RESULTS"
# as methods, and a registration line as nothing else.
_LABEL_ROLES = tuple(
    (role, re.compile(pattern, re.IGNORECASE))
    for role, pattern in (
        ("stated_level", r"levels? of evidence|evidence level|\bloe\b|type of study/level"),
        ("registration", r"registr|trial number|funding|sponsor|prospero|clinicaltrials"),
        ("aims", r"\baims?\b|objective|purpose|goal|hypothes|question|rationale and objective"),
        ("conclusions", r"conclu|implication|interpretation|discussion|summary|recommendation"),
        ("methods", r"method|design|setting|patients?|participants?|subjects|data source|material"),
        ("methods", r"intervention|measure|procedure|selection|extraction|search|analys|animals?"),
        (
            "methods",
            r"eligib|sample|outcomes? (?:and )?measure|outcome$|outcomes$|protocol|case|exposures?",
        ),
        ("results", r"result|finding|main outcome|synthesis|observation|evidence"),
        ("background", r"background|introduction|context|importance|rationale|significance"),
    )
)

# A full stop, question or exclamation mark, then space, then what can start a sentence. Common
# abbreviations and initials do not end one.
_BREAK = re.compile(r"(?<=[.!?])[\"')\]]?\s+(?=[A-Z0-9\"'(\[])|\n")
_NO_BREAK = re.compile(
    r"(?:\b(?:vs|e\.g|i\.e|cf|Fig|al|approx|resp|ca|No|Dr|St|spp?|[A-Z])\.|\bP\s?[<=>].{0,3}\.)$"
)

_AIMS = re.compile(
    r"\b(?:aim(?:s|ed)?|objectives?|purpose|goal|sought|hypothesi[sz]ed|to (?:evaluate|assess|"
    r"investigate|determine|examine|compare|explore|describe|identify|review|summari[sz]e))\b",
    re.IGNORECASE,
)
_METHODS = re.compile(
    r"\b(?:were|was) (?:\w+ )?(?:randomi[sz]ed|randomly|enrolled|recruited|included|divided|assigned"
    r"|collected|measured|performed|assessed|treated|administered|searched|obtained|analy[sz]ed"
    r"|allocated|conducted|evaluated|examined)\b|\bwe (?:searched|conducted|performed|used|enrolled"
    r"|recruited|included|analy[sz]ed|randomi[sz]ed|collected|assessed|measured|undertook|did)\b",
    re.IGNORECASE,
)
_CONCLUSIONS = re.compile(
    r"\b(?:conclu(?:de|ded|sions?)|(?:results|findings|data|study|review|observations|evidence)"
    r" (?:\w+ )?(?:suggests?|indicates?|shows?|demonstrates?|supports?|highlights?|provides?"
    r"|confirms?)|in summary|taken together|thus|therefore|further (?:studies|research|trials)"
    r"|should be|warranted|needed)\b",
    re.IGNORECASE,
)
_RESULTS = re.compile(
    r"\b(?:p\s?[<=>]|(?:95|99|90) ?%|significant(?:ly)?|increased|decreased|higher|lower|reduced"
    r"|improved|showed|revealed|found|observed|compared with|associated with)\b|\d+(?:\.\d+)? ?%",
    re.IGNORECASE,
)


class Sentence(NamedTuple):
    """One sentence: ``getattr(article, field)[start:end]``."""

    field: str  # "title" | "abstract"
    start: int
    end: int
    role: str


@lru_cache(maxsize=4096)
def label_role(label: str, category: str | None) -> str | None:
    """The role that a section's label or NLM category names; None where neither tells."""
    for role, pattern in _LABEL_ROLES:
        if pattern.search(label):
            return role
    match (category or "").upper():
        case "OBJECTIVE":
            return "aims"
        case "BACKGROUND" | "METHODS" | "RESULTS" | "CONCLUSIONS" as known:
            return known.lower()
    return None


def sentences(article: Article) -> list[Sentence]:
    """The title, then the abstract's sentences in order, without the whitespace between them."""
    found: list[Sentence] = []
    if article.title:
        found.append(Sentence("title", 0, len(article.title), "title"))
    abstract = article.abstract
    if not abstract:
        return found
    labelled = any(section.label or section.category for section in article.sections)
    if labelled:
        for section in article.sections:
            role = _section_role(section)
            if role is not None:
                found.extend(
                    Sentence("abstract", start, end, role)
                    for start, end in _spans(abstract, section.start, section.end)
                )
            else:
                found.extend(_guessed(abstract, section.start, section.end))
    else:
        found.extend(_guessed(abstract, 0, len(abstract)))
    return found


def _section_role(section: Section) -> str | None:
    if not section.label and not section.category:
        return None
    return label_role(section.label or "", section.category)


def _spans(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    begin = start
    for gap in _BREAK.finditer(text, start, end):
        if text[gap.start()] != "\n" and _NO_BREAK.search(
            text, max(begin, gap.start() - 12), gap.start()
        ):
            continue
        if gap.start() > begin:
            yield begin, gap.start()
        begin = gap.end()
    if begin < end:
        yield begin, end


def _guessed(text: str, start: int, end: int) -> Iterator[Sentence]:
    """Roles of an unstructured abstract: they only go forward, from background to conclusions."""
    spans = list(_spans(text, start, end))
    role = "background"
    for number, (begin, stop) in enumerate(spans):
        last = number >= len(spans) - 2 and len(spans) > 2
        if last and _CONCLUSIONS.search(text, begin, stop):
            role = "conclusions"
        elif role in ("background", "aims") and _METHODS.search(text, begin, stop):
            role = "methods"
        elif role == "background" and _AIMS.search(text, begin, stop):
            role = "aims"
        elif role in ("aims", "methods") and number > 1 and _RESULTS.search(text, begin, stop):
            role = "results"
        yield Sentence("abstract", begin, stop, role)
