"""Sentences of a title and an abstract, each with the role it plays in the article.

Roles: ``title``; ``aims``, ``background``, ``methods``, ``results``, ``conclusions``,
``registration`` and ``stated_level`` for the abstract. A structured abstract says its roles by
`Section.category` or label; in an unstructured one they are read from labels within the text ("…
disease. METHODS: We …"), or else from cue words and position.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Set
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
# Sections without labels may be joined by semicolons: "was unknown.; We enrolled …".
_BREAK = re.compile(rb"[.!?\n](?:(?<=\n)|[\"')\]]?;?\s+(?=[A-Z0-9\"'(\[]))")
_NO_BREAK = re.compile(
    rb"(?:\b(?:vs|e\.g|i\.e|cf|Fig|al|approx|resp|ca|No|Dr|St|spp?|[A-Z])\.|\bP\s?[<=>].{0,3}\.)$"
)
_NEWLINE = 10
_LAST_OF_APPROX = ord("x")

# Labels within a text: of these words alone, of one of the first at least.
_NAMES_A_SECTION = (
    "aim aims approach background case cases conclusion conclusions context design discussion "
    "evidence exposure exposures finding findings funding goal goals hypothesis implications "
    "importance interpretation intervention interventions introduction level limitation limitations "
    "material materials measure measurement measurements measures method methodology methods "
    "objective objectives observation observations outcome outcomes participants patient patients "
    "population procedure procedures purpose question rationale recommendation recommendations "
    "registration result results sample selection setting settings significance source sources "
    "subjects summary synthesis"
)
_MAY_STAND_BESIDE = (
    "a already an analysis and animals answer assessment brief caution chance clinical collection "
    "criteria data description duration eligibility evaluation extraction for history hypotheses "
    "key known limits local main major number of or presentation primary principal problem reasons "
    "relevance report reports research review reviewers role s search secondary size statement "
    "statistical studies study the trial type wider"
)
_HEADINGS = frozenset(_NAMES_A_SECTION.split())
_IN_HEADINGS = _HEADINGS | frozenset(_MAY_STAND_BESIDE.split())
_LABEL = re.compile(rb"(?:\A|[.!?)\]\"]\s+|\n)([A-Z][A-Za-z ,/&()-]{2,60})\Z")
_LONGEST_LABEL = 64
_WORDS = re.compile(rb"[a-z]+")

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
    r"|should be|may (?:be|help|offer|provide|represent|benefit|support)|warranted|needed)\b"
)
_RESULTS = Pattern(
    r"\b(?:p\s?[<=>]|(?:95|99|90) ?%|significant(?:ly)?|increased|decreased|higher|lower|reduced"
    r"|improved|showed|revealed|found|observed|compared with|associated with)\b|\d+(?:\.\d+)? ?%"
)


class Sentence(NamedTuple):
    """One sentence: ``data[start:end]`` of its `Text`."""

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


@lru_cache(maxsize=4096)
def _is_heading(label: bytes) -> bool:
    named = {word.decode() for word in _WORDS.findall(label.lower())}
    return bool(named & _HEADINGS) and named <= _IN_HEADINGS


class Text:
    """Title and abstract of one article as patterns read them: one document, folded.

    Places in `data` count from the start of the title; the abstract begins at `body`. `sections` are
    those with labels, none where there are no labels.
    """

    __slots__ = ("article", "body", "data", "plain", "sections", "sentences", "starts")

    def __init__(self, article: Article) -> None:
        self.article = article
        self.data = fold(f"{article.title}\n{article.abstract}")
        self.plain = plain(self.data)
        self.body = len(article.title) + 1
        if any(section.label or section.category for section in article.sections):
            self.sections = article.sections
        else:
            self.sections = _labelled(article.abstract, self.data, self.body)
        self.sentences = self._sentences()
        self.starts = [sentence.start for sentence in self.sentences]

    def sentence_at(self, place: int) -> Sentence | None:
        """The last sentence that begins at or before `place`."""
        number = bisect_right(self.starts, place) - 1
        return self.sentences[number] if number >= 0 else None

    def word_at(self, place: int) -> Span:
        """The word of letters alone that begins at `place`."""
        return place, self.plain.index(b" ", place + 1) - 1

    def stands_in(self, where: Set[str], place: int) -> bool:
        """Whether field or role of `place` is one of `where`."""
        if place < self.body:
            return "title" in where
        if "abstract" in where:
            return True
        sentence = self.sentence_at(place)
        return sentence is not None and sentence.role in where

    def place(self, start: int) -> tuple[str, int]:
        """The field that `start` stands in, and where that field begins in `data`."""
        return ("title", 0) if start < self.body else ("abstract", self.body)

    def trimmed(self, start: int, end: int) -> tuple[int, int]:
        """The same span without blanks at its ends."""
        quote = self.quote(start, end)
        return end - len(quote.lstrip()), start + len(quote.rstrip())

    def quote(self, start: int, end: int) -> str:
        """The article's own words at ``data[start:end]``, which is within one field."""
        field, base = self.place(start)
        words = self.article.title if field == "title" else self.article.abstract
        return words[start - base : end - base]

    def _sentences(self) -> list[Sentence]:
        """The title, then the abstract's sentences in order, without the whitespace between."""
        article, data, body = self.article, self.data, self.body
        found = [Sentence(0, body - 1, "title")] if article.title else []
        if not article.abstract:
            return found
        if not self.sections:
            return found + _guessed(data, body, len(data))
        for section in self.sections:
            start, end, role = body + section.start, body + section.end, _section_role(section)
            if role is None:
                found += _guessed(data, start, end)
            else:
                found += [Sentence(*span, role) for span in _spans(data, start, end)]
        return found


def _labelled(abstract: str, data: bytes, body: int) -> tuple[Section, ...]:
    """The sections of an abstract that has its labels in its text; none where there are no labels."""
    starts: list[tuple[int, int]] = []  # of the label, of the text after it
    colon = data.find(b":", body)
    while colon >= 0:
        first = max(body, colon - _LONGEST_LABEL)
        found = _LABEL.search(data[first:colon])
        if found and (found.start(1) or first == body) and _is_heading(found[1]):
            starts.append((first + found.start(1) - body, colon + 1 - body))
        colon = data.find(b":", colon + 1)
    if not starts:
        return ()
    ends = [*(start for start, _ in starts[1:]), len(abstract)]
    sections = [
        Section(
            label=abstract[start : after - 1],
            text=abstract[after:end].strip(),
            start=start,
            end=start + len(abstract[start:end].rstrip()),
        )
        for (start, after), end in zip(starts, ends, strict=True)
    ]
    if starts[0][0] > 0:
        opening = abstract[: starts[0][0]].rstrip()
        sections.insert(0, Section(text=opening, start=0, end=len(opening)))
    return tuple(sections)


def _section_role(section: Section) -> str | None:
    if not section.label and not section.category:
        return None
    return label_role(section.label or "", section.category)


def _spans(data: bytes, start: int, end: int) -> list[Span]:
    found = []
    begin = start
    for gap in _BREAK.finditer(data, start, end):
        stop, after = gap.span()
        if data[stop] != _NEWLINE:
            # Most sentences end in a longer word than is ever cut short.
            long_word = data[stop - 5 : stop].isalpha() and data[stop - 1] != _LAST_OF_APPROX
            stop += 1
            if (
                not long_word
                and data[stop] != _NEWLINE
                and _NO_BREAK.search(data, max(begin, stop - 12), stop)
            ):
                continue
        if stop > begin:
            found.append((begin, stop))
        begin = after
    if begin < end:
        found.append((begin, end))
    return found


def _guessed(data: bytes, start: int, end: int) -> list[Sentence]:
    """Roles of an unstructured abstract: they only go forward, from background to conclusions."""
    ahead: dict[Pattern, Span] = {}  # where a pattern is found next

    def has(pattern: Pattern, begin: int, stop: int) -> bool:
        found = ahead.get(pattern)
        if found is None or found[0] < begin:
            ahead[pattern] = found = pattern.find(data, begin, end) or (end, end)
        if found[0] >= stop:
            return False
        # What runs on into the next sentence counts only if it is also found in this one.
        return found[1] <= stop or pattern.find(data, begin, stop) is not None

    spans = _spans(data, start, end)
    sentences = []
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
        sentences.append(Sentence(begin, stop, role))
    return sentences
