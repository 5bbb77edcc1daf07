"""Effect estimates: measure, value, interval, p."""

from __future__ import annotations

from collections.abc import Iterator

from grading.details.numbers import DECIMAL, decimal
from grading.details.values import Effect
from grading.patterns import Pattern, Span
from grading.text import Text

_MEASURES = (
    ("OR", r"(?:[a-z-]+ )?odds ratios?|(?-i:a?ORs?)"),
    ("HR", r"(?:adjusted )?hazards? ratios?|(?-i:a?HRs?)"),
    ("IRR", r"(?:incidence|incident) rate ratios?|rate ratios?|(?-i:IRRs?)"),
    ("RR", r"(?:adjusted )?(?:relative risks?|risk ratios?)|(?-i:a?RRs?)"),
    ("SMD", r"standardi[sz]ed mean differences?|(?-i:SMDs?)|Hedges'? g|Cohen's d"),
    ("MD", r"(?:weighted )?mean differences?|(?-i:WMDs?|MDs?)"),
    ("RD", r"(?:absolute )?risk (?:difference|reduction)s?"),
    ("NNT", r"numbers? needed to (?:treat|harm)|(?-i:NNT|NNH)"),
    ("AUC", r"area under (?:the )?(?:[\w-]+ ){0,5}curve|(?-i:AUCs?|AUROC)|c-statistic|c-index"),
    ("sensitivity", r"sensitivit(?:y|ies)"),
    ("specificity", r"specificit(?:y|ies)"),
    ("PPV", r"positive predictive values?|(?-i:PPVs?)"),
    ("NPV", r"negative predictive values?|(?-i:NPVs?)"),
)
_NAMES = tuple(name for name, _ in _MEASURES)
_MEASURE = "|".join(f"({pattern})" for _, pattern in _MEASURES)
_INTERVAL_WORD = r"(?:C\.?I\.?|confidence intervals?|confidence limits?|CrI|credible intervals?|credibility intervals?|IC)"
EFFECT = (
    rf"\b(?:{_MEASURE})\b"
    r"(?:\s?[(\[]\s?(?:[A-Za-z]{1,6}s?|(?:9\d(?:\.\d)?\s?%\s?)?" + _INTERVAL_WORD + r")\s?[)\]])?"
    r"(?:(?:\s[\w()/-]+){0,14}?\s(?:was|were|of|is|to be)|\s(?:per|for each)(?:\s[\w%-]+){1,4}?,?|\sfor\s(?:the\s)?(?:[\w-]+\s){0,4}?[\w-]+)?"
    r"[\s,:;=~(\[]*(?:(?:was|of|is|for|were|estimate|value|about|approximately)\s?[\s,:;=~(\[]*){0,2}"
    rf"(?P<value>{DECIMAL})\s?(?P<percent>%)?"
)
# What a difference may be measured in, between its value and its interval.
_UNIT = (
    r"(?:\s?(?:seconds?|minutes?|min|hours?|h|days?|weeks?|months?|years?|points?|percentage points"
    r"|mm\s?Hg|kg(?:/m2)?|mg(?:/d[lL])?|g(?:/d[lL])?|mmol/(?:l|L|mol)|cm|mm|m[lL]|km|m|kcal|units?"
    r"|beats(?:/min| per minute)?|[np]g/m[lL])\b)?"
)
_INTERVAL = Pattern(
    rf"{_UNIT}"
    r"[\s,;:]*(?P<open>[(\[]?)[\s,;:(\[]*(?:and\s|with\s)?(?:a\s)?(?:(?P<level>9\d(?:\.\d)?)\s?(?:%|per ?cent)[\s-]?)?"
    rf"(?P<word>{_INTERVAL_WORD}(?:\s?[(\[]\s?C[IrR]+\s?[)\]])?)?(?:\s?(?P<level2>9\d(?:\.\d)?)\s?%)?"
    r"[\s,:;=(\[]*(?:of\s|from\s|was\s|ranged from\s|between\s)?"
    rf"(?P<low>{DECIMAL})\s?%?\s?(?:to|-|,|;|and|/)\s?(?P<high>{DECIMAL})\s?%?"
)
_P = Pattern(
    r"[^.;()]{0,3}?[\s,;:)\](]*(?:and\s|with\s)?p(?:[ -]?values?)?\s?(?P<p>[<>=]{1,2}\s?\d?\.?\d+(?:\s?x\s?10[\^-]*\d*)?)"
)
_PRIMARY = Pattern(r"\bprimary\b")
_ANY_MEASURE = Pattern(rf"\b(?:{_MEASURE})\b")
_RATIOS = frozenset({"OR", "HR", "RR", "IRR"})


def read_effects(text: Text, pattern: Pattern) -> Iterator[Effect]:
    """Every estimate of the abstract, in order, each as printed."""
    data, last = text.data, len(text.data)
    place = text.body
    while place < last and (found := pattern.groups(data, place, last)):
        start, end = found[0]
        place = end
        number = next(i for i in range(1, len(_NAMES) + 1) if found[i][0] >= 0)
        measure, printed = _NAMES[number - 1], found[pattern.names["value"]]
        # "At 85% sensitivity, specificity was 80%": the number belongs to the last measure named.
        named = next((span for span in found[1 : len(_NAMES) + 1] if span[0] >= 0), found[0])
        later = _ANY_MEASURE.groups(data, named[1], printed[0])
        if later is not None and later[number][0] < 0:
            place = later[0][0]
            continue
        value = decimal(data[slice(*printed)].decode())
        if value is None or (
            data[printed[1] : printed[1] + 2] in (b"% ", b"%-")
            and data[printed[0] : printed[0] + 1] == b"9"
            and _INTERVAL.groups_at(data, printed[0], min(last, printed[0] + 40))
        ):
            continue
        unit = "%" if found[pattern.names["percent"]][0] >= 0 else None
        low, high, level, after = _interval(data, value, end, p_first=False)
        p, after = _p_value(data, after)
        if low is None and p is not None:
            low, high, level, after = _interval(data, value, after, p_first=True)
        if measure in _RATIOS and low is None and p is None and b"." not in data[slice(*printed)]:
            continue
        place = after
        sentence = text.sentence_at(start)
        first = sentence.start if sentence else start
        words = data[start : printed[0]].lower()
        yield Effect(
            measure=measure,
            value=value,
            unit=unit,
            ci_low=low,
            ci_high=high,
            ci_level=level,
            p=p,
            adjusted=(b"adjusted" in words and b"unadjusted" not in words)
            or (data[start : start + 1] == b"a" and data[start + 1 : start + 2].isupper())
            or data[max(first, start - 10) : start].lower().endswith(b" adjusted "),
            primary=_PRIMARY.find(data, first, after) is not None,
            text=text.quote(start, after),
            field="abstract",
            start=start - text.body,
            end=after - text.body,
        )


def _interval(
    data: bytes, value: float, place: int, *, p_first: bool
) -> tuple[float | None, float | None, float | None, int]:
    """Low, high, level and where it ends. It must say that it is an interval, or stand in
    brackets, and it must hold the value."""
    found = _INTERVAL.groups_at(data, place, min(len(data), place + 100))
    nothing = None, None, None, place
    if found is None:
        return nothing
    names = _INTERVAL.names
    named = found[names["word"]][0] >= 0 or found[names["level"]][0] >= 0
    bracketed = found[names["open"]][0] < found[names["open"]][1] and not p_first
    if not named and not bracketed:
        return nothing
    low, high = (decimal(data[slice(*found[names[side]])].decode()) for side in ("low", "high"))
    if low is None or high is None or not low <= value <= high:
        return nothing
    told: Span = max(found[names["level"]], found[names["level2"]])
    level = decimal(data[slice(*told)].decode()) if told[0] >= 0 else None
    return low, high, level, found[0][1]


def _p_value(data: bytes, place: int) -> tuple[str | None, int]:
    found = _P.groups_at(data, place, min(len(data), place + 50))
    if found is None:
        return None, place
    start, end = found[_P.names["p"]]
    return b"".join(data[start:end].split()).decode(), end
