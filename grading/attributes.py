"""Attributes: what else is true of a study."""

from __future__ import annotations

from grading.evidence import Evidence
from grading.vocabulary import ATTRIBUTES, OPINION, REVIEWS

GUIDANCE = frozenset({"practice_guideline", "consensus_statement"})
# What a review or opinion says about the studies it reads is not true of itself.
_OF_STUDIES = frozenset(
    [
        "randomised",
        "cluster_randomised",
        "quasi_randomised",
        "crossover",
        "parallel_group",
        "factorial",
        "stepped_wedge",
        "adaptive",
        "placebo_controlled",
        "sham_controlled",
        "active_controlled",
        "open_label",
        "single_blind",
        "double_blind",
        "triple_blind",
        "assessor_blind",
        "intention_to_treat",
        "phase_1",
        "phase_2",
        "phase_3",
        "phase_4",
        "pilot",
        "first_in_human",
        "healthy_volunteers",
        "prospective",
        "retrospective",
        "longitudinal",
        "consecutive",
        "inception_cohort",
        "matched",
        "propensity_score",
        "multicentre",
        "single_centre",
        "non_inferiority",
        "superiority",
        "equivalence",
        "random_sample",
        "extension_study",
        "dose_finding",
        "historical_control",
        "comparative",
        "post_hoc",
        "independent_reference_standard",
        "pragmatic",
        "interrupted_time_series",
        "nested_case_control",
        "case_crossover",
        "registry_based",
        "database_study",
        "population_based",
        "survey",
    ]
)
_OF_REVIEWS = frozenset(
    [
        "network_meta_analysis",
        "individual_participant_data",
        "dose_response_meta_analysis",
        "rapid_review",
        "living_review",
        "cochrane_review",
        "qualitative_synthesis",
        "includes_randomised_trials",
        "includes_cohorts",
        "includes_case_control_studies",
        "includes_nested_case_control_studies",
        "includes_case_series",
        "includes_any_design",
        "includes_accuracy_studies",
    ]
)
# Where a reference standard is what a test is held against; elsewhere readers are blinded too.
_WITH_REFERENCE = frozenset({"diagnostic_accuracy_study", "case_control_study", "protocol"})
_OBSERVED = frozenset(
    ["cohort_study", "cross_sectional_study", "case_control_study", "ecological_study"]
)
# A questionnaire measures an outcome there; the study is no survey.
_ASKS_FOR_OUTCOMES = frozenset(
    [
        "randomized_controlled_trial",
        "non_randomized_trial",
        "single_arm_trial",
        "n_of_1_trial",
        "before_after_study",
        "diagnostic_accuracy_study",
        "case_control_study",
        "case_series",
        "case_report",
    ]
)
_WITH_CONTROLS = frozenset({"diagnostic_accuracy_study", "case_control_study"})
_NO_STUDY = REVIEWS | GUIDANCE | OPINION


def attributes(evidence: Evidence, design: str, form: str | None = None) -> tuple[str, ...]:
    """Sorted ids. `form`: "letter", "editorial" or "comment" where content decided the design."""
    found = {name for name, points in evidence.weights.items() if points >= 1.0} & ATTRIBUTES.keys()
    if design in _NO_STUDY:
        found -= _OF_STUDIES
    if design not in REVIEWS:
        found -= _OF_REVIEWS
    if design not in GUIDANCE:
        found -= {"systematic_evidence_review", "recommendation_grades"}
    if design in _ASKS_FOR_OUTCOMES:
        found.discard("survey")
    if design in _WITH_CONTROLS:
        found.discard("healthy_volunteers")  # they are the controls
    if design not in _WITH_REFERENCE:
        found.discard("independent_reference_standard")
    if design in ("randomized_controlled_trial", "n_of_1_trial"):
        found.add("randomised")
    if design in ("non_randomized_trial", "single_arm_trial", "case_report", "case_series"):
        found.discard("randomised")
    if "case_crossover" in found:
        found.discard("crossover")
    if "cluster_randomised" in found:
        found.add("randomised")
    if design in _OBSERVED:
        found.discard("randomised")
    if form is not None:
        found.add(form)
    found -= {"letter", "editorial", "comment"} - {form}
    if design == "book_chapter":
        if evidence.has("narrative_review", 1.0):
            found.add("review")
        if evidence.has("practice_guideline", 2.0):
            found.add("guideline")
    return tuple(sorted(found))
