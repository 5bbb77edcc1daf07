"""`Grade`: what we say of one article, and the words and tags that it rests on."""

from __future__ import annotations

from grading.article import Value
from grading.details.values import Details


class Reason(Value, frozen=True, kw_only=True):
    """One signal behind a decision. It quotes; it never paraphrases.

    For text, `value` is exactly ``getattr(article, field)[start:end]``; where the abstract is not
    kept (`Article.abridged`), a quote of it has no place: all three are None. For metadata, `value`
    is the tag, heading or identifier as the record has it; `field`, `start` and `end` are None.
    """

    # "publication_type" | "mesh" | "registry" | "journal" | "keyword" | "status" | "correction"
    # | "book" | "text" | "model" | "rule"
    kind: str
    value: str
    field: str | None = None  # "title" | "abstract"
    start: int | None = None
    end: int | None = None
    # id of a design, attribute, question or flag; or "level_down:…", "level_up:…"
    speaks_for: str
    weight: float  # log-odds points; negative speaks against
    signal: str  # id of the signal or rule that fired, to look up in the tables


class LevelStep(Value, frozen=True, kw_only=True):
    """One step of the walk to a level: the start from the design, then each step down or up."""

    scheme: str  # "ocebm_2011" …
    rule: str  # id of the rule in the scheme's table
    text: str  # the rule in plain words
    before: int | str | None = None
    after: int | str | None = None


class Levels(Value, frozen=True, kw_only=True):
    """The level in each scheme, None where the scheme gives none (a step says why)."""

    ocebm_2011: int | None = None  # 1–5
    ocebm_2009: str | None = None  # "1a" … "5"
    grade_start: str | None = None  # "high" | "moderate" | "low" | "very low"
    sort: str | None = None  # "1" | "2" | "3"
    nhmrc: str | None = None  # "I" | "II" | "III-1" | "III-2" | "III-3" | "IV"
    jbjs: str | None = None  # "I" … "V": OCEBM 2009 as orthopaedic and surgical journals read it


class StatedLevel(Value, frozen=True, kw_only=True):
    """The level that the abstract itself states, verbatim."""

    text: str  # exact quote
    scheme: str | None = (
        None  # as named beside it: "Oxford Centre …", "JBJS" …; None when not named
    )
    level: str  # as written, without the words around it: "III", "2b", "1++"
    field: str | None = "abstract"
    start: int | None = 0
    end: int | None = 0


class Grade(Value, frozen=True, kw_only=True):
    """The grade of one article. The same article gives the same grade on any machine."""

    design: str
    design_label: str
    confidence: float  # 0–1: the chance that `design` is of the right kind (`combination.GROUPS`)
    # 0–1: the chance that it is this very design of its kind; None: graded before this was told
    design_confidence: float | None = None
    question: str
    attributes: tuple[str, ...] = ()  # sorted ids
    flags: tuple[str, ...] = ()  # sorted ids
    levels: Levels
    level_steps: tuple[LevelStep, ...] = ()
    stated_level: StatedLevel | None = None
    reasons: tuple[Reason, ...] = ()
    details: Details
    grader_version: str

    @property
    def shown_confidence(self) -> float:
        """How sure what people are shown is: the very design, or that it is research of unclear
        design."""
        if self.design_confidence is None or self.design == "primary_research":
            return self.confidence
        return self.design_confidence
