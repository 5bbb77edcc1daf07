"""`read_details`: the study's details as title and abstract print them, each with its span."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any

from grading.contexts import CONTEXTS, Contexts
from grading.details.effects import EFFECT, VALUE_FIRST, read_effects
from grading.details.numbers import COUNT, MONTH, decimal, integer
from grading.details.participants import (
    ARM,
    N_EQUALS,
    OF_SCREENED,
    PEOPLE,
    REPLIED,
    WITH_AFTER,
    number_alone,
    read_arms,
    read_n_equals,
    read_replies,
    read_sizes,
)
from grading.details.registries import REGISTRIES, read_registry
from grading.details.treatments import ASSIGNED, VERSUS, read_assigned, read_treatments
from grading.details.values import NOT_REPORTED, Detail, Details, detail
from grading.patterns import Pattern, PatternSet, Span
from grading.text import Sentence, Text

_MONTHS = rf"(?:{MONTH}|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.?)"
_DATE = rf"(?:{_MONTHS}\s(?:\d{{1,2}},?\s)?)?(?:19|20)\d\d,?"
# The year may stand once, at the end: "from March to August 2020".
_DAY = rf"{_MONTHS}(?:\s\d{{1,2}}\b)?"
# Each detail's pattern; one pass over the text tells which of them may be there at all.
_PATTERNS: dict[str, str] = {
    "people": rf"\b{PEOPLE}\b",
    "n_equals": N_EQUALS,
    "of_screened": OF_SCREENED,
    "replied": REPLIED,
    "arm": ARM,
    "effect": EFFECT,
    "value_first": VALUE_FIRST,
    "number_of_arms": r"(?P<n>two|three|four|five|six|[2-6])[ -](?:arm(?:ed)?|parallel|(?:treatment |study |intervention )?(?:groups|arms))",
    "follow_up": rf"(?:follow(?:ed)?[- ]?up (?:period |time |duration )?(?:was |of |for |at |ranged )?(?:a )?(?:median |mean )?(?:of )?|followed for (?:a )?(?:median |mean )?(?:of )?|over a (?:median |mean )?(?:follow-up )?(?:of )?)"
    rf"(?P<v>\d+(?:\.\d+)?|{COUNT})[ -](?P<u>days?|weeks?|months?|years?)"
    rf"|(?P<v2>\d+(?:\.\d+)?|{COUNT})[ -](?P<u2>day|week|month|year)s?(?: of)? follow-?up",
    "duration": r"\b(?P<v>\d{1,3}|one|two|three|four|five|six|eight|twelve)[- ](?P<u>day|week|month|year)s?,? (?:[\w-]+,? ){0,6}?(?:randomi[sz]ed|placebo-controlled|controlled|double-blind|single-blind|double-masked|open-label|multicenter|multicentre|parallel-group)(?:,? [\w-]+){0,5}? (?:trial|study)\b|\b(?:randomi[sz]ed|controlled|double-blind|open-label),? (?:[\w-]+,? ){0,2}?(?P<v2>\d{1,3}|one|two|three|four|five|six|eight|twelve)[- ](?P<u2>day|week|month|year)s? (?:[\w-]+ ){0,3}?(?:trial|study)\b",
    "centres": rf"\b(?P<v>{COUNT})\s(?:[\w-]+\s){{0,2}}(?:centers|centres|hospitals|sites|clinics|institutions)\b",
    "single_centre": r"\b(?:single|one|mono)[- ]?(?:cent(?:er|re)|institution)\b",
    "age": r"\b(?:(?:mean|median|average)\s(?:[\w-]+\s){0,3}?age\b[^.;]{0,30}?|age\s?(?:was|were|of|:|=|,)[^.;]{0,20}?|aged\s(?P<b>(?:about\s|over\s|under\s|at least\s|[<>]=?\s?)?))(?P<v>\d{1,3}(?:\.\d+)?)(?:\s?(?:\+(?:/?-)?|\((?:SD\D{0,4})?)\s?\d+(?:\.\d+)?)?[^.;]{0,12}?(?P<u>years?|months?|yrs?)(?P<e> (?:of age )?(?:or|and) (?:older|over|more|above|younger|under))?",
    "age_range": r"\b(?:(?:aged?|ages)\s(?:between\s|from\s|of\s|range[ds]?,?\s(?:of\s|from\s|was\s)?)?(?P<v>\d{1,3}(?:\.\d)?(?:\s(?:days|weeks|months|years))?\s?(?:-|~|to|and)\s?\d{1,3}(?:\.\d)?)[\s-](?P<u>years?|months?|yrs?)|(?P<v2>\d{1,3}(?:\.\d)?\s?(?:-|~|to)\s?\d{1,3}(?:\.\d)?)\s(?P<u2>years)(?:-old| old\b| of age\b))",
    "sex": r"(?P<v>\d{1,3}(?:\.\d+)?)\s?%(?:\s(?:were\s)?|\)\s(?:were|was)\s)(?P<s>women|females?|men|males?|girls?|boys?)\b|\b\d+\s(?P<s2>women|females?|men|males?|girls|boys)\s\((?P<v2>\d{1,3}(?:\.\d+)?)\s?%\)",
    "sexes": rf"\b(?P<v>{COUNT})\s(?P<s>women|females?|men|males?|girls|boys)\s?(?:,|and|/)\s(?:{COUNT})\s(?:women|females?|men|males?|girls|boys)\b|\b(?P<v2>{COUNT})\s(?:patients\s|participants\s|subjects\s)?were\s(?P<s2>women|females?|men|males?|girls|boys)\b",
    "databases": r"\b(?:PubMed|MEDLINE|EMBASE|Cochrane (?:Library|CENTRAL|Central Register of Controlled Trials)|(?-i:CENTRAL)|Web of Science|Scopus|CINAHL|PsycINFO|Google Scholar|LILACS|SciELO|PePSIC|AMED|PEDro database|ProQuest|ScienceDirect|Web of Knowledge|CNKI|Wanfang|ClinicalTrials\.gov)\b",
    "studies": rf"\b(?P<n>{COUNT})\s(?:[\w-]+\s){{0,4}}(?:studies|trials|RCTs|cohorts|articles|papers|reviews|publications)\b(?:[^.;]{{0,60}}?(?:were|was|met|fulfilled|included|identified))?",
    "primary_outcomes": r"\bprimary (?:[\w-]+ )?(?:outcomes?|end-?points?)(?: measures?)? (?:was|were|is|included|:)\s?(?P<v>[^.;\n]{5,160})",
    "secondary_outcomes": r"\bsecondary (?:[\w-]+ )?(?:outcomes?|end-?points?)(?: measures?)? (?:was|were|included|:)\s?(?P<v>[^.;\n]{5,160})",
    "versus": VERSUS,
    "assigned": ASSIGNED,
    "countries": r"\b(?:Afghanistan|Albania|Algeria|Angola|Argentina|Australia|Austria|Bahrain|Bangladesh|Belarus|Belgium|Benin|Bhutan|Bolivia|Bosnia|Botswana|Brazil|Brunei|Bulgaria|Burkina Faso|Burundi|Cambodia|Cameroon|Canada|Chile|China|Colombia|Costa Rica|Cote d'Ivoire|Croatia|Cuba|Cyprus|Czech Republic|Czechia|Denmark|Dominican Republic|Ecuador|Egypt|El Salvador|England|Eritrea|Estonia|Ethiopia|Fiji|Finland|France|Gambia|Germany|Ghana|Greece|Guatemala|Haiti|Honduras|Hong Kong|Hungary|Iceland|India|Indonesia|Iran|Iraq|Ireland|Israel|Italy|Ivory Coast|Jamaica|Japan|Kazakhstan|Kenya|Kuwait|Laos|Latvia|Lebanon|Liberia|Libya|Lithuania|Luxembourg|Madagascar|Malawi|Malaysia|Mali|Malta|Mexico|Mongolia|Morocco|Mozambique|Myanmar|Namibia|Nepal|Netherlands|New Mexico|New Zealand|Nicaragua|Nigeria|Northern Ireland|Norway|Oman|Pakistan|Panama|Papua New Guinea|Paraguay|Peru|Philippines|Poland|Portugal|Puerto Rico|Qatar|Romania|Russia|Rwanda|Saudi Arabia|Scotland|Senegal|Serbia|Sierra Leone|Singapore|Slovakia|Slovenia|Somalia|South Africa|South Korea|Spain|Sri Lanka|Sudan|Sweden|Switzerland|Syria|Taiwan|Tanzania|Thailand|Togo|Tunisia|Turkey|UK|USA|Uganda|Ukraine|United Arab Emirates|United Kingdom|United States|Uruguay|Uzbekistan|Venezuela|Viet ?nam|Yemen|Zambia|Zimbabwe)\b",
    "heterogeneity": r"\bI\s?(?:2|\^|\(2\)|\^2|-?squared?)\s?(?:statistic\s|index\s)?(?:=|was|of|:|>|<|,)?\s?(?P<v>\d{1,3}(?:\.\d+)?)\s?%",
    "masking": r"(?:double|single|triple)[- ](?:blind(?:ed)?|mask(?:ed)?)|open[- ]label|(?:assessor|observer|investigator)[- ]blind(?:ed)?",
    "allocation": r"(?:cluster |block |stratified )?randomi[sz](?:ed|ation)|randomly (?:assigned|allocated)|non-?randomi[sz]ed|quasi-?randomi[sz]ed",
    "phase": r"\bphase (?P<v>I{1,3}[ab]?(?:/I{1,3}[ab]?)?|IV|[1-4][ab]?(?:/[1-4][ab]?)?)\b",
    "setting": r"\b(?:tertiary (?:care )?(?:hospital|center|centre|referral)|primary care|general practice|community[- ]based|outpatient clinics?|emergency departments?|intensive care units?|university hospitals?|nursing homes|schools)\b",
    "recruitment_dates": rf"\b(?:between|from|during)\s{_DATE}\s?(?:to|and|through|until|[-–])\s?(?:{_MONTHS}\s(?:\d{{1,2}},?\s)?)?(?:19|20)\d\d",
    "recruitment_days": rf"\b(?:between|from|during)\s{_DAY}\s?(?:to|and|through|until|[-–])\s?{_MONTHS}\s(?:\d{{1,2}},?\s)?(?:19|20)\d\d",
    "risk_of_bias_tool": r"Cochrane (?:Collaboration(?:'s)? )?(?:risk[- ]of[- ]bias|RoB)(?: tool)?(?: 2)?|Newcastle[- ]Ottawa(?: scale)?|QUADAS(?:-2)?|ROBINS-I|RoB ?2|AMSTAR(?:[- ]2)?|Jadad(?: scale| score)?|PEDro(?: scale)?",
    "deaths": rf"\b(?P<v>{COUNT})\s(?:[\w-]+\s){{0,2}}(?:deaths?|died)\b",
    "discontinuations": rf"\b(?P<v>{COUNT})\s(?:[\w-]+\s){{0,3}}(?:discontinued|withdrew|dropped out|were lost to follow-up|withdrawals)",
    "adverse_events": r"\b(?:adverse (?:drug |clinical |cardiac |cardiovascular )?(?:events?|effects?|reactions?)|side effects?|complications?|toxicities|well tolerated|well-tolerated)\b",
    "limitations": r"[^.\n]*\b(?:limitations? (?:of (?:this|our|the (?:present|current)) (?:[\w-]+ ){0,2}(?:study|review|trial|analysis|work|report)|include[sd]?|(?:is|was|were|are) (?:the|its|a|that))|(?:this|our|the (?:present|current)) (?:[\w-]+ ){0,2}(?:study|review|trial|analysis) (?:is|was|has|had|may be) (?:[\w-]+ ){0,3}limit(?:ed|ations?)|(?:main|major|study|important) limitations?|limited by (?:its |the |a |our )?(?:small|retrospective|short|sample|size|observational))\b[^.\n]*\.?",
}
_REGISTRIES = dict(REGISTRIES)
# The details that each pattern has a say in, where that is not the one of its name alone.
_SIZES = ("sample_size", "enrolled", "randomised", "analysed")
_READ_FOR: dict[str, tuple[str, ...]] = {
    "people": (*_SIZES, "population", "condition"),
    "n_equals": _SIZES,
    "of_screened": _SIZES,
    "replied": _SIZES,
    "arm": (*_SIZES, "arms"),
    "effect": ("effects",),
    "value_first": ("effects",),
    "allocation": ("allocation", "follow_up"),
    "masking": ("masking", "follow_up"),
    "duration": ("follow_up",),
    "single_centre": ("centres",),
    "age_range": ("age",),
    "sexes": ("sex",),
    "studies": ("included_studies", "included_participants"),
    "versus": ("interventions", "comparators"),
    "assigned": ("interventions", "comparators"),
    "recruitment_days": ("recruitment_dates",),
}
# What the bytes must hold as well at a pattern's literal, or behind it: signs, or letters in this
# very case.
_HINTS: dict[str, Callable[[bytes, int], object]] = {
    "heterogeneity": re.compile(rb"I(?:2|\^|\(2| 2|-s| s)").search,
    "n_equals": re.compile(rb"n\s?=", re.IGNORECASE).match,
    "arm": re.compile(rb"n\s?=", re.IGNORECASE).match,
    "effect": re.compile(rb"(?!or)").match,  # "OR", not the word
}
# Patterns that begin with a number are tried only near the words that they end in.
_NEAR = {
    name: Pattern(pattern)
    for name, pattern in {
        "deaths": r"\b(?:deaths?|died)\b",
        "discontinuations": r"\b(?:discontinued|withdrew|dropped out|lost to|withdrawals)\b",
        "studies": r"\b(?:studies|trials|RCTs|cohorts|articles|papers|reviews|publications)\b",
        "sex": r"(?:%(?:\s(?:were\s)?|\)\s(?:were|was)\s)(?:women|female|men|male|girl|boy)s?\b|\b(?:women|females?|men|males?|girls|boys)\s\(\d{1,3}(?:\.\d+)?\s?%\))",
        "sexes": rf"\b(?:(?:women|females?|men|males?|girls|boys)\s?(?:,|and|/)\s{COUNT}|were)\s(?:women|females?|men|males?|girls|boys)\b",
        "centres": r"\b(?:centers|centres|hospitals|sites|clinics|institutions)\b",
    }.items()
}
_REACH = 70  # characters before such a word
# Read only where a review's words are found.
_IN_STUDIES = Pattern(
    rf"(?:with|involving|including|comprising|of|enrolling|\()\s?(?:a total of\s|over\s)?(?P<n>{COUNT})\s(?:[\w-]+\s){{0,2}}{PEOPLE}"
)
# Numbers near "studies" that count something else, and what is said of studies that were counted.
_NOT_STUDIES = Pattern(
    r"\b(?:databases?|reviewers?|authors?|investigators?|researchers?|raters?|years?|months?|types?|groups?|countries|percent|%)"
)
_MONTH = Pattern(rf"\s{MONTH}\b")
_OF_PEOPLE = Pattern(rf"\s(?:[\w-]+\s)?{PEOPLE}\s(?:from|in|of)\b")
_INCLUDED = Pattern(
    r"\b(?:included|met|meeting|fit|fitted|fitting|fulfill?(?:ed|ing)?|satisf(?:ied|ying)|eligible|selected|analy[sz]ed|pooled|remained)\b"
)
_FEW = 5  # studies; fewer may be some of those included
# Some of those included: "two studies measured pain".
_SOME_OF_THEM = Pattern(
    r"\s(?:measured|reported|found|showed|used|compared|assessed|evaluated|examined|had|described|investigated|demonstrated|suggested|indicated|observed|explored|addressed|were conducted|did)\b"
)
_FULL_TEXT = Pattern(
    r"\b(?:full-?\s?texts?|for (?:further|detailed|eligibility|assessment|screening))\b"
)
_FOUND = Pattern(
    r"\b(?:identified|screened|retrieved|found|yielded|potentially|abstracts|titles|full-?texts?|registers|registries)\b"
)
_YIELDED = Pattern(
    r"\b(?:yielded|retrieved|screened|screening|produced|returned)\s(?:a total of\s)?\z"
)
_REVIEW = (
    b"meta-analy",
    b"systematic",
    b"review authors",
    b"included studies",
    b"we searched",
)  # lower case
# Where the name of a condition ends: at a sign, or at a word that begins something else.
_DEGREE = rb"(?:(?:very|moderately|mildly)\s)?(?:mild|moderate|severe|early|late|acute|chronic|active|inactive|low|high|stable|unstable|advanced)"
_CONDITION = re.compile(
    rb"(?!(?:any\b|an?\s(?:mean|median|average|positive|negative|high|low|higher|lower|greater|good|poor|body|score|total|minimum|maximum|range|similar|known|disease|condition|follow)"
    rb"|mean|median|average|greater|larger|initial|baseline|those|these|this|such|no|and|or|values?|levels?|scores?|low|lower|high|higher|more|less|fewer|at|only|both|either"
    rb"|data|completed?|received|undergone|been|not|failed|never|previously|recently|taken|had|responded|missing|available|good|poor|better|worse|positive|negative|one|two|three|four|five|\d+)\b)(?:"
    + _DEGREE
    + rb"(?:-to-|\s(?:to|and|or)\s)(?="
    + _DEGREE
    + rb"\b))?[\w' /-]{3,70}?(?=[.,;:()]|\s(?:were|was|are|is|be|been|have|had|has|who|whom|that|which|and|but|or"
    rb"|treated|in|into|at|from|to|by|using|on|after|before|during|between|among|within|for|as|than|with|without|under|over|when|while|versus|vs"
    rb"|receiv(?:e|ed|ing)|under(?:go|going|went)|seen|admitted|aged|followed|enrolled|recruited|included|selected|participat(?:e|ed|ing)"
    rb"|drank|took|ate|wore|used|perform(?:ed|ing)?|gave|visit(?:ed|ing)|came|walked|undertook|carried"
    rb"|about|proved|proven|confirmed|verified|documented|diagnosed|attending|presenting|randomi[sz]ed|allocated|assigned|completed|experienced?|developed?|died|responded|show(?:ed|s)?|reported"
    rb"|designated|classified|defined|may|can|could|will|would|should|did|do|does|compared|according|regardless)\b|$)"
)
# What is told of an outcome, not which it is: "the primary outcome was reached in …".
_NO_OUTCOME = re.compile(
    rb"(?:\w+ly )?(?:reached|met|achieved|similar|lower|higher|reduced|observed|not|significant|analy[sz]ed|assessed|evaluated|measured"
    rb"|available|improved|recorded|compared|seen|found|reported|obtained|\d)(?:\w+)?\b"
)
# Words at its end that are no part of it, and what is no name of a condition by itself.
_LOOSE_END = re.compile(rb"(?:\s\w+ly)+$")
_NO_CONDITION = re.compile(
    rb"(?:"
    + _DEGREE
    + rb"(?:\s"
    + _DEGREE
    + rb")*|\w+ly|\w{1,2}|and|or|.*\b(?:of|with|for|in|an?|the|probable|possible|definite|related|due)|\w+ly\s(?:one|two|an?|no))(?:\s(?:and|or|to))?$",
    re.IGNORECASE,
)
_TREATMENT = re.compile(
    rb"(?:an?\s)?(?:surgical|operative|surgery|procedures?|treatments?)(?!-)\b", re.IGNORECASE
)
# "duodenal, gastric or …": its noun comes later.
_ADJECTIVE = re.compile(rb"(?:\w+ )?\w+(?:al|ic|ous|ive|ary)(?:,| and | or )")
# What is said of people at large, not of those of a study.
_OTHER_SEX = (Pattern(r"\b(?:men|males?|boys?)\b"), Pattern(r"\b(?:women|females?|girls?)\b"))
_AT_LARGE = Pattern(
    r"\s?(?:\([^()]{1,30}\)\s)?(?:\w+ly\s)?(?:are|have|is|has|may|can|could|often|usually|do|does|remain|experience|suffer|frequently"
    r"|should|need|requires?|tend)\b"
)
# Before people of results who are those of the study, and no part of them.
_WHO_TOOK_PART = Pattern(
    rf"(?:\A(?:RESULTS: )?|\b(?:total of|enrolled|included|recruited|randomi[sz]ed|studied|analy[sz]ed|identified|of)\s)(?:the\s|all\s)?{COUNT}\s(?:[\w-]+\s){{0,3}}?\z"
)
_AS_REFERENCE = Pattern(
    r"\b(?:as|were|formed|served as) (?:the |a |our )?(?:reference|controls?|comparison)\b"
)
_COUNT_BEFORE = re.compile(rf"\b({COUNT})\s(?:[\w-]+\s){{0,2}}\Z".encode(), re.IGNORECASE)
_AND_BEFORE = re.compile(
    rb"\b(?:men|males|women|females|boys|girls|children|adolescents|infants|patients|adults) and \Z",
    re.IGNORECASE,
)
_OF_THIS_STUDY = Pattern(
    r"\b(?:we|our|this (?:study|trial|report|paper)|the (?:present|current) study|in an? (?:[\w-]+,? ){0,7}(?:study|trial)|were|was|randomly|consecutive|underwent|received)\b"
)
_PROFESSIONALS = re.compile(
    r"nurs|physician|doctor|clinician|student|professional|surgeon|practitioner|therapist|dentist|pharmacist"
    r"|midwi|resident|caregiver|carer|parent|teacher|worker|expert|psychiatrist|internist|specialist|director",
    re.IGNORECASE,
)
_CONCLUSION = re.compile(rb"(?:In conclusion|We conclude|Conclusions?:)[^\n]*")
# How authors begin to conclude where no label says so.
_CONCLUDES = Pattern(
    r"(?:In summary|Overall|Taken together|Thus|Therefore|Hence|Altogether|Collectively|Apparently|Accordingly|It (?:is|was|can be) (?:therefore )?concluded"
    r"|(?:All )?(?:these|this|our|the|the present|the current|present|such)\s(?:[\w,/-]+\s){0,4}?(?:results?|findings?|data|study|trial|analys[ei]s|report|review|observations?|evidence|series|work|experience|model|meta-analysis)\b"
    r"[^.;]{0,60}?\b(?:suggests?|indicates?|shows?|showed|demonstrates?|demonstrated|supports?|highlights?|provides?|confirms?|confirmed|emphasi[sz]es?|imply|implies|underlines?|underscores?|reveals?|lends?|showcase|establish(?:es|ed)?)\b)"
)
_WHOLE = ("masking", "allocation", "setting", "recruitment_dates", "risk_of_bias_tool")
_DONE = ("masking", "allocation")  # how the study was done, where `_own` says so
_TRIALS = Pattern(r"\A[-,]?\s?(?:[\w-]+,?\s){0,5}?(?:trials|studies|RCTs|literature|evidence)\b")
_CONTEXTS = Contexts(frozenset(CONTEXTS), inside=True)
_ROLES = {"aims": 0, "methods": 0, "title": 1, "results": 2, "background": 4}
_ELSEWHERE = Pattern(
    r"\b(?:first|emerged|emergence|outbreaks?|originat\w+|broke out|discovered|worldwide|global(?:ly)?|countries)\b"
)
_LONGEST_NOTICE = 300  # characters of a copyright notice at the end of an abstract
_SEARCHED = Pattern(r"\b(?:searched|published|literature|search)\b[^.;]*\z")
_NOT_COUNTED = Pattern(
    r"\b(?:in (?:two|three|four|five|six)|fewer|more|less|excess|additional|extra|estimated|expected)\b"
)
_SENTENCES = ("limitations",)
_LOOKED_FOR = Pattern(
    r"\b(?:(?:were|was) (?:\w+ )?(?:recorded|monitored|assessed|evaluated|collected|graded|measured|documented|compared|asked (?:for|about))"
    r"|end-?points?|outcomes? (?:were|was|included)|to (?:evaluate|assess|determine|compare|investigate))\b"
)
_NO_LESS = re.compile(rb"(?i)\b(?:at least|minimum(?: of)?|more than)\s(?:an?\s)?\Z")
# A part of a trial that has several, or one that looks back.
_ALREADY = re.compile(rb"(?i)cross-?over|retrospective|cohort|extension|run-in|old\b|survey")
_COUNTED = ("deaths", "discontinuations")
# Sections that are a detail as a whole: words of the label, the detail.
_SECTIONS = (
    (
        re.compile(r"(?:primary|main) (?:outcome|end ?point)|^outcome measures?$", re.I),
        "primary_outcomes",
    ),
    (re.compile(r"secondary (?:outcome|end ?point)", re.I), "secondary_outcomes"),
    (
        re.compile(r"^(?:study )?(?:patients?|participants?|subjects|population)(?:\(s\))?$", re.I),
        "population",
    ),
    (re.compile(r"^(?:main )?interventions?(?:\(s\))?$", re.I), "interventions"),
    (re.compile(r"^(?:study )?settings?$", re.I), "setting"),
    (re.compile(r"limitation", re.I), "limitations"),
    (re.compile(r"^(?:primary )?(?:funding|sponsor|source of funding)", re.I), "funding"),
)
_SEVERAL = frozenset({"primary_outcomes", "secondary_outcomes", "interventions"})


@cache
def _patterns() -> tuple[PatternSet, tuple[str, ...]]:
    named = _PATTERNS | _REGISTRIES
    return PatternSet(list(named.values())), tuple(named)


def read_details(text: Text) -> Details:
    """Every detail that the record reports; `reported` is False for the rest."""
    return read_details_many((text,), (frozenset(),))[0]


def read_details_many(texts: Sequence[Text], unfit: Sequence[frozenset[str]]) -> list[Details]:
    """As `read_details` of each, but step by step for all: what a step needs stays in the
    processor's cache. `unfit`: names of details that need not be looked for in each text, as its
    design cannot report them (see `own_details`)."""
    patterns, names = _patterns()
    idle = list(map(_idle, unfit))
    rows: list[tuple[Text, dict[str, Pattern], dict[str, Any]]]
    rows = [(text, {}, {}) for text in texts]
    found = patterns.places([text.plain for text in texts])
    for name, pattern, places in zip(names, patterns.patterns, found, strict=True):
        hint = _HINTS.get(name)
        for number, place in places:
            text, may, _ = rows[number]
            if name in may or name in idle[number]:
                continue
            if hint is None or hint(text.data, place):
                may[name] = pattern
    for number, group in groupby(found[names.index("people")], itemgetter(0)):
        text, may, values = rows[number]
        if text.article.abstract and "people" in may:
            _people(text, [text.word_at(place) for _, place in group], values)
    for step in (_participants, _effects, _study, _reviews, _conclusion, _sections):
        for row in rows:
            if row[0].article.abstract:
                step(*row)
    for step in (_versus, _registered, _declared):
        for row in rows:
            step(*row)
    return [Details(**values) for _, _, values in rows]


@cache
def _idle(unfit: frozenset[str]) -> frozenset[str]:
    """The patterns that are looked for to read these details alone."""
    return frozenset(name for name in _PATTERNS if unfit.issuperset(_READ_FOR.get(name, (name,))))


def _effects(text: Text, may: dict[str, Pattern], values: dict[str, Any]) -> None:
    pattern, first = may.get("effect"), may.get("value_first")
    if pattern is not None or first is not None:
        values["effects"] = tuple(read_effects(text, pattern, first))


def _registered(text: Text, may: dict[str, Pattern], values: dict[str, Any]) -> None:
    registries = {name: pattern for name, pattern in may.items() if name in _REGISTRIES}
    values["registry_ids"] = tuple(read_registry(text, registries))
    for mention in values["registry_ids"]:
        if mention.registry == "PROSPERO":
            values["prospero_id"] = Detail(
                reported=True,
                value=mention.value,
                text=mention.text,
                field=mention.field,
                start=mention.start,
                end=mention.end,
            )
            break


def _declared(text: Text, _may: dict[str, Pattern], values: dict[str, Any]) -> None:
    article = text.article
    if article.grants:
        agencies = dict.fromkeys(g.agency or g.number or "" for g in article.grants)
        values["funding"] = Detail(
            reported=True, value="; ".join(filter(None, agencies)), field="grants"
        )
    if article.coi_statement:
        values["conflicts_of_interest"] = Detail(
            reported=True, value=article.coi_statement, field="coi_statement"
        )


def _near(text: Text, name: str, pattern: Pattern) -> Iterator[list[Span]]:
    """What `pattern` finds around the words that it cannot do without."""
    data, last, done = text.data, len(text.data), text.body
    for start, end in _NEAR[name].every(data, text.body, last):
        first = max(done, start - _REACH)
        if first < end and (found := pattern.groups(data, first, min(last, end + 1))):
            yield found
        done = end


def _people(text: Text, people: Sequence[Span], values: dict[str, Any]) -> None:
    """`people`: the words for people, or animals, of title and abstract."""
    values.update(read_sizes(text, people))
    _people_with(text, people, values)


def _participants(text: Text, may: dict[str, Pattern], values: dict[str, Any]) -> None:
    data, last = text.data, len(text.data)
    if "sample_size" not in values and (pattern := may.get("n_equals")):
        values["sample_size"] = read_n_equals(text, pattern)
    if (
        "randomised" not in values
        and (pattern := may.get("of_screened"))
        and (taken := read_replies(text, pattern)).reported
    ):
        values["sample_size"] = taken
    if (pattern := may.get("replied")) and (answered := read_replies(text, pattern)).reported:
        values["analysed"] = values["sample_size"] = answered
    if pattern := may.get("arm"):
        values["arms"] = read_arms(text, pattern)
        largest = max((arm.value or 0 for arm in values["arms"]), default=0)
        for name in ("sample_size", "enrolled", "randomised", "analysed"):
            if name in values and values[name].reported and values[name].value < largest:
                del values[name]  # a part of one arm is not the study's
    if (pattern := may.get("number_of_arms")) and (found := pattern.groups(data, text.body, last)):
        number = found[pattern.names["n"]]
        values["number_of_arms"] = detail(
            text, *found[0], integer(data[slice(*number)].decode()), "arms"
        )
    _age(text, may, values)
    _sex(text, may, values)


def _age(text: Text, may: dict[str, Pattern], values: dict[str, Any]) -> None:
    """A range, else an average, else a limit as printed: "55 years and older"."""
    data, last = text.data, len(text.data)

    def of_a_group(place: int) -> bool:
        sentence = text.sentence_at(place)
        return sentence is not None and sentence.role == "results"

    if pattern := may.get("age_range"):
        names = pattern.names
        for found in pattern.every_groups(data, text.body, last):
            if found[names["v"]][0] < 0 and of_a_group(found[0][0]):
                continue
            unit = data[slice(*max(found[names["u"]], found[names["u2"]]))].decode()
            printed = max(found[names["v"]], found[names["v2"]])
            values["age"] = detail(text, *found[0], text.quote(*printed), unit)
            return
    if (pattern := may.get("age")) is None:
        return
    names = pattern.names
    for found in pattern.every_groups(data, text.body, last):
        unit = data[slice(*found[names["u"]])].decode()
        bound, number, beyond = found[names["b"]], found[names["v"]], found[names["e"]]
        if beyond[0] < 0 and bound[0] == bound[1]:
            average = decimal(data[slice(*number)].decode())
            sentence = text.sentence_at(found[0][0])
            last = sentence.end if sentence else found[0][1]
            again = pattern.groups(data, found[0][1], last)
            if again and decimal(data[slice(*again[names["v"]])].decode()) != average:
                return  # of groups
            values["age"] = detail(text, *found[0], average, unit)
            return
        if "age" not in values and not of_a_group(found[0][0]):
            first = bound[0] if bound[0] >= 0 else number[0]
            limit = text.quote(first, max(number[1], beyond[1]))
            values["age"] = detail(text, *found[0], limit, unit)


def _sex(text: Text, may: dict[str, Pattern], values: dict[str, Any]) -> None:
    """The share of one sex, else its number; not those of groups."""
    data, last = text.data, len(text.data)
    if pattern := may.get("sex"):
        names = pattern.names
        shares: dict[str, tuple[float | None, Span, Span]] = {}
        for found in _near(text, "sex", pattern):
            sex = data[slice(*max(found[names["s"]], found[names["s2"]]))].decode().lower()
            share = decimal(data[slice(*max(found[names["v"]], found[names["v2"]]))].decode())
            if sex not in shares:
                shares[sex] = share, found[0], found[names["s"]]
            elif (
                share != shares[sex][0]
                and (sentence := text.sentence_at(shares[sex][1][0]))
                and found[0][0] < sentence.end
            ):
                return  # of groups
        for sex, (share, span, named) in shares.items():
            # "40 women (7%)" where there are no men: how many had something.
            if named[0] >= 0 or _OTHER_SEX[sex[0] in "mb"].find(data, text.body, last):
                values["sex"] = detail(text, *span, share, f"% {sex}")
                return
    if (pattern := may.get("sexes")) and (first := next(_near(text, "sexes", pattern), None)):
        names = pattern.names
        sex = data[slice(*max(first[names["s"]], first[names["s2"]]))].decode().lower()
        counted = number_alone(text, max(first[names["v"]], first[names["v2"]]))
        pair = first[names["s"]][0] >= 0
        if counted is not None and (
            not pair or _OTHER_SEX[sex[0] in "mb"].find(data, *first[0]) is not None
        ):
            values["sex"] = detail(text, *first[0], counted, sex)


def _people_with(text: Text, people: Sequence[Span], values: dict[str, Any]) -> None:
    """Who was studied: best said in aims and methods, never in conclusions."""
    found: list[tuple[int, int, int, int]] = []
    labelled = any(section.label for section in text.sections)
    told = any(sentence.role in ("methods", "results") for sentence in text.sentences)
    size = values.get("sample_size", NOT_REPORTED).value
    for first, end in ((text.body, len(text.data)), (0, text.body - 1)):
        for start, stop in people:
            if not first <= start < end or (led := WITH_AFTER.match(text.data, stop, end)) is None:
                continue
            after = led.end()
            if named := _CONDITION.match(text.data, after, end):
                sentence = text.sentence_at(start)
                role = sentence.role if sentence else ""
                if role == "conclusions" or (role == "background" and labelled):
                    continue  # of people at large
                words = named[0].rstrip()
                if loose := _LOOSE_END.search(words):
                    words = words[: loose.start()]
                stop = named.start() + len(words)
                if _TREATMENT.match(words) and text.data[after - 5 : after].lower() == b"with ":
                    continue
                if _NO_CONDITION.match(words) or _ADJECTIVE.match(text.data, after):
                    continue
                if role == "background" and _AT_LARGE.groups_at(
                    text.data, stop, min(stop + 60, len(text.data))
                ):
                    continue
                before = text.data[max(sentence.start if sentence else first, start - 60) : start]
                of_others = role == "results" or (
                    role == "background"
                    and told
                    and sentence
                    and not _OF_THIS_STUDY.find(text.data, *sentence[:2])
                )
                if of_others and not _WHO_TOOK_PART.find(before, 0, len(before)):
                    continue  # some of them, or people at large
                if (one_of := _COUNT_BEFORE.search(before)) and (
                    (number := integer(one_of[1].decode())) is not None
                    and isinstance(size, int)
                    and number < size
                ):
                    continue  # one of the groups
                if sentence and (
                    before[-6:].lower() == b"among " == text.data[sentence.start : start].lower()
                    or _AS_REFERENCE.find(text.data, stop, max(stop, sentence.end))
                ):
                    continue  # some of them
                if both := _AND_BEFORE.search(before):
                    start -= len(before) - both.start()
                found.append((_ROLES.get(role, 3), start, after, stop))
    if found:
        _, start, after, stop = min(found, key=lambda one: one[0])
        counted = values.get("sample_size", NOT_REPORTED).text or ""
        told_of = text.quote(start, after)
        if _PROFESSIONALS.search(counted) and not _PROFESSIONALS.search(told_of):
            return  # whom they care for
        values["population"] = detail(text, start, stop)
        if not text.data[start:after].lower().endswith(b"undergoing "):
            values["condition"] = detail(text, after, stop)


def _own(text: Text, span: Span) -> bool:
    """Whether words for how a trial was done speak of this one: "randomised trials are needed" does
    not, nor does the plural of what a review includes."""
    data, (start, end) = text.data, span
    sentence = text.sentence_at(start)
    bounds = sentence[:2] if sentence else (text.body, len(data))
    near = data[end : min(bounds[1], end + 60)]
    return (
        not data[max(0, start - 12) : start].lower().endswith((b"mendelian ", b"mendelian-"))
        and _TRIALS.find(near, 0, len(near)) is None
        and not _CONTEXTS.silence(data, start, end, bounds)
    )


def _study(text: Text, may: dict[str, Pattern], values: dict[str, Any]) -> None:
    data, first, last = text.data, text.body, len(text.data)
    if (pattern := may.get("adverse_events")) and (told := _adverse_events(text, pattern)):
        values["adverse_events"] = told
    for name in (*_WHOLE, *_SENTENCES):
        if pattern := may.get(name):
            for start, end in pattern.every(data, first, last):
                if name == "recruitment_dates" and _SEARCHED.find(
                    data, max(first, start - 80), start
                ):
                    continue
                if name not in _DONE or _own(text, (start, end)):
                    break
            else:
                continue
            while start < end and data[start] in b" \n\f":
                start += 1
            if name in _SENTENCES and (sentence := text.sentence_at(start)):
                start, end = sentence[:2]
                start += _label_before(text, start)
            values[name] = detail(text, start, end)
    if "recruitment_dates" not in values and (pattern := may.get("recruitment_days")):
        span = pattern.find(data, first, last)
        if span and not _SEARCHED.find(data, max(first, span[0] - 80), span[0]):
            values["recruitment_dates"] = detail(text, *span)
    if pattern := may.get("phase"):
        for whole, *groups in pattern.every_groups(data, 0, last):
            if _own(text, whole):
                values["phase"] = detail(text, *whole, text.quote(*groups[0]))
                break
    for name in _COUNTED:
        if pattern := may.get(name):
            for whole, *groups in _near(text, name, pattern):
                value = number_alone(text, groups[0])
                none = data[max(0, whole[0] - 3) : whole[0]].lower() == b"no "
                if value is not None and not none and not _NOT_COUNTED.find(data, *whole):
                    values[name] = detail(text, *whole, value, "participants")
                    break
    if (pattern := may.get("follow_up")) and (found := pattern.groups(data, first, last)):
        number = max(found[pattern.names["v"]], found[pattern.names["v2"]])
        unit = max(found[pattern.names["u"]], found[pattern.names["u2"]])
        start, end = found[0]
        printed = data[slice(*number)].decode()
        length: float | str | None
        length = integer(printed) if printed[0].isalpha() else decimal(printed)
        if bound := _NO_LESS.search(data, max(first, start - 14), start):
            start = bound.start()
            if number[0] < found[0][0] + 4:  # "at least 2 years of follow-up"
                length = text.quote(start, number[1])
        values["follow_up"] = detail(
            text, start, end, length, data[slice(*unit)].decode().lower().rstrip("s") + "s"
        )
    elif (
        ("allocation" in may or "masking" in may)
        and (pattern := may.get("duration"))
        and (found := pattern.groups(data, 0, last))
    ):
        # A trial of twelve weeks follows for twelve weeks.
        names = pattern.names
        lasted = number_alone(text, max(found[names["v"]], found[names["v2"]]))
        if (
            lasted is not None
            and not _ALREADY.search(data[found[0][0] : found[0][1]])
            and (found[0][0] >= text.body or found[0][1] < text.body)
        ):
            each = data[slice(*max(found[names["u"]], found[names["u2"]]))].decode().lower()
            values["follow_up"] = detail(text, *found[0], lasted, f"{each}s")
    if (pattern := may.get("centres")) and (found := next(_near(text, "centres", pattern), None)):
        value = number_alone(text, found[pattern.names["v"]])
        if value is not None:
            values["centres"] = detail(text, *found[0], value, "centres")
    if "centres" not in values and (pattern := may.get("single_centre")):
        span = pattern.find(data, 0, last)
        if span and span[0] != text.body - 1:
            values["centres"] = detail(text, *span, 1, "centres")
    if pattern := may.get("countries"):
        owned = text.article.abstract.rfind("©", -_LONGEST_NOTICE)  # a notice of its publisher
        end = first + owned if owned >= 0 else last
        named = {
            data[slice(*span)]: span
            for span in pattern.every(data, first, end)
            if _is_of_study(text, span[0])
        }
        named.pop(b"New Mexico", None)
        values["countries"] = tuple(detail(text, *span) for span in named.values())
    for name in ("primary_outcomes", "secondary_outcomes"):
        if pattern := may.get(name):
            values[name] = tuple(
                detail(text, *found[pattern.names["v"]])
                for found in pattern.every_groups(data, first, last)
                if not _NO_OUTCOME.match(data, found[pattern.names["v"]][0])
            )


def _adverse_events(text: Text, pattern: Pattern) -> Detail | None:
    """What happened, as results tell it, or else conclusions: not what was looked for, nor what is
    known of the treatment."""
    roles = {sentence.role for sentence in text.sentences}
    labelled = any(section.label for section in text.sections)
    best: tuple[int, Sentence] | None = None
    for span in pattern.every(text.data, text.body, len(text.data)):
        sentence = text.sentence_at(span[0])
        if sentence is None:
            continue
        role = sentence.role
        if role == "results":
            rank = 0
        elif role == "conclusions":
            rank = 1
        elif labelled or role == "aims" or _LOOKED_FOR.find(text.data, *sentence[:2]):
            continue
        elif role == "methods" or not roles & {"methods", "results"}:
            rank = 2
        else:
            continue
        if best is None or rank < best[0]:
            best = rank, sentence
    if best is None:
        return None
    start, end = best[1][:2]
    return detail(text, start + _label_before(text, start), end)


def _is_of_study(text: Text, place: int) -> bool:
    """Whether the country at `place` is not only where a disease is, or was first: of the background."""
    sentence = text.sentence_at(place)
    return (
        sentence is None
        or sentence.role != "background"
        or _ELSEWHERE.find(text.data, *sentence[:2]) is None
    )


def _label_before(text: Text, start: int) -> int:
    """How far a section's label and its colon reach, where a section begins at `start`."""
    for section in text.sections:
        if section.label and text.body + section.start == start:
            return section.end - section.start - len(section.text)
    return 0


def _included_studies(text: Text, pattern: Pattern) -> tuple[int, Span] | None:
    """The number said to be included, else one that is not said to be only found; None where all
    are."""
    best: tuple[int, int, Span] | None = None
    for found in _near(text, "studies", pattern):
        (start, end), number = found[0], found[pattern.names["n"]]
        count = number_alone(text, number)
        if count is None or _NOT_STUDIES.find(text.data, start, end):
            continue
        if _MONTH.groups_at(text.data, number[1], end) or _OF_PEOPLE.groups_at(
            text.data, number[1], end
        ):
            continue
        last = min(len(text.data), end + 45)
        if (clause := text.data.find(b", ", end, last)) >= 0:
            last = clause
        if count < _FEW and _SOME_OF_THEM.groups_at(text.data, end, last):
            rank = 0
        elif _INCLUDED.find(text.data, start, last) and not _FULL_TEXT.find(
            text.data, start, min(len(text.data), end + 60)
        ):
            rank = 2
        else:
            before = text.data[max(text.body, start - 40) : start]
            found_only = _FOUND.find(text.data, start, last) or _YIELDED.find(
                before, 0, len(before)
            )
            rank = 0 if found_only else 1
        if best is None or rank > best[0]:
            best = rank, count, (start, end)
    return best[1:] if best and best[0] > 0 else None


def _reviews(text: Text, may: dict[str, Pattern], values: dict[str, Any]) -> None:
    data, first, last = text.data, text.body, len(text.data)
    databases: dict[bytes, tuple[int, int]] = {}
    if pattern := may.get("databases"):
        for span in pattern.every(data, first, last):
            if data[span[1] : span[1] + 16] != b" Database Record":  # who owns the abstract
                databases.setdefault(data[slice(*span)].lower(), span)
        if set(databases) == {b"clinicaltrials.gov"}:
            databases.clear()  # where a trial is registered, not where a review searched
        values["databases"] = tuple(detail(text, *span) for span in databases.values())
    if (pattern := may.get("heterogeneity")) and (found := pattern.groups(data, first, last)):
        value = decimal(data[slice(*found[pattern.names["v"]])].decode())
        values["heterogeneity"] = detail(text, *found[0], value, "%")
    pattern = may.get("studies")
    if pattern is None or not (databases or any(map(data.lower().__contains__, _REVIEW))):
        return
    if (counted := _included_studies(text, pattern)) is None:
        return
    count, span = counted
    end = span[1]
    values["included_studies"] = detail(text, *span, count, "studies")
    if people := _IN_STUDIES.groups(data, end, min(last, end + 100)):
        of_people = number_alone(text, people[_IN_STUDIES.names["n"]])
        if of_people is not None:
            values["included_participants"] = detail(text, *people[0], of_people, "participants")


def _versus(text: Text, may: dict[str, Pattern], values: dict[str, Any]) -> None:
    if pattern := may.get("assigned"):
        for name, found in read_assigned(text, pattern).items():
            values.setdefault(name, (found,))
    if (pattern := may.get("versus")) and "comparators" not in values:
        for name, found in read_treatments(text, pattern).items():
            values.setdefault(name, (found,))


def _conclusion(text: Text, _may: dict[str, Pattern], values: dict[str, Any]) -> None:
    for section in text.sections:
        label = (section.label or "").lower()
        if section.category == "CONCLUSIONS" or "conclu" in label or label == "interpretation":
            end = text.body + section.end
            values["conclusion"] = detail(text, end - len(section.text), end)
            return
    # The bytes first: most texts have none, and this search is much the faster.
    place = text.data.find(b"onclu", text.body)
    while place >= 0:
        for before in (4, 1):  # "In conclusion", "We conclude"; "Conclusions:"
            if found := _CONCLUSION.match(text.data, max(text.body, place - before)):
                values["conclusion"] = detail(text, *found.span())
                return
        place = text.data.find(b"onclu", place + 1)
    if text.sections:
        return
    last = [sentence for sentence in text.sentences[-2:] if sentence.role == "conclusions"]
    for sentence in last:
        if _CONCLUDES.groups_at(text.data, *sentence[:2]):
            values["conclusion"] = detail(text, sentence.start, _before_notice(text, last[-1].end))
            return


def _before_notice(text: Text, end: int) -> int:
    """Where the last sentence ends if a copyright notice is glued to it."""
    owned = text.article.abstract.find(
        "©", max(0, end - text.body - _LONGEST_NOTICE), end - text.body
    )
    return (
        end
        if owned < 0
        else text.body
        + len(text.article.abstract[:owned].rstrip().removesuffix("Copyright").rstrip())
    )


def _sections(text: Text, _may: dict[str, Pattern], values: dict[str, Any]) -> None:
    for section in text.sections:
        if not section.label or not section.text:
            continue
        for pattern, name in _SECTIONS:
            if pattern.search(section.label):
                end = text.body + section.end
                whole = detail(text, end - len(section.text), end)
                values[name] = (whole,) if name in _SEVERAL else whole
                break


__all__ = ["read_details", "read_details_many"]
