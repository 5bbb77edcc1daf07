"""Training the text model: from articles that people have labelled to one file of weights.

`tagged` reads labels off a record that a human indexed at NLM; other labels (a list of designs
that annotators gave) come as `Training` values of the caller's making. `train` fits in two stages:

1. *Tags*: one logistic head for each tag over hashed n-grams, on records with known tags.
2. *Designs*: a softmax over eight coarse designs, on the n-grams and the squashed tag scores. A
   label may be a set ("a review, systematic or not"): the likelihood is then the set's.

Features are chosen by how far their frequency under any tag departs from chance; design labels play
no part in the choice, so that cross-validated figures stay honest. Training needs scipy
(``pip install 'pubgrade[train]'``); the model it writes needs numpy alone. The same records in the
same order with the same seed give the same file.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from grading.article import Article
from grading.text_features import FEATURE_SPACE, feature_pairs
from grading.text_model import TextModel

from .errors import WorkerError

DESIGNS: Final = (
    "narrative_review", "systematic_review", "randomized_controlled_trial", "case_report",
    "animal_study", "in_vitro_study", "protocol", "primary_research",
)  # fmt: skip

_TYPES: Final[Mapping[str, frozenset[str]]] = {
    "randomized_controlled_trial": frozenset({"randomized controlled trial"}),
    "clinical_trial": frozenset({
        "clinical trial", "clinical trial, phase i", "clinical trial, phase ii",
        "clinical trial, phase iii", "clinical trial, phase iv", "controlled clinical trial",
        "randomized controlled trial", "pragmatic clinical trial", "adaptive clinical trial",
        "equivalence trial",
    }),
    "systematic_review": frozenset({"systematic review"}),
    "meta_analysis": frozenset({"meta-analysis", "network meta-analysis"}),
    "review": frozenset({"review", "systematic review", "scoping review"}),
    "case_report": frozenset({"case reports"}),
    "practice_guideline": frozenset({
        "practice guideline", "guideline", "consensus statement",
        "consensus development conference", "consensus development conference, nih",
    }),
    "editorial": frozenset({"editorial"}),
    "letter": frozenset({"letter"}),
    "comment": frozenset({"comment"}),
    "observational_study": frozenset({"observational study"}),
    "historical_article": frozenset({"historical article", "biography"}),
}  # fmt: skip
_HEADINGS: Final[Mapping[str, frozenset[str]]] = {
    "cohort_study": frozenset({
        "Cohort Studies", "Follow-Up Studies", "Longitudinal Studies", "Prospective Studies",
        "Retrospective Studies",
    }),
    "case_control_study": frozenset({"Case-Control Studies"}),
    "cross_sectional_study": frozenset({"Cross-Sectional Studies"}),
    "retrospective": frozenset({"Retrospective Studies"}),
    "prospective": frozenset({"Prospective Studies"}),
    "human": frozenset({"Humans"}),
    "in_vitro_study": frozenset({"In Vitro Techniques", "Cells, Cultured"}),
    "cell_line": frozenset({
        "Cell Line", "Cell Line, Tumor", "Cell Line, Transformed", "HeLa Cells", "HEK293 Cells",
    }),
    "genetic_association_study": frozenset({
        "Genome-Wide Association Study", "Genetic Association Studies",
        "Mendelian Randomization Analysis",
    }),
    "economic_evaluation": frozenset({
        "Cost-Benefit Analysis", "Costs and Cost Analysis", "Quality-Adjusted Life Years",
        "Cost-Effectiveness Analysis",
    }),
    "qualitative_study": frozenset({"Qualitative Research", "Focus Groups", "Interviews as Topic"}),
    "modelling_study": frozenset({
        "Models, Theoretical", "Computer Simulation", "Models, Biological", "Models, Statistical",
        "Monte Carlo Method",
    }),
    "blinded": frozenset({"Double-Blind Method", "Single-Blind Method"}),
    "survey": frozenset({"Surveys and Questionnaires", "Health Surveys", "Health Care Surveys"}),
    "diagnostic_accuracy_study": frozenset({
        "Sensitivity and Specificity", "ROC Curve", "Predictive Value of Tests",
        "Reproducibility of Results",
    }),
}  # fmt: skip
TAGS: Final = (*_TYPES, *_HEADINGS, "animal_study")

_SYSTEMATIC_REVIEW_SINCE: Final = 2019  # the year NLM began to give the type "Systematic Review"
_OBSERVATIONAL_STUDY_SINCE: Final = 2014
_HUMAN_METHODS: Final = (None, "Manual", "Curated")

_MINIMUM: Final = 50  # records; fewer make no model
_FEATURES: Final = 60_000
_TAG_PENALTY: Final = 3e-6
_DESIGN_PENALTY: Final = 1e-6
_MIXING_GAIN: Final = 0.3
_ITERATIONS: Final = 80
_FOLDS: Final = 5


class TrainingError(WorkerError):
    """No model can be trained: a library is missing or there are too few labels."""


@dataclass(frozen=True, slots=True)
class Training:
    """An article with what people said of it.

    `tags`: for each known tag (of `TAGS`), whether it holds; absent = not known. `designs`: the
    designs (of `DESIGNS`) it may be; empty = not known. Records of one `group` (the same article
    twice, or nearly) never stand on both sides of a cross-validation.
    """

    article: Article
    tags: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    designs: frozenset[str] = frozenset()
    group: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What was trained, and out-of-fold figures. Arrays follow the order of the records given."""

    records: int
    tagged: int
    designed: int
    features: int
    temperature: float
    design_accuracy: float | None  # of records with one known design, out of fold
    tag_scores: npt.NDArray[np.float64]  # out of fold, records × TAGS, log-odds
    design_scores: npt.NDArray[np.float64]  # out of fold, records × DESIGNS, calibrated log-odds


def tagged(article: Article) -> Training | None:
    """The labels that a human indexer gave a record; None where no human did, or it has no text.

    Trusted are records with Status MEDLINE and IndexingMethod absent, Manual or Curated, that have
    MeSH headings. A type that NLM introduced late is unknown, not absent, on older records.
    """
    if article.status != "MEDLINE" or article.indexing_method not in _HUMAN_METHODS:
        return None
    if not article.mesh or not (article.title or article.abstract):
        return None
    types = {kind.name.lower() for kind in article.publication_types}
    headings = {heading.name for heading in article.mesh}
    date = article.completed or article.published or ""
    year = int(date[:4]) if date[:4].isdigit() else 0
    tags = {tag: not types.isdisjoint(names) for tag, names in _TYPES.items()}
    tags |= {tag: not headings.isdisjoint(names) for tag, names in _HEADINGS.items()}
    tags["animal_study"] = "Animals" in headings and "Humans" not in headings
    tags["in_vitro_study"] |= "in vitro" in types
    if (
        not tags["systematic_review"]
        and (tags["review"] or tags["meta_analysis"])
        and year < _SYSTEMATIC_REVIEW_SINCE
    ):
        del tags["systematic_review"]
    if not tags["observational_study"] and year < _OBSERVATIONAL_STUDY_SINCE:
        del tags["observational_study"]
    group = str(article.pmid)
    return Training(article=article, tags=tags, designs=_designs(tags, article), group=group)


def _designs(tags: Mapping[str, bool], article: Article) -> frozenset[str]:
    """The designs that the tags leave possible; none where the text is a title only."""
    if not article.abstract or tags["letter"] or tags["historical_article"]:
        return frozenset()
    if tags.get("systematic_review") or tags["meta_analysis"]:
        return frozenset({"systematic_review"})
    for tag in ("randomized_controlled_trial", "case_report"):
        if tags[tag]:
            return frozenset({tag})
    if tags["review"]:
        late = "systematic_review" in tags
        return frozenset({"narrative_review"} | (set() if late else {"systematic_review"}))
    if tags["editorial"] or tags["comment"] or tags["practice_guideline"]:
        return frozenset({"narrative_review"})
    if tags["animal_study"]:
        cells = tags["in_vitro_study"] or tags["cell_line"]
        return frozenset({"animal_study"} | ({"in_vitro_study"} if cells else set()))
    if tags["human"] and (tags["in_vitro_study"] or tags["cell_line"]):
        return frozenset({"in_vitro_study", "primary_research"})
    return frozenset({"primary_research", "narrative_review"} if tags["human"] else ())


def summary(given: Sequence[Training], report: Report) -> dict[str, Any]:
    """The report in figures: accuracy, and precision, recall and F1 of each design and each tag.

    All out of fold. A tag counts as given where its probability is above one half.
    """
    tags, designs = _tag_matrix(given), _design_matrix(given)
    single = designs.sum(axis=1) == 1
    best = report.design_scores[single].argmax(axis=1)
    truth = designs[single].argmax(axis=1)
    of_designs = {
        design: _agreement(truth == number, best == number)
        for number, design in enumerate(DESIGNS)
        if (truth == number).any()
    }
    of_tags = {}
    for number, tag in enumerate(TAGS):
        known = ~np.isnan(tags[:, number])
        if (tags[known, number] == 1).any():
            of_tags[tag] = _agreement(
                tags[known, number] == 1, report.tag_scores[known, number] > 0
            )
    return {
        "records": report.records,
        "tagged": report.tagged,
        "designed": report.designed,
        "features": report.features,
        "design_accuracy": report.design_accuracy,
        "designs": of_designs,
        "tags": of_tags,
    }


def _agreement(truth: Any, found: Any) -> dict[str, float]:
    hits, there, named = int((truth & found).sum()), int(truth.sum()), int(found.sum())
    return {
        "records": there,
        "precision": round(hits / max(named, 1), 4),
        "recall": round(hits / max(there, 1), 4),
        "f1": round(2 * hits / max(there + named, 1), 4),
    }


def _scipy() -> tuple[Any, Any]:
    try:
        from scipy import sparse
        from scipy.optimize import minimize
    except ImportError as error:
        raise TrainingError(
            "training needs scipy, which is not installed: pip install 'pubgrade[train]'"
        ) from error
    return sparse, minimize


def train(records: Iterable[Training], out: Path, seed: int = 0) -> Report:
    """Fit the model, write it to the folder `out` (as `text.npz`), tell how well it does.

    The figures are of models that did not see the record. TrainingError: scipy is missing, or
    fewer than 50 records carry tags or designs.
    """
    sparse, _ = _scipy()
    given = list(records)
    tags = _tag_matrix(given)
    designs = _design_matrix(given)
    tag_rows = np.flatnonzero(~np.isnan(tags).all(axis=1))
    design_rows = np.flatnonzero(designs.any(axis=1))
    for rows, what in ((tag_rows, "tags that a human gave"), (design_rows, "a known design")):
        if len(rows) < _MINIMUM:
            raise TrainingError(
                f"only {len(rows)} records have {what}; at least {_MINIMUM} are needed: "
                "give more records with Status MEDLINE that were not indexed automatically"
            )
    counts = _counts(sparse, [item.article for item in given])
    chosen = _choose(counts, tags, tag_rows)
    plain = counts[:, chosen]
    frequency = np.asarray(plain.sum(axis=0)).ravel()
    inverse = np.sqrt(np.log1p(len(given) / np.maximum(frequency, 1)))
    squares = np.round(inverse**2 * 1e4).astype(np.int32)
    inverse = np.sqrt(squares / 1e4).astype(np.float32)
    length = np.sqrt(np.maximum(np.asarray(plain @ (squares / 1e4)).ravel(), 1e-4))
    scaled = (sparse.diags((1 / length).astype(np.float32)) @ plain @ sparse.diags(inverse)).tocsr()
    del counts, plain

    fold = np.array([_fold(item, number, seed) for number, item in enumerate(given)])
    tag_weights, tag_bias = _fit_tags(scaled[tag_rows], tags[tag_rows])
    tag_scores = (scaled @ tag_weights + tag_bias).astype(np.float64)
    held_tags = tag_scores.copy()
    for number in range(_FOLDS):
        learn = tag_rows[fold[tag_rows] != number]
        held = tag_rows[fold[tag_rows] == number]
        if len(learn) and len(held):
            weights, bias = _fit_tags(scaled[learn], tags[learn])
            held_tags[held] = scaled[held] @ weights + bias

    held_designs = np.zeros((len(given), len(DESIGNS)))
    other = np.setdiff1d(np.arange(len(given)), design_rows)
    for number in range(_FOLDS):
        learn = design_rows[fold[design_rows] != number]
        held = np.concatenate(
            (
                design_rows[fold[design_rows] == number],
                other[fold[other] == number],
            )
        )
        if len(learn) and len(held):
            weights, bias = _fit_designs(sparse, scaled[learn], held_tags[learn], designs[learn])
            held_designs[held] = _mixed(sparse, scaled[held], held_tags[held]) @ weights + bias
    single = design_rows[designs[design_rows].sum(axis=1) == 1]
    truth = designs[single].argmax(axis=1)
    temperature = _temperature(held_designs[single], truth)
    accuracy = float((held_designs[single].argmax(axis=1) == truth).mean()) if len(single) else None

    weights, bias = _fit_designs(
        sparse, scaled[design_rows], held_tags[design_rows], designs[design_rows]
    )
    size = len(chosen)
    model = _quantised(
        features=chosen,
        squares=squares,
        tag_weights=tag_weights * inverse[:, None],
        tag_bias=tag_bias,
        design_weights=weights[:size] * inverse[:, None] / temperature,
        design_bias=bias / temperature,
        mixing=weights[size:] * _MIXING_GAIN / temperature,
    )
    out.mkdir(parents=True, exist_ok=True)
    model.save(out / "text.npz")
    return Report(
        records=len(given),
        tagged=len(tag_rows),
        designed=len(design_rows),
        features=size,
        temperature=temperature,
        design_accuracy=accuracy,
        tag_scores=held_tags,
        design_scores=held_designs / temperature,
    )


def _fold(item: Training, number: int, seed: int) -> int:
    return zlib.crc32(f"{seed}:{item.group or number}".encode()) % _FOLDS


def _tag_matrix(given: Sequence[Training]) -> npt.NDArray[np.float32]:
    matrix = np.full((len(given), len(TAGS)), np.nan, dtype=np.float32)
    for row, item in enumerate(given):
        for tag, holds in item.tags.items():
            matrix[row, TAGS.index(tag)] = holds
    return matrix


def _design_matrix(given: Sequence[Training]) -> npt.NDArray[np.float32]:
    matrix = np.zeros((len(given), len(DESIGNS)), dtype=np.float32)
    for row, item in enumerate(given):
        for design in item.designs:
            matrix[row, DESIGNS.index(design)] = 1
    return matrix


def _counts(sparse: Any, articles: Sequence[Article]) -> Any:
    """Which feature is in which article: a sparse matrix of ones."""
    parts = []
    for first in range(0, len(articles), 500):
        batch = articles[first : first + 500]
        owner, feature = feature_pairs(batch)
        key = np.unique(owner * FEATURE_SPACE + feature)
        row, column = np.divmod(key, FEATURE_SPACE)
        starts = np.searchsorted(row, np.arange(len(batch) + 1))
        ones = np.ones(len(column), dtype=np.float32)
        parts.append(
            sparse.csr_matrix(
                (ones, column.astype(np.int32), starts), shape=(len(batch), FEATURE_SPACE)
            )
        )
    return sparse.vstack(parts).tocsr()


def _choose(counts: Any, tags: npt.NDArray[np.float32], rows: npt.NDArray[np.int64]) -> Any:
    """The features that depart furthest from chance under any tag (chi-squared), sorted."""
    total = np.asarray(counts.sum(axis=0)).ravel()
    least = 6 if len(rows) > 2000 else 2
    candidates = np.flatnonzero((total >= least) & (total < 0.98 * counts.shape[0]))
    by_feature = counts[rows][:, candidates].T.tocsr()
    best = np.zeros(len(candidates))
    for column in tags[rows].T:
        known = ~np.isnan(column)
        holds = column == 1
        share = holds.sum() / max(known.sum(), 1)
        seen = by_feature @ holds.astype(np.float32)
        expected = (by_feature @ known.astype(np.float32)) * share
        departure = (seen - expected) ** 2 / np.maximum(expected * (1 - share), 0.5)
        best = np.maximum(best, np.where(abs(seen - expected) > 2, departure, 0))
    order = np.argsort(-best, kind="stable")[:_FEATURES]
    return np.sort(candidates[order]).astype(np.uint32)


def _fit_tags(part: Any, tags: npt.NDArray[np.float32]) -> tuple[Any, Any]:
    """Independent logistic heads: weights (features × tags) and biases."""
    known = (~np.isnan(tags)).astype(np.float32)
    holds = np.nan_to_num(tags)
    rows = part.shape[0]

    def loss(scores: Any) -> tuple[float, Any]:
        value = (known * (np.logaddexp(0, scores) - holds * scores)).sum() / rows
        slope = known * (1 / (1 + np.exp(-np.clip(scores, -60, 60))) - holds) / rows
        return float(value), slope

    rate = np.clip((holds * known).sum(axis=0) / np.maximum(known.sum(axis=0), 1), 1e-4, 1 - 1e-4)
    bias = np.log(rate / (1 - rate))
    return _minimise(part, loss, bias, _TAG_PENALTY, _telling(part, holds, known))


def _fit_designs(
    sparse: Any, part: Any, tag_scores: Any, allowed: npt.NDArray[np.float32]
) -> tuple[Any, Any]:
    """A softmax whose labels are sets; rare designs weigh more, by the root of their rarity."""
    single = allowed.sum(axis=1) == 1
    frequency = np.maximum(allowed[single].sum(axis=0), 1)
    rarity = np.sqrt(frequency.mean() / frequency)
    weight = (allowed * rarity).sum(axis=1) / allowed.sum(axis=1)
    weight = (weight / weight.sum())[:, None].astype(np.float32)

    def loss(scores: Any) -> tuple[float, Any]:
        scores = scores - scores.max(axis=1, keepdims=True)
        chance = np.exp(scores)
        chance /= chance.sum(axis=1, keepdims=True)
        inside = (chance * allowed).sum(axis=1, keepdims=True) + 1e-30
        return float(-(weight * np.log(inside)).sum()), weight * chance * (1 - allowed / inside)

    holds = allowed[single]
    telling = _telling(part[single], holds, np.ones_like(holds)).max(axis=1)
    telling /= np.sqrt(np.mean(telling**2)) or 1.0
    scale = np.ones((part.shape[1] + tag_scores.shape[1], 1), dtype=np.float32)
    scale[: part.shape[1], 0] = telling
    mixed = _mixed(sparse, part, tag_scores)
    return _minimise(mixed, loss, np.zeros(allowed.shape[1]), _DESIGN_PENALTY, scale)


def _telling(
    part: Any, holds: npt.NDArray[np.float32], known: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """How far each feature's frequency where a head holds departs from that elsewhere.

    Absolute log-ratios (features × heads), damped where a feature is rare, mean square 1 for each
    head: what tells by itself may weigh more for the same penalty. Wang S, Manning CD. Baselines
    and bigrams. ACL 2012.
    """
    there = part.copy()
    there.data[:] = 1
    turned = there.T.tocsr()
    seen, total = turned @ (holds * known), turned @ known
    with_it, rows = (holds * known).sum(axis=0), known.sum(axis=0)
    share = with_it / np.maximum(rows, 1)
    inside = (seen + share) / (with_it + 1)
    outside = (total - seen + 1 - share) / (rows - with_it + 1)
    ratio = np.abs(np.log(np.maximum(inside, 1e-9) / np.maximum(outside, 1e-9)))
    ratio *= np.minimum(1, np.sqrt(total) / 4)
    ratio[:, (with_it == 0) | (with_it == rows)] = 1  # a head that nothing tells
    mean = np.sqrt((ratio**2).mean(axis=0))
    scaled: npt.NDArray[np.float32] = (ratio / np.where(mean > 0, mean, 1)).astype(np.float32)
    return scaled


def _minimise(part: Any, loss: Any, bias: Any, penalty: float, scale: Any) -> tuple[Any, Any]:
    """L-BFGS of a penalised linear model from zero weights; a weight is `scale` (features × heads,
    or × 1) times what the penalty sees."""
    _, minimize = _scipy()
    features, heads = part.shape[1], len(bias)
    turned = part.T.tocsr()
    split = features * heads

    def target(point: Any) -> tuple[float, Any]:
        free = point[:split].reshape(features, heads).astype(np.float32)
        value, slope = loss(part @ (free * scale) + point[split:].astype(np.float32))
        slope = slope.astype(np.float32)
        gradient = (turned @ slope) * scale + penalty * free
        value += 0.5 * penalty * float((free.astype(np.float64) ** 2).sum())
        return value, np.concatenate((gradient.ravel(), slope.sum(axis=0))).astype(np.float64)

    start = np.concatenate((np.zeros(split), bias))
    found = minimize(
        target, start, jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS, "maxcor": 6}
    ).x
    weights = found[:split].reshape(features, heads).astype(np.float32) * scale
    return weights, found[split:]


def _mixed(sparse: Any, part: Any, tag_scores: Any) -> Any:
    """The n-grams and, beside them, the squashed tag scores."""
    squashed = sparse.csr_matrix((np.tanh(tag_scores / 4) * _MIXING_GAIN).astype(np.float32))
    return sparse.hstack([part, squashed]).tocsr()


def _temperature(scores: Any, truth: Any) -> float:
    """What to divide scores by so that out-of-fold probabilities are as likely as can be."""

    def loss(temperature: float) -> float:
        cooled = scores / temperature
        cooled = cooled - cooled.max(axis=1, keepdims=True)
        chance = cooled - np.log(np.exp(cooled).sum(axis=1, keepdims=True))
        return float(-chance[np.arange(len(truth)), truth].mean())

    choices = np.round(np.geomspace(0.25, 4, 81), 4)
    return float(min(choices, key=loss)) if len(truth) else 1.0


def _quantised(
    *, features: Any, squares: Any, tag_weights: Any, tag_bias: Any, design_weights: Any,
    design_bias: Any, mixing: Any,
) -> TextModel:  # fmt: skip
    """The same model in whole numbers: each column in units of its own, 1/4,000 of its largest."""
    both = np.hstack((tag_weights, design_weights)).astype(np.float64)
    unit = np.maximum(np.abs(both).max(axis=0), 1e-9) / 4000
    return TextModel(
        features=features,
        squares=squares,
        weights=np.round(both / unit).astype(np.int16),
        tag_scale=unit[: len(TAGS)],
        tag_bias=np.asarray(tag_bias, dtype=np.float64),
        design_scale=unit[len(TAGS) :],
        design_bias=np.asarray(design_bias, dtype=np.float64),
        mixing=np.asarray(mixing, dtype=np.float64),
        tags=TAGS,
        designs=DESIGNS,
    )
