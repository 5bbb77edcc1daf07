"""Which clinical question an article answers."""

from __future__ import annotations

from grading.evidence import Evidence
from grading.vocabulary import QUESTIONS, REVIEWS

# What a design asks by its nature, in points beside those of the words.
_LEANING: dict[str, dict[str, float]] = {
    "randomized_controlled_trial": {"therapy": 5.0},
    "non_randomized_trial": {"therapy": 5.0},
    "single_arm_trial": {"therapy": 5.0},
    "n_of_1_trial": {"therapy": 6.0},
    "before_after_study": {"therapy": 3.0},
    "diagnostic_accuracy_study": {"diagnosis": 6.0},
    "prediction_model_study": {"prognosis": 3.0},
    "cross_sectional_study": {"prevalence": 0.9, "aetiology": 1.0},
    "case_control_study": {"aetiology": 2.5},
    "genetic_association_study": {"aetiology": 4.0},
    "ecological_study": {"aetiology": 1.0},
    "cohort_study": {"prognosis": 1.0, "aetiology": 0.5},
    "economic_evaluation": {"economics": 6.0},
    "case_report": {"therapy": 0.5},
    "practice_guideline": {"therapy": 1.0},
}
_NONE = frozenset(
    [
        "in_vitro_study",
        "in_silico_study",
        "erratum",
        "retraction_notice",
        "expression_of_concern",
        "news",
        "biography",
        "historical_article",
        "qualitative_study",
        "unclassified",
    ]
)


# Where nothing but the words asks a question, and no people took part, it is none of the clinic's.
_NEEDS_PEOPLE = frozenset({"primary_research", "modelling_study"})
_PLANNED = frozenset({"protocol", "primary_research"})
# Conclusions speak of treatments to come as well ("a target for interventions to improve care"): words
# that stand nowhere but there count half.
_TO_COME = ("therapy", "harm")
_TARGETS = {name: f"question:{name}" for name in QUESTIONS if name != "none"}


def question(evidence: Evidence, design: str) -> str:
    """One id of `QUESTIONS`; "none" for what asks no clinical question."""
    if design in _NONE or (design in _NEEDS_PEOPLE and not evidence.has("people")):
        return "none"
    leaning = _LEANING.get(design, {})
    weights = evidence.weights
    points = {
        name: weights.get(target, 0.0) + leaning.get(name, 0.0) for name, target in _TARGETS.items()
    }
    for name in _TO_COME:
        points[name] -= _only_concluded(evidence, _TARGETS[name]) / 2
    if evidence.has("includes_randomised_trials") or (
        design in _PLANNED and evidence.has("randomised")
    ):
        points["therapy"] += 2.0  # what is randomised is an intervention
    elif evidence.has("includes_cohorts") and design in REVIEWS:
        points["aetiology"] += 1.0  # what only cohorts can tell is rarely a treatment's effect
    if design == "cross_sectional_study" and (
        evidence.has("random_sample") or evidence.has("population_based")
    ):
        points["prevalence"] += 1.0  # a sample of all people tells how common things are
    # The order of QUESTIONS settles ties, so that the answer does not depend on hashing.
    best = max(points, key=points.__getitem__)
    return best if points[best] >= 1.0 else "none"


def _only_concluded(evidence: Evidence, target: str) -> float:
    """The points for `target` of signals that are found in conclusions alone."""
    hits = evidence.of(target)
    elsewhere = {hit.signal for hit in hits if hit.role != "conclusions"}
    concluded = {hit.signal: hit.weight for hit in hits if hit.signal not in elsewhere}
    return sum(concluded.values())
