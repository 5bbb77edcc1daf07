"""An article without its abstract, and the grade that was made from the whole."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from grading import Article, Grade, grade, grade_many
from grading.abridgement import abridged
from grading.article import Correction, OtherAbstract, Section
from grading.warnings import warned

TITLE = "Velotril for gout in 240 adults: a randomised controlled trial"
ABSTRACT = (
    "METHODS: In this double-blind trial, 240 patients were randomly assigned to velotril (n = 120) "
    "or placebo (n = 120) and followed up for 12 months.\n"
    "RESULTS: Relapse was less common with velotril (hazard ratio 0.71, 95% CI 0.52 to 0.94).\n"
    "LEVEL OF EVIDENCE: Level I, therapeutic study.\n"
    "TRIAL REGISTRATION: ClinicalTrials.gov NCT01234567."
)
WHOLE = Article(
    pmid=1,
    title=TITLE,
    abstract=ABSTRACT,
    sections=(Section(text=ABSTRACT, start=0, end=len(ABSTRACT)),),
    other_abstracts=(OtherAbstract(language="spa", text="Un ensayo."),),
    plain_language_summaries=(OtherAbstract(language="eng", text="We asked people."),),
)


def quotes(given: Grade) -> list[Any]:
    details = msgspec.structs.asdict(given.details).values()
    flat = [one for value in details for one in (value if isinstance(value, tuple) else (value,))]
    return [*given.reasons, *filter(None, [given.stated_level]), *flat]


def test_the_grade_stays_and_quotes_of_the_abstract_lose_their_places() -> None:
    before = grade(WHOLE)
    article, after = abridged(WHOLE, before)
    assert article == Article(pmid=1, title=TITLE, abridged=True)
    lost = kept = 0
    for old, new in zip(quotes(before), quotes(after), strict=True):
        if old.field == "abstract":
            assert (new.field, new.start, new.end) == (None, None, None)
            assert (
                msgspec.structs.replace(new, field=old.field, start=old.start, end=old.end) == old
            )
            lost += 1
        else:
            assert new == old
            kept += new.field == "title"
    assert lost > 10
    assert kept
    silent = {"reasons", "stated_level", "details"}
    for name in set(Grade.__struct_fields__) - silent:
        assert getattr(after, name) == getattr(before, name)
    again = msgspec.json.decode(msgspec.json.encode([article, after]), type=tuple[Article, Grade])
    assert again == (article, after)


def test_what_has_no_abstract_is_whole() -> None:
    bare = Article(pmid=1, title=TITLE)
    assert abridged(bare, grade(bare)) == (bare, grade(bare))
    article, after = abridged(*abridged(WHOLE, grade(WHOLE)))
    assert (article, after) == abridged(WHOLE, grade(WHOLE))


def test_it_is_not_graded_from_its_title() -> None:
    article, _ = abridged(WHOLE, grade(WHOLE))
    with pytest.raises(ValueError, match="PMID 1: its abstract is not kept"):
        grade_many([WHOLE, article])


def test_notices_reach_it() -> None:
    notice = Correction(relation="RetractionIn", direction="in", pmid=9)
    article, given = abridged(WHOLE, grade(WHOLE))
    told = warned(given, article, (notice,))
    assert told == abridged(WHOLE, grade(WHOLE, notices=(notice,)))[1]
    assert told.levels.ocebm_2011 is None
    assert warned(told, article) == given
