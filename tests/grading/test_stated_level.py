"""The level that an abstract states of itself, in the forms that journals print."""

from __future__ import annotations

import time

import pytest

from grading import Article
from grading.article import Section
from grading.grades import StatedLevel
from grading.stated_level import stated_level
from grading.text import Text

BEFORE = "RESULTS: Pain was lower in both groups a year after surgery than it was before surgery.\n"


def read(line: str) -> StatedLevel | None:
    text = BEFORE + line
    found = stated_level(Text(Article(pmid=1, title="Velotril for gout", abstract=text)))
    if found is not None:
        assert text[found.start : found.end] == found.text
    return found


@pytest.mark.parametrize(
    ("line", "level", "scheme"),
    [
        ("LEVEL OF EVIDENCE: III.", "III", None),
        ("Level of Evidence:  2.", "2", None),
        ("Level of Evidence: 2b", "2b", None),
        ("Level of evidence IV, case series.", "IV", None),
        ("LEVEL OF EVIDENCE: Therapeutic, III.", "III", None),
        ("LEVEL OF EVIDENCE: Level III-prognostic study.", "III", None),
        ("TYPE OF STUDY/LEVEL OF EVIDENCE: Therapeutic IV.", "IV", None),
        ("Level of Evidence: Therapy, level 1a.", "1a", None),
        ("Level of Evidence Prognosis, level 2c.", "2c", None),
        ("LEVELS OF EVIDENCE: 2c - Outcomes Research.", "2c", None),
        ("LOE: IV", "IV", None),
        ("Therapeutic Level III.", "III", None),
        ("Level III evidence.", "III", None),
        ("Evidence level: 1++.", "1++", None),
        ("Level of evidence: 1 (Oxford Centre for Evidence-Based Medicine).", "1", "OCEBM"),
        ("NHMRC level of evidence: III-2.", "III-2", "NHMRC"),
        ("SIGN level of evidence 1+.", "1+", "SIGN"),
        ("EBM level 3.", "3", None),
        ("Evidence-based medicine rating: II.", "II", None),
        ("OCEBM level 3.", "3", "OCEBM"),
        ("Level of evidence according to the Oxford Centre for EBM: 4.", "4", "OCEBM"),
        ("LEVEL OF EVIDENCE: Level-III.", "III", None),
        ("LEVEL OF EVIDENCE: Prognostic and Epidemiological; Level III.", "III", None),
        ("LEVEL OF EVIDENCE: Economic and Decision Analysis, Level II.", "II", None),
        ("Therapeutic/Care Management; Level IV.", "IV", None),
        ("Prognostic/epidemiologic study, level III.", "III", None),
        ("Niveau de preuve\u00a0: IV, étude rétrospective.", "IV", None),
        ("Nivel de evidencia: IV.", "IV", None),
        ("Evidenzgrad: III.", "III", None),
        ("EVIDENCE LEVEL: 3 TECHNICAL EFFICACY: Stage 2.", "3", "JMRI"),
        ("This study provides Class II evidence that velotril helps.", "II", "AAN"),
        (
            "Level of Evidence: Level IV. See Instructions for Authors for a complete description.",
            "IV",
            "JBJS",
        ),
    ],
)
def test_read(line: str, level: str, scheme: str | None) -> None:
    found = read(line)
    assert found is not None
    assert (found.level, found.scheme) == (level, scheme)


def test_a_section_whose_text_is_only_a_number() -> None:
    label, text = "LEVEL OF EVIDENCE", "2."
    abstract = f"{BEFORE}{label}: {text}"
    sections = (
        Section(label="RESULTS", text=BEFORE[9:-1], start=0, end=len(BEFORE) - 1),
        Section(label=label, text=text, start=len(BEFORE), end=len(abstract)),
    )
    found = stated_level(Text(Article(pmid=1, abstract=abstract, sections=sections)))
    assert found is not None
    assert found.level == "2"


def test_after_the_study_design() -> None:
    text = f"STUDY DESIGN: Cohort study; Level of evidence, 3.\nMETHODS: We asked.\n{BEFORE}"
    found = stated_level(Text(Article(pmid=1, abstract=text)))
    assert found is not None
    assert found.level == "3"


@pytest.mark.parametrize(
    "line",
    [
        "Level of evidence: N/A.",
        "The level of evidence was low.",
        "Most of the included studies were level IV evidence.",
        "Grade A recommendation, level of evidence 1.",
        "Strength of recommendation: B.",
        "She came to a level 1 trauma centre.",
        "It worked (evidence level IIb). It did not cost more (evidence level IV).",
    ],
)
def test_not_of_itself(line: str) -> None:
    assert read(line) is None


@pytest.mark.parametrize(
    "line",
    [
        "Although no level I or level II evidence exists, velotril helps.",
        "There is level II evidence of pain relief, and it may last.",
        "Two trials are expected to provide prospective, level I evidence on velotril.",
        "Self-sampling helps (level I evidence). It does not cost more.",
        "Twelve (14%) received level 3 treatment.",
        "Level 3 risk areas had the largest growth.",
        "We provide class III evidentiary treatment guidelines.",
    ],
)
def test_a_level_of_other_evidence(line: str) -> None:
    assert read(line) is None


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("Level III Retrospective Cohort analysis.", "III"),
        ("Level IV, Therapeutic Study.", "IV"),
        ("Level I: Evidence obtained from a randomised trial.", "I"),
        ("Level 4 Evidence.", "4"),
    ],
)
def test_a_level_first(line: str, level: str) -> None:
    found = read(line)
    assert found is not None
    assert found.level == level


def test_blanks_after_the_heading_cost_no_time() -> None:
    """Each of them could once stand in three parts of the pattern."""
    started = time.process_time()
    assert read("Level of evidence" + " " * 2_000 + "was not rated.") is None
    assert time.process_time() - started < 1
