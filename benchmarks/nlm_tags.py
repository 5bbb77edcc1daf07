"""Which of our designs answers which tag of an NLM indexer, and which records may be asked.

Truth is a tag that a human assigned: Status MEDLINE and IndexingMethod absent, Manual or Curated.
Even those miss and err (micro-F1 0.91 against a re-labelling), so a figure against them is no figure
against the truth. `OTHERS` are the F1 of MultiTagger 2 (PubMedBERT), measured on other records.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from grading import Article, Grade
from worker.training import tagged

_REVIEWS = ("systematic_review", "meta_analysis", "umbrella_review")
_COHORT_SIGNS = {"prospective", "retrospective", "longitudinal"}
_SINCE_SYSTEMATIC = 2019  # before, "Review" was the tag of systematic reviews too


class Tag(NamedTuple):
    name: str
    how: str  # in words: what counts as our answer
    ours: Callable[[Grade, Article], bool]
    other: float | None  # MultiTagger 2's F1


def _late(article: Article) -> bool:
    return (article.completed or article.published or "0")[:4] >= str(_SINCE_SYSTEMATIC)


TAGS = (
    Tag(
        "randomized_controlled_trial",
        "design randomised controlled trial or n-of-1",
        lambda g, _: g.design in ("randomized_controlled_trial", "n_of_1_trial"),
        0.664,
    ),
    Tag(
        "systematic_review",
        "design systematic review, meta-analysis or umbrella review",
        lambda g, _: g.design in _REVIEWS,
        0.921,
    ),
    Tag("meta_analysis", "design meta-analysis", lambda g, _: g.design == "meta_analysis", 0.854),
    Tag(
        "cohort_study",
        "design cohort, or attribute prospective, retrospective or longitudinal (the headings below "
        "Cohort Studies count as the tag)",
        lambda g, _: g.design == "cohort_study" or bool(_COHORT_SIGNS & set(g.attributes)),
        0.565,
    ),
    Tag(
        "case_control_study",
        "design case–control",
        lambda g, _: g.design == "case_control_study",
        0.628,
    ),
    Tag(
        "cross_sectional_study",
        "design cross-sectional",
        lambda g, _: g.design == "cross_sectional_study",
        0.754,
    ),
    Tag("case_report", "design case report", lambda g, _: g.design == "case_report", 0.775),
    Tag(
        "review",
        "design narrative or scoping review; before 2019 also the systematic ones",
        lambda g, a: (
            g.design in ("narrative_review", "scoping_review")
            or (g.design in _REVIEWS and not _late(a))
        ),
        0.708,
    ),
    Tag(
        "practice_guideline",
        "design guideline or consensus statement (tags Guideline and Consensus … too)",
        lambda g, _: g.design in ("practice_guideline", "consensus_statement"),
        None,
    ),
    Tag("protocol", "design protocol", lambda g, _: g.design == "protocol", None),
)


# Designs within a kind that NLM's indexers tag by the same name. Not genetic association and modelling
# studies: their headings are younger than most records, or wider than the design.
FINE = (
    "systematic_review", "meta_analysis", "cohort_study", "case_control_study", "cross_sectional_study",
    "diagnostic_accuracy_study", "economic_evaluation", "qualitative_study",
)  # fmt: skip


def very_design(article: Article, grade: Grade) -> bool | None:
    """Whether the tag of the very design was given; None where it cannot be told."""
    item = tagged(article)
    if item is None or grade.design not in FINE or grade.design not in item.tags:
        return None
    if grade.design == "systematic_review" and item.tags["meta_analysis"]:
        return False
    return item.tags[grade.design]


def human_tags(article: Article) -> dict[str, bool] | None:
    """Whether each tag of `TAGS` holds, those unknown left out; None where no human indexed."""
    item = tagged(article)
    if item is None or not article.abstract:
        return None
    found = dict(item.tags)
    types = {kind.name.lower() for kind in article.publication_types}
    found["protocol"] = "clinical trial protocol" in types
    return {tag.name: found[tag.name] for tag in TAGS if tag.name in found}
