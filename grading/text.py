"""Sentences of a title and an abstract, each with the role it plays in the article.

Roles: ``title``; ``aims``, ``background``, ``methods``, ``results``, ``conclusions``,
``registration`` and ``stated_level`` for the abstract. A structured abstract says its roles by
`Section.category` or label; in an unstructured one they are read from cue words and position.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from grading.article import Article, Section
from grading.literals import plain
from grading.patterns import Pattern, Span, fold

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
# abbreviations and initials do not end one. Over folded text (see `grading.patterns`).
# It begins with one class of characters, which `re` looks for much faster than for alternatives.
_BREAK = re.compile(rb"[.!?\n](?:(?<=\n)|[\"')\]]?\s+(?=[A-Z0-9\"'(\[]))")
_NO_BREAK = re.compile(
    rb"(?:\b(?:vs|e\.g|i\.e|cf|Fig|al|approx|resp|ca|No|Dr|St|spp?|[A-Z])\.|\bP\s?[<=>].{0,3}\.)$"
)
_NEWLINE = 10

_AIMS = Pattern(
    r"\b(?:aim(?:s|ed)?|objectives?|purpose|goal|sought|hypothesi[sz]ed|to (?:evaluate|assess|"
    r"investigate|determine|examine|compare|explore|describe|identify|review|summari[sz]e))\b"
)
_METHODS = Pattern(
    r"\b(?:were|was) (?:\w+ )?(?:randomi[sz]ed|randomly|enrolled|recruited|included|divided|assigned"
    r"|collected|measured|performed|assessed|treated|administered|searched|obtained|analy[sz]ed"
    r"|allocated|conducted|evaluated|examined)\b|\bwe (?:searched|conducted|performed|used|enrolled"
    r"|recruited|included|analy[sz]ed|randomi[sz]ed|collected|assessed|measured|undertook|did)\b"
)
_CONCLUSIONS = Pattern(
    r"\b(?:conclu(?:de|ded|sions?)|(?:results|findings|data|study|review|observations|evidence)"
    r" (?:\w+ )?(?:suggests?|indicates?|shows?|demonstrates?|supports?|highlights?|provides?"
    r"|confirms?)|in summary|taken together|thus|therefore|further (?:studies|research|trials)"
    r"|should be|warranted|needed)\b"
)
_RESULTS = Pattern(
    r"\b(?:p\s?[<=>]|(?:95|99|90) ?%|significant(?:ly)?|increased|decreased|higher|lower|reduced"
    r"|improved|showed|revealed|found|observed|compared with|associated with)\b|\d+(?:\.\d+)? ?%"
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


class Text:
    """Title and abstract of one article as patterns read them: one document, folded.

    Places in `data` count from the start of the title; the abstract begins at `body`.
    """

    __slots__ = ("article", "body", "data", "plain", "sentences", "starts")

    def __init__(self, article: Article) -> None:
        self.article = article
        self.data = fold(f"{article.title}\n{article.abstract}")
        self.plain = plain(self.data)
        self.body = len(article.title) + 1
        self.sentences: tuple[Sentence, ...] = tuple(self._sentences())
        body = self.body
        self.starts = [
            part.start if part.field == "title" else part.start + body for part in self.sentences
        ]

    def sentence_at(self, place: int) -> Sentence | None:
        """The last sentence that begins at or before `place`."""
        number = bisect_right(self.starts, place) - 1
        return self.sentences[number] if number >= 0 else None

    def bounds(self, sentence: Sentence) -> Span:
        """Where `sentence` stands in `data`."""
        base = 0 if sentence.field == "title" else self.body
        return base + sentence.start, base + sentence.end

    def place(self, start: int) -> tuple[str, int]:
        """The field that `start` stands in, and where that field begins in `data`."""
        return ("title", 0) if start < self.body else ("abstract", self.body)

    def quote(self, start: int, end: int) -> str:
        """The article's own words at ``data[start:end]``, which is within one field."""
        field, base = self.place(start)
        words = self.article.title if field == "title" else self.article.abstract
        return words[start - base : end - base]

    def _sentences(self) -> Iterator[Sentence]:
        """The title, then the abstract's sentences in order, without the whitespace between."""
        article = self.article
        if article.title:
            yield Sentence("title", 0, len(article.title), "title")
        if not article.abstract:
            return
        own = self.data[self.body :]
        if not any(section.label or section.category for section in article.sections):
            yield from _guessed(own, 0, len(own))
            return
        for section in article.sections:
            role = _section_role(section)
            if role is None:
                yield from _guessed(own, section.start, section.end)
            else:
                for start, end in _spans(own, section.start, section.end):
                    yield Sentence("abstract", start, end, role)


def _section_role(section: Section) -> str | None:
    if not section.label and not section.category:
        return None
    return label_role(section.label or "", section.category)


def _spans(data: bytes, start: int, end: int) -> Iterator[Span]:
    begin = start
    for gap in _BREAK.finditer(data, start, end):
        stop = gap.start()
        if data[stop] != _NEWLINE:
            stop += 1
            if data[stop] != _NEWLINE and _NO_BREAK.search(data, max(begin, stop - 12), stop):
                continue
        if stop > begin:
            yield begin, stop
        begin = gap.end()
    if begin < end:
        yield begin, end


def _guessed(data: bytes, start: int, end: int) -> Iterator[Sentence]:
    """Roles of an unstructured abstract: they only go forward, from background to conclusions."""
    spans = list(_spans(data, start, end))
    ahead: dict[Pattern, int] = {}  # where a pattern is found next

    def has(pattern: Pattern, begin: int, stop: int) -> bool:
        place = ahead.get(pattern, -1)
        if place < begin:
            found = pattern.find(data, begin, end)
            ahead[pattern] = place = found[0] if found else end
        # What runs on into the next sentence counts only if it is also found in this one.
        return place < stop and pattern.find(data, begin, stop) is not None

    role = "background"
    for number, (begin, stop) in enumerate(spans):
        last = number >= len(spans) - 2 and len(spans) > 2
        if last and has(_CONCLUSIONS, begin, stop):
            role = "conclusions"
        elif role in ("background", "aims") and has(_METHODS, begin, stop):
            role = "methods"
        elif role == "background" and has(_AIMS, begin, stop):
            role = "aims"
        elif role in ("aims", "methods") and number > 1 and has(_RESULTS, begin, stop):
            role = "results"
        yield Sentence("abstract", begin, stop, role)
