"""Study details, each on a small invented record."""

from __future__ import annotations

import pytest

from grading import Article, grade
from grading.article import Grant, Section
from grading.details import read_details
from grading.details.values import Details
from grading.text import Text


def as_read(abstract: str, title: str = "Velotril for gout", **more: object) -> Details:
    """Whatever the design: what stands in the text."""
    return read_details(Text(Article(pmid=1, title=title, abstract=abstract, **more)))  # type: ignore[arg-type]


def details(abstract: str, title: str = "Velotril for gout", **more: object) -> Details:
    return grade(Article(pmid=1, title=title, abstract=abstract, **more)).details  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("abstract", "number"),
    [
        ("A total of 1,234 patients with gout were randomised.", 1234),
        ("We enrolled 12\u2009345 adults.", 12345),
        ("Forty-eight patients were randomly assigned to velotril or placebo.", 48),
        ("One hundred and twenty-one women took part.", 121),
        ("One thousand two hundred thirty-four patients were enrolled.", 1234),
        ("Seventy five patients were recruited.", 75),
        ("Two hundred-forty inactive women were randomised.", 240),
        ("120 patients (60 per group) were randomised.", 120),
        ("Patients received velotril (n = 120).", 120),
        ("Of 900 patients screened, 310 patients were randomised. 290 patients completed.", 310),
        ("Between 1992 and 2000, 1991 patients were randomly assigned.", 1991),
        ("We studied 1 576 infected patients.", 1576),
        ("Over 6 months, patients with gout were seen. We recruited 85 participants.", 85),
    ],
)
def test_sample_size(abstract: str, number: int) -> None:
    size = details(abstract).sample_size
    assert size.reported
    assert size.value == number
    assert size.unit == "participants"


@pytest.mark.parametrize(
    "abstract",
    [
        "In 2004 patients were seen at home.",
        "Gout affects 40 million people worldwide.",
        "After 12 weeks, patients had less pain.",
        "Pain fell in 12.5 patients per 100.",
        "Gout is painful.",
        "Virus (SARS-CoV-2) infected patients in the ward.",
        "In two online experiments, adults chose.",
    ],
)
def test_no_sample_size_is_guessed(abstract: str) -> None:
    assert not details(abstract).sample_size.reported


def test_randomised_analysed_and_arms_are_kept_apart() -> None:
    found = details(
        "We enrolled 200 patients. Of these, 180 patients were randomised to velotril (n = 90) or "
        "placebo (n = 90). 170 patients were analysed."
    )
    assert found.enrolled.value == 200
    assert found.randomised.value == 180
    assert found.analysed.value == 170
    assert [arm.value for arm in found.arms] == [90, 90]


@pytest.mark.parametrize(
    "printed",
    [
        "odds ratio 0.71 (95% CI, 0.61 to 0.82)",
        "odds ratio [OR], 0.71 [95% CI 0.61–0.82]",
        "OR 0.71 [0.61-0.82]",
        "OR = 0·71; 95%CI: 0·61; 0·82",
        "OR (95% CI) 0.71 (0.61, 0.82)",
        "OR 0,71 (95% CI 0,61-0,82)",
        "odds ratio for pain in the treated group was 0.71 (P = 0.01; 95% CI 0.61-0.82)",
        "OR per 1 SD, 0.71; 95% confidence interval, 0.61 to 0.82",
    ],
)
def test_effect(printed: str) -> None:
    (effect,) = details(f"Pain was rarer with velotril ({printed}).").effects
    assert (effect.measure, effect.value) == ("OR", 0.71)
    assert (effect.ci_low, effect.ci_high) == (0.61, 0.82)


def test_effect_level_p_and_primary() -> None:
    (effect,) = details(
        "For the primary outcome the hazard ratio was 1.40 (95% CI 1.10 to 1.80; P<0.001)."
    ).effects
    assert (effect.measure, effect.ci_level, effect.p, effect.primary) == ("HR", 95, "<0.001", True)


def test_an_interval_that_does_not_hold_the_value_is_none_of_its_own() -> None:
    (effect,) = details("The OR 0.71 (range 2.0-3.0) was low; OR of pain.").effects
    assert effect.ci_low is None


def test_the_word_or_is_no_odds_ratio() -> None:
    assert details("Patients took velotril 10 or 2.5 mg.").effects == ()


@pytest.mark.parametrize(
    ("printed", "registry", "value"),
    [
        ("NCT01234567", "ClinicalTrials.gov", "NCT01234567"),
        ("NCT 01234567", "ClinicalTrials.gov", "NCT01234567"),
        ("ISRCTN 12345678", "ISRCTN", "ISRCTN12345678"),
        ("EudraCT 2015-001234-22", "EudraCT", "2015-001234-22"),
        ("EU CT 2022-501234-12-00", "CTIS", "2022-501234-12-00"),
        ("ChiCTR-TRC-12345678", "ChiCTR", "ChiCTR-TRC-12345678"),
        ("CTRI/2015/01/012345", "CTRI", "CTRI/2015/01/012345"),
        ("UMIN000012345", "UMIN", "UMIN000012345"),
        ("jRCTs031180123", "JPRN", "jRCTs031180123"),
        ("ACTRN12612345678901", "ANZCTR", "ACTRN12612345678901"),
        ("DRKS00012345", "DRKS", "DRKS00012345"),
        ("PACTR201512345678901", "PACTR", "PACTR201512345678901"),
        ("NTR1234", "NTR", "NTR1234"),
        ("CRD42020123456", "PROSPERO", "CRD42020123456"),
    ],
)
def test_registry_number(printed: str, registry: str, value: str) -> None:
    (mention,) = details(f"Registered as {printed}.").registry_ids
    assert (mention.registry, mention.value) == (registry, value)


def test_a_review() -> None:
    found = details(
        "We searched MEDLINE and Embase (CRD42020123456). Twelve trials with 2,345 patients were "
        "included in this systematic review. Heterogeneity was high (I² = 78%). We used ROBINS-I."
    )
    assert found.included_studies.value == 12
    assert found.included_participants.value == 2345
    assert [d.value for d in found.databases] == ["MEDLINE", "Embase"]
    assert found.heterogeneity.value == 78
    assert found.risk_of_bias_tool.value == "ROBINS-I"
    assert found.prospero_id.value == "CRD42020123456"


def test_the_study() -> None:
    found = details(
        "In this double-blind phase III trial at 12 hospitals in Norway between 2010 and 2014, 300 "
        "adults with gout (mean age 54.2 years, 40% women) were randomised. The primary outcome "
        "was pain at rest. Median follow-up was 24 months. Three patients died. Limitations "
        "include size. In conclusion, it helps."
    )
    assert found.phase.value == "III"
    assert found.masking.value == "double-blind"
    assert found.centres.value == 12
    assert [c.value for c in found.countries] == ["Norway"]
    assert found.recruitment_dates.reported
    assert found.age.value == 54.2
    assert (found.sex.value, found.sex.unit) == (40, "% women")
    assert found.primary_outcomes[0].value == "pain at rest"
    assert (found.follow_up.value, found.follow_up.unit) == (24, "months")
    assert found.deaths.value == 3
    assert found.limitations.reported
    assert found.conclusion.value == "In conclusion, it helps."


def test_a_registered_trial_searched_no_database() -> None:
    assert details("120 patients took part (ClinicalTrials.gov NCT01234567).").databases == ()


def test_harms_are_quoted_as_a_sentence() -> None:
    found = details("Pain fell. In all, 12.5% had adverse events of grade 3. It helps.")
    assert found.adverse_events.value == "In all, 12.5% had adverse events of grade 3."


def test_what_was_compared_begins_with_a_word() -> None:
    found = as_read(
        "Pain.", title="Long-term efficacy of the new velotril treatment for gout versus placebo"
    )
    (given,) = found.interventions
    assert f" {given.value}" in " Long-term efficacy of the new velotril treatment for gout"
    assert found.comparators[0].value == "placebo"


def test_sections_are_details() -> None:
    abstract = "SETTING: Two clinics in Oslo.\nINTERVENTIONS: Velotril daily."
    found = as_read(
        abstract,
        sections=(
            Section(label="SETTING", text="Two clinics in Oslo.", start=0, end=29),
            Section(label="INTERVENTIONS", text="Velotril daily.", start=30, end=len(abstract)),
        ),
    )
    assert found.setting.value == "Two clinics in Oslo."
    assert [d.value for d in found.interventions] == ["Velotril daily."]


def test_funding_and_conflicts_come_from_the_record() -> None:
    found = details("Pain.", grants=(Grant(agency="NIH"),), coi_statement="None declared.")
    assert (found.funding.value, found.conflicts_of_interest.value) == ("NIH", "None declared.")


def test_an_arm_is_named_without_the_words_that_lead_to_it() -> None:
    text = "We randomly assigned adults with gout to drug A (n = 60) or placebo (n = 58)."
    arms = grade(Article(pmid=1, title="Gout", abstract=text)).details.arms
    assert [(arm.name, arm.value) for arm in arms] == [("drug A", 60), ("placebo", 58)]
    assert all(text[arm.start : arm.end] == arm.text for arm in arms)


@pytest.mark.parametrize(
    ("abstract", "allocation"),
    [
        ("Forty patients were randomly assigned to velotril or placebo.", "randomly assigned"),
        ("Velotril helps many patients. Randomised trials are needed.", None),
        ("We followed 200 adults. No randomised comparison has been done.", None),
        ("Two-sample Mendelian randomization was used in 20,000 adults.", None),
        ("We included randomised controlled trials of velotril.", None),
    ],
)
def test_allocation_is_that_of_this_study(abstract: str, allocation: str | None) -> None:
    assert details(abstract).allocation.text == allocation


@pytest.mark.parametrize(
    ("abstract", "population", "condition"),
    [
        ("Patients with gout received velotril.", "Patients with gout", "gout"),
        ("We enrolled adults with acute gout seen in May.", "adults with acute gout", "acute gout"),
        ("Adults undergoing hip surgery were asked.", "Adults undergoing hip surgery", None),
        (
            "People with obesity have a high risk of gout. Ninety adults with gout were randomised.",
            "adults with gout",
            "gout",
        ),
    ],
)
def test_who_was_studied(abstract: str, population: str, condition: str | None) -> None:
    found = details(abstract, title="Velotril")
    assert found.population.text == population
    assert found.condition.text == condition


@pytest.mark.parametrize(
    ("abstract", "number"),
    [
        ("Two reviewers screened studies in a systematic review. Nine studies were included.", 9),
        ("MEDLINE was searched. Of 1,204 articles identified, 28 studies met the criteria.", 28),
        ("Embase was searched. Eighteen cohorts with 22,720 participants were included.", 18),
        ("Twelve databases were searched for systematic reviews. Seven reviews were included.", 7),
        ("A systematic review. Two authors will select studies independently.", None),
    ],
)
def test_included_studies(abstract: str, number: int | None) -> None:
    assert details(abstract).included_studies.value == number


@pytest.mark.parametrize(
    ("title", "intervention", "comparator"),
    [
        ("Risk of bleeding with velotril compared with warfarin in gout", "velotril", "warfarin"),
        ("Velotril versus placebo for gout", "Velotril", "placebo"),
        ("Mortality of patients was lower versus those at baseline", None, None),
    ],
)
def test_what_was_compared(title: str, intervention: str | None, comparator: str | None) -> None:
    found = as_read("Gout was studied.", title=title)
    assert [one.text for one in found.interventions] == ([intervention] if intervention else [])
    assert [one.text for one in found.comparators] == ([comparator] if comparator else [])


def test_what_a_review_says_of_others_is_no_detail_of_its_own() -> None:
    abstract = (
        "Gout affects 40,000 patients with kidney disease each year; 900 patients died in 2019. In this "
        "review we discuss velotril versus placebo in primary care, and what clinicians should do."
    )
    found = details(abstract, title="Velotril for gout: a narrative review")
    assert not found.population.reported
    assert not found.deaths.reported
    assert not found.setting.reported
    assert (found.interventions, found.comparators) == ((), ())
    assert as_read(abstract).setting.reported


def test_what_was_only_found_is_not_included() -> None:
    abstract = (
        "We searched PubMed. The search yielded 450 publications on gout. Reviewers read them."
    )
    assert not as_read(abstract).included_studies.reported


def test_limits_of_the_disease_are_no_limitations_of_the_study() -> None:
    assert not as_read("Gout brings limitations of movement.").limitations.reported
    told = as_read("We studied gout. Limitations include the small sample.").limitations
    assert told.value == "Limitations include the small sample."


def test_a_number_begins_a_word() -> None:
    assert not as_read("The hormone binding sites of velotril were studied.").centres.reported


def test_an_animal_study_has_no_patients() -> None:
    abstract = (
        "Forty rats with gout were given velotril. Uric acid fell (P<0.01). Rats were killed on day 9. "
        "Velotril may be of use in patients with gout."
    )
    found = details(abstract, title="Velotril in rats with gout")
    assert found.population.value == "rats with gout"


@pytest.mark.parametrize(
    ("abstract", "measure", "value"),
    [
        ("At 85% sensitivity specificity was 80% (95% CI 76 to 84).", "specificity", 80.0),
        ("The sensitivity at 10 micrograms/g was high; specificity was 80%.", "specificity", 80.0),
        ("The mean difference was 2 minutes; 95% CI -9 to 13.", "MD", 2.0),
        ("The relative risk was 2.3 (95 per cent confidence limits 1.2 to 4.5).", "RR", 2.3),
    ],
)
def test_an_estimate_belongs_to_its_measure(abstract: str, measure: str, value: float) -> None:
    (effect,) = as_read(abstract).effects
    assert (effect.measure, effect.value) == (measure, value)


@pytest.mark.parametrize(
    ("abstract", "number"),
    [
        ("We posted a form to 400 doctors on a list; 242 (61%) replied.", 242),
        ("Of 225 people screened, 107 were randomised.", 107),
        ("We compared 580 obese and 605 lean children.", None),
        ("Two persons selected records and charted data.", None),
        ("Serum was drawn from 120 patients with gout and 110 healthy volunteers.", None),
        ("Velotril cured 246 treated children.", None),
        ("Rats received velotril or saline (n=8 each).", None),
    ],
)
def test_parts_and_readers_are_no_sample(abstract: str, number: int | None) -> None:
    assert as_read(abstract).sample_size.value == number


def test_labels_within_a_text_make_sections() -> None:
    abstract = (
        "BACKGROUND: Gout hurts. METHODS: We treated patients with gout. INTERPRETATION: Velotril "
        "helps. FUNDING: Oslo Fund."
    )
    found = as_read(abstract)
    assert found.conclusion.value == "Velotril helps."
    assert found.funding.value == "Oslo Fund."
    assert abstract[found.funding.start : found.funding.end] == "Oslo Fund."


@pytest.mark.parametrize(
    ("abstract", "read"),
    [
        (
            "Sensitivity and specificity of the test were 85.2% and 80%, respectively.",
            [("sensitivity", 85.2), ("specificity", 80.0)],
        ),
        (
            "Sensitivity, specificity, PPV and NPV were 90%, 80%, 70% and 60%.",
            [("sensitivity", 90), ("specificity", 80), ("PPV", 70), ("NPV", 60)],
        ),
        (
            "Sensitivity and specificity were 0.85 and 0.80.",
            [("sensitivity", 0.85), ("specificity", 0.8)],
        ),
        ("Sensitivity and specificity were 85%, and 20 patients died.", []),
        ("Gout was rarer (odds ratio, OR = 0.19; P = 0.03).", [("OR", 0.19)]),
        (
            "It had 43.3% sensitivity, 87.8% specificity.",
            [("sensitivity", 43.3), ("specificity", 87.8)],
        ),
        ("It was 90% (95% CI 80 to 95%) sensitive.", [("sensitivity", 90)]),
        ("Sensitivity 43.3% specificity 87.8%.", [("sensitivity", 43.3), ("specificity", 87.8)]),
    ],
)
def test_values_of_several_measures(abstract: str, read: list[tuple[str, float]]) -> None:
    found = as_read(abstract).effects
    assert [(effect.measure, effect.value) for effect in found] == read
    assert all(abstract[effect.start : effect.end] == effect.text for effect in found)


def test_each_value_of_a_list_has_its_own_interval() -> None:
    first, second = as_read(
        "The sensitivity and specificity were 85% (95% CI 80-90) and 70% (95% CI 60-78)."
    ).effects
    assert (first.ci_low, first.ci_high) == (80, 90)
    assert (second.ci_low, second.ci_high) == (60, 78)


@pytest.mark.parametrize(
    ("abstract", "number"),
    [
        ("Of the 213 women recruited, 14 (54%) participants had a second test.", 213),
        ("We studied 15 men with gout and 9 matched controls.", None),
        ("Participants with gout (n = 131) had more pain when compared to 80 others.", None),
        ("Reviewers selected articles for inclusion (N = 53).", None),
        ("METHODS: We studied 28 cases of gout. RESULTS: Drainage was carried out in 7 cases.", 28),
        ("A total of 101 adults were randomised (48 with velotril and 53 with placebo).", 101),
        ("Of 98 patients who had surgery, 78 (80%) (11 males) participated in the study.", 78),
    ],
)
def test_a_group_is_no_sample(abstract: str, number: int | None) -> None:
    assert as_read(abstract).sample_size.value == number


@pytest.mark.parametrize(
    ("abstract", "randomised", "analysed"),
    [
        ("We enrolled 56 patients; 49 of the 56 patients were randomised.", 49, None),
        ("Seventeen patients were enrolled and 15 completed the study.", None, None),
        ("Seventy patients completed radiotherapy.", None, None),
        ("We randomised 90 patients. 85 patients completed the trial.", 90, 85),
    ],
)
def test_a_step_is_of_those_who_took_it(
    abstract: str, randomised: int | None, analysed: int | None
) -> None:
    found = as_read(abstract)
    assert (found.randomised.value, found.analysed.value) == (randomised, analysed)


def test_arms_with_a_dose_and_names_in_full() -> None:
    found = as_read(
        "Adults were randomised to velotril (25 mg twice, n = 33) or placebo (n = 16). The 5 adults left."
    )
    assert [(arm.name, arm.value) for arm in found.arms] == [("velotril", 33), ("placebo", 16)]
    assert not found.sample_size.reported  # no less than an arm
    cut = as_read("They had 10 mg velotril daily (n = 12) or placebo (n = 12).").arms
    assert [arm.name for arm in cut] == [None, "placebo"]
    assert (
        as_read("Analysed were intention-to-treat (n = 40) and per-protocol (n = 38).").arms == ()
    )


@pytest.mark.parametrize(
    ("abstract", "population"),
    [
        ("We enrolled patients with mild to moderate gout.", "patients with mild to moderate gout"),
        (
            "We enrolled patients with very mild and mild gout.",
            "patients with very mild and mild gout",
        ),
        ("We enrolled 18 men with a mean age of 35 years.", None),
        ("We saw patients who had recently come.", None),
        ("METHODS: We asked adults. RESULTS: Adults with bad gout had more pain.", None),
        (
            "METHODS: We asked adults. RESULTS: A total of 90 adults with gout were included.",
            "adults with gout",
        ),
        ("We surveyed 226 nurses about care of patients with gout.", None),
        ("We surveyed 226 nurses with gout about care.", "nurses with gout"),
        ("Patients with gout often have pain. We read records.", None),
    ],
)
def test_the_people_studied_and_no_others(abstract: str, population: str | None) -> None:
    assert as_read(abstract, title="Velotril").population.text == population


@pytest.mark.parametrize(
    ("abstract", "age"),
    [
        ("Adults aged 55 years and older took part.", "55 years and older"),
        ("Adults aged over 65 years took part.", "over 65"),
        ("Adults aged ≥ 75 years took part; their mean age was 79 years.", 79),
        ("Children aged 7 to 9.9 years took part.", "7 to 9.9"),
        ("We saw children 2 to 18 years of age.", "2 to 18"),
        ("METHODS: We saw men. RESULTS: Men aged over 65 years had more pain.", None),
    ],
)
def test_age(abstract: str, age: float | str | None) -> None:
    assert as_read(abstract).age.value == age


@pytest.mark.parametrize(
    ("abstract", "value", "unit"),
    [
        ("There were 154 males and 162 females.", 154, "males"),
        ("Of 31 patients, 19 were women.", 19, "women"),
        ("Of 28 patients, 23 males (82%) and 5 women had gout.", 82, "% males"),
        ("In all, 446 (52.5%) were female.", 52.5, "% female"),
        ("Of 300 women, 20 women (7%) had gout.", None, None),
    ],
)
def test_sex(abstract: str, value: float | None, unit: str | None) -> None:
    found = as_read(abstract).sex
    assert (found.value, found.unit) == (value, unit)


@pytest.mark.parametrize(
    ("abstract", "told"),
    [
        (
            "AIM: To assess side effects. RESULTS: Side effects were rare.",
            "Side effects were rare.",
        ),
        ("METHODS: Complications were noted. RESULTS: Pain fell.", None),
        (
            "Gout is a side effect of velotril. Twenty adults were treated. Pain fell (P<0.01).",
            None,
        ),
        ("We treated 20 adults. Velotril was well tolerated.", "Velotril was well tolerated."),
    ],
)
def test_harms_are_what_happened(abstract: str, told: str | None) -> None:
    assert as_read(abstract).adverse_events.text == told


@pytest.mark.parametrize(
    ("last", "concluded"),
    [
        ("These findings suggest that velotril may help.", True),
        ("This study demonstrates that velotril helps.© 2020 Oslo Press.", True),
        ("Velotril may be stored in a dry place.", False),
    ],
)
def test_a_conclusion_without_its_label(last: str, concluded: bool) -> None:
    abstract = f"Gout hurts. We treated 20 adults with velotril. Pain was lower (P<0.01). {last}"
    found = as_read(abstract).conclusion
    assert found.reported is concluded
    assert not concluded or found.text == last.partition("©")[0]


def test_a_publisher_is_no_country_of_a_study() -> None:
    notice = (
        "© 2020 The Authors. Published by Oslo Press Australia on behalf of a society of Japan."
    )
    assert as_read(f"We asked adults in Norway.{notice}").countries[0].value == "Norway"
    assert len(as_read(f"We asked adults in Norway.{notice}").countries) == 1
    assert as_read("We asked adults. (PsycInfo Database Record (c) 2023 APA)").databases == ()
    assert as_read("We searched PsycINFO.").databases[0].value == "PsycINFO"


@pytest.mark.parametrize(
    ("abstract", "dates"),
    [
        ("We asked adults from March to August 2020.", "from March to August 2020"),
        ("We asked adults between May 3 and June 1, 2019.", "between May 3 and June 1, 2019"),
        ("We asked adults from March to August.", None),
    ],
)
def test_dates_that_share_a_year(abstract: str, dates: str | None) -> None:
    assert as_read(abstract).recruitment_dates.text == dates


@pytest.mark.parametrize(
    ("abstract", "intervention", "comparator"),
    [
        (
            "Adults were randomly assigned to receive either velotril (n = 20) or placebo for 6 weeks.",
            "velotril",
            "placebo",
        ),
        ("Adults were randomised to treatment with velotril or warfarin.", "velotril", "warfarin"),
        ("Adults were randomised to treatment or control groups.", None, None),
        ("We compared velotril versus warfarin plus aspirin.", "velotril", "warfarin plus aspirin"),
    ],
)
def test_treatments_that_were_assigned(
    abstract: str, intervention: str | None, comparator: str | None
) -> None:
    found = as_read(abstract, title="Gout")
    assert [one.text for one in found.interventions] == ([intervention] if intervention else [])
    assert [one.text for one in found.comparators] == ([comparator] if comparator else [])


def test_a_trial_of_one_arm_has_no_comparator() -> None:
    found = details(
        "Forty patients with gout received velotril in this single-arm phase II trial. Pain was lower "
        "with velotril versus historical data.",
        title="A single-arm phase II trial of velotril",
    )
    assert found.comparators == ()


@pytest.mark.parametrize(
    ("abstract", "length", "unit"),
    [
        ("In a 12-week double-blind trial, adults had velotril.", 12, "weeks"),
        ("This controlled 2-year study of velotril was randomised.", 2, "years"),
        ("In a 4-week double-blind crossover trial, adults had velotril.", None, None),
        ("Men, 19 to 46 years old, took part in a double-blind trial.", None, None),
        ("In a 5-year retrospective study, adults had velotril.", None, None),
        ("In a 12-week double-blind trial, follow-up was 9 months.", 9, "months"),
    ],
)
def test_a_trial_follows_for_as_long_as_it_lasts(
    abstract: str, length: int | None, unit: str | None
) -> None:
    found = as_read(abstract).follow_up
    assert (found.value, found.unit) == (length, unit)


@pytest.mark.parametrize(
    ("abstract", "number"),
    [
        (
            "We searched PubMed, which yielded 7 articles that fit the criteria. Two studies had pain.",
            7,
        ),
        (
            "We searched PubMed. Fifty articles were selected for full-text reading. We read 9 trials.",
            9,
        ),
        ("We searched PubMed. Two studies measured pain.", None),
    ],
)
def test_some_of_the_included_studies_are_not_all(abstract: str, number: int | None) -> None:
    assert as_read(abstract).included_studies.value == number


@pytest.mark.parametrize(
    ("abstract", "countries"),
    [
        (
            "BACKGROUND: Gout was first seen in China. METHODS: We asked adults in Cambodia.",
            ["Cambodia"],
        ),
        ("We asked adults in Northern Ireland.", ["Northern Ireland"]),
        ("We asked adults in New Mexico.", []),
    ],
)
def test_countries_of_the_study(abstract: str, countries: list[str]) -> None:
    assert [one.value for one in as_read(abstract).countries] == countries


def test_sections_may_be_joined_by_semicolons() -> None:
    found = as_read(
        "Velotril helps patients with mild gout.; We enrolled patients with severe gout into a trial."
    )
    assert found.population.text == "patients with severe gout"


def test_a_study_is_as_small_as_its_randomised_arms() -> None:
    abstract = (
        "We enrolled 56 patients with gout; 49 of the 56 patients were randomised to velotril (n = 33) or "
        "placebo (n = 16). Pain was lower with velotril."
    )
    found = grade(Article(pmid=1, title="A randomised trial of velotril", abstract=abstract))
    assert "small_sample" in found.flags
    assert any(step.rule == "down.imprecision" for step in found.level_steps)
    larger = abstract.replace("33)", "43)").replace("49 of", "59 of").replace("56", "66")
    assert (
        "small_sample"
        not in grade(Article(pmid=1, title="A randomised trial of velotril", abstract=larger)).flags
    )


@pytest.mark.parametrize(
    ("abstract", "age", "dates"),
    [
        ("The mean (SD) age was 76 (6.9) years.", 76, None),
        ("Children were followed until 3-4 months of age.", None, None),
        ("There were children with an age range of 1 to 18 years.", "1 to 18", None),
        (
            "We saw men between Aug 1, 2018, and Sept 24, 2019.",
            None,
            "between Aug 1, 2018, and Sept 24, 2019",
        ),
    ],
)
def test_ages_and_dates_as_journals_print_them(
    abstract: str, age: float | str | None, dates: str | None
) -> None:
    found = as_read(abstract)
    assert (found.age.value, found.recruitment_dates.text) == (age, dates)


def test_a_shortest_follow_up_is_told_as_such() -> None:
    found = as_read("All had a minimum 2-year follow-up.").follow_up
    assert (found.value, found.unit) == ("minimum 2", "years")
    assert as_read("All had a 2-year follow-up.").follow_up.value == 2


@pytest.mark.parametrize(
    ("abstract", "number"),
    [
        ("Fifteen patients, 12 men and 3 women, with gout were investigated.", 15),
        ("We studied 30 patients with gout. Thirty age-matched adults had none.", None),
        ("Fourteen infants were followed; they were matched for weight with 14 infants.", None),
        ("We enrolled 48 healthy adults. All 48 healthy adults had velotril.", 48),
        (
            "MEASURES: Biopsies were performed in 6 patients. RESULTS: Of the 20 patients enrolled, all left.",
            20,
        ),
    ],
)
def test_one_of_two_groups_is_no_sample(abstract: str, number: int | None) -> None:
    assert as_read(abstract).sample_size.value == number


def test_those_screened_are_not_enrolled() -> None:
    found = as_read("In all, 184 patients were assessed and 145 patients were enrolled.")
    assert found.enrolled.value == 145


def test_people_at_large_are_not_those_of_the_study() -> None:
    found = as_read(
        "Velotril may help adolescents with severe gout. Seven adults were treated. Pain fell (P<0.01).",
        title="Velotril",
    )
    assert not found.population.reported


@pytest.mark.parametrize(
    ("abstract", "population", "age", "sex"),
    [
        (
            (
                "The study included 90 adults: 40 adults with gout (mean age 51 years; 60% female) and "
                "50 adults with pain (mean age 44 years; 45% female)."
            ),
            None,
            None,
            None,
        ),
        (
            "The study included 90 adults with gout (mean age 51 years; 60% female).",
            "adults with gout",
            51,
            60,
        ),
        ("We followed males and females with gout.", "males and females with gout", None, None),
        ("We followed patients with surgical treatment.", None, None, None),
    ],
)
def test_groups_are_not_all(
    abstract: str, population: str | None, age: float | None, sex: float | None
) -> None:
    found = as_read(abstract, title="Velotril")
    assert (found.population.text, found.age.value, found.sex.value) == (population, age, sex)


def test_who_is_randomised_to_each_of_several_arms_is_no_sample() -> None:
    found = as_read(
        "In all, 112 patients were randomised to velotril, 117 to warfarin and 118 to rest."
    )
    assert not found.sample_size.reported
    assert (
        as_read("In all, 112 patients were randomised to velotril or rest.").sample_size.value
        == 112
    )


def test_placebo_is_what_is_compared_with() -> None:
    found = as_read("Adults were randomised to placebo or velotril.", title="Gout")
    assert found.interventions[0].text == "velotril"
    assert found.comparators[0].text == "placebo"


def test_a_cohort_allocates_nobody() -> None:
    abstract = (
        "In this retrospective cohort study, 400 patients with gout were followed for pain. Patients were "
        "randomly assigned to a training set."
    )
    found = grade(
        Article(pmid=1, title="Pain in gout: a retrospective cohort study", abstract=abstract)
    )
    assert found.design == "cohort_study"
    assert not found.details.allocation.reported
    assert as_read(abstract).allocation.reported


@pytest.mark.parametrize(
    "abstract",
    [
        "METHODS: We read records. Among patients with old gout, 78% had pain.",
        "METHODS: We read records. Patients with mild pain were considered as the reference group.",
    ],
)
def test_a_part_of_the_people_is_not_the_population(abstract: str) -> None:
    assert not as_read(abstract, title="Velotril").population.reported
