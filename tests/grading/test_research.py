"""Designs of studies that do not name them, and the labels that teach them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from grading import Article, Grade, grade, grade_many
from grading.research import ANSWERS, leanings, weights
from grading.vocabulary import DESIGNS

LABELS = Path(__file__).parents[2] / "benchmarks" / "research_designs.tsv"

RESECTION = (
    "Between 2009 and 2018, 214 patients underwent sleeve resection at our institution. Their charts were "
    "reviewed. Median age was 61 years. Morbidity was 31% and 30-day mortality 2.3%. Five-year survival "
    "was 52%. On multivariable analysis, nodal status and incomplete resection were associated with shorter "
    "survival (HR 2.1, 95% CI 1.4-3.2)."
)
STUDENTS = (
    "Loneliness is common among students. In this study 412 nursing students at two universities "
    "completed the UCLA Loneliness Scale and the Pittsburgh Sleep Quality Index. Mean loneliness was 41.2 "
    "(SD 9.8). Loneliness correlated with poor sleep (r = 0.34, p < 0.001), and more so in first-year "
    "students. Universities should attend to loneliness."
)
EXTRACT = (
    "The extract of dried fruit was separated by column chromatography and gave five compounds. Compound 3 "
    "inhibited tyrosinase with an IC50 of 12.4 uM, and lowered melanin in B16 melanoma cells without "
    "toxicity up to 50 uM. Antioxidant activity by the DPPH assay was moderate. The fruit may be a source "
    "of whitening agents."
)


def _graded(title: str, abstract: str) -> Grade:
    return grade(Article(pmid=1, title=title, abstract=abstract, languages=("eng",)))


@pytest.mark.parametrize(
    ("title", "abstract", "design"),
    [
        ("Outcomes after sleeve resection for central lung tumours", RESECTION, "cohort_study"),
        ("Loneliness and sleep in nursing students", STUDENTS, "cross_sectional_study"),
        ("Tyrosinase inhibitors from dried fruit", EXTRACT, "in_vitro_study"),
    ],
)
def test_what_a_study_did_tells_its_design(title: str, abstract: str, design: str) -> None:
    given = _graded(title, abstract)
    assert given.design == design
    assert given.design_confidence is not None
    assert 0.4 <= given.design_confidence <= given.confidence


def test_a_design_that_no_words_name_is_given_with_the_words_that_tell_it() -> None:
    given = _graded("Outcomes after sleeve resection for central lung tumours", RESECTION)
    own = [reason for reason in given.reasons if reason.speaks_for == given.design]
    quoted = [reason.value for reason in own if reason.kind == "text"]
    assert "multivariable analysis" in quoted
    together = next(reason for reason in own if reason.signal == "research")
    assert together.value.endswith(f"{given.design_confidence:.0%}")


CELLS = (
    "HeLa cells were cultured in vitro and treated with quercetin for 48 h. Cell viability by MTT assay fell "
    "with dose, and Western blotting showed more cleaved caspase-3. Flow cytometry found G2 arrest. Knockdown "
    "of p53 by siRNA abolished apoptosis in these cell lines."
)


def test_bench_work_that_the_text_model_itself_tells_is_not_said_to_be_weighed_here() -> None:
    given = _graded("Quercetin induces apoptosis in HeLa cells in vitro", CELLS)
    assert given.design == "in_vitro_study"
    signals = {reason.signal for reason in given.reasons}
    assert "text_model" in signals
    assert "research" not in signals


def test_where_none_is_told_well_enough_the_nearest_are_said() -> None:
    given = _graded("Sleeve resection for central lung tumours", RESECTION)
    assert given.design == "primary_research"
    said = next(reason.value for reason in given.reasons if reason.signal == "research")
    assert said.startswith("none is told well enough; nearest: ")
    assert "Cohort study (" in said


def test_words_that_name_a_design_outweigh_all_that_it_looks_like() -> None:
    named = STUDENTS.replace(
        "In this study", "In this prospective cohort study followed for a year,"
    )
    assert (
        _graded("Loneliness and sleep: a prospective cohort study", named).design == "cohort_study"
    )


def test_no_other_kind_that_must_be_quoted_is_guessed() -> None:
    assert {"randomized_controlled_trial", "systematic_review"}.isdisjoint(ANSWERS)


def test_a_batch_gives_what_each_article_alone_gives() -> None:
    articles = [
        Article(pmid=number, title="A study", abstract=abstract, languages=("eng",))
        for number, abstract in enumerate((RESECTION, STUDENTS, EXTRACT), 1)
    ]
    assert grade_many(articles) == [grade(article) for article in articles]


def test_what_speaks_for_a_design_comes_strongest_first() -> None:
    told = leanings({"people": 2.0, "case_series": 4.0, "unknown": 9.0}, "case_series")
    assert told[0][0] == "case_series"
    assert [points for _, points in told] == sorted((points for _, points in told), reverse=True)
    assert "unknown" not in dict(told)


def test_the_weights_answer_what_the_program_asks() -> None:
    assert weights().answers == ANSWERS
    assert set(ANSWERS) <= set(DESIGNS)


def test_labels_are_designs_of_the_rubric_each_record_once() -> None:
    with open(LABELS, encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    pmids = [int(row["pmid"]) for row in rows]
    assert pmids == sorted(set(pmids))
    assert {row["design"] for row in rows} <= set(DESIGNS)
    assert {row["second"] for row in rows} <= {"", *DESIGNS}
    assert {row["sure"] for row in rows} == {"0", "1"}
    assert {row["chosen"] for row in rows} == {"random", "unclear", "named"}
