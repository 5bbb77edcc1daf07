"""The words that a pattern cannot do without: what a text must hold before the pattern is tried.

Words are compared over `plain` text: small letters, every digit "0", a space for each other sign
and at both ends. A word printed in full is thus told from a part of one: " rats " is not in " strategy ".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

_PLAIN: Final = bytes(
    code if chr(code).islower() or code == ord("_") else ord("0") if chr(code).isdigit() else 32
    for code in bytes(range(128)).lower()
) + bytes([32] * 128)
_MOST: Final = 256  # strings kept apart; more are cut into pieces
_LONGEST: Final = 24  # characters kept of a string
_SHORTEST: Final = 2  # characters without which a string tells nothing
_ENOUGH: Final = 5  # characters that tell as much as more
_BORDER: Final = "|"  # stands for \b until its neighbours are known
_NOTHING: Final = frozenset({""})

Strings = frozenset[str]


def plain(data: bytes) -> bytes:
    """Folded text in which literals are looked for; place n of `data` is place n + 1 here."""
    return b" %b " % data.translate(_PLAIN)


class Literals(NamedTuple):
    """One of `strings` is in the plain text of every match."""

    strings: tuple[bytes, ...]
    leads: bool  # every match begins with one of them
    in_clause: bool  # no match holds a full stop


def literals(pattern: str, *, whole_words: bool = False) -> Literals | None:
    """Of a folded RE2 pattern; None where nothing telling is in every match. `whole_words`: matches
    begin and end on word boundaries."""
    reader = _Reader(pattern)
    part = reader.read(_exactly([_BORDER]) if whole_words else _exactly([""]))
    found = _better(part.needed, _told(part.exact, leads=True))
    if found is None:
        return None
    strings = _simplest(found.strings, str.startswith if found.leads else str.__contains__)
    return Literals(
        tuple(sorted(text.encode() for text in strings)), found.leads, not reader.full_stop
    )


def _simplest(strings: Strings, holds: Callable[[str, str], bool]) -> Strings:
    """Without those that hold another one, which say no more than that."""
    found: list[str] = []
    for text in sorted(strings, key=len):
        if not any(holds(text, other) for other in found):
            found.append(text)
    return frozenset(found)


class _Told(NamedTuple):
    strings: Strings
    leads: bool


class _Part(NamedTuple):
    """What is known of a part of a pattern."""

    exact: Strings | None  # all that it matches; None where that is too much
    first: Strings  # one of these begins every match
    last: Strings  # one of these ends every match
    needed: _Told | None  # one of these is in every match, beside what `exact` says
    optional: bool = False  # may match nothing; the rest is said of what it matches otherwise


_ANY = _Part(None, _NOTHING, _NOTHING, None)


def _exactly(strings: Iterable[str]) -> _Part:
    found = frozenset(strings)
    return _Part(found, found, found, None)


def _settled(text: str) -> str:
    """`text` with a space, or nothing, for each border; cut to the length that is kept."""
    while (at := text.find(_BORDER)) >= 0:
        left, right = text[:at], text[at + 1 :]
        word_beside = (left[-1:] + right[:1]).strip()
        text = left + (" " if word_beside and not (left and right) else "") + right
    return text[:_LONGEST]


def _told(strings: Strings | None, *, leads: bool) -> _Told | None:
    if not strings:
        return None
    settled = frozenset(map(_settled, strings))
    if min(map(_worth, settled)) < _SHORTEST:
        return None
    # A sign that begins a match cannot be told from the border before one.
    return _Told(settled, leads and not any(text.lstrip(_BORDER)[:1] == " " for text in strings))


def _worth(text: str) -> int:
    return min(_ENOUGH, len(text.strip()))


def _better(one: _Told | None, other: _Told | None) -> _Told | None:
    """The one that is found in fewer texts, as far as lengths tell."""
    if one is None or other is None:
        return one or other
    return max(
        one,
        other,
        key=lambda told: (
            min(map(_worth, told.strings)),
            told.leads,
            min(map(len, told.strings)),
            -len(told.strings),
        ),
    )


def _union(sets: Iterable[Strings]) -> Strings:
    found = frozenset[str]().union(*sets)
    return found if len(found) <= _MOST else _NOTHING


def _endings(strings: Strings) -> Strings:
    """Without those that end in another one, which say no more than that."""
    return frozenset(
        t for t in strings if not any(t[cut:] in strings for cut in range(1, len(t) + 1))
    )


def _either(parts: list[_Part]) -> _Part:
    if len(parts) == 1:
        return parts[0]
    exact = [part.exact for part in parts if part.exact is not None]
    if len(exact) == len(parts):
        return _exactly(frozenset[str]().union(*exact))
    needed = [_better(part.needed, _told(part.exact, leads=True)) for part in parts]
    told = [found for found in needed if found is not None]
    return _Part(
        None,
        _union(part.first for part in parts),
        _union(part.last for part in parts),
        _Told(frozenset[str]().union(*(t.strings for t in told)), all(t.leads for t in told))
        if len(told) == len(parts)
        else None,
        any(part.optional for part in parts),
    )


def _joined(parts: Iterable[_Part]) -> _Part:
    """One part after another. `run`: what ends the parts so far."""
    run, first, needed = _NOTHING, None, None
    for part in parts:
        whole = part.exact is not None
        head = _NOTHING if part.optional else part.exact or part.first
        if len(run) * len(head) > _MOST:
            needed = _better(needed, _told(run, leads=first is None))
            first, run, before = first or run, head, None
        else:
            before, run = run, frozenset([a + b for a in run for b in head])
        if whole:
            continue
        needed = _better(needed, _told(run, leads=first is None))
        if part.needed is not None and not part.optional:
            leads = part.needed.leads and first is None and before == _NOTHING
            needed = _better(needed, part.needed._replace(leads=leads))
        first = first or run
        run = _endings(_union((run, part.last))) if part.optional else part.last
    if first is None:
        return _exactly(run)
    return _Part(None, first, run, _better(needed, _told(run, leads=False)))


def _repeated(part: _Part, least: int, most: int | None) -> _Part:
    if least == most and (part.exact is not None and len(part.exact) ** least <= 4):
        return _joined([part] * least)
    if (least, most) == (0, 1) and part.exact is not None:
        return _exactly(part.exact | _NOTHING)
    if least == 0:
        return part._replace(exact=None, needed=None, optional=True)
    return part._replace(exact=None, needed=_better(part.needed, _told(part.exact, leads=True)))


_CLASSES: Final = {
    "d": _exactly("0"),
    "s": _exactly(" "),
    **dict.fromkeys("wDSW", _ANY),
    "b": _exactly(_BORDER),
    **dict.fromkeys("Az", _exactly([""])),
}
_HOLD_FULL_STOP: Final = "DSW"
# Characters that stand for themselves; the last before a repetition is not one of them.
_RUN: Final = re.compile(r"[A-Za-z0-9 _,;:'\"/=<>%-]+(?![?*+{])")
_TIMES: Final = re.compile(r"(?:(?P<sign>[?*+])|\{(?P<least>\d+)(?P<comma>,)?(?P<most>\d+)?\})\??")
_SIGNS: Final[dict[str, tuple[int, int | None]]] = {"?": (0, 1), "*": (0, None), "+": (1, None)}


class _Reader:
    """Reads the part of RE2's syntax that tables of patterns use."""

    def __init__(self, pattern: str) -> None:
        self.pattern, self.place = pattern, 0
        self.full_stop = False  # whether a match may hold one

    def read(self, around: _Part) -> _Part:
        """`around`: what stands before and after each of the alternatives."""
        choices = []
        while True:
            choices.append(_joined((around, *self._pieces(), around)))
            if not self._take("|"):
                return _either(choices)

    def _take(self, text: str) -> bool:
        if self.pattern.startswith(text, self.place):
            self.place += len(text)
            return True
        return False

    def _next(self) -> str:
        self.place += 1
        return self.pattern[self.place - 1]

    def _pieces(self) -> Iterator[_Part]:
        while self.place < len(self.pattern) and self.pattern[self.place] not in "|)":
            if run := _RUN.match(self.pattern, self.place):
                self.place = run.end()
                yield _exactly([_plain(run[0])])
                continue
            piece = self._piece()
            while (times := self._times()) is not None:
                piece = _repeated(piece, *times)
            yield piece

    def _times(self) -> tuple[int, int | None] | None:
        found = _TIMES.match(self.pattern, self.place)
        if found is None:
            return None
        self.place = found.end()
        if found["sign"]:
            return _SIGNS[found["sign"]]
        least = int(found["least"])
        if found["comma"]:
            return least, int(found["most"]) if found["most"] else None
        return least, least

    def _piece(self) -> _Part:
        sign = self._next()
        if sign == "(":
            if self._take("?"):  # "(?:", "(?-i:", "(?P<name>"
                end = ">" if self._take("P") else ":"
                self.place = self.pattern.index(end, self.place) + 1
            part = self.read(_exactly([""]))
            self.place += 1  # the closing bracket
            return part
        if sign == "[":
            return self._class()
        if sign == "\\":
            return self._escaped()
        if sign in "^$":
            return _CLASSES["z"]
        if sign == ".":
            self.full_stop = True
            return _ANY
        return _exactly(_plain(sign))

    def _escaped(self) -> _Part:
        sign = self._next()
        self.full_stop |= sign == "." or sign in _HOLD_FULL_STOP
        return _CLASSES.get(sign) or _exactly(_plain(sign))

    def _class(self) -> _Part:
        parts: list[_Part] = []
        start, excluding = self.place, self._take("^")
        while not self._take("]") or not parts:
            sign = self._next()
            if sign == "\\":
                parts.append(self._escaped())
            elif self.pattern[self.place] == "-" and self.pattern[self.place + 1] != "]":
                last = self.pattern[self.place + 1]
                self.place += 2
                parts.append(_exactly(_plain(chr(c)) for c in range(ord(sign), ord(last) + 1)))
            else:
                parts.append(_exactly(_plain(sign)))
        self.full_stop |= excluding != ("." in self.pattern[start : self.place])
        part = _either(parts)
        return _ANY if excluding or part.exact is None or len(part.exact) > 4 else part


def _plain(sign: str) -> str:
    return sign.encode().translate(_PLAIN).decode()
