"""`grade`: the one function that the other floors call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from grading.article import Article, Correction
from grading.attributes import attributes
from grading.combination import GROUPS
from grading.decision import Decision, decide_many, design_reasons, model_points
from grading.details import Details, own_details, read_details_many, unfit_details
from grading.evidence import Evidence, find_many
from grading.flags import flags
from grading.grades import Grade, Reason
from grading.levels import levels
from grading.questions import question
from grading.stated_level import stated_level
from grading.text import Text
from grading.text_model import Predictor, TextPrediction, shipped_model
from grading.vocabulary import DESIGNS
from grading.warnings import warned

GRADER_VERSION = "1"  # raise it when the same article gives another grade
AT_ONCE = 512  # articles that go through each step together
SHORTEST_TEXT = 200  # characters of abstract below which the text model is not asked (ours)


def grade(article: Article, *, notices: tuple[Correction, ...] = ()) -> Grade:
    """Grade one article. Pure: the same arguments give the same grade on any machine.

    `notices`: what other stored articles say about this one (see `grading.notices`), read like its
    own comments and corrections.
    """
    return grade_many((article,), notices={article.pmid: notices})[0]


def grade_many(
    articles: Sequence[Article],
    *,
    notices: Mapping[int, tuple[Correction, ...]] | None = None,
    model: Predictor | None = None,
) -> list[Grade]:
    """Grade articles, in order; the same as `grade` of each alone, but faster: one call to the
    text model for all. `notices`: by PMID. `model`: asked instead of the shipped text model.

    Raises ValueError for an article whose abstract is not kept (`grading.abridgement`): what is left
    of it would be graded as if that were all.
    """
    for article in articles:
        if article.abridged:
            raise ValueError(f"PMID {article.pmid}: its abstract is not kept: it cannot be graded")
    # A title alone is too little for the text model, and other languages are unknown to it.
    asked = [article for article in articles if len(article.abstract) >= SHORTEST_TEXT]
    predictions = iter((model or shipped_model()).predict_many(asked))
    found: list[Grade] = []
    for start in range(0, len(articles), AT_ONCE):
        found += _grade_some(articles[start : start + AT_ONCE], predictions)
    told = notices or {}
    return [
        warned(given, article, told.get(article.pmid, ()))
        for given, article in zip(found, articles, strict=True)
    ]


def _grade_some(articles: Sequence[Article], predictions: Iterator[TextPrediction]) -> list[Grade]:
    """Step by step for all, which is faster than all steps for one after the other: what a step
    needs stays in the processor's cache. `predictions`: of those articles that the model reads."""
    texts = [Text(article) for article in articles]
    evidence = find_many(texts)
    models = [
        next(predictions) if len(article.abstract) >= SHORTEST_TEXT else None
        for article in articles
    ]
    decisions = decide_many(evidence, models)
    asked = [
        question(found, decision.design)
        for found, decision in zip(evidence, decisions, strict=True)
    ]
    unfit = [
        unfit_details(decision.design, each)
        for decision, each in zip(decisions, asked, strict=True)
    ]
    details = read_details_many(texts, unfit)
    return list(map(_grade, texts, evidence, details, models, decisions, asked))


def _grade(
    text: Text,
    evidence: Evidence,
    details: Details,
    model: TextPrediction | None,
    decision: Decision,
    asked: str,
) -> Grade:
    design = decision.design
    own = attributes(evidence, design, decision.form)
    details = own_details(details, design, asked)
    raised, flag_reasons = flags(evidence, design, details, tags_disagree=decision.tags_disagree)
    given, steps, step_reasons = levels(evidence, design, asked, own, details)
    if any(step.rule == "up.dramatic_effect" for step in steps):
        own = tuple(sorted({*own, "dramatic_effect"}))
    # Included designs not told: level 2 with lowered confidence (rubric).
    lowered = 0.9 if any(step.rule == "review_unknown" for step in steps) else 1.0
    stated = stated_level(text)
    reasons: list[Reason] = [hit.reason() for hit in design_reasons(evidence, decision)]
    if model is not None:
        share = model.probabilities.get(GROUPS[design], 0.0)
        reasons.append(
            Reason(
                kind="model",
                value=f"the text model gives designs of this kind {share:.0%}",
                speaks_for=design,
                weight=round(model_points(design, model.probabilities), 2),
                signal="text_model",
            )
        )
        if decision.weighed is not None:
            reasons.append(decision.weighed)
    steps_up = {reason.speaks_for: reason for reason in step_reasons}
    for name in own:
        if step_up := steps_up.get(f"level_up:{name}"):
            reasons.append(msgspec.structs.replace(step_up, speaks_for=name))
        else:
            reasons += _reasons(evidence, name, design, 1)
    if asked != "none":
        reasons += _reasons(evidence, f"question:{asked}", design, 2)
    reasons += [*flag_reasons, *step_reasons]
    if stated is not None:
        reasons.append(
            Reason(
                kind="text",
                value=stated.text,
                field=stated.field,
                start=stated.start,
                end=stated.end,
                speaks_for="stated_level",
                weight=0.0,
                signal="stated_level",
            )
        )
    if not any(reason.speaks_for == design for reason in reasons):
        reasons.append(_why_not_named(design, text.article))
    return Grade(
        design=design,
        design_label=DESIGNS[design].label,
        confidence=round(min(0.99, decision.confidence * lowered), 3),
        design_confidence=round(min(0.99, decision.design_confidence * lowered), 3),
        question=asked,
        attributes=own,
        flags=raised,
        levels=given,
        level_steps=steps,
        stated_level=stated,
        reasons=tuple(dict.fromkeys(reasons)),
        details=details,
        grader_version=GRADER_VERSION,
    )


def _reasons(evidence: Evidence, target: str, design: str, most: int) -> list[Reason]:
    """The first hits; where there are none, the design alone tells it."""
    return [hit.reason() for hit in evidence.of(target)[:most]] or [
        Reason(
            kind="rule",
            value=f"follows from the design: {DESIGNS[design].label}",
            speaks_for=target,
            weight=0.0,
            signal="rule.design",
        )
    ]


def _why_not_named(design: str, article: Article) -> Reason:
    if design == "unclassified":
        what = "nothing telling in title, abstract or tags" if article.abstract else "no abstract"
    else:
        what = "results are reported, but nothing tells the design"
    return Reason(kind="rule", value=what, speaks_for=design, weight=0.0, signal=f"rule.{design}")


__all__ = ["GRADER_VERSION", "grade", "grade_many"]
