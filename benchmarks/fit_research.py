"""Fit which design a study of primary research has, and print how well that does.

    python -m benchmarks.fit_research --oof DIR [--out grading/model/research.json]

Taught by three sets, text only:

* `benchmarks/research_designs.tsv`: PMID, design, another design that would do, whether the reader was
  sure, and how the record was chosen ("random", or by what an earlier grader said of it: "unclear" or
  "named"). Language models gave these labels, each from title and abstract alone, by the rubric and
  before they saw a grade. The texts are read from the data folder ($PUBGRADE_DATA, default
  ../shared/data);
* records that an indexer at NLM gave the tag of just one of `TAGGED`, with the out-of-fold answers
  that `benchmarks.train_text_model --oof DIR` wrote;
* the records invented for the tests (`tests/grading/*.toml`), which hold the designs that real records
  seldom have.

The printed figures are of five-fold cross-validation over all steps of the decision.
"""

from __future__ import annotations

import argparse
import csv
import json
import tomllib
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np

from benchmarks.fitting import FOLDS, fit, table_of, write_weights
from benchmarks.labelled import data_folder, find_articles, text_only
from benchmarks.train_text_model import corpus, indexed_articles
from grading import Article, grade_many, research
from grading.combination import GROUPS, OTHERS
from grading.evidence import find_many
from grading.grader import AT_ONCE, SHORTEST_TEXT
from grading.log_odds import Weights
from grading.research import ANSWERS, features
from grading.text import Text
from grading.text_model import TextPrediction, predict_many

LABELS = Path(__file__).with_name("research_designs.tsv")
INVENTED = Path(__file__).parents[1] / "tests" / "grading"
TAGGED = (
    "case_control_study",
    "cross_sectional_study",
    "economic_evaluation",
    "qualitative_study",
)
GENETIC = "genetic_association_study"

# Plain addition, near which the weights are held: the points of the rules for a design, and the text
# model's head for its tag, speak for it.
POINTS_PRIOR, HEAD_PRIOR = 1.2, 0.6
POINTS_PENALTY, PENALTY = 100.0, 3.0  # on the squared distance: of points for designs, of all else
HEADS = {"single_arm_trial": "clinical_trial"}  # where the head has another name
ITERATIONS = 300
WORDED = 2.0  # points that tell a design

# Weights of one record.
UNSURE = 0.5  # of a label that its reader doubted
INDEXED_WEIGHT = 0.5
INVENTED_WEIGHT = 4.0


class Taught(NamedTuple):
    """One record, and what it is."""

    article: Article
    prediction: TextPrediction
    designs: tuple[str, ...]  # the right one first, then another that would do
    weight: float
    source: str

    @property
    def fold(self) -> int:
        return zlib.crc32(self.article.title.encode()) % FOLDS

    def answer(self, row: dict[str, float]) -> str | None:
        """What the weights shall answer: of two designs that would do the one that words tell;
        None for a design of another kind. `row`: the features."""
        if self.source == "indexed" and row.get(f"points:{GENETIC}", 0.0) >= WORDED:
            return GENETIC  # whatever its tags (rubric)
        possible = [design for design in self.designs if design in ANSWERS]
        told = [design for design in possible if row.get(f"points:{design}", 0.0) >= WORDED]
        return next(iter(told or possible), None)


def labelled(data: Path) -> list[Taught]:
    with open(LABELS, encoding="utf-8", newline="") as lines:
        rows = {int(row["pmid"]): row for row in csv.DictReader(lines, delimiter="\t")}
    records = data / "records"
    files = [records / "nlm" / "update_file.xml.gz", *sorted((records / "other").glob("abs*"))]
    articles = [text_only(article) for article in find_articles(files, set(rows)).values()]
    found = []
    for article, prediction in zip(articles, predict_many(articles), strict=True):
        row = rows[article.pmid]
        designs = tuple(filter(None, (row["design"], row["second"])))
        weight = 1.0 if row["sure"] == "1" else UNSURE
        found.append(Taught(article, prediction, designs, weight, row["chosen"]))
    return found


def indexed(data: Path, oof: Path) -> list[Taught]:
    given = corpus(data, indexed_articles(data))
    found = []
    with open(oof / "oof_xml.jsonl", encoding="utf-8") as lines:
        for item, line in zip(given.records[len(given.labelled) :], lines, strict=True):
            answer = json.loads(line)
            prediction = TextPrediction(probabilities=answer["probabilities"], tags=answer["tags"])
            designs = tuple(design for design in TAGGED if item.tags.get(design))
            long = len(item.article.abstract) >= SHORTEST_TEXT
            if len(designs) == 1 and long and prediction.design == OTHERS:
                article = text_only(item.article)
                found.append(Taught(article, prediction, designs, INDEXED_WEIGHT, "indexed"))
    return found


def invented() -> list[Taught]:
    cases = [
        case
        for path in sorted(INVENTED.glob("*.toml"))
        for case in tomllib.loads(path.read_text("utf-8"))["case"]
        if case["design"] in ANSWERS
        and len(case["abstract"]) >= SHORTEST_TEXT
        and not case.get("tags")
    ]
    articles = [Article(pmid=1, title=case["title"], abstract=case["abstract"]) for case in cases]
    return [
        Taught(article, prediction, (case["design"],), INVENTED_WEIGHT, "invented")
        for case, article, prediction in zip(cases, articles, predict_many(articles), strict=True)
    ]


def features_of(given: Sequence[Taught]) -> list[dict[str, float]]:
    found = []
    for first in range(0, len(given), AT_ONCE):
        part = given[first : first + AT_ONCE]
        evidence = find_many([Text(one.article) for one in part])
        found += [
            features(one.prediction, told.text_weights)
            for one, told in zip(part, evidence, strict=True)
        ]
    return found


def prior_of(names: Sequence[str]) -> tuple[Any, Any]:
    """Plain addition (features + 1 × answers), and the penalties of each row; none for the last, the
    bias."""
    prior = np.zeros((len(names) + 1, len(ANSWERS)))
    penalty = np.full((len(names) + 1, 1), PENALTY)
    penalty[-1] = 0.0
    for row, name in enumerate(names):
        kind, _, told = name.partition(":")
        if kind == "points" and told in ANSWERS:
            penalty[row] = POINTS_PENALTY
        for column, design in enumerate(ANSWERS):
            if told == (HEADS.get(design, design) if kind == "head" else design):
                prior[row, column] = POINTS_PRIOR if kind == "points" else HEAD_PRIOR
    return prior, penalty


class Found(NamedTuple):
    design: str
    confidence: float  # of the design


def graded(names: Sequence[str], matrix: Any, given: Sequence[Taught]) -> list[Found]:
    """By all steps of the decision, with these weights."""
    rows = {name: row for row, name in enumerate(names)}
    weights = Weights(ANSWERS, matrix[-1][:, None], rows, matrix[:-1][:, :, None])
    with patch.object(research, "weights", lambda: weights):
        return [
            Found(grade.design, grade.design_confidence or 0.0)
            for first in range(0, len(given), AT_ONCE)
            for grade in grade_many([one.article for one in given[first : first + AT_ONCE]])
        ]


def print_scores(given: Sequence[Taught], found: Sequence[Found]) -> None:
    """`exact`: the design of the label; `acceptable`: that or the other that would do; `kind`: of
    the eight coarse designs."""
    pairs = list(zip(given, found, strict=True))
    for source in sorted({one.source for one in given}):
        of = [(one.designs, told.design) for one, told in pairs if one.source == source]
        exact = np.mean([design == designs[0] for designs, design in of])
        near = np.mean([design in designs for designs, design in of])
        kind = np.mean([GROUPS[design] in {GROUPS[d] for d in designs} for designs, design in of])
        unclear = np.mean([design == OTHERS for _, design in of])
        print(
            f"{source:9} n {len(of):5}  exact {exact:.3f}  acceptable {near:.3f}  kind {kind:.3f}"
            f"  called unclear {unclear:.3f}"
        )
    print("of those drawn at random: design_confidence from, records, mean, exact, acceptable")
    for low in range(10):
        part = [
            (one.designs, told)
            for one, told in pairs
            if one.source == "random" and min(int(told.confidence * 10), 9) == low
        ]
        if part:
            mean = np.mean([told.confidence for _, told in part])
            exact = np.mean([told.design == designs[0] for designs, told in part])
            near = np.mean([told.design in designs for designs, told in part])
            print(f"  {low / 10:.1f} {len(part):5} {mean:.2f} {exact:.2f} {near:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--oof", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    data = data_folder()
    given = [*labelled(data), *invented(), *indexed(data, options.oof)]
    rows = features_of(given)
    names, x = table_of(rows)
    answers = [one.answer(row) for one, row in zip(given, rows, strict=True)]
    # Of another kind, but taken for primary research: better called unclear.
    taken = [one.prediction.design == OTHERS for one in given]
    taught = np.array([bool(a) or t for a, t in zip(answers, taken, strict=True)])
    answer = np.zeros((len(given), len(ANSWERS)))
    for number, design in enumerate(answers):
        answer[number, ANSWERS.index(design or OTHERS)] = 1.0
    weight = np.array([one.weight for one in given])
    prior, penalty = prior_of(names)
    fold = np.array([one.fold for one in given])
    held: dict[int, Found] = {}
    for number in range(FOLDS):
        of = taught & (fold != number)
        matrix = fit(x[of], answer[of], weight[of], prior, penalty, iterations=ITERATIONS)
        asked = [each for each in np.flatnonzero(fold == number) if given[each].source != "indexed"]
        held.update(zip(asked, graded(names, matrix, [given[each] for each in asked]), strict=True))
    print_scores([given[each] for each in held], list(held.values()))
    if options.out:
        matrix = fit(
            x[taught], answer[taught], weight[taught], prior, penalty, iterations=ITERATIONS
        )
        write_weights(options.out, ANSWERS, names, matrix)


if __name__ == "__main__":
    main()
