"""Learned log-odds: of each answer to a question, a sum of weights over named features.

The weights are files of `grading/model`, made by commands under `benchmarks/`. Sums are rounded, and
made in one order however many articles are asked about, so that the same text gives the same anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Weights(NamedTuple):
    """Log-odds of each answer (in the order of `answers`) for one unit of each feature."""

    answers: tuple[str, ...]
    bias: npt.NDArray[np.float64]  # answers × 1
    rows: Mapping[str, int]  # feature -> its row of `table`
    table: npt.NDArray[np.float64]  # features × answers × 1

    def log_odds(self, asked: Iterable[Mapping[str, float]]) -> list[list[float]]:
        """Of each answer, up to a constant, for the features of each article; features without
        weights count nothing."""
        row_of = self.rows
        rows: list[int] = []
        columns: list[int] = []  # the number of the article
        values: list[float] = []
        count = 0
        for features in asked:
            for name, value in features.items():
                if (row := row_of.get(name)) is not None:
                    rows.append(row)
                    columns.append(count)
                    values.append(value)
            count += 1
        known = np.zeros((len(row_of), count))
        known[rows, columns] = values
        sums = np.repeat(self.bias, count, axis=1)
        for weight, amount in zip(self.table, known, strict=True):
            sums += weight * amount  # in this order, however many articles there are
        odds: list[list[float]] = sums.T.round(6).tolist()
        return odds


@cache
def weights(name: str) -> Weights:
    """Those of the file `name` of the package."""
    stored = json.loads((files("grading") / "model" / name).read_text("utf-8"))
    return Weights(
        answers=tuple(stored["answers"]),
        bias=np.array(stored["bias"])[:, None],
        rows={name: row for row, name in enumerate(stored["weights"])},
        table=np.array(list(stored["weights"].values()))[:, :, None],
    )
