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
    rb"|had|has|have|is|are|did|resulted|matched|over|from|within|alone|following|who|receiving|undergoing)\b|$)"
)
# "randomised to receive either velotril (n = 20) or placebo": the treatments assigned.
ASSIGNED = (
    r"\b(?:randomi[sz]ed|randomi[sz]ation|randomly (?:assigned|allocated)|assigned|allocated)\b(?:\s?\([^()]{1,40}\))?[^.;:()]{0,40}?"
    r"\s(?:to|into|receive)\s"
)
_LED_TO = re.compile(
    rb"(?:(?:be |have |having |receive |receiving |take |taking |undergo |get |one of (?:the )?(?:two|2) (?:\w+ )?(?:groups|arms|treatments|regimens): )?"
    rb"(?:treated with |(?:a |an )?(?:[\w-]+ ){0,3}?(?:treatment|therapy) with |treatment |therapy )?(?:with )?)(?:either )?(?:oral |intravenous )?(?:the |an? )?"
)
_EITHER = re.compile(
    rb"(?P<first>[A-Za-z][\w/+%. -]{2,60}?)(?:\s?\([^()]{1,80}\))?,?\s(?:or|versus|vs\.?)\s(?:to\s|with\s)?(?:an?\s|the\s)?"
    rb"(?P<second>[A-Za-z][\w/+-]*(?: [\w/+-]+){0,4}?)(?=\s?[.,;:()]|\s(?:for|in|at|on|during|once|twice|daily|every|each|three|four|while|using|after|before|by|as"
    rb"|followed|who|from|was|were|over|within|administered|given|until|tid|bid|qd|\d[\d.]*)\b|\s?\Z)"
)
# Names that say nothing of what was given.
_NO_NAME = re.compile(
    rb"(?i)\b(?:treatments?|interventions?|controls?|experimental|study|groups?|arms?|one|two|three|four|each|first|second|sequences?|immediate|active|conditions?|\d+:\d+"
    rb"|patients?|participants?|subjects|women|men|children|adults|months?|weeks?|days|no|reverse|cross|either|both|same|other|treat|attacks?|receive|remain|followed|combination"
    rb"|moderate|severe|mild|uni|beta|alpha|gamma)\b|^(?:[A-Z]|I+)$|^(?:in|of|with|at|by|on|for|an?|the)\b|-$"
)
_NOTHING_GIVEN = re.compile(rb"(?i)(?:matching )?placebo|no\b|usual care|sham")
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
    rb"|does|did|whether|raises?|raised|that|none|one|two|three|subjects|individuals|detection|time|days|weeks|months|years|post-?tests?|pre-?tests?|observed|found|associated|performed|used|evaluated)\b"
)


def read_assigned(text: Text, pattern: Pattern) -> dict[str, Detail]:
    """`interventions` and `comparators`, as the sentence that tells the allocation names them."""
    data = text.data
    for start, end in pattern.every(data, text.body, len(data)):
        sentence = text.sentence_at(start)
        if sentence is None or sentence.end < end or sentence.role == "conclusions":
            continue
        led = _LED_TO.match(data, end, sentence.end)
        named = _EITHER.match(data, led.end() if led else end, sentence.end)
        if named is None:
            continue
        sides = {"interventions": named.span("first"), "comparators": named.span("second")}
        if any(_NO_NAME.search(data[slice(*span)]) for span in sides.values()):
            continue
        if _NOTHING_GIVEN.match(data, *sides["interventions"]):
            sides = dict(zip(sides, reversed(sides.values()), strict=True))
        return {name: detail(text, *span) for name, span in sides.items()}
    return {}


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
