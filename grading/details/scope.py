"""Which details a document of a design can report of itself.

A narrative review speaks of patients, deaths and treatments, but of those of others; an experiment
on cells has no population. What is read there anyway is left out: a wrong detail is worse than none.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from grading.details.values import NOT_REPORTED, Details
from grading.vocabulary import OPINION, REVIEWS

_OPINION = OPINION | {"practice_guideline"}
_BENCH = frozenset({"in_vitro_study", "in_silico_study"})
_TRIALS = frozenset(
    {
        "randomized_controlled_trial",
        "non_randomized_trial",
        "single_arm_trial",
        "n_of_1_trial",
        "protocol",
    }
)
_WITH_ARMS = (_TRIALS | {"animal_study"}) - {"single_arm_trial"}
_MAY_COMPARE = frozenset(
    {
        "cohort_study",
        "before_after_study",
        "meta_analysis",
        "systematic_review",
        "umbrella_review",
        "economic_evaluation",
        "modelling_study",
    }
)
_OBSERVED = frozenset(
    [
        "cohort_study",
        "cross_sectional_study",
        "case_control_study",
        "ecological_study",
        "prediction_model_study",
        "genetic_association_study",
        "case_series",
        "case_report",
    ]
)
_OF_TREATMENTS = ("therapy", "harm", "screening", "economics")
_WHO = ("population", "condition", "age", "sex")
_PARTICIPANTS = (
    *("sample_size", "enrolled", "randomised", "analysed", "number_of_arms"),
    *("allocation", "masking", "centres", "phase", "setting", "recruitment_dates", "follow_up"),
    *("adverse_events", "discontinuations", "deaths"),
    *("included_studies", "included_participants", "limitations"),
    *_WHO,
)
_ONE_BY_ONE = frozenset({"case_report", "case_series"})
_LISTS = ("arms", "interventions", "comparators", "countries")
_PEOPLE = (
    *("patients", "participants", "subjects", "adults", "children", "women", "men", "people"),
    *("individuals", "persons"),
)


def own_details(details: Details, design: str, question: str) -> Details:
    """`details` without what is not the document's own."""
    gone = {
        name: empty for name, empty in _unfit(design, question) if getattr(details, name) != empty
    }
    people = str(details.population.value or "").lower().startswith(_PEOPLE)
    if design == "animal_study" and people:
        gone |= {"population": NOT_REPORTED, "condition": NOT_REPORTED}
    return msgspec.structs.replace(details, **gone) if gone else details


@cache
def unfit_details(design: str, question: str) -> frozenset[str]:
    """The names of those that `own_details` leaves out of any document of this design."""
    return frozenset(name for name, _ in _unfit(design, question))


@cache
def _unfit(design: str, question: str) -> tuple[tuple[str, Any], ...]:
    """Details that this design cannot report, each with the value for none."""
    names: set[str] = set()
    if design in _OPINION:
        names |= {*_PARTICIPANTS, *_LISTS}
    if design in _BENCH:
        names |= {*_WHO, "deaths", "discontinuations", "setting", "adverse_events"}
    if design == "case_report":
        names.add("population")  # "patients with …" are others
    if design in _OBSERVED:
        names |= {"allocation", "masking"}  # "randomly assigned to a training set"
    if design == "single_arm_trial":
        names.add("comparators")  # "compared with historical data"
    if design in _BENCH | _ONE_BY_ONE | {"animal_study"}:
        names.add("centres")  # "binding sites", "foci at 3 sites"
    if design in REVIEWS | {"modelling_study"}:
        names |= {"deaths", "discontinuations", "allocation", "masking", "recruitment_dates"}
    if design not in _WITH_ARMS:
        names |= {"arms", "number_of_arms"}
    if design not in _TRIALS and not (design in _MAY_COMPARE and question in _OF_TREATMENTS):
        names |= {"interventions", "comparators"}
    return tuple((name, () if name in _LISTS else NOT_REPORTED) for name in sorted(names))
