"""What levels hang on: comparison groups, time's direction, factors of an outcome, size, blinding."""

from __future__ import annotations

import pytest

from grading import Article, Grade, grade
from grading.article import Section
from grading.evidence import find
from grading.text import Text

TITLE = "Velotril plates for fractures of the wrist"
AIM = "We describe the results of velotril plates in adult patients. "


def read(abstract: str, title: str = TITLE) -> Grade:
    return grade(Article(pmid=1, title=title, abstract=abstract))


def attributes(sentence: str) -> set[str]:
    """Of a study whose methods say `sentence`."""
    text = f"METHODS: {sentence}"
    section = Section(label="METHODS", text=sentence, start=0, end=len(text))
    found = grade(
        Article(
            pmid=1,
            title="Retrospective cohort study of velotril plates: results in 90 patients",
            abstract=text,
            sections=(section,),
        )
    )
    return set(found.attributes)


@pytest.mark.parametrize(
    "sentence",
    [
        "There was no difference in pain between the groups.",
        "Thirty infants who had velotril were compared with 15 infants who had plaster.",
        "Operated and unoperated groups were alike in age.",
        "Plates were matched 1:1 with 87 controls.",
        "Propensity scores were used to control for age.",
        "Failure was 24.0% versus 45.9% without osteotomy.",
        "Union was compared between fractures treated with and without a graft.",
        "Stiffness was 15% in the plate group and in the nail group 28%, compared with those in plaster.",
        "We compare the strength of two fixation techniques.",
        "Scores differed between smoking and abstinent patients.",
    ],
)
def test_groups_are_compared(sentence: str) -> None:
    assert "comparative" in attributes(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "There was no control group.",
        "Scores after surgery were higher than scores before surgery.",
        "Patients had surgery with or without a graft.",
        "Ninety patients in the age group of 20 to 30 years had surgery.",
    ],
)
def test_one_group(sentence: str) -> None:
    assert "comparative" not in attributes(sentence)


def direction(sentence: str) -> set[str]:
    text = f"{AIM}{sentence} Union was seen in 80 of 90 patients after two years."
    weights = find(Text(Article(pmid=1, title=TITLE, abstract=text))).weights
    return {name for name in ("prospective", "retrospective") if weights.get(name, 0.0) >= 1.0}


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Ninety patients were included in this prospective cohort study.", {"prospective"}),
        ("Ninety patients were prospectively enrolled.", {"prospective"}),
        ("A prospective study was done; data were prospectively collected.", {"prospective"}),
        ("Patients were identified from our prospectively maintained registry.", {"retrospective"}),
        ("This is a review of a prospective, multicentre database.", {"retrospective"}),
        ("The institutional registry was queried for plates.", {"retrospective"}),
        ("Hospital charts were reviewed.", {"retrospective"}),
        ("We conducted a large multicentre retrospective study.", {"retrospective"}),
        ("Data were prospectively collected by a nurse.", set()),
        ("Previous retrospective studies were small.", set()),
    ],
)
def test_direction(sentence: str, expected: set[str]) -> None:
    assert direction(sentence) == expected


COHORT = (
    "A retrospective cohort of 90 patients who had velotril plates was followed for two years. "
)


@pytest.mark.parametrize(
    ("results", "rule", "level"),
    [
        ("Union was seen in 80 patients.", "cohort_single_group", "IV"),
        (
            "Union was faster with velotril than in the control group.",
            "cohort_retrospective",
            "III",
        ),
        (
            "In multivariable logistic regression, age was an independent predictor of union.",
            "cohort_retrospective",
            "III",
        ),
        (
            "Age went with non-union (odds ratio 2.1, 95% CI 1.2 to 3.9).",
            "cohort_retrospective",
            "III",
        ),
    ],
)
def test_a_retrospective_cohort_by_what_it_compares(results: str, rule: str, level: str) -> None:
    found = read(
        AIM + COHORT + results, "Treatment of wrist fractures: a retrospective cohort study"
    )
    assert found.design == "cohort_study"
    steps = [step.rule for step in found.level_steps if step.scheme == "ocebm_2009"]
    assert (steps, found.levels.jbjs) == ([rule], level)


TRIAL = "Velotril or placebo for gout: a randomised controlled trial"


@pytest.mark.parametrize(
    ("abstract", "ocebm_2009", "jbjs"),
    [
        ("A total of 240 patients were randomly assigned to velotril or placebo.", "1b", "I"),
        ("A total of 32 patients were randomly assigned to velotril or placebo.", "2b", "II"),
        (
            "In this unblinded trial, 240 patients were randomly assigned to velotril or placebo.",
            "1b",
            "II",
        ),
        (
            (
                "In this open-label trial with blinded assessors, 240 patients were randomly assigned to "
                "velotril or placebo."
            ),
            "1b",
            "I",
        ),
    ],
)
def test_lesser_trials(abstract: str, ocebm_2009: str, jbjs: str) -> None:
    found = read(f"{abstract} Pain was lower with velotril.", TRIAL)
    assert (found.levels.ocebm_2009, found.levels.jbjs) == (ocebm_2009, jbjs)


def test_a_trial_is_as_large_as_the_largest_number_told() -> None:
    found = read(
        "This trial recruited 100 participants. We randomized 48 patients to velotril and 52 patients "
        "to placebo. Pain was lower with velotril.",
        TRIAL,
    )
    assert found.levels.jbjs == "I"
    assert "down.imprecision" not in [step.rule for step in found.level_steps]


REVIEW = "Velotril for gout: a systematic review and meta-analysis"
SEARCH = "We searched MEDLINE and Embase for studies of velotril. "


@pytest.mark.parametrize(
    ("included", "rule", "level"),
    [
        ("Nine randomised controlled trials were included.", "review_trials", "I"),
        (
            "Nine randomised controlled trials were included. The pooled risk ratio was 0.80 (I² = 88%).",
            "review_trials_inconsistent",
            "II",
        ),
        (
            "Four randomised controlled trials and five non-randomised controlled trials were included.",
            "review_trials_and_cohorts",
            "II",
        ),
        ("Nine prospective studies were included.", "review_prospective", "II"),
        ("Nine prospective and retrospective cohort studies were included.", "review_other", "III"),
        (
            "Thirteen studies, six of them non-comparative studies, were included.",
            "review_series",
            "IV",
        ),
    ],
)
def test_a_review_by_what_it_includes(included: str, rule: str, level: str) -> None:
    found = read(f"{SEARCH}{included} Pain was lower with velotril.", REVIEW)
    steps = [step.rule for step in found.level_steps if step.scheme == "ocebm_2009"]
    assert (steps, found.levels.jbjs) == ([rule], level)


def test_guidance_built_on_reviewed_evidence() -> None:
    found = read(
        "To adapt the international guidelines, experts further added articles published and "
        "systematically reviewed before May 2019. Recommendations were agreed by the society.",
        "National guidelines for the therapy of gout",
    )
    assert found.design in ("practice_guideline", "consensus_statement")
    assert "systematic_evidence_review" in found.attributes
    assert found.levels.ocebm_2011 == 2


@pytest.mark.parametrize(
    ("title", "abstract", "condition", "quote"),
    [
        (
            "Treatment of wrist fractures: a retrospective cohort study",
            AIM + COHORT + "Age was an independent risk factor of non-union.",
            "factors",
            "independent risk factor",
        ),
        (
            REVIEW,
            SEARCH + "Nine prospective studies were included. Pain was lower with velotril.",
            "prospective_studies",
            "prospective studies",
        ),
    ],
)
def test_what_no_attribute_shows_is_quoted(
    title: str, abstract: str, condition: str, quote: str
) -> None:
    reasons = [reason for reason in read(abstract, title).reasons if reason.speaks_for == condition]
    assert [reason.value for reason in reasons] == [quote]
    assert abstract[reasons[0].start : reasons[0].end] == quote


@pytest.mark.parametrize(
    ("people", "level"),
    [
        ("We tested serum of 90 patients with gout and 60 healthy controls.", 4),
        ("We tested serum of patients with various kinds of gout and of normal subjects.", 4),
        ("We tested serum of 150 adults with a swollen joint.", 3),
    ],
)
def test_an_accuracy_study_with_healthy_controls_is_a_case_control_study(
    people: str, level: int
) -> None:
    found = read(
        f"{people} Joint fluid was the reference standard. Sensitivity was 85% and specificity 80%.",
        "Diagnostic accuracy of serum velotrilin for gout",
    )
    assert found.design == "diagnostic_accuracy_study"
    assert found.levels.ocebm_2011 == level
    assert (found.levels.jbjs == "IV") is (level == 4)
    assert (found.levels.nhmrc == "III-3") is (level == 4)


@pytest.mark.parametrize(
    ("result", "lowered"),
    [
        ("Most studies were of low quality.", True),
        ("Low quality of the included trials limits what is known.", True),
        ("Adults with gout had a low quality of life in nine trials.", False),
    ],
)
def test_a_low_quality_of_life_is_no_risk_of_bias(result: str, lowered: bool) -> None:
    found = read(f"{SEARCH}RESULTS: Nine randomised trials were included. {result}", REVIEW)
    assert any(step.rule == "down.risk_of_bias" for step in found.level_steps) is lowered


@pytest.mark.parametrize(
    ("sentence", "missing"),
    [
        (
            "After a single-blind placebo run-in, patients had velotril double-blind.",
            "single_blind",
        ),
        ("Patients answered questionnaires on pain after velotril or placebo.", "survey"),
        (
            "After open-label titration, patients had velotril or placebo double-blind.",
            "open_label",
        ),
    ],
)
def test_what_is_not_true_of_the_trial_itself(sentence: str, missing: str) -> None:
    found = read(f"In all, 240 patients were randomly assigned. {sentence}", TRIAL)
    assert found.design == "randomized_controlled_trial"
    assert missing not in found.attributes


def test_a_single_blind_trial_is_one() -> None:
    found = read("In this single-blind trial, 240 patients were randomly assigned.", TRIAL)
    assert "single_blind" in found.attributes
