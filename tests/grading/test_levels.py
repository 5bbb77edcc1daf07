"""Levels: every cell of the OCEBM 2011 table, every step, and the other schemes' own columns."""

from __future__ import annotations

import pytest

from grading import Article, grade
from grading.article import Correction
from grading.details.values import Detail, Details, Effect
from grading.evidence import find
from grading.levels import SCHEMES, levels, schemes, withhold
from grading.text import Text
from grading.vocabulary import DESIGNS


def article(title: str, abstract: str = "") -> Article:
    return Article(pmid=1, title=title, abstract=abstract)


NOTHING = find(Text(Article(pmid=1)))
PEOPLE = find(Text(Article(pmid=1, title="Gout in adult patients")))


def level(scheme: str, design: str, question: str = "therapy", *attributes: str) -> object:
    given, _, _ = levels(PEOPLE, design, question, attributes, Details())
    return getattr(given, scheme)


REVIEWS = ("meta_analysis", "systematic_review", "umbrella_review")

OCEBM_2011 = [
    # therapy
    *[(design, "therapy", ("includes_randomised_trials",), 1) for design in REVIEWS],
    ("n_of_1_trial", "therapy", (), 1),
    ("randomized_controlled_trial", "therapy", (), 2),
    ("non_randomized_trial", "therapy", (), 3),
    ("cohort_study", "therapy", (), 3),
    ("case_series", "therapy", (), 4),
    ("case_control_study", "therapy", (), 4),
    ("before_after_study", "therapy", (), 4),
    ("single_arm_trial", "therapy", (), 4),
    ("animal_study", "therapy", (), 5),
    ("in_vitro_study", "none", (), 5),
    ("in_silico_study", "none", (), 5),
    ("editorial", "therapy", (), 5),
    ("letter", "therapy", (), 5),
    ("comment", "therapy", (), 5),
    ("narrative_review", "therapy", (), 5),
    # harm
    ("systematic_review", "harm", ("includes_randomised_trials",), 1),
    (
        "systematic_review",
        "harm",
        ("includes_case_control_studies", "includes_nested_case_control_studies"),
        1,
    ),
    ("randomized_controlled_trial", "harm", (), 2),
    ("cohort_study", "harm", (), 3),
    ("case_control_study", "harm", (), 4),
    ("case_series", "harm", (), 4),
    # diagnosis
    ("meta_analysis", "diagnosis", ("includes_accuracy_studies",), 1),
    ("diagnostic_accuracy_study", "diagnosis", ("independent_reference_standard",), 2),
    ("diagnostic_accuracy_study", "diagnosis", (), 3),
    ("case_control_study", "diagnosis", (), 4),
    # prognosis
    ("systematic_review", "prognosis", ("includes_cohorts", "prospective_studies"), 1),
    ("systematic_review", "prognosis", ("includes_cohorts",), 2),
    ("cohort_study", "prognosis", ("inception_cohort",), 2),
    ("cohort_study", "prognosis", (), 3),
    ("randomized_controlled_trial", "prognosis", (), 3),
    ("case_series", "prognosis", (), 4),
    ("case_control_study", "prognosis", (), 4),
    # screening
    ("systematic_review", "screening", ("includes_randomised_trials",), 1),
    ("randomized_controlled_trial", "screening", (), 2),
    ("non_randomized_trial", "screening", (), 3),
    ("case_control_study", "screening", (), 4),
    # prevalence
    ("cross_sectional_study", "prevalence", ("random_sample",), 1),
    ("systematic_review", "prevalence", (), 2),
    ("cross_sectional_study", "prevalence", (), 3),
    ("case_series", "prevalence", (), 4),
    # reviews by what they include
    ("systematic_review", "therapy", ("includes_cohorts",), 3),
    ("systematic_review", "therapy", ("includes_case_series",), 4),
    ("systematic_review", "therapy", ("includes_any_design",), 4),
    ("systematic_review", "therapy", ("includes_any_design", "includes_randomised_trials"), 2),
    ("systematic_review", "therapy", ("includes_case_series", "includes_randomised_trials"), 2),
    *[(design, "therapy", (), 2) for design in REVIEWS],
    ("scoping_review", "therapy", ("includes_randomised_trials",), 5),
    # guidance
    ("practice_guideline", "therapy", (), 5),
    ("practice_guideline", "therapy", ("systematic_evidence_review",), 2),
    ("consensus_statement", "therapy", (), 5),
    # a study in people whose design is not told
    ("primary_research", "therapy", (), 4),
]


@pytest.mark.parametrize(("design", "question", "attributes", "expected"), OCEBM_2011)
def test_ocebm_2011(design: str, question: str, attributes: tuple[str, ...], expected: int) -> None:
    assert level("ocebm_2011", design, question, *attributes) == expected


OTHERS = [
    ("ocebm_2009", "systematic_review", "therapy", ("includes_randomised_trials",), "1a"),
    ("ocebm_2009", "randomized_controlled_trial", "therapy", (), "1b"),
    ("ocebm_2009", "randomized_controlled_trial", "therapy", ("pilot",), "2b"),
    ("ocebm_2009", "systematic_review", "therapy", ("includes_cohorts",), "2a"),
    ("ocebm_2009", "cohort_study", "therapy", (), "2b"),
    ("ocebm_2009", "ecological_study", "aetiology", (), "2c"),
    ("ocebm_2009", "systematic_review", "harm", ("includes_case_control_studies",), "3a"),
    ("ocebm_2009", "case_control_study", "aetiology", (), "3b"),
    ("ocebm_2009", "case_series", "therapy", (), "4"),
    ("ocebm_2009", "case_report", "therapy", (), "4"),
    ("ocebm_2009", "narrative_review", "therapy", (), "5"),
    ("ocebm_2009", "in_vitro_study", "none", (), "5"),
    ("ocebm_2009", "cohort_study", "prognosis", ("inception_cohort",), "1b"),
    ("ocebm_2009", "cohort_study", "prognosis", ("retrospective",), "2b"),
    ("ocebm_2009", "randomized_controlled_trial", "prognosis", (), "2b"),
    (
        "ocebm_2009",
        "diagnostic_accuracy_study",
        "diagnosis",
        ("independent_reference_standard",),
        "1b",
    ),
    ("ocebm_2009", "diagnostic_accuracy_study", "diagnosis", ("consecutive",), "2b"),
    ("ocebm_2009", "diagnostic_accuracy_study", "diagnosis", ("prospective",), "2b"),
    ("ocebm_2009", "diagnostic_accuracy_study", "diagnosis", (), "3b"),
    ("ocebm_2009", "diagnostic_accuracy_study", "diagnosis", ("retrospective",), "3b"),
    ("ocebm_2009", "cohort_study", "therapy", ("retrospective",), "4"),
    ("ocebm_2009", "case_control_study", "diagnosis", (), "4"),
    ("ocebm_2009", "cohort_study", "prevalence", ("prospective",), "1b"),
    ("ocebm_2009", "cross_sectional_study", "prevalence", (), "3b"),
    ("ocebm_2009", "economic_evaluation", "economics", ("sensitivity_analysis",), "2b"),
    ("ocebm_2009", "economic_evaluation", "economics", (), "3b"),
    ("jbjs", "randomized_controlled_trial", "therapy", (), "I"),
    ("jbjs", "randomized_controlled_trial", "therapy", ("pilot",), "II"),
    ("jbjs", "randomized_controlled_trial", "therapy", ("open_label",), "II"),
    ("jbjs", "randomized_controlled_trial", "therapy", ("assessor_blind", "open_label"), "I"),
    (
        "jbjs",
        "systematic_review",
        "therapy",
        ("includes_cohorts", "includes_randomised_trials"),
        "II",
    ),
    ("jbjs", "cohort_study", "diagnosis", ("retrospective",), "III"),
    ("jbjs", "cohort_study", "aetiology", ("retrospective",), "III"),
    ("jbjs", "cross_sectional_study", "prevalence", (), "IV"),
    ("jbjs", "cross_sectional_study", "prevalence", ("comparative",), "III"),
    ("jbjs", "cross_sectional_study", "harm", (), "IV"),
    ("jbjs", "cross_sectional_study", "harm", ("comparative",), "III"),
    ("jbjs", "cross_sectional_study", "aetiology", (), "III"),
    ("jbjs", "cross_sectional_study", "diagnosis", ("prospective",), "III"),
    ("jbjs", "diagnostic_accuracy_study", "diagnosis", (), "III"),
    ("jbjs", "diagnostic_accuracy_study", "diagnosis", ("consecutive",), "II"),
    ("jbjs", "primary_research", "therapy", ("database_study",), "III"),
    ("jbjs", "primary_research", "screening", (), "IV"),
    ("jbjs", "cohort_study", "therapy", ("comparative", "prospective"), "II"),
    ("jbjs", "cohort_study", "therapy", ("prospective",), "III"),
    ("jbjs", "cohort_study", "therapy", ("comparative", "retrospective"), "III"),
    ("jbjs", "cohort_study", "therapy", ("retrospective",), "IV"),
    ("jbjs", "case_control_study", "aetiology", (), "III"),
    ("jbjs", "case_series", "therapy", (), "IV"),
    ("jbjs", "narrative_review", "therapy", (), "V"),
    ("jbjs", "primary_research", "therapy", ("comparative", "prospective"), "II"),
    ("jbjs", "primary_research", "therapy", ("comparative", "retrospective"), "III"),
    ("jbjs", "primary_research", "therapy", (), "IV"),
    ("grade_start", "randomized_controlled_trial", "therapy", (), "high"),
    ("grade_start", "meta_analysis", "therapy", ("includes_randomised_trials",), "high"),
    ("grade_start", "cohort_study", "therapy", (), "low"),
    ("grade_start", "case_control_study", "aetiology", (), "low"),
    ("grade_start", "case_series", "therapy", (), "very low"),
    ("grade_start", "case_report", "therapy", (), "very low"),
    ("grade_start", "editorial", "therapy", (), "very low"),
    ("sort", "systematic_review", "therapy", ("includes_randomised_trials",), "1"),
    ("sort", "randomized_controlled_trial", "therapy", (), "1"),
    ("sort", "randomized_controlled_trial", "therapy", ("pilot",), "2"),
    ("sort", "cohort_study", "therapy", (), "2"),
    ("sort", "case_series", "therapy", (), "3"),
    ("sort", "consensus_statement", "therapy", (), "3"),
    ("sort", "animal_study", "therapy", (), "3"),
    ("nhmrc", "systematic_review", "therapy", ("includes_randomised_trials",), "I"),
    ("nhmrc", "randomized_controlled_trial", "therapy", (), "II"),
    ("nhmrc", "non_randomized_trial", "therapy", ("quasi_randomised",), "III-1"),
    ("nhmrc", "non_randomized_trial", "therapy", (), "III-2"),
    ("nhmrc", "cohort_study", "therapy", ("historical_control",), "III-3"),
    ("nhmrc", "before_after_study", "therapy", ("interrupted_time_series",), "III-3"),
    ("nhmrc", "case_series", "therapy", (), "IV"),
    ("nhmrc", "editorial", "therapy", (), None),
    ("nhmrc", "cohort_study", "prognosis", ("prospective",), "II"),
    ("nhmrc", "cohort_study", "prognosis", ("retrospective",), "III-3"),
    ("nhmrc", "randomized_controlled_trial", "prognosis", (), "III-2"),
    ("nhmrc", "cohort_study", "aetiology", ("prospective",), "II"),
    ("nhmrc", "case_control_study", "aetiology", (), "III-3"),
    (
        "nhmrc",
        "diagnostic_accuracy_study",
        "diagnosis",
        ("consecutive", "independent_reference_standard"),
        "II",
    ),
    ("nhmrc", "diagnostic_accuracy_study", "diagnosis", (), "III-2"),
]


@pytest.mark.parametrize(("scheme", "design", "question", "attributes", "expected"), OTHERS)
def test_other_schemes(
    scheme: str, design: str, question: str, attributes: tuple[str, ...], expected: str | None
) -> None:
    assert level(scheme, design, question, *attributes) == expected


NO_LEVEL = [
    "protocol", "erratum", "retraction_notice", "expression_of_concern", "news", "biography",
    "historical_article", "qualitative_study", "modelling_study", "unclassified",
]  # fmt: skip


@pytest.mark.parametrize("design", NO_LEVEL)
def test_no_level_and_why(design: str) -> None:
    given, steps, _ = levels(PEOPLE, design, "none", (), Details())
    assert [getattr(given, scheme) for scheme in (*SCHEMES, "jbjs")] == [None] * 6
    assert {step.scheme for step in steps} == set(SCHEMES)
    assert all(step.text.endswith("no level.") for step in steps)


def test_an_economic_evaluation_has_a_level_only_where_a_scheme_has_a_column_for_it() -> None:
    given, steps, _ = levels(PEOPLE, "economic_evaluation", "economics", (), Details())
    assert (given.ocebm_2011, given.grade_start, given.sort, given.nhmrc) == (None,) * 4
    assert given.ocebm_2009 == "3b"
    assert len(steps) == len(SCHEMES)


def test_research_of_unclear_design_without_people_has_no_level() -> None:
    given, _, _ = levels(NOTHING, "primary_research", "none", (), Details())
    assert given.ocebm_2011 is None


@pytest.mark.parametrize("design", sorted(DESIGNS))
def test_retraction_withholds_every_level(design: str) -> None:
    """By a last step, which says what it took: so it can be undone."""
    before, walked, _ = levels(PEOPLE, design, "therapy", (), Details())
    given, steps = withhold(before, walked, {"retracted", "corrected"})
    assert [getattr(given, scheme) for scheme in (*SCHEMES, "jbjs")] == [None] * 6
    for scheme in SCHEMES:
        last = [step for step in steps if step.scheme == scheme][-1]
        assert (last.rule, last.after) == ("withheld.retracted", None)
        assert last.before == getattr(before, scheme)
    assert withhold(given, steps, {"retracted"}) == (given, steps)
    assert withhold(given, steps, {"corrected"}) == (before, walked)


def test_every_design_has_a_row_or_a_reason_in_every_scheme() -> None:
    for design in DESIGNS:
        _, steps, _ = levels(PEOPLE, design, "therapy", (), Details())
        assert {step.scheme for step in steps} == set(SCHEMES)
        assert not [step for step in steps if step.rule == "none"], design


def test_every_scheme_cites_its_source() -> None:
    for scheme in schemes().values():
        assert any(year in scheme.source for year in ("2004", "2009", "2011"))


# Steps. Each trial below starts at level 2, each cohort at 3.

TITLE = "Velotril for gout: a randomised controlled trial"
LARGE = "A total of 240 patients were randomly assigned to velotril or placebo. "
SMALL = "A total of 32 patients were randomly assigned to velotril or placebo. "


def walk(title: str, abstract: str) -> tuple[int | None, list[str]]:
    found = grade(article(title, abstract))
    steps = [step.rule for step in found.level_steps if step.scheme == "ocebm_2011"]
    for reason in found.reasons:
        if reason.field is not None:
            quoted = {"title": title, "abstract": abstract}[reason.field]
            assert quoted[reason.start : reason.end] == reason.value
    return found.levels.ocebm_2011, steps


def test_a_large_trial_takes_no_step() -> None:
    assert walk(TITLE, LARGE + "Pain was lower with velotril.") == (2, ["rct"])


@pytest.mark.parametrize(
    ("title", "abstract", "step"),
    [
        (TITLE, SMALL + "Pain was lower.", "down.imprecision"),
        (
            TITLE,
            LARGE + "The primary outcome, gout flares, did not differ "
            "(risk ratio 0.94, 95% CI 0.71 to 1.25).",
            "down.imprecision",
        ),
        (
            "Velotril in healthy volunteers: a randomised controlled trial",
            "A total of 240 healthy volunteers were randomly assigned to velotril or placebo.",
            "down.indirectness",
        ),
        (
            "Velotril for gout: a pilot randomised controlled trial",
            LARGE + "Pain was lower.",
            "down.feasibility",
        ),
    ],
)
def test_one_step_down(title: str, abstract: str, step: str) -> None:
    assert walk(title, abstract) == (3, ["rct", step])


REVIEW = "Velotril for gout: a systematic review and meta-analysis"
SEARCH = "We searched MEDLINE and Embase. Nine randomised controlled trials were included. "


def test_a_review_of_trials_is_level_1() -> None:
    assert walk(REVIEW, SEARCH + "Pooled risk ratio 0.80.") == (1, ["review_trials"])


def test_inconsistency_of_a_review() -> None:
    found = walk(REVIEW, SEARCH + "The pooled risk ratio was 0.80 (I² = 82%).")
    assert found == (2, ["review_trials", "down.inconsistency"])


def test_stated_high_risk_of_bias() -> None:
    text = f"{SEARCH}\nThe trials showed less pain. Most trials were at high risk of bias."
    assert walk(REVIEW, text) == (2, ["review_trials", "down.risk_of_bias"])


def test_i2_at_the_threshold_is_no_step() -> None:
    assert walk(REVIEW, SEARCH + "The pooled risk ratio was 0.80 (I² = 75%).")[0] == 1


def test_at_most_two_steps_down() -> None:
    value, steps = walk(
        "Velotril in healthy volunteers: a pilot randomised controlled trial",
        "A total of 20 healthy volunteers were randomly assigned to velotril or placebo.",
    )
    assert value == 4
    assert len(steps) == 3


def test_dramatic_effect_steps_up() -> None:
    strong = Effect(
        measure="RR", value=9.0, ci_low=4.0, ci_high=20.0, text="x", field="title", start=0, end=1
    )
    given, steps, _ = levels(PEOPLE, "cohort_study", "therapy", (), Details(effects=(strong,)))
    assert given.ocebm_2011 == 2
    assert "up.dramatic_effect" in [step.rule for step in steps]
    wide = Effect(
        measure="RR", value=9.0, ci_low=1.5, ci_high=50.0, text="x", field="title", start=0, end=1
    )
    given, _, _ = levels(PEOPLE, "cohort_study", "therapy", (), Details(effects=(wide,)))
    assert given.ocebm_2011 == 3


def test_fifty_analysed_is_enough() -> None:
    size = Detail(reported=True, value=50, text="50", field="title", start=0, end=2)
    given, _, _ = levels(
        PEOPLE, "randomized_controlled_trial", "therapy", (), Details(sample_size=size)
    )
    assert given.ocebm_2011 == 2


def test_grade_shows_concerns_and_lowers_nothing() -> None:
    found = grade(article(TITLE, SMALL + "Pain was lower."))
    assert found.levels.grade_start == "high"
    rules = [step.rule for step in found.level_steps if step.scheme == "grade_start"]
    assert "concern.imprecision" in rules
    assert any(reason.speaks_for == "level_down:imprecision" for reason in found.reasons)


def test_a_retracted_trial_keeps_its_design() -> None:
    notice = Correction(relation="RetractionIn", direction="in", pmid=9)
    found = grade(article(TITLE, LARGE), notices=(notice,))
    assert found.design == "randomized_controlled_trial"
    assert "retracted" in found.flags
    assert all(getattr(found.levels, scheme) is None for scheme in SCHEMES)


def test_not_telling_the_designs_lowers_the_confidence() -> None:
    told = grade(article(REVIEW, SEARCH + "Pooled risk ratio 0.80."))
    silent = grade(
        article(REVIEW, "We searched MEDLINE and Embase. Nine studies were included. Pooled 0.80.")
    )
    assert silent.levels.ocebm_2011 == 2
    assert silent.confidence < told.confidence


@pytest.mark.parametrize("design", ["meta_analysis", "systematic_review"])
def test_reviews_of_accuracy_start_where_accuracy_studies_do(design: str) -> None:
    assert level("grade_start", "diagnostic_accuracy_study", "diagnosis") == "high"
    assert level("grade_start", design, "diagnosis", "includes_accuracy_studies") == "high"
