"""The ids that a grade is made of, each with its label and meaning.

Designs and questions are the rubric's; attributes and flags name what else a reader must know.
The words are data for people (help texts, pages, documentation) as much as for the program: an id
that is not here can be in no grade.
"""

from __future__ import annotations

from typing import NamedTuple


class Term(NamedTuple):
    label: str
    meaning: str


DESIGNS: dict[str, Term] = {
    "meta_analysis": Term(
        "Meta-analysis",
        "pools results of several studies statistically (pairwise, network, "
        "individual-participant, dose–response)",
    ),
    "systematic_review": Term(
        "Systematic review",
        "an explicit search of named sources with eligibility criteria; no pooling, or pooling not "
        "reported",
    ),
    "umbrella_review": Term("Umbrella review", "a systematic review of systematic reviews"),
    "scoping_review": Term(
        "Scoping review",
        "maps a field by an explicit search; asks no effect question (also evidence map, rapid "
        "mapping review)",
    ),
    "narrative_review": Term(
        "Narrative review", "reviews literature with no reported search and selection method"
    ),
    "practice_guideline": Term(
        "Practice guideline", "recommendations for care from a society, agency or panel"
    ),
    "consensus_statement": Term(
        "Consensus statement", "expert agreement (Delphi, consensus conference, position paper)"
    ),
    "randomized_controlled_trial": Term(
        "Randomised controlled trial",
        "participants or clusters allocated at random to arms (parallel, crossover, cluster, "
        "factorial, adaptive, non-inferiority)",
    ),
    "non_randomized_trial": Term(
        "Non-randomised controlled trial",
        "an intervention assigned by the investigators, with a concurrent control, not at random "
        "(quasi-randomised included)",
    ),
    "single_arm_trial": Term(
        "Single-arm trial",
        "an intervention given prospectively to one group (most phase I and many phase II trials)",
    ),
    "n_of_1_trial": Term("N-of-1 trial", "repeated, usually random, crossover in one patient"),
    "before_after_study": Term(
        "Before–after study", "uncontrolled pre–post comparison, interrupted time series"
    ),
    "cohort_study": Term(
        "Cohort study",
        "groups by exposure followed for outcomes, prospectively or from records",
    ),
    "case_control_study": Term(
        "Case–control study",
        "cases and controls by outcome, compared for past exposure (nested, case–crossover)",
    ),
    "cross_sectional_study": Term(
        "Cross-sectional study",
        "exposure and outcome at one time; surveys and prevalence studies",
    ),
    "ecological_study": Term("Ecological study", "populations, not persons, are the unit"),
    "diagnostic_accuracy_study": Term(
        "Diagnostic accuracy study", "an index test against a reference standard"
    ),
    "prediction_model_study": Term(
        "Prediction model study", "develops or validates a clinical prediction model"
    ),
    "genetic_association_study": Term(
        "Genetic association study",
        "genome-wide or candidate-gene association; Mendelian randomisation",
    ),
    "case_series": Term("Case series", "several patients described without a comparison group"),
    "case_report": Term("Case report", "one patient, or a very few described one by one"),
    "qualitative_study": Term("Qualitative study", "interviews, focus groups, ethnography"),
    "economic_evaluation": Term("Economic evaluation", "costs against outcomes of alternatives"),
    "modelling_study": Term(
        "Modelling study",
        "simulation or mathematical model of a disease, population or service",
    ),
    "protocol": Term("Protocol", "plans a study or review; has no results"),
    "animal_study": Term("Animal study", "live animals, no human participants"),
    "in_vitro_study": Term("In vitro study", "cells, tissues, cadavers, materials"),
    "in_silico_study": Term(
        "In silico study",
        "computation on existing molecular data; methods, software, data resources",
    ),
    "editorial": Term("Editorial", "opinion of a journal's editors or invited authors"),
    "letter": Term("Letter", "correspondence without original data"),
    "comment": Term("Comment", "comments on another article"),
    "news": Term("News", "reports an event"),
    "biography": Term("Biography", "the life of a person; obituaries, interviews"),
    "historical_article": Term("Historical article", "history of a field, place or practice"),
    "erratum": Term("Erratum", "corrects another article"),
    "retraction_notice": Term("Retraction notice", "retracts another article"),
    "expression_of_concern": Term("Expression of concern", "warns of doubts about another article"),
    "book_chapter": Term(
        "Book chapter",
        "PubMed book records (StatPearls, GeneReviews, NICE, AHRQ …)",
    ),
    "primary_research": Term(
        "Primary research, design unclear",
        "a study with results whose design cannot be told from the record",
    ),
    "unclassified": Term("Unclassified", "not enough to go on (no abstract, no informative type)"),
}
REVIEWS = frozenset({"meta_analysis", "systematic_review", "umbrella_review", "scoping_review"})
# Designs whose documents speak of the studies of others, and report none, nor a search for them.
OPINION = frozenset(
    {
        "narrative_review",
        "editorial",
        "letter",
        "comment",
        "news",
        "biography",
        "historical_article",
        "erratum",
        "retraction_notice",
        "expression_of_concern",
        "book_chapter",
    }
)

QUESTIONS: dict[str, Term] = {
    "therapy": Term("Therapy", "does an intervention help?"),
    "harm": Term("Harm", "does an intervention or exposure hurt?"),
    "diagnosis": Term("Diagnosis", "how well does a test tell who has the condition?"),
    "prognosis": Term("Prognosis", "what happens to people who have the condition?"),
    "screening": Term("Screening", "does looking for the condition early help?"),
    "prevalence": Term("Prevalence", "how common is it?"),
    "economics": Term("Economics", "what does it cost for what it gives?"),
    "aetiology": Term("Aetiology", "what causes the condition, or goes with it?"),
    "none": Term("None", "no clinical question"),
}

ATTRIBUTES: dict[str, Term] = {
    # allocation and comparison
    "randomised": Term("Randomised", "allocated at random"),
    "cluster_randomised": Term("Cluster-randomised", "groups of people were allocated at random"),
    "quasi_randomised": Term("Quasi-randomised", "allocated by date, record number, alternation"),
    "crossover": Term("Crossover", "each participant gets each treatment in turn"),
    "parallel_group": Term("Parallel-group", "arms run side by side"),
    "factorial": Term("Factorial", "two or more interventions tested at once"),
    "stepped_wedge": Term("Stepped-wedge", "clusters change to the intervention in random order"),
    "adaptive": Term("Adaptive", "the design changes by rule as results come in"),
    "superiority": Term("Superiority", "asks whether one treatment is better"),
    "non_inferiority": Term("Non-inferiority", "asks whether one treatment is not much worse"),
    "equivalence": Term("Equivalence", "asks whether two treatments are alike"),
    "placebo_controlled": Term("Placebo-controlled", "compared with a placebo"),
    "sham_controlled": Term("Sham-controlled", "compared with a sham procedure"),
    "active_controlled": Term("Active-controlled", "compared with another active treatment"),
    "comparative": Term("Comparative", "two or more groups of people are compared"),
    "historical_control": Term("Historical control", "compared with earlier patients"),
    "dose_finding": Term("Dose-finding", "compares or escalates doses"),
    "open_label": Term("Open-label", "all know who gets what"),
    "single_blind": Term("Single-blind", "one party does not know who gets what"),
    "double_blind": Term("Double-blind", "participants and carers do not know who gets what"),
    "triple_blind": Term("Triple-blind", "assessors do not know either"),
    "assessor_blind": Term("Assessor-blind", "who assesses outcomes does not know who got what"),
    "intention_to_treat": Term("Intention to treat", "analysed as allocated"),
    "phase_1": Term("Phase 1", "phase 1 (I) trial"),
    "phase_2": Term("Phase 2", "phase 2 (II) trial"),
    "phase_3": Term("Phase 3", "phase 3 (III) trial"),
    "phase_4": Term("Phase 4", "phase 4 (IV) trial"),
    "pilot": Term("Pilot", "pilot or feasibility study"),
    "pragmatic": Term("Pragmatic", "tests effects in usual practice"),
    "first_in_human": Term("First in human", "first use in people"),
    "healthy_volunteers": Term("Healthy volunteers", "the participants are healthy volunteers"),
    # time, place and data
    "prospective": Term("Prospective", "data collected forward in time"),
    "retrospective": Term("Retrospective", "data looked up after the event"),
    "longitudinal": Term("Longitudinal", "measured repeatedly over time"),
    "multicentre": Term("Multicentre", "more than one centre"),
    "single_centre": Term("Single-centre", "one centre"),
    "population_based": Term("Population-based", "a whole population or a sample of it"),
    "registry_based": Term("Registry-based", "data of a registry"),
    "database_study": Term("Database study", "claims, electronic health records, routine data"),
    "survey": Term("Survey", "asked by questionnaire"),
    "random_sample": Term("Random sample", "people or records sampled at random"),
    "consecutive": Term("Consecutive", "consecutive patients"),
    "inception_cohort": Term("Inception cohort", "followed from the start of the condition"),
    "matched": Term("Matched", "groups matched"),
    "propensity_score": Term("Propensity score", "adjusted by a propensity score"),
    "nested_case_control": Term("Nested case–control", "cases and controls from one cohort"),
    "case_crossover": Term("Case–crossover", "cases are their own controls"),
    "interrupted_time_series": Term("Interrupted time series", "trend before and after a change"),
    "mendelian_randomisation": Term("Mendelian randomisation", "genes as instruments"),
    "genome_wide": Term("Genome-wide", "genome-wide association"),
    "mixed_methods": Term("Mixed methods", "qualitative and quantitative parts"),
    "delphi": Term("Delphi", "agreement by Delphi rounds"),
    "post_hoc": Term("Post hoc", "an analysis not planned in advance"),
    "subgroup_analysis": Term("Subgroup analysis", "reports subgroups"),
    "secondary_analysis_of_trial": Term(
        "Secondary analysis of a trial", "uses trial data beyond the randomised comparison"
    ),
    "extension_study": Term("Extension study", "follows a trial's participants on"),
    "dramatic_effect": Term("Dramatic effect", "relative risk above 5 or below 0.2"),
    "validation": Term("Validation", "tests an existing model, score or instrument"),
    "independent_reference_standard": Term(
        "Reference standard applied", "index test and a reference standard, applied to all, blinded"
    ),
    # reviews and guidance
    "network_meta_analysis": Term("Network meta-analysis", "compares several treatments at once"),
    "individual_participant_data": Term("Individual participant data", "pools raw data"),
    "dose_response_meta_analysis": Term("Dose–response meta-analysis", "pools dose effects"),
    "rapid_review": Term("Rapid review", "shortened systematic methods"),
    "living_review": Term("Living review", "kept up to date"),
    "cochrane_review": Term("Cochrane review", "in the Cochrane Database of Systematic Reviews"),
    "qualitative_synthesis": Term("Qualitative synthesis", "reviews qualitative studies"),
    "includes_randomised_trials": Term("Includes randomised trials", "the review includes them"),
    "includes_cohorts": Term("Includes cohorts", "the review includes observational cohorts"),
    "includes_case_control_studies": Term(
        "Includes case–control studies", "the review includes them"
    ),
    "includes_nested_case_control_studies": Term(
        "Includes nested case–control studies", "the review includes them"
    ),
    "includes_case_series": Term("Includes case series", "the review includes case series"),
    "includes_any_design": Term("Includes any design", "the review includes studies of any design"),
    "includes_accuracy_studies": Term(
        "Includes accuracy studies", "the review includes diagnostic accuracy studies"
    ),
    "systematic_evidence_review": Term(
        "Systematic evidence review", "the guideline states a systematic review of the evidence"
    ),
    "recommendation_grades": Term(
        "Recommendation grades", "grades its own recommendations (GRADE, classes, strengths)"
    ),
    # kind of document beside the design
    "letter": Term("Letter", "published as a letter"),
    "editorial": Term("Editorial", "published as an editorial"),
    "comment": Term("Comment", "published as a comment"),
    "review": Term("Review", "a book chapter that reviews"),
    "guideline": Term("Guideline", "a book chapter that guides"),
    "sensitivity_analysis": Term("Sensitivity analysis", "tests what its assumptions change"),
    "cost_analysis": Term("Cost analysis", "reports costs beside outcomes"),
}

FLAGS: dict[str, Term] = {
    "retracted": Term("RETRACTED", "this publication was retracted: do not rely on it"),
    "expression_of_concern": Term("EXPRESSION OF CONCERN", "the journal doubts this publication"),
    "withdrawn": Term("WITHDRAWN", "withdrawn by its authors or publisher"),
    "corrected": Term("Corrected", "an erratum exists (partial retractions are filed here)"),
    "republished": Term("Republished", "corrected or retracted, and republished elsewhere"),
    "superseded": Term("Superseded", "an update of this publication exists"),
    "preprint": Term("Preprint", "not peer-reviewed"),
    "no_results": Term("No results", "plans a study; there is nothing to rely on yet"),
    "preclinical": Term("Preclinical", "animals, cells or computation: not evidence in people"),
    "animal_only": Term("Animals only", "live animals, no human participants"),
    "outside_scheme": Term(
        "Outside the scheme", "answers a question that levels of evidence do not rank"
    ),
    "no_abstract": Term("No abstract", "graded from title and tags alone"),
    "not_english": Term("Not in English", "the abstract is not in English: text not read"),
    "unreviewed_tags": Term(
        "Tags not reviewed", "no human has checked the publication types of this record"
    ),
    "tags_disagree": Term("Tags disagree", "publication types and text speak for other designs"),
    "small_sample": Term("Small sample", "fewer than 50 participants analysed"),
    "interim": Term("Interim results", "an interim analysis or conference abstract"),
}
