"""How rules and text model weigh together: learned log-odds of the eight coarse designs.

What speaks is the text alone: the model's log probabilities, the points of the rules for each
design, and the strongest points in each group of designs. The weights were fitted on out-of-fold
answers of the model for abstracts that people had labelled (`benchmarks/fit_combination.py`) and
held near plain addition, so that a design few of them showed keeps the weight its rules give it.
Tags are added afterwards, in their own log-odds: they were no part of the fit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

from grading import log_odds
from grading.log_odds import Weights
from grading.vocabulary import DESIGNS, REVIEWS

OTHERS: Final = "primary_research"

NOTICES: Final = ("erratum", "retraction_notice", "expression_of_concern")
# Documents that the text model does not know: rules decide alone.
BEYOND_MODEL: Final = (*NOTICES, "news", "biography", "historical_article", "book_chapter")

# The eight designs of the text model that hold other designs too, or only themselves.
_KINDS: Final = {
    "systematic_review": REVIEWS,
    "narrative_review": (
        "narrative_review",
        "editorial",
        "letter",
        "comment",
        "practice_guideline",
        "consensus_statement",
    ),
    "randomized_controlled_trial": ("randomized_controlled_trial", "n_of_1_trial"),
    "case_report": ("case_report",),
    "animal_study": ("animal_study",),
    "in_vitro_study": ("in_vitro_study",),
    "protocol": ("protocol",),
}
# Of each design the one of the eight that holds it; `OTHERS` all that are not told above.
GROUPS: Final[Mapping[str, str]] = dict.fromkeys(DESIGNS, OTHERS) | {
    design: group for group, designs in _KINDS.items() for design in designs
}
MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    group: tuple(design for design in DESIGNS if GROUPS[design] == group)
    for group in (*_KINDS, OTHERS)
}

_MODEL: Final = {group: f"model:{group}" for group in MEMBERS}
_POINTS: Final = {design: f"points:{design}" for design in DESIGNS}
_STRONGEST: Final = {design: f"group:{group}" for design, group in GROUPS.items()}

LEAST_PROBABILITY: Final = 1e-4
MOST_POINTS: Final = 8.0  # more of the same says nothing new


def features(probabilities: Mapping[str, float], points: Mapping[str, float]) -> dict[str, float]:
    """What the weights apply to, by name; a feature of value 0 is left out.

    `probabilities`: the text model's, by group. `points`: those of text signals, by design.
    """
    found = {
        _MODEL[group]: math.log(share if share > LEAST_PROBABILITY else LEAST_PROBABILITY)
        for group, share in probabilities.items()
    }
    strongest: dict[str, float] = {}
    for design, value in points.items():
        if value and (name := _POINTS.get(design)):
            found[name] = max(-MOST_POINTS, min(value, MOST_POINTS))
            group = _STRONGEST[design]
            if value > strongest.get(group, 0.0):
                strongest[group] = min(value, MOST_POINTS)
    found.update(strongest)
    return found


def weights() -> Weights:
    return log_odds.weights("combination.json")


def log_odds_many(
    asked: Iterable[tuple[Mapping[str, float], Mapping[str, float]]],
) -> list[list[float]]:
    """Of each group in the order of `weights().answers`, up to a constant, for each pair of what
    `features` takes."""
    return weights().log_odds(features(probabilities, points) for probabilities, points in asked)
