"""Which clinical question is asked, on invented records."""

from __future__ import annotations

import pytest

from grading import Article, grade


@pytest.mark.parametrize(
    ("question", "title", "abstract"),
    [
        (
            "therapy",
            "Velotril for gout: a randomised controlled trial",
            (
                "We aimed to assess the efficacy of velotril. Patients were randomly assigned to "
                "velotril or placebo. Pain was lower."
            ),
        ),
        (
            "harm",
            "Adverse events of velotril and the risk of stroke: a cohort study",
            (
                "We aimed to assess the safety of velotril. A cohort of 9,000 adults was followed. "
                "The hazard ratio of stroke was 1.4."
            ),
        ),
        (
            "diagnosis",
            "Diagnostic accuracy of urate crystals for gout",
            (
                "We aimed to determine sensitivity and specificity against joint fluid as the reference "
                "standard in 200 consecutive patients."
            ),
        ),
        (
            "prognosis",
            "Predictors of survival in gout: a cohort study",
            (
                "We aimed to identify prognostic factors. A cohort of 800 patients with gout was "
                "followed for ten years. Mortality was 12%."
            ),
        ),
        (
            "screening",
            "Screening for gout in primary care: a cohort study",
            "We aimed to assess a screening programme. A cohort of 4,000 adults was screened.",
        ),
        (
            "prevalence",
            "Prevalence of gout in northern towns: a cross-sectional survey",
            "We aimed to estimate the prevalence of gout. 3,000 adults answered a questionnaire.",
        ),
        (
            "economics",
            "Cost-effectiveness of velotril: an economic evaluation",
            "We aimed to estimate the cost per quality-adjusted life-year gained with velotril.",
        ),
        (
            "aetiology",
            "Beer and gout: a case-control study",
            (
                "We aimed to study risk factors for gout. 300 cases and 300 controls were compared. "
                "The odds ratio was 2.1."
            ),
        ),
        (
            "diagnosis",
            "Reliability of the Northern (NOR) classification of wrist fractures",
            (
                "METHODS: Six surgeons rated radiographs of 50 patients twice. Agreement was assessed with "
                "kappa. RESULTS: Inter-observer agreement was fair (kappa 0.42), and intra-observer "
                "agreement was significantly higher (kappa 0.77, p < 0.05)."
            ),
        ),
        (
            "therapy",
            "A new plate: a further step in treating fractures of venous etiology",
            "A retrospective cohort of 40 patients had the plate. Union was seen in 38.",
        ),
        (
            "therapy",
            "Results of joint preserving surgery for gout of the ankle",
            (
                "Little is known about surgery for gout of the ankle. Ten patients had surgery and were "
                "evaluated after two years. Pain decreased from 8 to 2 (p < 0.001). The results suggest a "
                "relationship between gout and the position of the talus."
            ),
        ),
        (
            "none",
            "Effects of drought on leaf growth in oak seedlings",
            "We measured leaf growth of seedlings under four treatments. Growth was slower.",
        ),
    ],
)
def test_question(question: str, title: str, abstract: str) -> None:
    assert grade(Article(pmid=1, title=title, abstract=abstract)).question == question


@pytest.mark.parametrize(
    ("title", "abstract", "asked"),
    [
        ("Statin use and risk of dementia: a cohort study", "Adults were followed.", "harm"),
        ("Interventions to reduce loneliness: a systematic review", "", "therapy"),
        ("Fatal myocarditis after nivolumab: a case report", "", "harm"),
        ("CRISPR screening in cancer research", "This review discusses screens.", "none"),
        ("Outcome of extremely preterm infants: a cohort study", "", "prognosis"),
        (
            "Exercise for fatigue: study protocol",
            "Adults will be randomly assigned to exercise or rest.",
            "therapy",
        ),
    ],
)
def test_question_of_plain_titles(title: str, abstract: str, asked: str) -> None:
    assert grade(Article(pmid=1, title=title, abstract=abstract)).question == asked


@pytest.mark.parametrize(
    ("title", "asked"),
    [
        ("Pain, worry and sleep in adults with gout: a cross-sectional study", "aetiology"),
        ("Treatment with velotril, worry and sleep: effects of velotril in gout", "therapy"),
    ],
)
def test_conclusions_speak_of_treatments_to_come(title: str, asked: str) -> None:
    abstract = (
        "OBJECTIVE: We asked whether worry goes with pain. RESULTS: Pain was associated with worry in 200 "
        "adults. CONCLUSION: Worry may be a target of interventions to improve care."
    )
    assert grade(Article(pmid=1, title=title, abstract=abstract)).question == asked


@pytest.mark.parametrize(
    ("title", "prevalence"),
    [
        ("Knowledge, attitudes and practices of nurses on gout prevention: a survey", True),
        ("Gout prevention by nurses: results of a training survey", False),
    ],
)
def test_a_survey_of_what_people_know_asks_how_common_it_is(title: str, prevalence: bool) -> None:
    abstract = "A questionnaire was sent to 400 nurses. Half of them answered."
    asked = grade(Article(pmid=1, title=title, abstract=abstract)).question
    assert (asked == "prevalence") is prevalence


def test_a_question_that_the_design_asks_says_so() -> None:
    """No words tell it: a decision without a reason would be taken on trust."""
    found = grade(
        Article(
            pmid=1,
            title="Urate and the zodiac",
            abstract="Cases were 96 men with gout and 288 controls without were matched by age. "
            "Star signs were compared between cases and controls (OR 1.0, 95% CI 0.7 to 1.4).",
        )
    )
    assert found.design == "case_control_study"
    assert found.question == "aetiology"
    reasons = [reason for reason in found.reasons if reason.speaks_for == "question:aetiology"]
    assert reasons
    for name in found.attributes:
        assert any(reason.speaks_for == name for reason in found.reasons), name
