"""Contexts that silence a signal: the words are there, but do not say what this article is.

* negated: "no randomised trials", "without a meta-analysis"
* hypothetical: "randomised trials are needed", "should be tested in"
* other_work: "a previous meta-analysis showed", "recent randomised trials have"
* topic: "how to conduct systematic reviews", "the quality of randomised trials"
"""

from __future__ import annotations

import re

CONTEXTS = ("negated", "hypothetical", "other_work", "topic")

# How far a context reaches on each side of the words, in characters of the same sentence.
REACH = 70

_BEFORE = re.compile(
    r"(?P<negated>\b(?:no|not|without|lack(?:ing)?(?: of)?|absence of|neither|nor|few|paucity of"
    r"|scarcity of|only one|rather than|instead of|never)\b(?:[\s\w-]+)?\s$)"
    r"|(?P<hypothetical>\b(?:need(?:s|ed)? (?:for|to)|future|further|await(?:s|ing)?|required?"
    r"|warrants?|call for|should (?:be|conduct|undergo)|larger|large-scale|more|additional"
    r"|well-designed|upcoming|ideally|ongoing)\b[\s\w,-]{0,45}\s$)"
    r"|(?P<other_work>\b(?:previous(?:ly)?|prior|earlier|recent|published|existing|several|many"
    r"|numerous|other|available|most|multiple|some|various|large|major|pivotal|landmark|subsequent"
    r"|past|evidence from|results? (?:of|from)|data from|reported in|findings (?:of|from))"
    r"\s(?:[\w,-]+\s){0,4}$)"
    r"|(?P<topic>\b(?:how to|conduct(?:ing)? of|reporting of|quality of|design(?:ing)? of|role of"
    r"|methods? (?:of|for)|guide to|introduction to|limitations of|methodology of|types? of"
    r"|interpret(?:ing|ation of)|conducting|appraisal of|such as|principles of|use of"
    r"|hierarchy|like|as in|value of)\s(?:[\w,-]+\s){0,4}$)",
    re.IGNORECASE,
)
# A wide pattern may hold the word that silences it: "a previous meta-analysis".
_INSIDE = re.compile(
    r"\b(?:(?P<negated>no|without)|(?P<other_work>previous|prior|earlier))\b", re.IGNORECASE
)
_AFTER = re.compile(
    r"^(?:(?P<hypothetical>s?\s(?:[\w-]+\s){0,5}(?:(?:is|are|will be|would be|remain) (?:\w+\s)?(?:needed"
    r"|required|warranted|necessary|lacking|awaited|underway|desirable|recommended|essential"
    r"|mandatory)|should|would|could help|must be|to (?:confirm|determine|establish)))"
    r"|(?P<negated>s?\s(?:(?:is|are|were|have been|has been) (?:lacking|scarce|limited|few|absent|rare"
    r"|unavailable|not available|missing)|(?:was|were|could) not (?:be )?(?:performed|possible"
    r"|conducted|done|feasible)))"
    r"|(?P<other_work>s?\s(?:[\w-]+\s){0,2}(?:have|has) (?:\w+\s)?(?:shown|demonstrated|reported|been|found"
    r"|suggested|established|confirmed|provided|failed)))",
    re.IGNORECASE,
)


def contexts(text: str, start: int, end: int, sentence: tuple[int, int]) -> frozenset[str]:
    """The contexts around ``text[start:end]`` within the sentence it stands in."""
    found = set()
    inside = _INSIDE.search(text, start, end)
    if inside and inside.lastgroup:
        found.add(inside.lastgroup)
    before = _BEFORE.search(text, max(sentence[0], start - REACH), start)
    if before and before.lastgroup:
        found.add(before.lastgroup)
    after = _AFTER.search(text[end : min(sentence[1], end + REACH)])
    if after and after.lastgroup:
        found.add(after.lastgroup)
    return frozenset(found)
