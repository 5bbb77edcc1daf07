"""Every quote of a grade is what stands at its span, on any text and on the real records."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grading import Article, Grade, grade, grade_many
from grading.article import Section
from grading.patterns import Pattern, fold

DATA = Path(os.environ.get("PUBGRADE_DATA", "../shared/data")) / "records" / "xml"

PHRASES = [
    "We randomly assigned 1,234 patients with gout.",
    "Forty-eight β-thalassæmia patients (n = 24 per group) were enrolled.",
    "OR 0·85 (95% CI 0·61–0·97; P = 8.2 × 10⁻⁵).",
    "Results: müller 12\u2009345 adults were followed for 5 years.",
    "İstanbul ﬁndings 😀 were registered as NCT01234567.",
    "A previous meta-analysis (I² = 45 %) of 12 trials was negative.",
    "LEVEL OF EVIDENCE: Therapeutic, III.",
    "Velotril versus placebo",
    "\u00a0",
    "\n",
]


def quotes(found: Grade) -> Iterator[tuple[str, int, int, str]]:
    """(field, start, end, quoted words) of everything in the grade that has a span."""

    def walk(value: object) -> Iterator[dict[str, object]]:
        if isinstance(value, dict):
            if value.get("start") is not None and value.get("end") is not None:
                yield value
            for inner in value.values():
                yield from walk(inner)
        elif isinstance(value, list | tuple):
            for inner in value:
                yield from walk(inner)

    for spot in walk(msgspec.to_builtins(found)):
        words = spot["text"] if "text" in spot else spot["value"]
        yield spot["field"], spot["start"], spot["end"], words  # type: ignore[misc]


def check(article: Article, found: Grade) -> int:
    count = 0
    for field, start, end, words in quotes(found):
        assert getattr(article, field)[start:end] == words, (article.pmid, field, start, end)
        assert words, (article.pmid, field, start)
        assert words == words.strip(), (article.pmid, field, start)
        count += 1
    return count


@settings(max_examples=150, deadline=None)
@given(
    title=st.lists(st.sampled_from(PHRASES) | st.text(max_size=12), max_size=3).map(" ".join),
    abstract=st.lists(st.sampled_from(PHRASES) | st.text(max_size=30), max_size=8).map(" ".join),
)
def test_quotes_stand_where_they_say(title: str, abstract: str) -> None:
    article = Article(pmid=1, title=title, abstract=abstract)
    check(article, grade(article))


def test_quotes_begin_and_end_with_words() -> None:
    article = Article(
        pmid=1,
        title="Gout of the heel",
        abstract="This case of gout in a 40-year-old man was rare. The sensitivity was 73 %. "
        "Women in the highest quintiles of urate were followed.",
    )
    assert check(article, grade(article)) >= 3


@given(st.text())
def test_folding_keeps_every_character_in_place(text: str) -> None:
    assert len(fold(text)) == len(text)


def test_a_pattern_reads_all_dashes_points_and_accents() -> None:
    data = fold("case–control, 0·85, I² and naïve")
    for pattern in ("case-control", r"0\.85", "I²", "naive"):
        assert Pattern(pattern).find(data, 0, len(data)) is not None


def test_sections_keep_their_spans() -> None:
    text = "METHODS: 30 patients were randomised.\nCONCLUSIONS: It helps."
    article = Article(
        pmid=1,
        title="Velotril",
        abstract=text,
        sections=(
            Section(label="METHODS", text=text[9:37], start=0, end=37),
            Section(label="CONCLUSIONS", text="It helps.", start=38, end=len(text)),
        ),
    )
    found = grade(article)
    assert check(article, found) >= 2
    assert found.details.conclusion.value == "It helps."


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no records in {DATA}: set PUBGRADE_DATA")
def test_quotes_on_real_records() -> None:
    from worker.files import list_sources, read_source
    from worker.parsed import ParsedArticle

    count = 0
    for source in list_sources([str(DATA)])[:1]:
        articles = [i.article for i in read_source(source) if isinstance(i, ParsedArticle)]
        for article, found in zip(articles, grade_many(articles), strict=True):
            count += check(article, found)
    assert count > 1000
