"""Fitting learned log-odds (`grading.log_odds`): from features to the file of weights.

The fit is of greatest likelihood, held near a prior. Needs scipy (``pip install 'pubgrade[train]'``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

FOLDS = 5  # of cross-validation


def table_of(rows: Sequence[Mapping[str, float]]) -> tuple[list[str], Any]:
    """The names of all features, and the features (records × names + 1); the last is 1, for the
    bias."""
    names = sorted({name for row in rows for name in row})
    x = np.ones((len(rows), len(names) + 1))
    for number, row in enumerate(rows):
        x[number, :-1] = [row.get(name, 0.0) for name in names]
    return names, x


def fit(
    x: Any, possible: Any, weight: Any, prior: Any, penalty: Any, *, iterations: int = 200
) -> Any:
    """Weights (names + 1 × answers), held near `prior` by `penalty` on the squared distance (names
    + 1 × 1). `possible` (records × answers): the answers that would be right; `weight`: of records."""

    def loss(flat: Any) -> tuple[float, Any]:
        matrix = flat.reshape(prior.shape)
        chance = chances(x, matrix)
        allowed = (chance * possible).sum(axis=1)
        away = matrix - prior
        value = -(weight * np.log(allowed + 1e-12)).sum() + (penalty * away**2).sum()
        slope = weight[:, None] * (chance - chance * possible / (allowed[:, None] + 1e-12))
        return float(value), (x.T @ slope + 2 * penalty * away).ravel()

    options = {"maxiter": iterations}
    found = minimize(loss, prior.ravel(), jac=True, method="L-BFGS-B", options=options)
    return found.x.reshape(prior.shape)


def chances(x: Any, matrix: Any) -> Any:
    """How likely each answer is (records × answers)."""
    odds = x @ matrix
    odds -= odds.max(axis=1, keepdims=True)
    chance = np.exp(odds)
    return chance / chance.sum(axis=1, keepdims=True)


def write_weights(path: Path, answers: Sequence[str], names: Sequence[str], matrix: Any) -> None:
    """The file that `grading.log_odds.weights` reads."""
    rounded = matrix.round(3)
    stored = {
        "answers": answers,
        "bias": rounded[-1].tolist(),
        "weights": {name: rounded[number].tolist() for number, name in enumerate(names)},
    }
    body = json.dumps(stored, indent=None).replace('], "', '],\n"')
    path.write_text(body + "\n", encoding="utf-8")
