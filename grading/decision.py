"""The decision: all that speaks for each design, weighed into one design and a confidence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from grading import research
from grading.combination import (
    BEYOND_MODEL,
    GROUPS,
    LEAST_PROBABILITY,
    MEMBERS,
    NOTICES,
    OTHERS,
    log_odds_many,
    weights,
)
from grading.evidence import Evidence
from grading.grades import Reason
from grading.hits import Hit
from grading.metadata import human_indexed
from grading.research import research_odds_many
from grading.text_model import TextPrediction
from grading.vocabulary import DESIGNS

# (heir, parent, points the heir needs of its own): what speaks for the parent then speaks for the
# heir too. A meta-analysis shows every sign of the systematic review that it also is; a protocol
# shows every sign of the trial that it plans.
HEIRS: tuple[tuple[str, str, float], ...] = (
    ("meta_analysis", "systematic_review", 3.4),
    ("umbrella_review", "systematic_review", 6.0),
    ("umbrella_review", "meta_analysis", 6.0),
    ("scoping_review", "systematic_review", 6.0),
    ("protocol", "randomized_controlled_trial", 4.5),
    ("protocol", "systematic_review", 4.5),
    ("protocol", "meta_analysis", 4.5),
    ("protocol", "cohort_study", 4.5),
    ("n_of_1_trial", "randomized_controlled_trial", 5.0),
    ("case_control_study", "cohort_study", 7.0),
    ("genetic_association_study", "case_control_study", 3.5),
    ("case_report", "case_series", 4.0),
    ("case_series", "cohort_study", 4.5),
    ("practice_guideline", "consensus_statement", 5.5),
    ("consensus_statement", "practice_guideline", 5.5),
)

# Forms of publication, not designs: content with results of its own is graded by its content.
FORMS = ("letter", "editorial", "comment")

# NLM's indexers tag meta-analyses, and reviews that pool nothing too: where words tell by SOME_WORDS
# points that something was pooled, the text model's head for the tag adds to them, and never takes away.
# From POOLED_FROM on it would name the design alone: there, out of fold, about two in three of the
# records that people indexed had the tag.
POOLED = "meta_analysis"
POOLED_FROM = 0.37
SOME_WORDS = 1.5
EXPECTED_SHARE = 1.2  # points for one unit of log-odds
MOST_EXPECTED = 5.0  # however sure a head is: words that name another design outweigh it

TEMPERATURE = 2.2  # points per unit of log-odds, fitted on the development labels
LEANING = 0.3  # log-odds from which words that name no design are quoted for one
MARGIN = 2.0  # points a design needs before it is named at all
DOUBT = 0.35  # a named design less likely than this is not named
LEAST_SHARE = 0.4  # a design of primary research less likely than this among them is not named
# Nor is bench work, where the text model tells primary research.
BENCH = "in_vitro_study"
MOVED = 0.75
ENOUGH_RESULTS = 1.5  # points for "a study with results" that make it primary research

# High levels rest on words or tags that can be quoted: the text model alone never gives these.
QUOTED = ("systematic_review", "randomized_controlled_trial")
# An experiment that names no animal is one on plants, soil or matter: the model knows none of these.
NAMED_IN_TEXT = "animal_study"

# Words that tell of randomisation may be about another trial, or about one whose arms are not compared:
# the text model's head for the tag of randomised trials knows better than its eight designs, which few
# trials taught. Where the words are there, its log-odds above AGREED are added, up to MOST_AGREED.
AGREED = 0.3
MOST_AGREED = 3.0

# Publishers and indexes call reviews systematic whose abstracts report no search: where words tell of
# another review alone and no person gave it, the tag counts half (rubric, traps).
CALLED = "systematic_review"
CALLED_SHARE = 0.5
# A type of a high level that is not followed is told from this weight, which publishers' types have.
CLAIM = 1.5

# How sure the very design is, within its kind: points for one unit of log-odds, and how many more than
# its floor "none of those told" counts for. Fitted on the tags of people at NLM, text only: there, and
# with metadata, the calibration error is 0.05 (`benchmarks.grading`).
WITHIN_TEMPERATURE = 3.0
NONE_TOLD = -0.5
# Designs that are told by no more than their kind, where nothing tells another of it.
PLAIN = ("narrative_review", "randomized_controlled_trial")

_ENOUGH = math.log(POOLED_FROM / (1 - POOLED_FROM))
_AGREED = math.log(AGREED / (1 - AGREED))
_NO_CONTENT = frozenset({*FORMS, *NOTICES, "primary_research", "narrative_review"})
_FAMILIES = {
    design: {design, *(parent for heir, parent, _ in HEIRS if heir == design)}
    for design, _, _ in HEIRS
}
# Indexers tag phases and "Clinical Trial" on randomised trials as well: no evidence against one.
_ANY_TRIAL = frozenset({"single_arm_trial", "non_randomized_trial"})
# What a randomised trial is taken for: designs told by words that trials use too.
_LIKE_TRIALS = frozenset(
    {
        "cohort_study",
        "case_control_study",
        "case_series",
        "before_after_study",
        "single_arm_trial",
        "non_randomized_trial",
    }
)
_NOTHING = dict.fromkeys(DESIGNS, 0.0)
_NAMED = tuple(design for design in DESIGNS if design not in ("primary_research", "unclassified"))
# By group, and whether content decided over a form: the designs that text and tags together may name.
_OPEN = {
    (group, over_form): tuple(
        design
        for design in members
        if design not in (*BEYOND_MODEL, OTHERS, "unclassified", *(FORMS if over_form else ()))
    )
    for group, members in MEMBERS.items()
    for over_form in (False, True)
}


class Decision(NamedTuple):
    design: str
    confidence: float  # of its kind
    design_confidence: float
    scores: dict[str, float]
    form: str | None  # "letter", "editorial", "comment" when content decided instead
    tags_disagree: bool
    weighed: Reason | None = None  # what all that speaks within primary research comes to


def decide_many(
    evidence: Sequence[Evidence], models: Sequence[TextPrediction | None]
) -> list[Decision]:
    """Exactly one design for each, in order. `models`: what the text model says of each article,
    where it was asked."""
    odds = iter(
        log_odds_many(
            (model.probabilities, found.text_weights)
            for found, model in zip(evidence, models, strict=True)
            if model
        )
    )
    decided = [
        _decide(found, model, next(odds) if model else [])
        for found, model in zip(evidence, models, strict=True)
    ]
    within = iter(
        research_odds_many(
            (one.model, one.evidence.text_weights) for one in decided if isinstance(one, _Research)
        )
    )
    return [one.decision(next(within)) if isinstance(one, _Research) else one for one in decided]


class _Research(NamedTuple):
    """A study of none of the other seven kinds, whose design is yet to be told."""

    evidence: Evidence
    model: TextPrediction
    scores: dict[str, float]
    form: str | None
    chances: dict[str, float]  # of the kinds

    def decision(self, odds: list[float]) -> Decision:
        """`odds`: of `research_odds_many`."""
        answers = research.weights().answers
        tagged = self.evidence.tag_weights
        odds = [
            value + tagged.get(design, 0.0) for design, value in zip(answers, odds, strict=True)
        ]
        shares = dict(zip(answers, _shares(odds), strict=True))
        moved = shares[BENCH]
        if moved < MOVED:  # behind all others
            odds[answers.index(BENCH)] = min(odds)
            shares = dict(zip(answers, _shares(odds), strict=True))
        design = best = max(answers, key=shares.__getitem__)
        if shares[best] < LEAST_SHARE:
            design = OTHERS
        # Bench work is of its own kind, whatever the text model said of it.
        told = self.chances[OTHERS]
        confidence = self.chances[BENCH] + told * moved if design == BENCH else told
        within = confidence if design == BENCH else told * shares[design]
        weighed = None
        if confidence < DOUBT:
            design = "unclassified"
        elif design != OTHERS:
            weighed = _weighed_for(design, within)
        elif shares[best] < LEAST_SHARE:
            weighed = _none_weighed_for(shares)
        return _decision(self.evidence, design, confidence, within, self.scores, self.form, weighed)


def _shares(odds: Sequence[float]) -> list[float]:
    highest = max(odds)
    parts = [math.exp(value - highest) for value in odds]
    total = sum(parts)
    return [part / total for part in parts]


def _weighed_for(design: str, sure: float) -> Reason:
    return Reason(
        kind="model",
        value=f"all that title and abstract tell together gives this design {min(sure, 0.99):.0%}",
        speaks_for=design,
        weight=round(math.log(max(sure, 0.01) / max(1.0 - sure, 0.01)), 2),
        signal="research",
    )


def _none_weighed_for(shares: Mapping[str, float]) -> Reason:
    likely = [each for each in sorted(shares, key=lambda each: -shares[each])[:3] if each != OTHERS]
    told = " or ".join([f"{DESIGNS[each].label} ({shares[each]:.0%})" for each in likely[:2]])
    return Reason(
        kind="model",
        value=f"none is told well enough; nearest: {told}",
        speaks_for=OTHERS,
        weight=0.0,
        signal="research",
    )


def _decision(
    evidence: Evidence,
    design: str,
    confidence: float,
    design_confidence: float,
    scores: dict[str, float],
    form: str | None,
    weighed: Reason | None = None,
) -> Decision:
    """`form`: where content decided over it; else it is what tags or words name beside a content."""
    if form is None and design not in _NO_CONTENT:
        form = _form(scores)
    disagree = _tags_disagree(evidence, design)
    return Decision(design, confidence, design_confidence, scores, form, disagree, weighed)


def _decide(
    evidence: Evidence, model: TextPrediction | None, odds: list[float]
) -> Decision | _Research:
    """`odds`: of `log_odds_many`, where the model was asked."""
    own = _NOTHING.copy()
    for target, points in evidence.weights.items():
        if target in own:
            own[target] = points
    if model and evidence.text_weights.get(POOLED, 0.0) >= SOME_WORDS:
        own[POOLED] += expected_points(model.tags.get(POOLED, 0.0))
    scores = own.copy()
    for heir, parent, needed in HEIRS:
        if own[heir] >= needed and own[parent] > 0:
            scores[heir] += own[parent]
    if not _borne_out(evidence):
        for design in MEMBERS[CALLED]:
            scores[design] -= evidence.tag_weights.get(design, 0.0) * (1 - CALLED_SHARE)
    form = _content_over_form(scores)
    results = scores["primary_research"]
    named = _NAMED
    tagged = evidence.tag_weights
    if not evidence.article.abstract and max([tagged.get(form, 0.0) for form in FORMS]) >= MARGIN:
        # The title of a comment is that of the article it speaks of: tags alone tell more.
        named = tuple(name for name in _NAMED if tagged.get(name, 0.0) > 0)
    best = max(named, key=scores.__getitem__)
    if model and not (best in BEYOND_MODEL and scores[best] >= MARGIN):
        return _with_model(evidence, model, scores, odds, form)
    floor = _floor(scores)
    total = sum(
        math.exp(min(scores[name], 30.0) / TEMPERATURE) for name in _NAMED if scores[name] > 0
    )
    total += math.exp(floor / TEMPERATURE)
    confidence = math.exp(min(scores[best], 30.0) / TEMPERATURE) / total
    if scores[best] >= MARGIN and confidence >= DOUBT:
        return _decision(evidence, best, confidence, confidence, scores, form)
    doubt = max(0.0, 1.0 - confidence)
    unclear = results >= ENOUGH_RESULTS and evidence.article.abstract
    return Decision(OTHERS if unclear else "unclassified", doubt, doubt, scores, form, False)


def _with_model(
    evidence: Evidence,
    model: TextPrediction,
    scores: dict[str, float],
    odds: list[float],
    form: str | None,
) -> Decision | _Research:
    """Text and tags together choose one of the groups; in most of them `scores` choose the design."""
    groups, over_form = weights().answers, form is not None
    tagged = evidence.tag_weights
    if tagged.get("randomized_controlled_trial", 0.0) >= MARGIN:
        tagged = {design: points for design, points in tagged.items() if design not in _ANY_TRIAL}
    for group in {GROUPS[design] for design in tagged if design in DESIGNS}:
        points = max([tagged.get(design, 0.0) for design in _OPEN[group, over_form]])
        if group == CALLED and not _borne_out(evidence):
            points *= CALLED_SHARE
        odds[groups.index(group)] += points
    for number, group in enumerate(groups):
        odds[number] += evidence.weights.get(f"declared:{group}", 0.0)
    if evidence.has("randomised") and groups[odds.index(max(odds))] == OTHERS:
        rival = max(_OPEN[OTHERS, over_form], key=scores.__getitem__)
        if rival in _LIKE_TRIALS or scores[rival] < _floor(scores):
            odds[groups.index("randomized_controlled_trial")] += _agreement(
                model.tags.get("randomized_controlled_trial", 0.0)
            )
    for group in QUOTED:
        if max([scores[design] for design in MEMBERS[group]]) < MARGIN:
            odds[groups.index(group)] = -math.inf
    if scores[NAMED_IN_TEXT] <= 0:
        odds[groups.index(NAMED_IN_TEXT)] = -math.inf
    chances = dict(zip(groups, _shares(odds), strict=True))
    group = max(groups, key=chances.__getitem__)
    confidence = chances[group]
    if group == OTHERS:
        return _Research(evidence, model, scores, form, chances)
    design = max(_OPEN[group, over_form], key=scores.__getitem__)
    if scores[design] < _floor(scores):
        design = group
    if confidence < DOUBT:
        design = "unclassified"
    share = _share(design, _OPEN[group, over_form], scores) if design != "unclassified" else 1.0
    return _decision(evidence, design, confidence, confidence * share, scores, form)


def _borne_out(evidence: Evidence) -> bool:
    """Whether a person gave the tags, or words say that the article is a systematic review, or none
    says that it is another."""
    words = evidence.text_weights
    return (
        human_indexed(evidence.article)
        or words.get("narrative_review", 0.0) <= 0
        or any(words.get(design, 0.0) > 0 for design in MEMBERS[CALLED])
    )


def _agreement(probability: float) -> float:
    """Log-odds that the model's head for the tag adds where words tell of randomisation."""
    chance = min(max(probability, 1e-4), 1 - 1e-4)
    return max(0.0, min(math.log(chance / (1 - chance)) - _AGREED, MOST_AGREED))


def _share(design: str, rivals: Sequence[str], scores: dict[str, float]) -> float:
    """How likely the design is among those of its kind, if its kind is right."""
    if len(rivals) == 1:
        return 1.0
    told = {
        rival: math.exp(scores[rival] / WITHIN_TEMPERATURE) for rival in rivals if scores[rival] > 0
    }
    none = math.exp((_floor(scores) + NONE_TOLD) / WITHIN_TEMPERATURE)
    own = told.get(design, 0.0) + (none if design in PLAIN else 0.0)
    return own / (sum(told.values()) + none)


def _form(scores: dict[str, float]) -> str | None:
    """The form of publication that tags or words name, where one does."""
    form = max(FORMS, key=scores.__getitem__)
    return form if scores[form] >= MARGIN else None


def _floor(scores: dict[str, float]) -> float:
    """Points a design needs beside a study's results that tell none."""
    results = scores["primary_research"]
    return max(MARGIN, min(results, 3.0)) if results >= ENOUGH_RESULTS else MARGIN


def expected_points(probability: float) -> float:
    """What the text model's head for meta-analyses adds to the points of the rules."""
    if probability < 0.01:
        return 0.0
    chance = min(probability, 1 - 1e-4)
    points = MARGIN + EXPECTED_SHARE * (math.log(chance / (1 - chance)) - _ENOUGH)
    return max(0.0, min(points, MOST_EXPECTED))


def _content_over_form(scores: dict[str, float]) -> str | None:
    """A letter or editorial that reports a study's results is graded by its content (rubric)."""
    if (form := _form(scores)) is None:
        return None
    content = max(
        (design for design in scores if design not in _NO_CONTENT),
        key=scores.__getitem__,
    )
    if scores[content] >= 4.0 and (scores["primary_research"] >= 2.5 or content == "case_report"):
        for name in FORMS:
            scores[name] = min(scores[name], scores[content] - MARGIN)
        return form
    return None


def _tags_disagree(evidence: Evidence, design: str) -> bool:
    """A publication type names one design while the text named another; one of a high level that
    is not followed disagrees even where another type agrees (reviews carry "Review" as well)."""
    types = [
        hit for hit in evidence.hits if hit.kind == "publication_type" and hit.target in DESIGNS
    ]
    claimed = {GROUPS[hit.target] for hit in types if hit.weight >= CLAIM} & set(QUOTED)
    if claimed - {GROUPS[design]}:
        return True
    tagged = {hit.target for hit in types if hit.weight >= 2.0}
    return bool(tagged) and design not in tagged and not tagged & set(FORMS)


def model_points(design: str, model: dict[str, float]) -> float:
    """What the text model adds to the design's group, in log-odds above an even share."""
    group = GROUPS[design]
    learned = weights()
    share = learned.table[learned.rows[f"model:{group}"], learned.answers.index(group), 0]
    return float(share) * math.log(max(model.get(group, 0.0), LEAST_PROBABILITY) * len(model))


def design_reasons(evidence: Evidence, decision: Decision, limit: int = 8) -> list[Hit]:
    """The strongest hits for the design, then what spoke against it or for its nearest rival."""
    family = _FAMILIES.get(decision.design, {decision.design})
    hits = evidence.of(decision.design)
    if len(family) > 1:
        hits = [hit for hit in evidence.hits if hit.target in family]
    best: dict[str, Hit] = {}
    for hit in hits:
        if hit.signal not in best or abs(hit.weight) > abs(best[hit.signal].weight):
            best[hit.signal] = hit
    chosen = sorted(best.values(), key=lambda hit: -abs(hit.weight))[:limit]
    if decision.design in research.ANSWERS and sum([hit.weight for hit in chosen]) < MARGIN:
        chosen += _leaning(evidence, decision.design)
    scores = decision.scores
    rivals = [name for name, points in scores.items() if points >= MARGIN and name not in family]
    if rivals:
        rival = max(rivals, key=scores.__getitem__)
        against = sorted(evidence.of(rival), key=lambda hit: -hit.weight)
        chosen += [hit for hit in against[:2] if hit.weight > 0]
    return chosen


def _leaning(evidence: Evidence, design: str) -> list[Hit]:
    """Words that name no design, but that studies of this one use: the three that tell most."""
    found: list[Hit] = []
    for target, points in research.leanings(evidence.text_weights, design):
        if points < LEANING or len(found) == 3:
            break
        hits = [hit for hit in evidence.of(target) if hit.kind == "text" and hit.weight > 0]
        if hits and target != design:
            found.append(msgspec.structs.replace(hits[0], target=design, weight=points))
    return found
