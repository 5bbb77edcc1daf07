"""Effect estimates: measure, value, interval, p."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

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
    r"(?:\s?[(\[]\s?(?:[A-Za-z]{1,6}s?|(?:9\d(?:\.\d)?\s?%\s?)?"
    + _INTERVAL_WORD
    + r")\s?[)\]]{1,2})?"
    r"(?:(?:\s[\w()/'-]+){0,14}?\s(?:was|were|of|is|to be)|\s(?:per|for each)(?:\s[\w%-]+){1,4}?,?|\sfor\s(?:the\s)?(?:[\w-]+\s){0,4}?[\w-]+)?"
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
    rf"(?P<word>{_INTERVAL_WORD}(?:\s?[(\[,]\s?C[IrR]+\s?[)\]]?)?)?(?:\s?(?P<level2>9\d(?:\.\d)?)\s?%)?"
    r"[\s,:;=(\[]*(?:of\s|from\s|was\s|ranged from\s|between\s)?"
    rf"(?P<low>{DECIMAL})\s?%?\s?(?:to|-|~|,|;|and|/)\s?(?P<high>{DECIMAL})\s?%?"
)
_P = Pattern(
    r"[^.;()]{0,3}?[\s,;:)\](]*(?:and\s|with\s)?p(?:[ -]?values?)?\s?(?P<p>[<>=]{1,2}\s?\d?\.?\d+(?:\s?x\s?10[\^-]*\d*)?)"
)
_PRIMARY = Pattern(r"\bprimary\b")
_ANY_MEASURE = Pattern(rf"\b(?:{_MEASURE})\b")
_RATIOS = frozenset({"OR", "HR", "RR", "IRR"})
_SHARES = frozenset({"sensitivity", "specificity", "PPV", "NPV"})  # told in percent
# "sensitivity and specificity were 85% and 80%": the measures, then as many values.
_LISTED = Pattern(
    rf"(?:\b(?:{_MEASURE})(?:\s?\([A-Za-z ]{{1,20}}\))?(?:\s?/\s?|,?\s(?:and|&)\s|,\s))+\z"
)
_IS_LISTED = (b" and ", b" & ", b", ", b"/", b"/ ")
_NEXT_LISTED = Pattern(
    rf"[)\]]?(?:\s?\([^()]{{1,40}}\))?(?:\s?[,;/]\s?(?:and\s)?|\sand\s)(?P<value>{DECIMAL})\s?(?P<percent>%)?"
)
# "85% sensitivity": the value stands first.
VALUE_FIRST = (
    r"\b(?P<value>\d{1,3}(?:\.\d+)?)\s?%\s(?:\([^()]{3,40}\)\s)?"
    r"(?P<name>sensitivity|sensitive|specificity|specific)\b"
)
# There the number is of something else: "at 85% sensitivity", "sensitivity was 85% specificity …".
_NOT_FIRST = Pattern(r"\b(?:at|for|at a|for a|at the|a fixed)\s\z")
_NAMED_BEFORE = Pattern(rf"\b(?:{_MEASURE})[\s,:;=~(\[]*(?:\b(?:was|were|of|is)\s)?\z")


def read_effects(
    text: Text, pattern: Pattern | None, value_first: Pattern | None = None
) -> Iterator[Effect]:
    """Every estimate of the abstract, in order, each as printed. `pattern`, `value_first`: `EFFECT`
    and `VALUE_FIRST`, where the text may hold them."""
    first = _value_first(text, value_first) if value_first is not None else {}
    named = _named_first(text, pattern, first) if pattern is not None else iter(())
    if not first:
        return named
    return iter(sorted([*named, *first.values()], key=lambda effect: effect.end or 0))


def _named_first(text: Text, pattern: Pattern, told: Mapping[int, Effect]) -> Iterator[Effect]:
    """Estimates that are named before their value. `told`: by where their name begins, those that
    are named after it."""
    data, last = text.data, len(text.data)
    place = text.body
    while place < last and (found := pattern.groups(data, place, last)):
        start, end = found[0]
        place = end
        number = next(i for i in range(1, len(_NAMES) + 1) if found[i][0] >= 0)
        measure, printed = _NAMES[number - 1], found[pattern.names["value"]]
        # "At 85% sensitivity, specificity was 80%": the number belongs to the last measure named.
        named = next((span for span in found[1 : len(_NAMES) + 1] if span[0] >= 0), found[0])
        if named[0] in told:
            place = named[1]
            continue
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
        percent = found[pattern.names["percent"]][0] >= 0
        if data[max(0, start - 5) : start].endswith(_IS_LISTED) and (
            names := _listed_before(text, start, measure, told)
        ):
            listed = _values_of(
                data,
                (*names, measure),
                value,
                (printed[0], end if percent else printed[1]),
                percent,
            )
            for told_measure, (amount, unit, interval, p, begin, stop) in listed:
                place = max(place, stop)
                yield _effect(text, told_measure, amount, unit, interval, p, (begin, stop))
            continue
        low, high, level, after = _interval(data, value, end, p_first=False)
        p, after = _p_value(data, after)
        if low is None and p is not None:
            low, high, level, after = _interval(data, value, after, p_first=True)
        if measure in _RATIOS and low is None and p is None and b"." not in data[slice(*printed)]:
            continue
        place = after
        words = data[start : printed[0]].lower()
        sentence = text.sentence_at(start)
        first = sentence.start if sentence else start
        adjusted = (
            (b"adjusted" in words and b"unadjusted" not in words)
            or (data[start : start + 1] == b"a" and data[start + 1 : start + 2].isupper())
            or data[max(first, start - 10) : start].lower().endswith(b" adjusted ")
        )
        yield _effect(
            text,
            measure,
            value,
            "%" if percent else None,
            (low, high, level),
            p,
            (start, after),
            adjusted=adjusted,
        )


_Limits = tuple[float | None, float | None, float | None]  # low, high, level
_Value = tuple[float, str | None, _Limits, str | None, int, int]


def _effect(
    text: Text,
    measure: str,
    value: float,
    unit: str | None,
    interval: _Limits,
    p: str | None,
    span: Span,
    *,
    adjusted: bool = False,
) -> Effect:
    start, end = span
    sentence = text.sentence_at(start)
    first = sentence.start if sentence else start
    low, high, level = interval
    start, end = text.trimmed(start, end)
    return Effect(
        measure=measure,
        value=value,
        unit=unit,
        ci_low=low,
        ci_high=high,
        ci_level=level,
        p=p,
        adjusted=adjusted,
        primary=_PRIMARY.find(text.data, first, end) is not None,
        text=text.quote(start, end),
        field="abstract",
        start=start - text.body,
        end=end - text.body,
    )


def _listed_before(text: Text, start: int, measure: str, told: Mapping[int, Effect]) -> list[str]:
    """The measures that a list names before the one at `start`, other ones than it ("odds ratio, OR")
    and none that is among `told`."""
    data = text.data
    sentence = text.sentence_at(start)
    first = max(sentence.start if sentence else text.body, start - 160)
    span = _LISTED.find(data[first:start], 0, start - first)
    if span is None:
        return []
    names = []
    for found in _ANY_MEASURE.every_groups(data, first + span[0], start):
        if found[0][0] in told:
            return []
        names.append(_NAMES[next(i for i in range(1, len(_NAMES) + 1) if found[i][0] >= 0) - 1])
    return [] if measure in names else names


def _values_of(
    data: bytes, names: Sequence[str], value: float, span: Span, percent: bool
) -> list[tuple[str, _Value]]:
    """One value for each of the measures of a list, the first of them `value` at `span`; nothing
    where there are fewer."""
    found: list[tuple[float, bool, _Limits, str | None, int, int]] = []
    begin, end = span
    while True:
        low, high, level, after = _interval(data, value, end, p_first=False)
        p, after = _p_value(data, after) if low is not None else (None, after)
        found.append((value, percent, (low, high, level), p, begin, after))
        if len(found) == len(names):
            break
        following = _NEXT_LISTED.groups_at(data, after, min(len(data), after + 70))
        if following is None:
            return []
        printed = following[_NEXT_LISTED.names["value"]]
        amount = decimal(data[slice(*printed)].decode())
        again = following[_NEXT_LISTED.names["percent"]][0] >= 0
        if amount is None or (percent and not again and names[len(found)] in _SHARES):
            return []
        value, percent, begin = amount, again, printed[0]
        end = following[0][1] if percent else printed[1]
    shared = any(one[1] for one in found)
    return [
        (
            name,
            (amount, "%" if own or (shared and name in _SHARES) else None, limits, p, begin, end),
        )
        for name, (amount, own, limits, p, begin, end) in zip(names, found, strict=True)
    ]


def _value_first(text: Text, pattern: Pattern) -> dict[int, Effect]:
    """Estimates named after their value, by where the name begins: "85% sensitivity"."""
    data = text.data
    effects: dict[int, Effect] = {}
    for found in pattern.every_groups(data, text.body, len(data)):
        (start, end), printed = found[0], found[pattern.names["value"]]
        before = data[max(text.body, start - 60) : start]
        named = _NAMED_BEFORE.find(before, 0, len(before))
        if _NOT_FIRST.find(before, 0, len(before)) or (
            named and start - len(before) + named[0] not in effects
        ):
            continue
        value = float(data[slice(*printed)])
        name = found[pattern.names["name"]]
        measure = (
            "sensitivity" if data[name[0] + 1 : name[0] + 2].lower() == b"e" else "specificity"
        )
        low, high, level, _ = _interval(data, value, printed[1] + 1, p_first=False)
        if low is None:
            low, high, level, end = _interval(data, value, end, p_first=False)
        effects[name[0]] = _effect(
            text, measure, value, "%", (low, high, level), None, (start, end)
        )
    return effects


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
