"""Contexts that silence a signal: the words are there, but do not say what this article is.

* negated: "no randomised trials", "without a meta-analysis"
* hypothetical: "randomised trials are needed", "should be tested in"
* other_work: "a previous meta-analysis showed", "recent randomised trials have"
* topic: "how to conduct systematic reviews", "the quality of randomised trials"
"""

from __future__ import annotations

import re
from functools import cache

from grading.patterns import Pattern, Span

CONTEXTS = ("negated", "hypothetical", "other_work", "topic")

# How far a context reaches on each side of the words, in characters of the same sentence.
REACH = 70

_BEFORE = {
    "negated": r"\b(?:no|not|without|lack(?:ing)?(?: of)?|absence of|neither|nor|few|paucity of"
    r"|scarcity of|only one|rather than|instead of|never)\b(?:[\s\w-]+)?\s"
    r"|\b(?:preclud(?:ed|es|ing)|prevented|prohibited)(?: us from)?"
    r"(?: (?:an?|any|the|formal|quantitative|statistical|meaningful|performing|conducting|doing))*\s"
    r"|\bnon-",
    "hypothetical": r"\b(?:need(?:s|ed)? (?:for|to)|future|further|await(?:s|ing)?|required?"
    r"|warrants?|call for|should (?:be|conduct|undergo)|larger|large-scale|more|additional"
    r"|well-designed|upcoming|ideally|ongoing|deserves?|merits?|worthy of|justif(?:y|ies|ied))"
    r"\b[\s\w,-]{0,45}\s",
    "other_work": r"\b(?:previous(?:ly)?|prior|earlier|recent|published|existing|several|many"
    r"|numerous|other|available|most|multiple|some|various|large|major|pivotal|landmark|subsequent"
    r"|past|(?:shown|demonstrated|confirmed|established) (?:in|by)|evidence from|results? (?:of|from)|data from|reported in|findings (?:of|from))"
    r"\s(?:[\w,-]+\s){0,4}",
    "topic": r"\b(?:how to|conduct(?:ing)? of|reporting of|quality of|design(?:ing)? of|role of"
    r"|methods? (?:of|for)|guide to|introduction to|limitations of|methodology of|types? of"
    r"|interpret(?:ing|ation of)|appraisal of|such as|principles of|use of"
    r"|hierarchy|like|as in|value of)\s(?:[\w,-]+\s){0,4}|\bconducting\s(?:[\w-]{4,}\s){0,2}",
}
# A wide pattern may hold the word that silences it: "a previous meta-analysis".
_INSIDE = {
    "negated": r"\b(?:no|without|preclud(?:ed|es|ing)|prevented (?:an?|any|the|us|formal|meta))\b",
    "other_work": r"\b(?:previous|prior|earlier|recent)\b",
}
_AFTER = {
    "hypothetical": r"s?\s(?:[\w-]+\s){0,5}(?:(?:is|are|will be|would be|remain) (?:\w+\s)?(?:needed"
    r"|required|warranted|necessary|lacking|awaited|underway|desirable|recommended|essential"
    r"|mandatory)|should|would|could help|must be)|s to (?:confirm|determine|establish)",
    "negated": r"s?\s(?:(?:is|are|were|have been|has been) (?:lacking|scarce|limited|few|absent|rare"
    r"|unavailable|not available|missing|precluded|impossible|inappropriate)"
    r"|(?:was|were|could) not (?:be )?(?:performed|possible|conducted|done|feasible))",
    "other_work": r"s?\s(?:[\w-]+\s){0,2}(?:have|has) (?:\w+\s)?(?:shown|demonstrated|reported|been"
    r"|found|suggested|established|confirmed|provided|failed|identified|uncovered|discovered|linked"
    r"|implicated|examined|investigated|evaluated|addressed|assessed|explored|compared)",
}
# The words that contexts before a signal begin with: they are looked for first.
_CUE = Pattern(
    r"\b(?:no|non|not|without|lack|lacking|absence|neither|nor|few|paucity|scarcity|only one|rather"
    r"|instead|never|preclud\w+|prevented|prohibited|need(?:s|ed)? (?:for|to)|future|further"
    r"|await\w*|required?|warrants?|call for"
    r"|should|larger|large-scale|more|additional|well-designed|upcoming|ideally|ongoing|deserves?"
    r"|merits?|worthy|justif(?:y|ies|ied)|previous(?:ly)?|prior|earlier|recent|published|existing|several|many|numerous|other"
    r"|available|most|multiple|some|various|large|major|pivotal|landmark|subsequent|past|shown"
    r"|demonstrated|confirmed|established|evidence"
    r"|results?|data|reported|findings|how|conduct\w*|reporting|quality|design\w*|role|methods?"
    r"|guide|introduction|limitations|methodology|types?|interpret\w*|appraisal|such|principles"
    r"|use|hierarchy|like|as in|value)\b"
)
# What a pattern must have for a match to hold words of `_INSIDE`: a gap, or one of them itself.
_MAY_HOLD = re.compile(r"\\[wWSD]|\[\^|(?<!\\)\.|\b(?:no|without|previous|prior|earlier|recent)\b")


class Contexts:
    """Some of `CONTEXTS`, for signals of one kind. Immutable; threads may share it."""

    __slots__ = ("_after", "_before", "_inside")

    def __init__(self, names: frozenset[str], *, inside: bool) -> None:
        self._before = _pattern(_BEFORE, names, end=r"\z")
        self._inside = _pattern(_INSIDE, names) if inside else None
        self._after = _pattern(_AFTER, names)

    def silence(self, data: bytes, start: int, end: int, sentence: Span) -> bool:
        """Whether one of them surrounds ``data[start:end]`` within its sentence."""
        if self._before is not None:
            # One character more than it reaches, so that a word cut in two is not taken for another.
            near = data[max(sentence[0] - 1, start - REACH - 1, 0) : start]
            place, size = 0, len(near)
            while cue := _CUE.find(near, place, size):
                if self._before.groups_at(near, cue[0], size):
                    return True
                place = cue[1]
        if self._inside is not None and self._inside.find(data, start, end):
            return True
        if self._after is None:
            return False
        last = max(end, min(sentence[1], end + REACH))
        return self._after.groups_at(data, end, last) is not None


def _pattern(table: dict[str, str], names: frozenset[str], *, end: str = "") -> Pattern | None:
    chosen = "|".join(table[name] for name in CONTEXTS if name in names and name in table)
    return Pattern(rf"(?:{chosen}){end}") if chosen else None


@cache
def _contexts(names: frozenset[str], inside: bool) -> Contexts:
    return Contexts(names, inside=inside)


def contexts(names: frozenset[str], pattern: str) -> Contexts | None:
    """Those of `names`, for a signal of this pattern; None where there are none."""
    return _contexts(names, bool(_MAY_HOLD.search(pattern.lower()))) if names else None
