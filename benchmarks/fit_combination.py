"""Fit how rules and text model weigh together, and print how well that does.

    python -m benchmarks.fit_combination --oof DIR --out grading/model/combination.json

DIR holds `oof.jsonl`, the out-of-fold answers that `benchmarks.train_text_model --oof DIR` writes;
the abstracts are read from `labels/designs.jsonl.gz` of the data folder ($PUBGRADE_DATA, default
../shared/data). The printed figures are of five-fold cross-validation, on the records of
StudyTypeTeller, text only; the weights are fitted on all records whose label leaves few designs.
"""

from __future__ import annotations

import argparse
import json
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

from benchmarks.train_text_model import read_json_lines
from grading.article import Article
from grading.combination import MEMBERS, features
from grading.evidence import find
from grading.text import Text

GROUPS = tuple(MEMBERS)
PENALTY = 30.0  # on the squared distance from plain addition
MODEL_PRIOR, GROUP_PRIOR = 0.7, 0.5
OTHER_SETS = 0.3  # weight of a record whose label asked for other things than study types
FOLDS = 5


def rows(data: Path, oof: Path) -> list[dict[str, Any]]:
    """Features, possible groups and source of each labelled record."""
    found = []
    lines = read_json_lines(data / "labels" / "designs.jsonl.gz")
    with (oof / "oof.jsonl").open() as answers:
        for number, (line, answer) in enumerate(zip(lines, map(json.loads, answers), strict=True)):
            if not answer["possible"]:
                continue
            article = Article(
                pmid=int(line["pmid"] or 1),
                title=line["title"] or "",
                abstract=line["abstract"] or "",
            )
            found.append(
                {
                    "features": features(answer["probabilities"], find(Text(article)).text_weights),
                    "possible": [group in answer["possible"] for group in GROUPS],
                    "source": line["source"],
                    "fold": zlib.crc32(str(line["pmid"] or number).encode()) % FOLDS,
                }
            )
    return found


def fit(x: Any, possible: Any, weight: Any, prior: Any) -> Any:
    """Weights (features + 1 × groups) of greatest likelihood, held near `prior`."""

    def loss(flat: Any) -> tuple[float, Any]:
        matrix = flat.reshape(prior.shape)
        odds = x @ matrix
        odds -= odds.max(axis=1, keepdims=True)
        chance = np.exp(odds)
        chance /= chance.sum(axis=1, keepdims=True)
        allowed = (chance * possible).sum(axis=1)
        away = matrix - prior
        away[-1] = 0
        value = -(weight * np.log(allowed + 1e-12)).sum() + PENALTY * (away**2).sum()
        slope = weight[:, None] * (chance - chance * possible / (allowed[:, None] + 1e-12))
        return float(value), (x.T @ slope + 2 * PENALTY * away).ravel()

    found = minimize(loss, prior.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return found.x.reshape(prior.shape)


def chances(x: Any, matrix: Any) -> Any:
    odds = x @ matrix
    odds -= odds.max(axis=1, keepdims=True)
    chance = np.exp(odds)
    return chance / chance.sum(axis=1, keepdims=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("PUBGRADE_DATA", "../shared/data"))
    )
    parser.add_argument("--oof", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    given = rows(options.data, options.oof)
    names = sorted({name for row in given for name in row["features"]})
    x = np.ones((len(given), len(names) + 1))
    for number, row in enumerate(given):
        x[number, :-1] = [row["features"].get(name, 0.0) for name in names]
    possible = np.array([row["possible"] for row in given], dtype=float)
    teller = np.array([row["source"] == "studytypeteller" for row in given])
    weight = np.where(teller, 1.0, OTHER_SETS)
    prior = np.zeros((len(names) + 1, len(GROUPS)))
    for number, name in enumerate(names):
        kind, _, group = name.partition(":")
        if kind in ("model", "group"):
            prior[number, GROUPS.index(group)] = MODEL_PRIOR if kind == "model" else GROUP_PRIOR
    fold = np.array([row["fold"] for row in given])
    held = np.zeros_like(possible)
    for number in range(FOLDS):
        matrix = fit(x[fold != number], possible[fold != number], weight[fold != number], prior)
        held[fold == number] = chances(x[fold == number], matrix)
    best, sure = held.argmax(axis=1), held.max(axis=1)
    right = possible[np.arange(len(given)), best] > 0
    for source in sorted({row["source"] for row in given}):
        of = np.array([row["source"] == source for row in given])
        print(f"{source:24} n {of.sum():5}  accuracy {right[of].mean():.4f}")
    truth = possible[teller].argmax(axis=1)
    scores = []
    for number, group in enumerate(GROUPS):
        hit = ((best[teller] == number) & (truth == number)).sum()
        named = (best[teller] == number).sum() + (truth == number).sum()
        scores.append(2 * hit / named)
        print(f"  {group:28} n {(truth == number).sum():4}  F1 {scores[-1]:.3f}")
    bins = np.minimum((sure[teller] * 10).astype(int), 9)
    error = sum(
        abs(right[teller][bins == b].mean() - sure[teller][bins == b].mean()) * (bins == b).mean()
        for b in set(bins.tolist())
    )
    print(f"  macro-F1 {np.mean(scores):.4f}  expected calibration error {error:.3f}")
    if options.out:
        matrix = fit(x, possible, weight, prior).round(3)
        stored = {
            "groups": GROUPS,
            "bias": matrix[-1].tolist(),
            "weights": {name: matrix[number].tolist() for number, name in enumerate(names)},
        }
        body = json.dumps(stored, indent=None).replace('], "', '],\n"')
        options.out.write_text(body + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
