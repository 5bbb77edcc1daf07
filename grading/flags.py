"""Flags: what a reader must be warned of."""

from __future__ import annotations

import msgspec

from grading.details.values import Details
from grading.evidence import Evidence
from grading.grades import Reason
from grading.levels import is_small
from grading.metadata import human_indexed
from grading.vocabulary import DESIGNS

PRECLINICAL = frozenset({"animal_study", "in_vitro_study", "in_silico_study"})
OUTSIDE = frozenset({"qualitative_study", "economic_evaluation", "modelling_study"})

_TARGETS = tuple((f, f"flag:{f}") for f in ("retracted", "withdrawn", "preprint", "interim"))


def flags(
    evidence: Evidence, design: str, details: Details, *, tags_disagree: bool = False
) -> tuple[tuple[str, ...], tuple[Reason, ...]]:
    """Sorted ids, and the reasons for those that rest on tags or text.

    Those that rest on other articles come later (`grading.warnings`).
    """
    article = evidence.article
    found: set[str] = set()
    reasons: list[Reason] = []
    for flag, target in _TARGETS:
        if evidence.has(target, 2.0):
            found.add(flag)
            reasons.append(evidence.of(target)[0].reason())
    if design == "protocol":
        found.add("no_results")
    if design in PRECLINICAL:
        found.add("preclinical")
    if design == "animal_study":
        found.add("animal_only")
    if design in OUTSIDE:
        found.add("outside_scheme")
    if not article.abstract:
        found.add("no_abstract")
    if (
        article.languages
        and "eng" not in article.languages
        and not _reads_english(article.abstract)
    ):
        found.add("not_english")
    if article.status is not None and not human_indexed(article):
        found.add("unreviewed_tags")
    if tags_disagree:
        found.add("tags_disagree")
        reasons += _other_types(evidence, design)
    if design.endswith("_trial") and is_small(details):
        found.add("small_sample")
    return tuple(sorted(found)), tuple(reasons)


def _other_types(evidence: Evidence, design: str) -> list[Reason]:
    """The publication type that speaks most for another design."""
    others = [
        hit
        for hit in evidence.hits
        if hit.kind == "publication_type" and hit.target in DESIGNS and hit.target != design
    ]
    strongest = max(others, key=lambda hit: hit.weight, default=None)
    if strongest is None:
        return []
    return [msgspec.structs.replace(strongest.reason(), speaks_for="tags_disagree")]


def _reads_english(text: str) -> bool:
    words = text.lower().split()
    return not words or sum(
        w in ("the", "of", "and", "in", "with", "was") for w in words
    ) > 0.05 * len(words)
