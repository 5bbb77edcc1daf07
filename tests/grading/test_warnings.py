"""What other articles say: put on a grade and taken off it, with no look at the text."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading import Article, grade
from grading.article import Correction, PublicationType
from grading.levels import SCHEMES
from grading.notices import COUNTERPARTS
from grading.warnings import warned

TRIAL = (
    "Patients were randomly assigned to velotril or placebo. A total of 240 patients were randomised. "
    "Pain was lower with velotril (risk ratio 0.70, 95% CI 0.55 to 0.90; P<0.001)."
)
COHORT = "We followed a cohort of 900 adults with gout for ten years. Deaths were fewer (HR 0.8)."
ARTICLES = [
    Article(pmid=1, title="Velotril for gout: a randomised controlled trial", abstract=TRIAL),
    Article(pmid=1, title="RETRACTED: Velotril for gout: a randomised trial", abstract=TRIAL),
    Article(
        pmid=1,
        title="Gout and death",
        abstract=COHORT,
        publication_types=(PublicationType(name="Retracted Publication"),),
    ),
    Article(
        pmid=1,
        title="Retraction: Velotril for gout",
        publication_types=(PublicationType(name="Retraction of Publication"),),
    ),
    Article(pmid=1, title="Velotril for gout: a study protocol", abstract=TRIAL),
    Article(pmid=1, title=""),
]
RELATIONS = [*COUNTERPARTS.values(), *COUNTERPARTS, "RepublishedIn", "CommentIn", "Cites"]


def correction() -> st.SearchStrategy[Correction]:
    return st.builds(
        Correction,
        relation=st.sampled_from(RELATIONS),
        direction=st.sampled_from(["in", "out"]),
        pmid=st.sampled_from([None, 7, 8]),
        source=st.sampled_from([None, "J Invent Med. 2024"]),
    )


corrections = st.lists(correction(), max_size=3).map(tuple)


@given(st.sampled_from(ARTICLES), corrections, corrections, corrections)
def test_a_grade_that_is_there_is_told_as_if_it_were_made_anew(
    article: Article,
    own: tuple[Correction, ...],
    before: tuple[Correction, ...],
    after: tuple[Correction, ...],
) -> None:
    article = msgspec.structs.replace(article, comments_corrections=own)
    stored = grade(article, notices=before)
    assert warned(stored, article, after) == grade(article, notices=after)


@pytest.mark.parametrize("article", ARTICLES[:3])
def test_a_retraction_that_is_taken_back(article: Article) -> None:
    plain = grade(article)
    notice = Correction(relation="RetractionIn", direction="in", pmid=9, source="J Invent Med")
    told = warned(plain, article, (notice,))
    assert "retracted" in told.flags
    assert "RetractionIn PMID 9" in [reason.value for reason in told.reasons]
    assert told.design == plain.design
    for scheme in SCHEMES:
        assert getattr(told.levels, scheme) is None
        rules = [step.rule for step in told.level_steps if step.scheme == scheme]
        assert rules[-1] == "withheld.retracted"
        assert len(rules) > 1  # what it would have been is told too
    assert warned(told, article) == plain
    assert ("retracted" in plain.flags) == (article is not ARTICLES[0])


def test_concern_and_erratum_take_no_level() -> None:
    article = ARTICLES[0]
    notices = tuple(
        Correction(relation=relation, direction="in", pmid=9)
        for relation in ("ExpressionOfConcernIn", "ErratumIn", "UpdateIn")
    )
    told = warned(grade(article), article, notices)
    assert {"expression_of_concern", "corrected", "superseded"} <= set(told.flags)
    assert told.levels == grade(article).levels
