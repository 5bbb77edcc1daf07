"""Patterns in linear time: RE2 over text folded to one ASCII byte a character.

Folding makes every span of the bytes a span of the text, whatever the alphabet, and lets one
pattern stand for what print writes in many ways: every dash is "-", every quote "'" or '"', "0·85"
is "0.85", "≥" is ">". Patterns are folded like text, so that they may be written either way.

`google-re2` is called below its Python wrapper, whose handling of each match takes longer than the
search itself.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import re2
from ahocorasick_rs import BytesAhoCorasick, Implementation
from re2 import _re2

from grading.literals import literals

Span = tuple[int, int]
# (anchor, data, start, end) -> spans of all groups, (-1, -1) for none
Match = Callable[[Any, bytes, int, int], list[Span]]

_FOLDED: dict[str, str] = {
    **dict.fromkeys("‐‑‒–—―−﹣－", "-"),
    **dict.fromkeys("‘’‚‛′ʼ`´", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("·•⋅∙‧", "."),
    **dict.fromkeys("\u00a0\u2002\u2003\u3000\u2028\u2029", " "),
    # Thin spaces group the digits of a number, a plain space does not: kept apart.
    **dict.fromkeys("\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f", "\f"),
    **dict.fromkeys("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "^"),
    **dict.fromkeys("₀₁₂₃₄₅₆₇₈₉₊₋", "_"),
    "≥": ">",
    "⩾": ">",
    "≤": "<",
    "⩽": "<",
    "±": "+",
    "×": "x",
    "≈": "=",
    "∼": "~",
    "…": ".",
}


class _Folding(dict[str, str]):
    """character -> one ASCII character, filled as characters come."""

    def __missing__(self, character: str) -> str:
        base = unicodedata.normalize("NFKD", character)[0]
        if not base.isascii():
            base = "x" if character.isalpha() else "~"
        self[character] = base
        return base


_folding = _Folding(_FOLDED)


def _fold_run(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    run = error.object[error.start : error.end]
    return "".join([_folding[character] for character in run]), error.end


codecs.register_error("grading.fold", _fold_run)


def fold(text: str) -> bytes:
    """One ASCII byte for each character of `text`."""
    return text.encode("ascii", "grading.fold")


def fold_pattern(pattern: str) -> bytes:
    """`pattern` for folded text; what a character folds to stands for itself."""
    if pattern.isascii():
        return pattern.encode()
    return "".join(
        character if character.isascii() else re.escape(_folding[character])
        for character in pattern
    ).encode()


def _options(ignore_case: bool) -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # a byte is a character
    options.case_sensitive = not ignore_case
    options.log_errors = False
    # Bytes for one pattern: its automaton grows with the texts it reads, and there are 800 patterns.
    options.max_mem = 3 << 20
    return options


# For `Pattern.match`, where a call more counts.
ANYWHERE = _re2.RE2.Anchor.UNANCHORED
AT_START = _re2.RE2.Anchor.ANCHOR_START
_NOWHERE = (-1, -1)


class PatternError(ValueError):
    """A pattern that RE2 does not take."""


class Pattern:
    """One RE2 pattern over folded text. Immutable; threads may share it."""

    __slots__ = ("match", "names")

    def __init__(self, pattern: str, *, ignore_case: bool = True) -> None:
        """Raises `PatternError`."""
        expression = _re2.RE2(fold_pattern(pattern), _options(ignore_case))
        if not expression.ok():
            raise PatternError(expression.error())
        self.match: Match = expression.Match
        self.names: dict[str, int] = {
            name.decode(): number for name, number in expression.NamedCapturingGroups()
        }

    def find(self, data: bytes, start: int, end: int) -> Span | None:
        """The first match within ``data[start:end]``."""
        found = self.match(ANYWHERE, data, start, end)[0]
        return None if found == _NOWHERE else found

    def groups(self, data: bytes, start: int, end: int) -> list[Span] | None:
        """The first match within ``data[start:end]`` and its groups by number; (-1, -1) for a
        group that took no part."""
        found = self.match(ANYWHERE, data, start, end)
        return None if found[0] == _NOWHERE else found

    def groups_at(self, data: bytes, start: int, end: int) -> list[Span] | None:
        """As `groups`, for a match that begins at `start`."""
        found = self.match(AT_START, data, start, end)
        return None if found[0] == _NOWHERE else found

    def every(self, data: bytes, start: int, end: int) -> Iterator[Span]:
        """All matches that are not empty, from left to right."""
        match = self.match
        while start < end:
            found = begin, stop = match(ANYWHERE, data, start, end)[0]
            if begin < 0:
                return
            if begin < stop:
                yield found
            start = max(stop, start + 1)

    def every_groups(self, data: bytes, start: int, end: int) -> Iterator[list[Span]]:
        """As `every`, each with its groups."""
        match = self.match
        while start < end:
            found = match(ANYWHERE, data, start, end)
            begin, stop = found[0]
            if begin < 0:
                return
            if begin < stop:
                yield found
            start = max(stop, start + 1)


class _Literals:
    """The literals of some patterns, all looked for in one pass."""

    __slots__ = ("_find", "_of")

    def __init__(self, strings: Mapping[int, Sequence[bytes]]) -> None:
        """`strings`: by the number of the pattern."""
        of: dict[bytes, list[int]] = {}
        for number, found in strings.items():
            for literal in found:
                of.setdefault(literal, []).append(number)
        # With each, how much further right it begins in the plain text than a match that it leads.
        self._of = tuple((not literal.startswith(b" "), tuple(of[literal])) for literal in of)
        self._find = BytesAhoCorasick(
            list(of), implementation=Implementation.DFA
        ).find_matches_as_indexes

    def note(self, text: int, plain: bytes, found: list[list[tuple[int, int]]]) -> None:
        """Adds to the places of each pattern those in this text."""
        of = self._of
        for literal, start, _ in self._find(plain, overlapping=True):
            shift, numbers = of[literal]
            place = text, start - shift
            for number in numbers:
                found[number].append(place)


class PatternSet:
    """Many patterns, asked at once which of them may be found in a text, and where.

    One pass over the text looks for the literals that each pattern cannot do without.
    """

    __slots__ = ("_head", "_literals", "_whole", "always", "patterns")

    def __init__(
        self,
        patterns: Sequence[str],
        *,
        whole_words: Collection[int] = (),
        in_head: Collection[int] = (),
    ) -> None:
        """`whole_words`: numbers of the patterns whose matches begin and end on word boundaries.
        `in_head`: of those that are looked for at the head of a text alone. Raises `PatternError`.
        """
        self.patterns = tuple(
            Pattern(rf"\b(?:{pattern})\b" if number in whole_words else pattern)
            for number, pattern in enumerate(patterns)
        )
        self._literals = tuple(
            literals(fold_pattern(pattern).decode(), whole_words=number in whole_words)
            for number, pattern in enumerate(patterns)
        )
        # Patterns that no literal tells of.
        self.always = tuple(n for n, found in enumerate(self._literals) if found is None)
        told = {
            number: found.strings
            for number, found in enumerate(self._literals)
            if found is not None
        }
        head = {n: strings for n, strings in told.items() if n in in_head}
        self._head = _Literals(head) if head else None
        self._whole = _Literals({n: strings for n, strings in told.items() if n not in in_head})

    def places(
        self, plains: Sequence[bytes], heads: Sequence[int] = ()
    ) -> list[list[tuple[int, int]]]:
        """Of texts' `literals.plain`, for each pattern: number of a text, where in it a literal of
        the pattern begins, in order. It does not match the texts that are not named. A pattern of
        `always` may match anywhere: 0 in every text. `heads`: how long the head of each text is."""
        found: list[list[tuple[int, int]]] = [[] for _ in self.patterns]
        for text, plain in enumerate(plains):
            self._whole.note(text, plain, found)
        if self._head is not None:
            for text, head in enumerate(heads):
                self._head.note(text, plains[text][: head + 1], found)  # with the border behind it
        for places in found:
            places.sort()  # they came by where the literals end
        for number in self.always:
            found[number] = [(text, 0) for text in range(len(plains))]
        return found

    def leading(self, number: int) -> Match | None:
        """`Pattern.match` of a pattern whose matches begin where its literals do: to be called with
        AT_START at each of these places. None for other patterns: see `spans`."""
        known = self._literals[number]
        return self.patterns[number].match if known is not None and known.leads else None

    def spans(
        self, number: int, data: bytes, places: list[int], start: int, end: int
    ) -> Iterator[Span]:
        """All matches of a pattern that lie within ``data[start:end]``, from left to right.
        `places`: where its literals begin, in order; of no meaning for a pattern of `always`."""
        pattern, known = self.patterns[number], self._literals[number]
        if known is None:
            yield from pattern.every(data, start, end)
            return
        match = pattern.match
        for place in places:
            if place >= end:
                return
            if place < start:
                continue
            if known.in_clause:
                first = max(start, data.rfind(b".", start, place) + 1)
                last = data.find(b".", place, end)
                if last < 0:
                    last = end
            else:
                first, last = start, end
            while start <= place and first < last:
                found = match(ANYWHERE, data, first, last)[0]
                if found == _NOWHERE:
                    start = last
                else:
                    yield found
                    first = start = found[1]
