"""Measures of agreement: precision, recall, F1, bootstrap intervals, calibration, kappa."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

Pairs = Sequence[tuple[str, str]]  # truth, found


class Score(NamedTuple):
    precision: float
    recall: float
    f1: float


def score(pairs: Pairs, name: str) -> Score:
    """Precision, recall and F1 of one name; 0 where nothing was named or nothing is there."""
    right = sum(truth == found == name for truth, found in pairs)
    named = sum(found == name for _, found in pairs)
    there = sum(truth == name for truth, _ in pairs)
    return Score(
        right / named if named else 0.0,
        right / there if there else 0.0,
        2 * right / (named + there) if named + there else 0.0,
    )


def accuracy(pairs: Pairs) -> float:
    return sum(truth == found for truth, found in pairs) / len(pairs)


def macro_f1(pairs: Pairs) -> float:
    """Mean F1 of the names that the truth has."""
    names = {truth for truth, _ in pairs}
    return sum(score(pairs, name).f1 for name in names) / len(names)


def draws(pairs: Pairs, count: int = 200, seed: int = 1) -> list[list[tuple[str, str]]]:
    """Bootstrap samples of the same size, the same for the same seed."""
    chance = random.Random(seed)
    return [chance.choices(pairs, k=len(pairs)) for _ in range(count)]


def interval(values: Sequence[float], share: float = 0.95) -> tuple[float, float]:
    """The middle `share` of the values."""
    ordered = sorted(values)
    cut = int(len(ordered) * (1 - share) / 2)
    return ordered[cut], ordered[-1 - cut]


class Bin(NamedTuple):
    low: float
    records: int
    confidence: float  # mean
    right: float  # share


def calibration(answers: Sequence[tuple[float, bool]], bins: int = 10) -> tuple[list[Bin], float]:
    """Bins of equal width that hold anything, and the expected calibration error.

    `answers`: confidence between 0 and 1, and whether the answer was right. Guo C, et al. On
    calibration of modern neural networks. ICML 2017.
    """
    found, error = [], 0.0
    for place in range(bins):
        inside = [a for a in answers if min(int(a[0] * bins), bins - 1) == place]
        if inside:
            mean = sum(confidence for confidence, _ in inside) / len(inside)
            right = sum(ok for _, ok in inside) / len(inside)
            error += abs(mean - right) * len(inside) / len(answers)
            found.append(Bin(place / bins, len(inside), mean, right))
    return found, error


def kappa(pairs: Sequence[tuple[int, int]]) -> float:
    """Quadratic-weighted kappa (Cohen 1968) of two sets of whole numbers; 1 where both agree."""
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    observed = sum((a - b) ** 2 for a, b in pairs) / len(pairs)
    expected = sum((a - b) ** 2 for a in first for b in second) / len(pairs) ** 2
    return 1 - observed / expected if expected else 1.0
