"""Fit how rules and text model weigh together, and print how well that does.

    python -m benchmarks.fit_combination --oof DIR --out grading/model/combination.json

DIR holds `oof.jsonl` and `oof_xml.jsonl`, the out-of-fold answers that
`benchmarks.train_text_model --oof DIR` writes; the records are read from the data folder
($PUBGRADE_DATA, default ../shared/data). The printed figures are of five-fold cross-validation, on
the records of StudyTypeTeller, text only. The weights are fitted on all records whose label leaves
few designs, and on those that people at NLM indexed, which tell case reports from all others: few
annotators saw old case reports, or reports of two or three patients.
"""

from __future__ import annotations

import argparse
import json
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fitting import FOLDS, chances, fit, table_of, write_weights
from benchmarks.train_text_model import corpus, indexed_articles
from grading.article import Article
from grading.combination import MEMBERS, features
from grading.evidence import find_many
from grading.grader import AT_ONCE, SHORTEST_TEXT
from grading.text import Text
from worker.training import Training

GROUPS = tuple(MEMBERS)
PENALTY = 30.0  # on the squared distance from plain addition
MODEL_PRIOR, GROUP_PRIOR = 0.7, 0.5
OTHER_SETS = 0.3  # weight of a record whose label asked for other things than study types
INDEXED = 0.1  # weight of a record that an indexer told to be a case report or not


def possible_groups(item: Training, *, labelled: bool) -> tuple[str, ...]:
    """What the label leaves possible; empty where it says nothing of use here."""
    if labelled:
        return tuple(item.designs)
    told = item.tags.get("case_report")
    if told is None or len(item.article.abstract) < SHORTEST_TEXT:
        return ()
    if not told:
        return tuple(group for group in GROUPS if group != "case_report")
    # A review with cases, and patients tagged beside animals, are no case reports.
    mixed = any(item.tags.get(tag) for tag in ("review", "letter", "animal_study"))
    return () if mixed else ("case_report",)


def rows(data: Path, oof: Path) -> list[dict[str, Any]]:
    """Features, possible groups and source of each record whose label says something."""
    given = corpus(data, indexed_articles(data))
    count = len(given.labelled)
    answers = [
        json.loads(line)
        for name in ("oof.jsonl", "oof_xml.jsonl")
        for line in (oof / name).read_text(encoding="utf-8").splitlines()
    ]
    chosen = [
        (item, answer, possible, given.labelled[number]["source"] if number < count else "indexed")
        for number, (item, answer) in enumerate(zip(given.records, answers, strict=True))
        if (possible := possible_groups(item, labelled=number < count))
    ]
    found = []
    for first in range(0, len(chosen), AT_ONCE):
        part = chosen[first : first + AT_ONCE]
        evidence = find_many([Text(_plain(item.article)) for item, _, _, _ in part])
        for number, ((item, answer, possible, source), one) in enumerate(
            zip(part, evidence, strict=True), first
        ):
            found.append(
                {
                    "features": features(answer["probabilities"], one.text_weights),
                    "possible": [group in possible for group in GROUPS],
                    "source": source,
                    "fold": zlib.crc32(str(item.article.pmid or number).encode()) % FOLDS,
                }
            )
    return found


def _plain(article: Article) -> Article:
    return Article(pmid=article.pmid or 1, title=article.title, abstract=article.abstract)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("PUBGRADE_DATA", "../shared/data"))
    )
    parser.add_argument("--oof", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    given = rows(options.data, options.oof)
    names, x = table_of([row["features"] for row in given])
    possible = np.array([row["possible"] for row in given], dtype=float)
    teller = np.array([row["source"] == "studytypeteller" for row in given])
    indexed = np.array([row["source"] == "indexed" for row in given])
    weight = np.select([teller, indexed], [1.0, INDEXED], OTHER_SETS)
    prior = np.zeros((len(names) + 1, len(GROUPS)))
    for number, name in enumerate(names):
        kind, _, group = name.partition(":")
        if kind in ("model", "group"):
            prior[number, GROUPS.index(group)] = MODEL_PRIOR if kind == "model" else GROUP_PRIOR
    penalty = np.full((len(prior), 1), PENALTY)
    penalty[-1] = 0.0  # the bias is free
    fold = np.array([row["fold"] for row in given])
    held = np.zeros_like(possible)
    for number in range(FOLDS):
        of = fold != number
        matrix = fit(x[of], possible[of], weight[of], prior, penalty)
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
        write_weights(options.out, GROUPS, names, fit(x, possible, weight, prior, penalty))


if __name__ == "__main__":
    main()
