"""Which design a study has, whether or not words name it: learned log-odds within primary research.

Most abstracts of observational studies, and of trials without randomisation, never say what they
are. What they did is told by much together: the points of all rules, for designs, attributes and
questions, and what the text model answers. The weights were fitted on abstracts that were read and
labelled by the rubric (`benchmarks/fit_research.py`), and held near plain addition of the rules' points,
so that words that do name a design keep their weight. Bench work is among the answers: the text
model knows it from psychiatry alone. Tags are added afterwards, in their own log-odds: they were no
part of the fit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from grading import log_odds
from grading.combination import BEYOND_MODEL, LEAST_PROBABILITY, MEMBERS, MOST_POINTS, OTHERS
from grading.log_odds import Weights
from grading.text_model import TextPrediction

ANSWERS: Final = (
    *(design for design in MEMBERS[OTHERS] if design not in (*BEYOND_MODEL, "unclassified")),
    "in_vitro_study",
)

_POINTS: Final = "points:"
_SHARE: Final = 0.5  # of a unit of log-odds: heads then count about as much as a rule


def features(prediction: TextPrediction, points: Mapping[str, float]) -> dict[str, float]:
    """What the weights apply to, by name. `points`: those of text signals, by what they speak for."""
    found = {_POINTS + target: value for target, value in _bounded(points).items()}
    for tag, chance in prediction.tags.items():
        found["head:" + tag] = _of_head(chance)
    for group, chance in prediction.probabilities.items():
        found["kind:" + group] = _of_kind(chance)
    return found


# Of the text model's probabilities there are ten thousand: they have four decimals.


@cache
def _of_head(chance: float) -> float:
    chance = min(max(chance, LEAST_PROBABILITY), 1 - LEAST_PROBABILITY)
    return _SHARE * math.log(chance / (1 - chance))


@cache
def _of_kind(chance: float) -> float:
    return _SHARE * math.log(max(chance, LEAST_PROBABILITY))


def weights() -> Weights:
    return log_odds.weights("research.json")


def research_odds_many(
    asked: Iterable[tuple[TextPrediction, Mapping[str, float]]],
) -> list[list[float]]:
    """Of each design in the order of `weights().answers`, up to a constant, for each pair of what
    `features` takes."""
    return weights().log_odds(features(prediction, points) for prediction, points in asked)


def leanings(points: Mapping[str, float], design: str) -> list[tuple[str, float]]:
    """What of `points` speaks for the design more than for the others, on average, the strongest first:
    (target, log-odds)."""
    learned = weights()
    column = learned.answers.index(design)
    found = []
    for target, value in _bounded(points).items():
        if (row := learned.rows.get(_POINTS + target)) is not None:
            of_all = learned.table[row, :, 0]
            found.append((target, round(value * float(of_all[column] - of_all.mean()), 2)))
    return sorted(found, key=lambda told: (-told[1], told[0]))


def _bounded(points: Mapping[str, float]) -> dict[str, float]:
    """Those that are not 0; more of the same says nothing new."""
    return {
        target: max(-MOST_POINTS, min(value, MOST_POINTS))
        for target, value in points.items()
        if value
    }
