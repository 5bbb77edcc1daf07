"""`Details`: what the abstract says of how the study was done, each value with its span.

Nothing is guessed: where the abstract does not say, `reported` is False and all else is None.
For a value read from text, `text` is exactly ``getattr(article, field)[start:end]``; for one read
from metadata (grants, conflict-of-interest statement), `field` names it and there is no span; for one
from an abstract that is not kept (`Article.abridged`) neither field nor span.
"""

from __future__ import annotations

from grading.article import Value
from grading.text import Text


class Detail(Value, frozen=True, kw_only=True):
    reported: bool = False
    value: int | float | str | None = None
    unit: str | None = None
    text: str | None = None
    field: str | None = None
    start: int | None = None
    end: int | None = None


class Arm(Value, frozen=True, kw_only=True):
    """One arm and its participants: `value` is the number, `name` what the arm got."""

    reported: bool = True
    name: str | None = None
    value: int | None = None
    unit: str | None = "participants"
    text: str | None = None
    field: str | None = None
    start: int | None = None
    end: int | None = None


class Effect(Value, frozen=True, kw_only=True):
    """One effect estimate as printed."""

    reported: bool = True
    # "OR" | "RR" | "HR" | "MD" | "SMD" | "RD" | "IRR" | "NNT" | "AUC" | "sensitivity" …
    measure: str
    value: float | None = None
    unit: str | None = None  # "%" …
    ci_low: float | None = None
    ci_high: float | None = None
    ci_level: float | None = None  # percent, e.g. 95
    p: str | None = None  # as printed, with its sign: "<0.001", "=0.03"
    adjusted: bool = False
    primary: bool = False  # the sentence names the primary outcome
    text: str
    field: str | None
    start: int | None
    end: int | None


class RegistryMention(Value, frozen=True, kw_only=True):
    """A trial or review registry number printed in the title or abstract."""

    reported: bool = True
    registry: str  # "ClinicalTrials.gov", "ISRCTN", "PROSPERO" …
    value: str  # normalised: "NCT01234567"
    unit: str | None = None  # every detail has this key; a registry number has no unit
    text: str
    field: str | None
    start: int | None
    end: int | None


NOT_REPORTED = Detail()


class Details(Value, frozen=True, kw_only=True):
    # participants
    sample_size: Detail = (
        NOT_REPORTED  # the study's main number: analysed, else randomised, else enrolled
    )
    enrolled: Detail = NOT_REPORTED
    randomised: Detail = NOT_REPORTED
    analysed: Detail = NOT_REPORTED
    arms: tuple[Arm, ...] = ()
    number_of_arms: Detail = NOT_REPORTED
    population: Detail = NOT_REPORTED
    condition: Detail = NOT_REPORTED
    age: Detail = NOT_REPORTED
    sex: Detail = NOT_REPORTED
    # design
    interventions: tuple[Detail, ...] = ()
    comparators: tuple[Detail, ...] = ()
    allocation: Detail = NOT_REPORTED
    masking: Detail = NOT_REPORTED
    centres: Detail = NOT_REPORTED
    phase: Detail = NOT_REPORTED
    setting: Detail = NOT_REPORTED
    countries: tuple[Detail, ...] = ()
    recruitment_dates: Detail = NOT_REPORTED
    follow_up: Detail = NOT_REPORTED
    # outcomes
    primary_outcomes: tuple[Detail, ...] = ()
    secondary_outcomes: tuple[Detail, ...] = ()
    effects: tuple[Effect, ...] = ()
    adverse_events: Detail = NOT_REPORTED
    discontinuations: Detail = NOT_REPORTED
    deaths: Detail = NOT_REPORTED
    # reviews
    included_studies: Detail = NOT_REPORTED
    included_participants: Detail = NOT_REPORTED
    databases: tuple[Detail, ...] = ()
    heterogeneity: Detail = NOT_REPORTED  # I² in percent
    risk_of_bias_tool: Detail = NOT_REPORTED
    prospero_id: Detail = NOT_REPORTED
    # reporting
    registry_ids: tuple[RegistryMention, ...] = ()
    limitations: Detail = NOT_REPORTED
    conclusion: Detail = NOT_REPORTED
    funding: Detail = NOT_REPORTED
    conflicts_of_interest: Detail = NOT_REPORTED


def detail(
    text: Text, start: int, end: int, value: float | str | None = None, unit: str | None = None
) -> Detail:
    """What ``text.data[start:end]`` reports; without `value`, the quoted words are the value."""
    start, end = text.trimmed(start, end)
    quote = text.quote(start, end)
    field, base = text.place(start)
    return Detail(
        reported=True,
        value=quote if value is None else value,
        unit=unit,
        text=quote,
        field=field,
        start=start - base,
        end=end - base,
    )
