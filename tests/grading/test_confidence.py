"""How sure of the kind of study, and how sure of the very design."""

from __future__ import annotations

import pytest

from grading import Article
from grading.grader import grade

OPENING = (
    "BACKGROUND: Coffee and gout were studied in adults of one town, with 1,204 people in all. "
)
COHORT = (
    OPENING + "METHODS: In this prospective cohort study, participants were followed for 12 years. "
    "RESULTS: Incidence of gout was lower with coffee (hazard ratio 0.81, 95% CI 0.70 to 0.94)."
)
MIXED = (
    OPENING
    + "METHODS: Those who answered were followed for 12 years; a cross-sectional survey was "
    "made as well. RESULTS: Gout was less frequent with coffee (odds ratio 0.81, 95% CI 0.70 to 0.94)."
)
TRIAL = (
    OPENING + "METHODS: Participants were randomly assigned to coffee or placebo in a double-blind "
    "trial. RESULTS: Urate fell by 0.4 mg/dl with coffee and 0.1 mg/dl with placebo (P = 0.02)."
)


def _sure(title: str, abstract: str) -> tuple[str, float, float]:
    given = grade(Article(pmid=1, title=title, abstract=abstract))
    assert given.design_confidence is not None
    return given.design, given.confidence, given.design_confidence


def test_a_design_among_rivals_is_less_sure_than_its_kind() -> None:
    design, kind, own = _sure("Coffee and gout: a prospective cohort study", COHORT)
    assert design == "cohort_study"
    assert own == pytest.approx(kind, abs=0.02)
    design, kind, own = _sure("Coffee and gout", MIXED)
    assert design == "cross_sectional_study"
    assert own < kind - 0.1


def test_where_a_kind_is_one_design_both_are_the_same() -> None:
    design, kind, own = _sure("Coffee for gout: a randomised controlled trial", TRIAL)
    assert design == "randomized_controlled_trial"
    assert own == pytest.approx(kind, abs=0.05)


def test_an_unclear_design_claims_no_more_than_its_kind() -> None:
    results = "RESULTS: Urate was 5.4 (SD 1.2) mg/dl. " * 4
    design, kind, own = _sure("Coffee and gout", OPENING + results)
    assert design == "primary_research"
    assert own == kind


def test_an_unclear_design_is_less_sure_where_words_tell_of_another() -> None:
    told = (
        "RESULTS: Urate was 5.4 (SD 1.2) mg/dl, and 31 % of 204 adults had been sent a survey. " * 2
    )
    design, kind, own = _sure("Coffee and gout", OPENING + told)
    assert design == "primary_research"
    assert own < kind - 0.1
