"""What corrections say of an article, and what that does to its grade.

They come last: nothing else in a grade depends on them. So a grade that is there already can be told
of a new notice, or of the end of one, without the text it was made from.
"""

from __future__ import annotations

import msgspec

from grading.article import Article, Correction
from grading.grades import Grade, Reason
from grading.levels import withhold

# NLM files partial retractions as errata: "ErratumIn" is no retraction, and none is hidden by it.
_RELATIONS: dict[str, tuple[str, ...]] = {
    "RetractionIn": ("retracted",),
    "ExpressionOfConcernIn": ("expression_of_concern",),
    "ErratumIn": ("corrected",),
    "CorrectedandRepublishedIn": ("republished",),
    "RetractedandRepublishedIn": ("republished", "retracted"),
    "RepublishedIn": ("republished",),
    "UpdateIn": ("superseded",),
}
_FLAGS = frozenset(flag for flags in _RELATIONS.values() for flag in flags)


def warned(grade: Grade, article: Article, notices: tuple[Correction, ...] = ()) -> Grade:
    """The grade as the article's own comments and corrections and these notices tell.

    `notices`: what other stored articles say about this one (see `grading.notices`). Whatever others
    told the grade before is forgotten; all else of it stays.
    """
    told = [
        correction
        for correction in (*article.comments_corrections, *notices)
        if correction.direction == "in" and correction.relation in _RELATIONS
    ]
    if not told and _FLAGS.isdisjoint(grade.flags):
        return grade
    flags = set(grade.flags) - _FLAGS
    reasons = [reason for reason in grade.reasons if reason.kind != "correction"]
    for correction in told:
        flags.update(_RELATIONS[correction.relation])
    if any(reason.speaks_for == "flag:retracted" for reason in reasons):  # its own tags or title
        flags.add("retracted")
    if grade.design == "retraction_notice":
        flags.discard("retracted")
    reasons += [
        reason for reason in dict.fromkeys(map(_reason, told)) if reason.speaks_for in flags
    ]
    levels, steps = withhold(grade.levels, grade.level_steps, flags)
    return msgspec.structs.replace(
        grade,
        flags=tuple(sorted(flags)),
        reasons=tuple(reasons),
        levels=levels,
        level_steps=steps,
    )


def _reason(correction: Correction) -> Reason:
    where = f"PMID {correction.pmid}" if correction.pmid else correction.source or ""
    return Reason(
        kind="correction",
        value=f"{correction.relation} {where}".strip(),
        speaks_for=_RELATIONS[correction.relation][0],
        weight=10.0,
        signal=f"correction.{correction.relation}",
    )
