"""What is compared with what."""

from __future__ import annotations

import re

from grading.details.values import Detail, detail
from grading.patterns import Pattern, Span
from grading.text import Text

VERSUS = r"\b(?:versus|vs\.?|compared (?:with|to))\s"
_WORDS = (b"vs", b"versus", b"compared ")  # lower case
_LEFT = re.compile(rb"(?<!\w)[A-Za-z][\w/ -]{2,70}$")
_RIGHT = re.compile(
    rb"[A-Za-z][\w/ -]{2,50}?(?=[.,;:()]|\s(?:in|for|on|among|as|and|or|but|with|after|during|before|when|at|by|to|using|than|was|were"
    rb"|had|has|have|is|are|did|resulted|matched|over|from|within|alone|plus|following|who|receiving|undergoing)\b|$)"
)
# The thing compared stands behind the last of these words before "versus" …
_LEADS = re.compile(
    rb".*\b(?:of|with|between|by|using|for|in|to|on|from|than|after|during|receiv(?:ed|ing)|compar(?:ed|ing|ison)|that|and|or|whether|the|an?)\s"
)
_TRAILS = re.compile(rb"(?:\s(?:was|were|is|are|has|had|have|been|being|when|as|arms?|groups?))+$")
# … and is no outcome, nor people.
_NO_TREATMENT = re.compile(
    rb"(?i)\b(?:this|these|other|others|previous|at least|lower|higher|better|worse|greater|fewer|less|more|similar|significant\w*|reduced|increased|decreased|improved|patients?|participants?"
    rb"|women|men|children|rates?|risks?|mortality|survival|scores?|levels?|results?|outcomes?|differences?|values?|those|baseline|controls?|users?"
    rb"|larger|smaller|adults|was|after|month|year|highest|lowest|top|bottom|(?:quart|quint|tert|dec)iles?|fifths?|thirds?|upper|lower|exposures?|exposed|unexposed"
    rb"|does|did|whether|raises?|raised|that|none|one|two|three|subjects|individuals|detection|time|days|months|years|observed|found|associated|performed|used|evaluated)\b"
)


def read_treatments(text: Text, pattern: Pattern) -> dict[str, Detail]:
    """`interventions` and `comparators`, as the first "versus" of title or abstract names them."""
    data = text.data
    if not any(map(data.lower().__contains__, _WORDS)):
        return {}
    for first, last in ((0, text.body - 1), (text.body, len(data))):
        span = pattern.find(data, first, last)
        if span is None:
            continue
        left = _LEFT.search(data, max(first, span[0] - 71), span[0])
        right = _RIGHT.match(data, span[1], last)
        comparator = _treatment(right, True) if right else None
        if comparator is None:
            continue  # no treatments: "exposure on the day compared with exposure before"
        intervention = _treatment(left, False) if left else None
        sides = (("interventions", intervention), ("comparators", comparator))
        return {name: detail(text, *named) for name, named in sides if named}
    return {}


def _treatment(side: re.Match[bytes], on_the_right: bool) -> Span | None:
    """Where in one side of "versus" the thing compared is named."""
    start = side.start()
    words = side[0].rstrip()
    lead = _LEADS.match(words) if not on_the_right else re.match(rb"(?:the|an?)\s", words)
    first = lead.end() if lead else 0
    last = trail.start() if (trail := _TRAILS.search(words, first)) else len(words)
    if last - first < 3 or _NO_TREATMENT.search(words, first, last):
        return None
    return start + first, start + last
