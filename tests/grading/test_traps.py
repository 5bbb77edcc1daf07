"""The traps of grading, each with an invented record."""

from __future__ import annotations

import pytest

from grading import Article, grade
from grading.article import Correction, PublicationType


def article(title: str, abstract: str = "", *types: str, **more: object) -> Article:
    return Article(
        pmid=1,
        title=title,
        abstract=abstract,
        publication_types=tuple(PublicationType(name=name) for name in types),
        **more,  # type: ignore[arg-type]
    )


TRIAL = (
    "Patients were randomly assigned to drug or placebo. A total of 240 patients were randomised. "
    "Pain was lower with the drug (P<0.001)."
)

CASES = [
    (
        "a review that reports no search",
        article(
            "JAK inhibitors with PD-1 blockade",
            "This review comprehensively elucidates how both pathways meet. We discuss resistance.",
            "Journal Article",
            "Review",
        ),
        "narrative_review",
    ),
    (
        "wrongly tagged systematic review",
        article(
            "Kinase inhibitors: state of the art",
            "This critical review summarises current concepts. We discuss future directions.",
            "Journal Article",
            "Review",
        ),
        "narrative_review",
    ),
    (
        "trial",
        article("Velotril for gout: a randomised controlled trial", TRIAL),
        "randomized_controlled_trial",
    ),
    (
        "protocol of a trial",
        article(
            "Velotril for gout: study protocol for a randomised controlled trial",
            "Patients will be randomised to velotril or placebo. Outcomes will be assessed at a year.",
        ),
        "protocol",
    ),
    (
        "rats assigned at random",
        article(
            "Velotril in rats with arthritis",
            "Male Wistar rats were randomly assigned to velotril or vehicle. Rats were killed at week 4.",
        ),
        "animal_study",
    ),
    (
        "Mendelian randomisation",
        article(
            "Urate and stroke: a Mendelian randomisation study",
            "We used genetic variants from a genome-wide association study as instruments.",
        ),
        "genetic_association_study",
    ),
    (
        "meta-analysis",
        article(
            "Velotril for gout: a systematic review and meta-analysis",
            "We searched MEDLINE and Embase. Nine randomised trials were included. Pooled risk ratio 0.8.",
        ),
        "meta_analysis",
    ),
    (
        "case report with review of the literature",
        article(
            "Acute gout of the spine: case report and review of the literature",
            "We report a 45-year-old man with back pain.",
        ),
        "case_report",
    ),
    (
        "nested case-control study",
        article(
            "Diuretics and gout",
            "We did a nested case-control study in a cohort of 20,000 adults. Odds ratio 1.5.",
        ),
        "case_control_study",
    ),
    ("nothing to go on", article("Gout."), "unclassified"),
    (
        "retraction notice",
        article("Retraction: Velotril for gout", "", "Retraction of Publication"),
        "retraction_notice",
    ),
    ("erratum", article("Velotril for gout", "", "Published Erratum"), "erratum"),
]


@pytest.mark.parametrize(("what", "record", "design"), CASES, ids=[case[0] for case in CASES])
def test_design(what: str, record: Article, design: str) -> None:
    found = grade(record)
    assert found.design == design
    for reason in found.reasons:
        if reason.field is not None:
            assert getattr(record, reason.field)[reason.start : reason.end] == reason.value


def test_the_jak_review_is_level_5_and_says_why() -> None:
    found = grade(CASES[0][1])
    assert found.levels.ocebm_2011 == 5
    assert found.levels.grade_start == "very low"
    assert any(reason.value == "This review" for reason in found.reasons)
    assert not found.details.sample_size.reported


@pytest.mark.parametrize(
    "phrase",
    [
        "Randomised trials are needed.",
        "There are no randomised controlled trials.",
        "A previous meta-analysis of randomised trials showed benefit.",
        "Women from a randomly selected sample answered.",
        "We used a random forest.",
        "A random-effects model was fitted.",
    ],
)
def test_words_that_do_not_make_a_trial(phrase: str) -> None:
    found = grade(article("Gout in the clinic", f"We describe our clinic. {phrase}"))
    assert found.design not in ("randomized_controlled_trial", "meta_analysis")


def test_a_protocol_has_no_level() -> None:
    found = grade(CASES[3][1])
    assert found.levels.ocebm_2011 is None
    assert "no_results" in found.flags


def test_a_retracted_trial_keeps_its_design_and_loses_its_level() -> None:
    record = article(
        "Velotril for gout: a randomised controlled trial", TRIAL, "Retracted Publication"
    )
    found = grade(record)
    assert found.design == "randomized_controlled_trial"
    assert "retracted" in found.flags
    levels = found.levels
    assert (levels.ocebm_2011, levels.ocebm_2009, levels.grade_start) == (None, None, None)


def test_a_notice_of_another_article_marks_it_retracted() -> None:
    notice = Correction(relation="RetractionIn", direction="in", pmid=9)
    assert "retracted" in grade(CASES[2][1], notices=(notice,)).flags


def test_an_erratum_is_no_retraction() -> None:
    corrected = Correction(relation="ErratumIn", direction="in", pmid=9)
    found = grade(article("Velotril", TRIAL, comments_corrections=(corrected,)))
    assert "corrected" in found.flags
    assert "retracted" not in found.flags


def test_a_review_that_does_not_tell_its_designs_is_level_2_never_1() -> None:
    found = grade(
        article(
            "Velotril for gout: a systematic review",
            "We searched MEDLINE and Embase. Twelve studies were included.",
        )
    )
    assert found.levels.ocebm_2011 == 2


def test_a_small_trial_steps_down_and_quotes_its_number() -> None:
    found = grade(
        article(
            "Velotril for gout: a randomised controlled trial",
            "Thirty-two patients were randomised to velotril or placebo.",
        )
    )
    assert found.levels.ocebm_2011 == 3
    assert found.details.sample_size.value == 32
    assert "small_sample" in found.flags


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("LEVEL OF EVIDENCE: 2b.", "2b"),
        ("LEVEL OF EVIDENCE: Therapeutic, III.", "III"),
        ("Level of Evidence: IV", "IV"),
        ("STUDY DESIGN: Cohort study; Level of evidence, 3.", "3"),
        ("This study provides Class II evidence that velotril helps.", "II"),
    ],
)
def test_stated_level(line: str, level: str) -> None:
    text = f"RESULTS: Pain was lower.\n{line}"
    found = grade(article("Velotril", text)).stated_level
    assert found is not None
    assert found.level == level
    assert text[found.start : found.end] == found.text


@pytest.mark.parametrize(
    "line", ["The level of evidence was low.", "She came to a level 1 trauma centre."]
)
def test_no_stated_level(line: str) -> None:
    assert grade(article("Velotril", f"Pain was lower. {line}")).stated_level is None


def test_a_tag_of_a_high_level_that_is_not_followed_is_told_even_beside_one_that_is() -> None:
    abstract = (
        "This review discusses JAK inhibitors and outlines future directions of research. " * 3
    )
    given = grade(article("JAK inhibitors", abstract, "Systematic Review", "Review"))
    assert given.design == "narrative_review"
    assert "tags_disagree" in given.flags


def test_the_title_of_a_comment_is_that_of_what_it_comments_on() -> None:
    given = grade(article("Systematic review: exercise for gout", "", "Comment", status="MEDLINE"))
    assert given.design == "comment"
    assert given.levels.ocebm_2011 == 5
    reported = grade(
        article("Sarcoidosis of the nose", "", "Letter", "Case Reports", status="MEDLINE")
    )
    assert reported.design == "case_report"


@pytest.mark.parametrize(
    ("title", "abstract"),
    [
        (
            "Time that librarians spend on systematic review tasks",
            (
                "Librarians help to search the literature. We sent members of an association a "
                "questionnaire on the hours that each task of a systematic review takes, from the search "
                "strategy to the writing of methods. Of 105 who answered, most needed 20 to 40 hours."
            ),
        ),
        (
            "Is there a place for students in the systematic review process?",
            (
                "A quality systematic review takes many hours. Students may screen titles and extract "
                "data under guidance. This article describes how they can be taught, and what authors "
                "of reviews should keep in mind when they ask students to help."
            ),
        ),
    ],
)
def test_systematic_review_as_topic(title: str, abstract: str) -> None:
    assert grade(article(title, abstract)).design not in ("systematic_review", "meta_analysis")


def test_a_type_that_is_not_followed_is_a_reason_of_its_own() -> None:
    article = Article(
        pmid=1,
        title="Velotril beyond gout: a review of emerging uses",
        abstract="This review comprehensively elucidates how velotril acts on urate transporters "
        "and immune cells, and discusses its emerging uses in heart failure. Early clinical "
        "findings are put side by side, and practical advice on dosing is given to clinicians.",
        publication_types=(PublicationType(name="Systematic Review"),),
        status="PubMed-not-MEDLINE",
    )
    found = grade(article)
    assert found.design == "narrative_review"
    assert [reason.value for reason in found.reasons if reason.speaks_for == "tags_disagree"] == [
        "Systematic Review"
    ]
