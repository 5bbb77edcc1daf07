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
    + "RESULTS: Urate was 5.4 (SD 1.2) mg/dl, and 31 % of 204 adults had been sent a survey. " * 2
)
UNCLEAR = (
    "Leaf area of 40 maize plots was measured under three regimes of water. Yield fell by 31% where "
    "water was withheld at flowering (P < 0.01) and by 12% later on. Roots were deeper in dry plots. "
    "Breeding for deep roots may help in dry years, and trials in the field are planned for that."
)
UNSURE = (
    "Each of 24 volunteers reached for lights under four conditions of delay. Errors grew with delay "
    "(F = 12.4, P < 0.001), and more so for the left hand. Eye movements led the hand by 140 ms. The "
    "findings suggest one clock for both effectors in all people tested here."
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


def test_an_unclear_design_is_as_sure_as_that_none_other_is_told() -> None:
    design, kind, plots = _sure("Water and yield of maize", UNCLEAR)
    assert design == "primary_research"
    assert plots < kind
    design, kind, people = _sure("Reaching under delay", UNSURE)
    assert design == "primary_research"
    assert people < plots - 0.1
