"""`read_details`: the study's details as title and abstract print them, each with its span."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import re2

from grading.article import Article
from grading.details.numbers import COUNT, DECIMAL, decimal, integer, stands_alone
from grading.details.values import NOT_REPORTED, Arm, Detail, Details, Effect, RegistryMention


def _linear(pattern: str) -> Any:
    """RE2: time linear in the text, whatever the pattern. Any case."""
    return re2.compile(f"(?i){pattern}")


_PEOPLE = (
    r"(?:patients|participants|subjects|individuals|people|persons|adults|children|women|men"
    r"|infants|neonates|adolescents|students|volunteers|cases|eyes|veterans|nurses|physicians"
    r"|mothers|girls|boys|residents|respondents|outpatients|inpatients|survivors|older adults"
    r"|smokers|pregnant women|newborns|couples|families|households|workers|professionals|animals"
    r"|rats|mice|dogs|rabbits|pigs)"
)
_FILL = r"(?:[\w'’/-]+,?\s){0,5}?"
_RANDOMISED = _linear(
    rf"(?P<n>{COUNT})\s{_FILL}{_PEOPLE}?(?:\s[^.;]{{0,40}}?)?\s?(?:\([^)]*\)\s)?(?:were|was)\s"
    rf"(?:[\w-]+\s)?(?:randomi[sz]ed|randomly|assigned|allocated)"
    rf"|(?:randomi[sz]ed|randomly (?:assigned|allocated)|we assigned)\s(?:a total of\s)?(?P<n2>{COUNT})\s{_FILL}{_PEOPLE}"
    rf"|(?P<n3>{COUNT})\s{_FILL}(?:underwent randomi[sz]ation)"
)
_ENROLLED = _linear(
    rf"(?P<n>{COUNT})\s{_FILL}{_PEOPLE}(?:\s[^.;]{{0,60}}?)?\s(?:were|was)?\s?(?:enrolled|recruited|included|entered|studied"
    rf"|participated|took part|identified|eligible|treated|evaluated|assessed|completed)"
    rf"|(?:enrolled|recruited|included|studied|involving|comprised|consisted of|sample of|total of|in|of|with|among)\s"
    rf"(?:a total of\s)?(?P<n2>{COUNT})\s{_FILL}{_PEOPLE}\b"
)
_START = _linear(rf"(?:^|[.:]\s)(?P<n>{COUNT})\s{_FILL}{_PEOPLE}\b")
_ANALYSED = _linear(
    rf"(?P<n>{COUNT})\s{_FILL}{_PEOPLE}?(?:\s[^.;]{{0,30}}?)?\s?(?:were\s)?(?:analy[sz]ed|included in the (?:[\w-]+\s)?analys[ei]s"
    rf"|completed (?:the )?(?:study|trial|follow-up)|were evaluable)"
)
_N_EQUALS = _linear(r"\b[nN]\s?=\s?(?P<n>\d{1,3}(?:[, \x{2009}]\d{3})+|\d+)")
_ARM = re.compile(r"\(\s?[nN]\s?=\s?(?P<n>\d[\d,]*)\s?[),;]")
_ARM_NAME = re.compile(r"[A-Za-z][\w/+-]*(?:\s[\w/+-]+){0,3}\s$")
_ARMS = _linear(
    r"(?P<n>two|three|four|five|six|[2-6])[ -](?:arm(?:ed)?|parallel|(?:treatment |study |intervention )?(?:groups|arms))"
)
_NOT_THE_STUDY = _linear(
    r"screened|invited|approached|per cent|percent|worldwide|million|each year|%"
)

_MEASURES = (
    ("OR", r"(?:adjusted |pooled |crude |multivariable-adjusted )?odds ratios?|a?ORs?"),
    ("HR", r"(?:adjusted )?hazards? ratios?|a?HRs?"),
    ("IRR", r"(?:incidence|incident) rate ratios?|rate ratios?|IRRs?"),
    ("RR", r"(?:adjusted )?(?:relative risks?|risk ratios?)|a?RRs?"),
    ("SMD", r"standardi[sz]ed mean differences?|SMDs?|Hedges['’]? g|Cohen['’]s d"),
    ("MD", r"(?:weighted )?mean differences?|WMDs?|MDs?"),
    ("RD", r"(?:absolute )?risk (?:difference|reduction)s?"),
    ("NNT", r"numbers? needed to (?:treat|harm)|NNT"),
    ("AUC", r"area under (?:the )?(?:[\w-]+ ){0,5}curve|AUCs?|AUROC|c-statistic|c-index"),
    ("sensitivity", r"sensitivit(?:y|ies)"),
    ("specificity", r"specificit(?:y|ies)"),
    ("PPV", r"positive predictive values?|PPVs?"),
    ("NPV", r"negative predictive values?|NPVs?"),
)
_MEASURE_NAMES = {f"m{i}": name for i, (name, _) in enumerate(_MEASURES)}
_MEASURE = "|".join(f"(?P<m{i}>{pattern})" for i, (_, pattern) in enumerate(_MEASURES))
_EFFECT = _linear(
    rf"\b(?:{_MEASURE})\b"
    rf"(?:\s?[(\[][A-Za-z]{{1,6}}s?[)\]])?"
    rf"[\s,:;=(\[]*(?:(?:was|of|is|for|were|estimate|value|=|≈|~)\s?[\s,:;=(\[]*){{0,2}}"
    rf"(?P<value>{DECIMAL})\s?(?P<percent>%)?"
)
_CI = re.compile(
    rf"^[\s,;:(\[]*(?:with\s)?(?:a\s)?(?:(?P<level>9\d(?:\.\d)?)\s?%\s?)?"
    rf"(?:(?:CI|confidence intervals?|CrI|credible intervals?)(?:\s?[(\[]CI[)\]])?)?"
    rf"[\s,:;=(\[]*(?:of\s|from\s)?(?P<low>{DECIMAL})\s?%?\s?(?:to|[-–—−,;]|and)\s?(?P<high>{DECIMAL})\s?%?",
    re.IGNORECASE,
)
_P = re.compile(
    r"^[^.;()]{0,3}[\s,;:)\]]*(?:and\s)?[pP](?:[ -]?value)?\s?(?P<p>[<>=≤≥]\s?0?[.·]\d+(?:\s?[×x]\s?10\S+)?)"
)
_I2 = _linear(
    r"\bI(?:2|²|\(2\)|\^2|-squared)\s?(?:statistic\s)?(?:=|was|of|:|>|,)?\s?(?P<v>\d{1,3}(?:[.·]\d+)?)\s?%"
)
_REGISTRIES = (
    ("ClinicalTrials.gov", re.compile(r"\bNCT\s?(?:no\.?\s?)?0?\d{7,8}\b", re.I)),
    ("ISRCTN", re.compile(r"\bISRCTN\s?(?:no\.?\s?)?\d{8}\b", re.I)),
    ("PROSPERO", re.compile(r"\bCRD\s?4?20?\d{8,11}\b", re.I)),
    ("ChiCTR", re.compile(r"\bChiCTR[- ]?(?:[A-Z]{2,4}-?)?\d{8,10}\b", re.I)),
    ("ANZCTR", re.compile(r"\bACTRN\s?\d{14}\w?\b", re.I)),
    ("EudraCT", re.compile(r"\b(?:EudraCT\D{0,20})?20\d{2}-\d{6}-\d{2}(?:-\d{2})?\b", re.I)),
    ("CTRI", re.compile(r"\bCTRI/\d{4}/\d{2,3}/\d{6}\b", re.I)),
    ("UMIN", re.compile(r"\bUMIN\s?(?:-CTR)?\s?\d{9}\b", re.I)),
    ("JPRN", re.compile(r"\b(?:jRCT[sc]?\d{9,10}|JapicCTI-?\d{6})\b", re.I)),
    ("DRKS", re.compile(r"\bDRKS\s?\d{8}\b", re.I)),
    ("PACTR", re.compile(r"\bPACTR\s?\d{15,16}\b", re.I)),
    ("NTR", re.compile(r"\b(?:NTR|NL)\s?\d{3,4}\b")),
    ("IRCT", re.compile(r"\bIRCT\s?\d{10,20}(?:N\d+)?\b", re.I)),
    ("KCT", re.compile(r"\bKCT\s?\d{7}\b", re.I)),
    ("TCTR", re.compile(r"\bTCTR\s?\d{11}\b", re.I)),
    ("ReBec", re.compile(r"\bRBR-?\w{6,8}\b")),
    ("SLCTR", re.compile(r"\bSLCTR/\d{4}/\d{3}\b", re.I)),
)
_REGISTRY_HINT = _linear(
    r"\b(?:NCT|ISRCTN|CRD|ChiCTR|ACTRN|20\d\d-\d{6}|CTRI|UMIN|jRCT|Japic|DRKS|PACTR|NTR\s?\d|NL\s?\d|IRCT|KCT|TCTR|RBR|SLCTR)"
)
_SIMPLE: dict[str, Any] = {
    "masking": _linear(
        r"(?:double|single|triple)[- ](?:blind(?:ed)?|mask(?:ed)?)|open[- ]label|(?:assessor|observer|investigator)[- ]blind(?:ed)?"
    ),
    "allocation": _linear(
        r"(?:cluster |block |stratified )?randomi[sz](?:ed|ation)|randomly (?:assigned|allocated)|non-?randomi[sz]ed|quasi-?randomi[sz]ed"
    ),
    "phase": _linear(
        r"\bphase (?P<v>I{1,3}[ab]?(?:/I{1,3}[ab]?)?|IV|[1-4][ab]?(?:/[1-4][ab]?)?)\b"
    ),
    "setting": _linear(
        r"\b(?:tertiary (?:care )?(?:hospital|center|centre|referral)|primary care|general practice|community[- ]based|outpatient clinics?|emergency departments?|intensive care units?|university hospitals?|nursing homes?|schools?)\b"
    ),
    "recruitment_dates": _linear(
        r"\b(?:between|from|during)\s(?:(?:January|February|March|April|May|June|July|August|September|October|November|December)\s(?:\d{1,2},?\s)?)?(?:19|20)\d\d\s?(?:to|and|through|until|[-–])\s?(?:(?:January|February|March|April|May|June|July|August|September|October|November|December)\s(?:\d{1,2},?\s)?)?(?:19|20)\d\d"
    ),
    "risk_of_bias_tool": _linear(
        r"Cochrane (?:Collaboration(?:['’]s)? )?(?:risk[- ]of[- ]bias|RoB)(?: tool)?(?: 2)?|Newcastle[- ]Ottawa(?: scale)?|QUADAS(?:-2)?|ROBINS-I|RoB ?2|AMSTAR(?:[- ]2)?|Jadad(?: scale| score)?|PEDro(?: scale)?"
    ),
    "deaths": _linear(rf"(?P<v>{COUNT})\s(?:[\w-]+\s){{0,2}}(?:deaths?|died)\b"),
    "discontinuations": _linear(
        rf"(?P<v>{COUNT})\s(?:[\w-]+\s){{0,3}}(?:discontinued|withdrew|dropped out|were lost to follow-up|withdrawals)"
    ),
    "adverse_events": _linear(
        r"[^.]{0,80}\b(?:adverse (?:events?|effects?|reactions?)|side effects?|complications?)\b[^.]{0,80}"
    ),
    "limitations": _linear(r"[^.]*\blimit(?:ation|ed by)s?\b[^.]*\.?"),
}
_FOLLOW_UP = _linear(
    rf"(?:follow(?:ed)?[- ]?up (?:period |time |duration )?(?:was |of |for |at |ranged )?(?:a )?(?:median |mean )?(?:of )?|followed for (?:a )?(?:median |mean )?(?:of )?|over a (?:median |mean )?(?:follow-up )?(?:of )?)"
    rf"(?P<v>\d+(?:[.·]\d+)?|{COUNT})[ -](?P<u>days?|weeks?|months?|years?)"
    rf"|(?P<v2>\d+(?:[.·]\d+)?|{COUNT})[ -](?P<u2>day|week|month|year)s?(?: of)? follow-?up"
)
_CENTRES = _linear(
    rf"(?P<v>{COUNT})\s(?:[\w-]+\s){{0,2}}(?:centers|centres|hospitals|sites|clinics|institutions)\b"
)
_AGE = _linear(
    r"(?:mean|median|average)?\s?\bage(?:d|s)?\b[^.;]{0,30}?(?P<v>\d{1,3}(?:[.·]\d+)?)(?:\s?(?:±|\(SD\D{0,4})\s?\d+(?:[.·]\d+)?)?[^.;]{0,12}?(?P<u>years?|months?|yrs?)"
)
_SEX = _linear(r"(?P<v>\d{1,3}(?:[.·]\d+)?)\s?%\s(?:were\s)?(?P<s>women|female|men|male)s?\b")
_DATABASES = _linear(
    r"\b(?:PubMed|MEDLINE|EMBASE|Cochrane (?:Library|CENTRAL|Central Register of Controlled Trials)|CENTRAL|Web of Science|Scopus|CINAHL|PsycINFO|Google Scholar|LILACS|AMED|CNKI|Wanfang|ClinicalTrials\.gov)\b"
)
_STUDIES = _linear(
    rf"(?P<n>{COUNT})\s(?:[\w-]+\s){{0,4}}(?:studies|trials|RCTs|articles|papers|reviews)\b(?:[^.;]{{0,60}}?(?:were|was|met|fulfilled|included|identified))?"
)
_IN_STUDIES = _linear(
    rf"(?:with|involving|including|comprising|of|enrolling|\()\s?(?:a total of\s|over\s)?(?P<n>{COUNT})\s(?:[\w-]+\s){{0,2}}{_PEOPLE}"
)
_PRIMARY = _linear(
    r"\bprimary (?:[\w-]+ )?(?:outcomes?|end-?points?)(?: measures?)? (?:was|were|is|included|:)\s?(?P<v>[^.;]{5,160})"
)
_SECONDARY = _linear(
    r"\bsecondary (?:[\w-]+ )?(?:outcomes?|end-?points?)(?: measures?)? (?:was|were|included|:)\s?(?P<v>[^.;]{5,160})"
)
_VERSUS = _linear(r"\s(?:versus|vs\.?|compared (?:with|to))\s")
_LEFT = re.compile(r"[A-Za-z][\w/ -]{2,50}$")
_RIGHT = re.compile(
    r"[A-Za-z][\w/ -]{2,50}?(?=[.,;:()]|\s(?:in|for|on|among|as|and|with|after|during)\b|$)"
)
_WITH = _linear(rf"\b{_PEOPLE}\s(?:with|suffering from|undergoing|who had)\s")
_CONDITION = re.compile(
    r"[\w' /-]{3,70}?(?=[.,;:()]|\s(?:were|was|who|and|treated|in|at|from|receiving|to|by|using|on"
    r"|after)\b|$)"
)
_COUNTRIES = _linear(
    r"\b(?:Argentina|Australia|Austria|Bangladesh|Belgium|Brazil|Canada|Chile|China|Colombia|Croatia|Denmark|Egypt|Ethiopia|Finland|France|Germany|Ghana|Greece|Hong Kong|Hungary|Iceland|India|Indonesia|Iran|Iraq|Ireland|Israel|Italy|Japan|Kenya|Malawi|Malaysia|Mexico|Nepal|Netherlands|New Zealand|Nigeria|Norway|Pakistan|Peru|Philippines|Poland|Portugal|Romania|Russia|Rwanda|Saudi Arabia|Scotland|Serbia|Singapore|South Africa|South Korea|Spain|Sri Lanka|Sudan|Sweden|Switzerland|Taiwan|Tanzania|Thailand|Tunisia|Turkey|Uganda|United Kingdom|England|United States|USA|UK|Viet ?nam|Zambia|Zimbabwe)\b"
)


def read_details(article: Article) -> Details:
    """Every detail that the record reports; `reported` is False for the rest."""
    text = article.abstract
    values: dict[str, object] = {}
    if text:
        _participants(article, values)
        values["effects"] = tuple(_effects(text))
        _reviews(article, values)
        _study(article, values)
        values["conclusion"] = _conclusion(article)
    values["registry_ids"] = tuple(_registry(article))
    _versus(article, values)
    prospero = next((r for r in values["registry_ids"] if r.registry == "PROSPERO"), None)  # type: ignore[attr-defined]
    if prospero is not None:
        values["prospero_id"] = Detail(
            reported=True,
            value=prospero.value,
            text=prospero.text,
            field=prospero.field,
            start=prospero.start,
            end=prospero.end,
        )
    if article.grants:
        agencies = dict.fromkeys(g.agency or g.number or "" for g in article.grants)
        values["funding"] = Detail(
            reported=True, value="; ".join(filter(None, agencies)), field="grants"
        )
    if article.coi_statement:
        values["conflicts_of_interest"] = Detail(
            reported=True, value=article.coi_statement, field="coi_statement"
        )
    return Details(**values)  # type: ignore[arg-type]


def _span(found: Any, name: str) -> tuple[int, int]:
    """RE2's matches know spans by number only."""
    start, end = found.span(found.re.groupindex[name])
    return start, end


def _detail(
    text: str,
    start: int,
    end: int,
    value: float | int | str | None,
    unit: str | None = None,
    field: str = "abstract",
) -> Detail:
    return Detail(
        reported=True,
        value=value,
        unit=unit,
        text=text[start:end],
        field=field,
        start=start,
        end=end,
    )


def _counted(text: str, found: Any) -> Detail | None:
    name = next(key for key in ("n", "n2", "n3") if found.groupdict().get(key))
    value = integer(found[name])
    if value is None or value < 1:
        return None
    start, end = _span(found, name)
    if not stands_alone(text, start, end):
        return None
    if _NOT_THE_STUDY.search(text[start : found.end()]) or (
        1900 <= value <= 2030 and "," not in found[name]
    ):
        return None
    return _detail(text, start, found.end(), value, "participants")


def _first_count(text: str, pattern: Any) -> Detail | None:
    return next((d for m in pattern.finditer(text) if (d := _counted(text, m))), None)


def _participants(article: Article, values: dict[str, object]) -> None:
    text = article.abstract
    randomised = _first_count(text, _RANDOMISED) if "andom" in text or "assign" in text else None
    enrolled = max(
        (d for m in _ENROLLED.finditer(text) if (d := _counted(text, m))),
        key=lambda d: d.value,  # type: ignore[arg-type, return-value]
        default=None,
    )
    analysed = _first_count(text, _ANALYSED)
    arms = []
    for found in _ARM.finditer(text):
        named = _ARM_NAME.search(text, max(0, found.start() - 60), found.start())
        start = named.start() if named else found.start()
        arms.append(
            Arm(
                name=named[0].strip() if named else None,
                value=integer(found["n"]),
                text=text[start : found.end()],
                field="abstract",
                start=start,
                end=found.end(),
            )
        )
    values["arms"] = tuple(arms) if len(arms) > 1 else ()
    values["randomised"] = randomised or NOT_REPORTED
    values["enrolled"] = enrolled or NOT_REPORTED
    values["analysed"] = analysed or NOT_REPORTED
    best = randomised or enrolled or _first_count(text, _START)
    if best is None and (found := _N_EQUALS.search(text)):
        best = _counted(text, found)
    values["sample_size"] = best or analysed or NOT_REPORTED
    if found := _ARMS.search(text):
        values["number_of_arms"] = _detail(
            text, found.start(), found.end(), integer(found["n"]), "arms"
        )
    if found := _AGE.search(text):
        values["age"] = _detail(text, found.start(), found.end(), decimal(found["v"]), found["u"])
    if found := _SEX.search(text):
        values["sex"] = _detail(
            text, found.start(), found.end(), decimal(found["v"]), f"% {found['s'].lower()}"
        )
    for field in ("abstract", "title"):
        own = getattr(article, field)
        found = _WITH.search(own)
        named = _CONDITION.match(own, found.end()) if found else None
        if found and named:
            values["condition"] = _detail(own, *named.span(), named[0], None, field)
            whole = (found.start(), named.end())
            values["population"] = _detail(own, *whole, own[slice(*whole)], None, field)
            break


def _effects(text: str) -> Iterator[Effect]:
    for found in _EFFECT.finditer(text):
        measure = _MEASURE_NAMES[_group(found)]
        value = decimal(found["value"])
        if value is None:
            continue
        end = found.end()
        low = high = level = p = None
        interval = _CI.match(text[end : end + 80])
        if interval:
            low, high = decimal(interval["low"]), decimal(interval["high"])
            if low is not None and high is not None and low <= high:
                level = decimal(interval["level"]) if interval["level"] else None
                end += interval.end()
            else:
                low = high = None
        if after := _P.match(text[end : end + 40]):
            p = after["p"].replace(" ", "")
            end += after.end()
        if (
            measure in ("OR", "HR", "RR", "IRR")
            and low is None
            and p is None
            and not found["value"].count(".")
        ):
            continue
        sentence = text[max(text.rfind(". ", 0, found.start()), 0) : found.end()]
        yield Effect(
            measure=measure,
            value=value,
            unit="%" if found["percent"] else None,
            ci_low=low,
            ci_high=high,
            ci_level=level,
            p=p,
            adjusted="adjusted" in found[0].lower() or found[0].startswith("a"),
            primary="primary" in sentence.lower(),
            text=text[found.start() : end],
            field="abstract",
            start=found.start(),
            end=end,
        )


def _group(found: Any) -> str:
    return next(name for name in _MEASURE_NAMES if found[name])


def _reviews(article: Article, values: dict[str, object]) -> None:
    text = article.abstract
    databases = {m[0].lower(): m for m in _DATABASES.finditer(text)}
    values["databases"] = tuple(_detail(text, m.start(), m.end(), m[0]) for m in databases.values())
    lowered = f"{article.title} {text}".lower()
    if found := _I2.search(text):
        values["heterogeneity"] = _detail(
            text, found.start(), found.end(), decimal(found["v"]), "%"
        )
    if "meta-analy" in lowered or "systematic" in lowered or databases:
        for found in _STUDIES.finditer(text):
            value = integer(found["n"])
            if value and not 1900 <= value <= 2030:
                values["included_studies"] = _detail(
                    text, found.start(), found.end(), value, "studies"
                )
                after = found.end()
                if people := _IN_STUDIES.search(text[after : after + 100]):
                    values["included_participants"] = _detail(
                        text,
                        after + people.start(),
                        after + people.end(),
                        integer(people["n"]),
                        "participants",
                    )
                break


def _study(article: Article, values: dict[str, object]) -> None:
    text = article.abstract
    for name, pattern in _SIMPLE.items():
        if found := pattern.search(text):
            group = found.groupdict().get("v") if name == "phase" else None
            value: int | str | None = found[0]
            if name in ("deaths", "discontinuations"):
                value = integer(found["v"])
            elif group:
                value = group
            values[name] = _detail(text, found.start(), found.end(), value)
    if found := _FOLLOW_UP.search(text):
        number = found["v"] or found["v2"]
        unit = (found["u"] or found["u2"]).rstrip("s") + "s"
        value2 = integer(number) if number[0].isalpha() else decimal(number)
        values["follow_up"] = _detail(text, found.start(), found.end(), value2, unit)
    if found := _CENTRES.search(text):
        values["centres"] = _detail(
            text, found.start(), found.end(), integer(found["v"]), "centres"
        )
    countries = {m[0]: m for m in _COUNTRIES.finditer(text)}
    values["countries"] = tuple(_detail(text, m.start(), m.end(), m[0]) for m in countries.values())
    for name, pattern in (("primary_outcomes", _PRIMARY), ("secondary_outcomes", _SECONDARY)):
        values[name] = tuple(_detail(text, *_span(m, "v"), m["v"]) for m in pattern.finditer(text))


def _versus(article: Article, values: dict[str, object]) -> None:
    for field in ("title", "abstract"):
        text = getattr(article, field)
        found = _VERSUS.search(text)
        if not found:
            continue
        left = _LEFT.search(text, max(0, found.start() - 51), found.start())
        right = _RIGHT.match(text, found.end())
        for name, side in (("interventions", left), ("comparators", right)):
            if side:
                values[name] = (_detail(text, *side.span(), side[0], None, field),)
        return


def _conclusion(article: Article) -> Detail:
    text = article.abstract
    for section in article.sections:
        if section.category == "CONCLUSIONS" or "conclu" in (section.label or "").lower():
            start = section.end - len(section.text)
            return _detail(text, start, section.end, section.text)
    found = re.search(r"(?:In conclusion|We conclude|Conclusions?:)[^\n]*", text)
    return _detail(text, found.start(), found.end(), found[0]) if found else NOT_REPORTED


def _registry(article: Article) -> Iterator[RegistryMention]:
    for field in ("title", "abstract"):
        text = getattr(article, field)
        if not _REGISTRY_HINT.search(text):
            continue
        seen = set()
        for registry, pattern in _REGISTRIES:
            for found in pattern.finditer(text):
                value = re.sub(r"\s|no\.?(?=\d)", "", found[0])
                if registry == "EudraCT":
                    value = re.sub(r"^.*?(?=20\d\d-)", "", value)
                elif registry not in ("ChiCTR", "JPRN", "ReBec"):
                    value = value.upper()
                if value in seen:
                    continue
                seen.add(value)
                yield RegistryMention(
                    registry=registry,
                    value=value,
                    text=found[0],
                    field=field,
                    start=found.start(),
                    end=found.end(),
                )
