"""The words that a pattern cannot do without, and what a set of patterns makes of them."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grading.details import reading
from grading.details.registries import REGISTRIES
from grading.literals import literals, plain
from grading.patterns import AT_START, Pattern, PatternSet, fold, fold_pattern
from grading.signals import signals


@pytest.mark.parametrize(
    ("pattern", "strings"),
    [
        ("rats?", {" rat ", " rats "}),
        ("randomi[sz]ed trial", {" randomised trial ", " randomized trial "}),
        ("(?:[\\w-]+ )?mice", {" mice "}),
        ("predispos\\w+", {" predispos"}),
        (r"phase [123] (?:[\w-]+ ){0,3}trials?", {" phase 0 "}),
        (r"a (?:[\w-]+ )+meta-?analysis", {" meta analysis ", " metaanalysis "}),
        (r"\(\d{4}-\d{4}\)|obituary", {" 0000 0000 ", " obituary "}),
    ],
)
def test_words_of_a_pattern(pattern: str, strings: set[str]) -> None:
    found = literals(pattern, whole_words=True)
    assert found is not None
    assert {text.decode() for text in found.strings} == strings


@pytest.mark.parametrize("pattern", [r"\w+", r"(?:mice)?[a-z]+", r"(?:mice)*", r"\d+ ?%|mice", ""])
def test_nothing_is_needed(pattern: str) -> None:
    assert literals(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "leads"),
    [("rats? were", True), (r"(?:old )?rats", True), (r"\w+ rats", False), (r"\(rats", False)],
)
def test_whether_a_match_begins_with_them(pattern: str, leads: bool) -> None:
    found = literals(pattern, whole_words=True)
    assert found is not None and found.leads is leads


@pytest.mark.parametrize(
    ("pattern", "in_clause"),
    [("rats [^.;]* were", True), ("vs.? mice", False), (r"vs\. mice", False), ("[^;]+ mice", False),
     (r"rats\W+mice", False), (r"[\w.]+ mice", False), (r"[\w-]+ mice", True)],
)  # fmt: skip
def test_whether_a_match_may_hold_a_full_stop(pattern: str, in_clause: bool) -> None:
    found = literals(pattern)
    assert found is not None and found.in_clause is in_clause


TABLES = {
    **{signal.id: signal.patterns[0] for signal in signals().text},
    **{f"registry.{name}": pattern for name, pattern in REGISTRIES},
    **{f"detail.{name}": pattern for name, pattern in reading._PATTERNS.items()},
}
ON_WORDS = {signal.id for signal in signals().text if signal.words}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_every_match_of_every_table_holds_its_words(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(TABLES)))
    pattern = fold_pattern(TABLES[name]).decode()
    text = data.draw(
        st.from_regex(
            re.compile(pattern, re.IGNORECASE | re.ASCII),
            fullmatch=True,
            alphabet=st.characters(codec="ascii"),  # folding makes words of signs
        ).map(fold)
    )
    found = literals(pattern, whole_words=name in ON_WORDS)
    if found is not None:
        assert any(string in plain(text) for string in found.strings)


WORDS = (
    "we our the of mice rats were was randomized randomised trial trials study , . 12 - 3.5 no in"
)


@given(
    st.lists(st.sampled_from(WORDS.split()), max_size=30),
    st.sampled_from(
        [
            "rats?|mice",
            r"randomi[sz]ed (?:[\w-]+ ){0,3}(?:trials?|study)",
            r"(?:our|the) (?:[\w-]+ ){0,2}(?:study|trial)",
            r"\d+ (?:mice|rats)",
            r"(?:rats|mice)[^;]{0,20}(?:were|was)",
            r"no \w+",
            r"\w+ \w+",
        ]
    ),
)
def test_spans_are_those_of_the_pattern_alone(words: list[str], pattern: str) -> None:
    text = fold(" ".join(words))
    patterns = PatternSet([pattern], whole_words={0})
    alone = list(Pattern(rf"\b(?:{pattern})\b").every(text, 0, len(text)))
    found = [place for _, place in patterns.places([plain(text)])[0]]
    assert list(patterns.spans(0, text, found, 0, len(text))) == alone
    if (leading := patterns.leading(0)) is not None:
        done, spans = 0, []
        for place in found:
            span = leading(AT_START, text, place, len(text))[0]
            if place >= done and span[0] >= 0:
                spans.append(span)
                done = span[1]
        assert spans == alone
