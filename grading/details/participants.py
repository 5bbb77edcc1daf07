"""How many took part, in which arms; who they were."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from grading.details.numbers import COUNT, IN_WORDS, MONTH, integer, stands_alone
from grading.details.values import NOT_REPORTED, Arm, Detail, detail
from grading.patterns import Pattern, Span
from grading.text import Sentence, Text

PEOPLE = (
    r"(?:(?:in|out)?patients|participants|subjects|individuals|people|persons|adults|children|women"
    r"|men|males|females|infants|neonates|babies|adolescents|youths?|students|volunteers|cases|eyes"
    r"|veterans|nurses|physicians|doctors|clinicians|mothers|girls|boys|residents|respondents"
    r"|survivors|smokers|drinkers|newborns|couples|dyads|families|households|workers|employees"
    r"|professionals|caregivers|parents|pregnancies|deliveries|candidates|recipients|carers"
    r"|athletes|amputees|latinas|teachers|seniors|elders|users|clients|members|donors|twins|parturients"
    r"|runners|players|soldiers|recruits|drivers|farmers|prisoners|refugees|migrants|pupils"
    r"|schoolchildren|toddlers|experts|panell?ists|surgeons|practitioners|psychiatrists|midwives"
    r"|pharmacists|dentists|therapists|an(?:a?)esthetists|an(?:a?)esthesiologists|attendees"
    r"|animals|rats|mice|dogs|rabbits|pigs|piglets|cats|sheep|ewes|lambs|goats|cows|calves|heifers"
    r"|cattle|horses|sows|monkeys|macaques|hamsters)"
)
# Words between a number and the people counted.
_FILL = r"(?:[\w'/+.%-]+,?\s|\([^()]*\)\s){0,7}?"
# A number and the people that it counts: apart, as RE2 is slow to look for such a long pattern.
_NUMBER = Pattern(rf"\b{COUNT}\s")
_COUNTED = Pattern(rf"\s{_FILL}{PEOPLE}\b")
_REACH = 110  # characters before words for people
N_EQUALS = r"\bn\s?=\s?(?P<n>\d{1,3}(?:[,\f]\d{3})+|\d+)\b"
ARM = r"(?:[a-z][\w/+-]*(?:\s[\w/+-]+){0,3}\s)?\(\s?(?:[^()=]{1,40}[,;]\s?)?n\s?=\s?(?P<n>\d[\d,]*)\s?[),;]"
# What only leads to the name of an arm: "gout to drug A (n = 60)", "or placebo (n = 60)".
_LEADING_TO_ARM = re.compile(
    r"[^(]*\b(?:to|or|and|either|versus|vs|received?|receiving|treat(?:ed|ment) with|the)\s+(?=\w)",
    re.IGNORECASE,
)
# What no arm's name begins with: numbers after such words are not of arms.
_NO_ARM = re.compile(
    r"(?:by|formed|with|in|of|who|that|which|was|were|had|for|from|at|on|than|we|included|only|all"
    r"|total|most|some|participants|patients|subjects|intent(?:ion)?-to-treat|per-protocol|ITT|safety|evaluable)\b",
    re.IGNORECASE,
)
_IN_FULL = re.compile(
    rb"(?:\A|[.,;:()\[\n]\s?|\b(?:and|or|to|versus|vs|either|received?|receiving|the|an?)\.?\s)\Z",
    re.IGNORECASE,
)
_WITH = r"\s(?:with|suffering from|undergoing|who had)\s"
WITH_AFTER = re.compile(_WITH.encode(), re.IGNORECASE)

# Another number stands before the people: "580 obese and 605 lean children".
_ANOTHER_COUNT = re.compile(
    rf"\b(?:and|by|of|in|to|from|or)\s(?:\d|{IN_WORDS}\b)".encode(), re.IGNORECASE
)
# A verb: what was counted stands before it ("two questions can select patients").
_CLAUSE_INSIDE = re.compile(
    rb"\b(?:can|may|will|could|should|that|which|whether)\b",
    re.IGNORECASE,
)
# Treatment or exposure that only some of them had: a group, not the sample.
_GROUP_INSIDE = re.compile(
    rb"\b(?:treated|untreated|un?vaccinated|vaccinated|exposed|unexposed|control)\b", re.IGNORECASE
)
# Who did the study: "two persons selected records".
_READERS = Pattern(
    r"\A[^.;]{0,30}?\b(?:independently|selected|screened|extracted|assessed|rated|scored|read|interpreted"
    r"|reviewed|coded|searched|charted|conducted|performed|led|facilitated)\b"
)
_FEW_READERS = 5  # fewer than these may be readers
_ELSEWHERE = Pattern(
    r"\A[^.;]{0,60}?\b(?:(?:in|from) the literature|published|previously (?:reported|described))\b"
)
# Of those screened: "of 225 people screened, 107 were randomised".
OF_SCREENED = rf"\b(?:screened|assessed|approached|invited|referred|eligible)\b[^.;\d]{{0,50}}[ ,](?P<n>{COUNT})\s(?:\([\d.]+\s?%\)\s)?(?:were|was)\s(?:then\s|subsequently\s|finally\s)?(?:randomi[sz]ed|randomly (?:assigned|allocated))\b"
# Who answered a survey, of all who were asked.
REPLIED = rf"\b(?P<n>{COUNT})\s(?:\([\d.]+\s?%\)\s)?(?:replied|responded|accepted|agreed to (?:take part|participate)|returned (?:the|a|an|it|them|completed)|answered|completed and returned)\b|\b(?P<n2>{COUNT})\s\([\d.]+\s?%\)\s(?:\([^()]{{1,60}}\)\s)?(?:participated|took part) in (?:the|this|our) (?:study|survey|trial)\b"
_SECOND_GROUP_AFTER = Pattern(
    rf"\A[^.;]{{0,90}}?\band\s(?:in\s|of\s)?{COUNT}\s(?:[\w'-]+\s){{0,4}}?{PEOPLE}\b"
)
_LATER_STEP = re.compile(
    rb"\s(?:(?:were|was|have|had)\s)?(?:completed|finished|analy[sz]ed|evaluable|excluded|included|randomi[sz]ed|assigned"
    rb"|withdrew|withdrawn|dropped|discontinued|died|lost|available)\b",
    re.IGNORECASE,
)
# Surely another group, and no later step of the same one.
_OTHER_GROUP_AFTER = Pattern(
    rf"\A[^.;:(),\d]{{0,120}}?,?\s(?:(?:and|versus|vs\.?|compared (?:with|to))\s(?:those of\s|in\s|of\s|from\s)?(?:the\s)?{COUNT}\s(?:[\w'-]+\s){{0,4}}?(?:(?:matched|healthy|normal|unaffected)\s(?:[\w-]+\s){{0,2}}?{PEOPLE}|controls?|with(?:out)?)\b"
    rf"|compared (?:with|to)\s(?:the\s|those of\s|that of\s)?{COUNT}\s(?:[\w'-]+\s){{0,4}}?{PEOPLE}\b)"
)
_JOINS = (b"and ", b"versus", b"vs", b"compared")
# What only some of them had, or which of the groups they were.
_GROUP_AFTER = re.compile(
    rb"\s(?:(?:in|of|from|on) (?:each|the [\w-]+ (?:group|arm)|both|group|arm)|per|receiving|taking|in group)\b",
    re.IGNORECASE,
)
# "49 of the 56 patients were randomised": the first number is of those.
_OUT_OF = re.compile(
    rf"\b(?P<n>{COUNT})\s(?:\([\d.]+\s?%\)\s)?(?:out )?of\s(?:the\s|these\s)?\Z".encode(),
    re.IGNORECASE,
)
# Two sexes of the same people: "15 patients, 12 men and 3 women".
_SEXES_AFTER = re.compile(
    rb"\s?[,(:;]\s?(?:\w+\s)?(?:men|women|females?|males?|boys|girls)\b", re.IGNORECASE
)
# Those they are set against.
_SET_AGAINST = (b"matched", b"healthy", b"normal", b"unaffected")
_CONTROLS_INSIDE = re.compile(rb"\b(?:matched|healthy|normal|unaffected)\b", re.IGNORECASE)
_MATCHED_BEFORE = re.compile(rb"\bmatched\b[^.;]{0,60}\b(?:with|to)\s\Z", re.IGNORECASE)
_ALIKE = 0.7  # of one group to the other, above which they are two groups
_NUMBER_NEXT = re.compile(rb"(?:,| and)\s\d")
_PERCENT_AFTER = re.compile(rb"\s?\(\s?\d[\d.]*\s?%")
# A procedure that only some may have had; in results, more than that.
_DONE_TO_SOME = Pattern(
    r"\b(?:performed|carried out|conducted|tested|examined|evaluated|investigated|studied)(?:\s(?:in|on|with|for|of))?\s\z"
)
_IN = (b" in ", b" on ", b" from ")
_PROCEDURE = re.compile(
    rb"\b(?:biops(?:y|ies)|surgery|operations?|imaging|scans?|MRI|CT|puncture|drainage|resection|test(?:s|ing)?|sequencing|endoscopy"
    rb"|radiographs?|\w+(?:ectomy|plasty|otomy|scopy|graphy))\b[^.;]{0,30}\b(?:was|were)\s(?:\w+\s)?(?:performed|carried out|done|obtained)\s(?:in|on|from)\s\Z",
    re.IGNORECASE,
)

# A number followed by one of these counts something else: "6 months", "2 groups of patients".
_OTHER_UNIT = Pattern(
    r"(?:or more |to \d+ |- ?)?(?:(?:consecutive )?(?:seconds?|minutes?|min|hours?|h|days?|weeks?|wk|months?|mo|years?|yr|yrs)\b"
    rf"|{MONTH}\b"
    r"|(?:mg|ml|kg|g|mcg|mm|cm|iu|u|mmol|mmhg)\b|%|percent|per cent|of\b|and\b|to\b|in\b|or\b|vs\b|versus\b|x\b"
    r"|times|(?:[\w-]+ ){0,3}(?:trials|studies|experiments|surveys|articles|reports|centers|centres|hospitals|sites|clinics|groups|arms|cohorts"
    r"|countries|visits|sessions|doses|courses|cycles|practices|schools|units|points|events|items)\b|out of)"
)
_TOTAL_BEFORE = Pattern(
    r"(?:total(?: sample)? of|in all,?|altogether,?|overall,?|in total,?|totally,?)\s\z"
)
_VERB_BEFORE = Pattern(
    r"\b(?:enrol(?:l)?(?:ed|ing|s)?|recruit(?:ed|ing|s)?|accrue[ds]?|(?:accrual|enrol(?:l)?ment) (?:is|was|of)|includ(?:ed|ing|es)|involv(?:ed|ing)|randomi[sz](?:ed|ing)"
    r"|assign(?:ed|ing)|allocat(?:ed|ing)|studied|investigated|evaluated|examined|compris(?:ed|ing)|consist(?:ed|ing) of"
    r"|entered|followed|interviewed|surveyed|genotyped|tested|(?:records|charts|notes) (?:of|from|on)|(?:sample|cohort|population|group|series|number)(?: size)?(?: of| was| were)|subjects were|participants were"
    r"|patients were|samples? (?:size )?(?:was|included)|trial (?:of|in|with|on)|study (?:of|in|with|on)|conducted (?:in|on|with|among)"
    r"|performed (?:in|on)|carried out (?:in|on|with)|design(?:ed)?)"
    r"(?: (?:randomly|prospectively|retrospectively|consecutively))?\s(?:(?:a|the|total|of|all|on|in|up|to|approximately|about|over)\s)*\z"
)
_OF_ALL_BEFORE = re.compile(
    rb"(?:[A-Z]+: )?(?:of|among) (?:the |all |all the |these )?(?:[\w-]+ )?", re.IGNORECASE
)
# "112 patients were randomised to velotril, 117 to warfarin and 118 to placebo".
_ARM_BY_ARM = re.compile(
    rf"\s(?:[\w-]+\s){{0,3}}?(?:assigned|allocated|randomi[sz]ed) to\b[^.;]{{0,80}}?(?:,| and)\s{COUNT}\s(?:patients\s)?(?:were\s)?to\b".encode(),
    re.IGNORECASE,
)
_TO_ARM_AFTER = re.compile(
    rb"\s(?:[\w-]+\s){0,3}?(?:assigned|allocated|randomi[sz]ed) to\b", re.IGNORECASE
)
_WEAK_BEFORE = Pattern(r"\b(?:in|of|among|with|from|on|for|data from|all)\s(?:the\s)?\z")
_PART_BEFORE = Pattern(
    r"(?:of (?:whom|these|them|those|which),?|and (?:in|of|from|by|among|for)|compared (?:with|to)(?: the)?|remaining|remainder|other|another|and|while|whereas|versus|vs\.?|only|except"
    r"|(?:occurred|reported|seen|observed|noted|found|present|developed|recorded|detected|achieved|arose) (?:in|by|for|among)(?: (?:only|the|all))?"
    r"|excluding|excluded|least|than|every|each|additional|further|\()\s?\z"
)
_RANDOMISED_AFTER = Pattern(
    r"\A[^.;]{0,140}?\b(?:(?:were|was|are|underwent|been)\s(?:[\w-]+\s){0,2}(?:randomi[sz](?:ed|ation)|randomly|allocated|assigned)|randomi[sz]ed)\b"
)
_RANDOMISED_BEFORE = Pattern(
    r"\b(?:randomi[sz](?:ed|ing)|(?:randomly )?(?:assigned|allocated|divided|assigning))\s(?:a total of\s)?\z"
)
_ENROLLED_AFTER = Pattern(
    r"\A[^.;]{0,70}?\b(?:enrol(?:l)?ed|recruited|included|entered|participated|took part|studied|divided|agreed|consented"
    r"|selected|were followed|investigated|evaluated|underwent|scheduled|participating|registered|examined)\b"
)
_ANALYSED_AFTER = Pattern(
    r"\A[^.;\d]{0,50}?\b(?:analy[sz]ed|included in the (?:[\w-]+ )?analys[ei]s|evaluable|assessable|analys[ie]s"
    r"|completed(?:\s(?:the|this|our|all|a|an)\s(?:[\w-]+\s){0,4}?(?:study|trial|protocol|follow-?up|program(?:me)?|assessments?|surveys?|questionnaires?|measure\w*|interviews?)|\s?[.,;)]|\s?\z|\sand\b))\b?"
)
_SCREENED = Pattern(
    r"\A[^.;]{0,40}?\b(?:screened|invited|approached|eligib|contacted|declined|refused|excluded|withdrew|withdrawn|dropped|died|lost)"
)
_ONLY_SCREENED = Pattern(r"\A\s(?:were\s)?(?:screened|invited|approached|contacted)\b[^.;]{0,60},")
_PART_AFTER = Pattern(
    r"\A(?:\s?\(\d[\d.]* ?%\s?[),;\]]|\s(?:(?:in|of|from|on) (?:each|the [\w-]+ (?:group|arm)|both|group|arm)|per|received|were given|given|treated with"
    r"|had|assigned to|achieved|experienced|developed|reported|showed|improved|discontinued|in group)\b)"
)
_NOT_PEOPLE_HERE = Pattern(r"worldwide|million|each year|annually|per year|per 1")
_YEAR_BEFORE = Pattern(
    r"\b(?:in|since|during|until|till|from|to|and|by|of|before|after|between|through|year|late|early"
    r"|[a-z]{3,9}|[a-z]{3}\.|\d{1,2},?)\s\z"
)
_YEARS = range(1900, 2031)
ENOUGH = 0.5  # points below which a mention is no sample size


_EACH = Pattern(r"\A[\s,]*(?:each|per|in each|for each|a group)\b")
# What a lone "n = 120" is set against, or is no number of people.
_AGAINST = Pattern(
    rf"\A[^.;]{{0,140}}?\b(?:compared (?:with|to)|versus|vs\.?|than)\s(?:the\s|in\s|for\s|those of\s)?{COUNT}\s"
)
_OF_STUDIES = Pattern(
    r"\b(?:studies|articles|trials|papers|publications|reviews|reports|records|inclusion|samples|specimens|genes|proteins|cells|experiments)\b[^.;]*\z"
)


class Mention(NamedTuple):
    """A number of people at one place, and what is said of them."""

    number: Span
    end: int
    value: int
    points: float
    randomised: bool
    enrolled: bool
    analysed: bool


def number_alone(text: Text, span: Span) -> int | None:
    """The whole number printed at `span`; None for a part of a decimal, range or rate."""
    start, end = span
    printed = text.data[start:end].decode()
    if not stands_alone(text.data, start, end):
        return None
    value = integer(printed)
    if value in _YEARS and printed.isdigit():
        before = text.data[max(0, start - 12) : start]
        if _YEAR_BEFORE.find(before, 0, len(before)):
            return None
    return value


def _counted(data: bytes, people: Sequence[Span]) -> Iterator[tuple[Span, int]]:
    """Each number of people, and where the mention of them ends; looked for only before `people`,
    which is faster than everywhere."""
    done = place = 0  # where the last word for people ends, and the last number
    for start, end in people:
        begin = max(place, start - _REACH, 0 if data[start - 2 : start] == b") " else done)
        while begin < start and (span := _NUMBER.find(data, begin, start)):
            number = span[0], span[1] - 1  # without the space behind it
            begin = number[1]
            if counted := _COUNTED.groups_at(data, begin, end):
                place = begin
                yield number, counted[0][1]
        done = end


def mentions(text: Text, people: Sequence[Span]) -> list[Mention]:
    """Every number of `people`, the text's words for people, in order."""
    found = []
    data = text.data
    for number, end in _counted(data, people):
        sentence = text.sentence_at(number[0])
        value = number_alone(text, number)
        if sentence is None or value is None or value < 2:
            continue
        first, stop = sentence[:2]
        if end > stop or _OTHER_UNIT.groups_at(data, number[1] + 1, end):
            continue
        if _ANOTHER_COUNT.search(data, number[1], end) or _CLAUSE_INSIDE.search(
            data, number[1], end
        ):
            continue
        near = data[end : min(stop, end + 60)]
        if value < _FEW_READERS and _READERS.find(near, 0, len(near)):
            continue
        mention = _weigh(data, sentence, (first, stop), number, end, value)
        done = mention.randomised or mention.enrolled or mention.analysed
        if done and (part := _OUT_OF.search(data, max(first, number[0] - 40), number[0])):
            taken = number_alone(text, part.span("n"))
            if taken is not None and 1 < taken <= value:
                found.append(mention._replace(number=part.span("n"), value=taken))
            mention = mention._replace(randomised=False, enrolled=False, analysed=False)
        found.append(mention)
    return found


def _weigh(
    data: bytes, sentence: Sentence, bounds: Span, number: Span, end: int, value: int
) -> Mention:
    before = data[max(bounds[0], number[0] - 70) : number[0]]
    after = data[end : min(bounds[1], end + 150)]

    def left(pattern: Pattern) -> bool:
        return pattern.find(before, 0, len(before)) is not None

    plainly = after.lower()

    def right(pattern: Pattern, needs: tuple[bytes, ...] = ()) -> bool:
        # The bytes that it cannot do without first: that is much the faster.
        if needs and not any(map(plainly.__contains__, needs)):
            return False
        return pattern.find(after, 0, len(after)) is not None

    randomised = left(_RANDOMISED_BEFORE) or (
        right(_RANDOMISED_AFTER, (b"randomi", b"randomly", b"allocated", b"assigned"))
        and not right(_ONLY_SCREENED)
    )
    near = after[: found.start()] if (found := _NUMBER_NEXT.search(after)) else after
    led = left(_VERB_BEFORE)
    enrolled = led or _ENROLLED_AFTER.find(near, 0, len(near)) is not None
    analysed = right(_ANALYSED_AFTER, (b"naly", b"completed", b"evaluable", b"assessable"))
    if (before.endswith(_IN) and _PROCEDURE.search(before)) or (
        sentence.role == "results" and left(_DONE_TO_SOME) and not left(_TOTAL_BEFORE)
    ):
        enrolled = False
    share = _PERCENT_AFTER.match(data, number[1]) is not None
    joined = any(map(after.__contains__, _JOINS))
    against = (joined and right(_OTHER_GROUP_AFTER)) or _ARM_BY_ARM.match(after) is not None
    if share or against or (_GROUP_AFTER.match(after) and not led):
        randomised = enrolled = analysed = False
    points = 1.0 if not before.strip() or before.endswith(b": ") else 0.0
    if left(_TOTAL_BEFORE):
        points += 3
    if randomised:
        points += 3
    elif enrolled:
        points += 2.5
    elif left(_WEAK_BEFORE):
        points += 2 if _OF_ALL_BEFORE.fullmatch(before) and not _TO_ARM_AFTER.match(after) else 1
    points += {
        "methods": 1.0,
        "title": 1.0,
        "results": 0.3,
        "conclusions": -2.0,
        "background": -0.5,
    }.get(sentence.role, 0.5)
    if left(_PART_BEFORE):
        points -= 3
    if right(_PART_AFTER):
        points -= 2 if before.strip() and not before.endswith(b": ") else 0
    if right(_ELSEWHERE, (b"literature", b"published", b"previously")):
        points -= 4
    if share:
        points -= 3
    if against:
        points -= 7
    elif (
        joined
        and not _SEXES_AFTER.match(after)
        and (other := _SECOND_GROUP_AFTER.find(after, 0, len(after)))
        and not _LATER_STEP.match(after, other[1])
    ):
        points -= 4
    if _GROUP_INSIDE.search(data, number[1], end):
        points -= 3
    if right(_SCREENED):
        points -= 2.5
    if analysed:
        points -= 1
    if _NOT_PEOPLE_HERE.find(data, number[0], min(bounds[1], end + 25)):
        points -= 4
    return Mention(number, end, value, points, randomised, enrolled, analysed)


def read_sizes(text: Text, people: Sequence[Span]) -> dict[str, Detail]:
    """`sample_size`, `enrolled`, `randomised`, `analysed`, where reported."""
    found = mentions(text, people)
    sizes: dict[str, Detail] = {}
    for name, chosen in (
        ("sample_size", [m for m in found if m.points >= ENOUGH]),
        ("randomised", [m for m in found if m.randomised and m.points > 0]),
        ("enrolled", [m for m in found if m.enrolled and not m.randomised and m.points > 0]),
        ("analysed", [m for m in found if m.analysed]),
    ):
        if chosen:
            best = max(chosen, key=lambda m: (m.points, m.value, -m.end))
            sizes[name] = detail(text, best.number[0], best.end, best.value, "participants")
    if "sample_size" in sizes and _is_a_group(text, sizes["sample_size"], found):
        del sizes["sample_size"]
        sizes.pop("enrolled", None)
    if "sample_size" not in sizes and "analysed" in sizes:
        sizes["sample_size"] = sizes["analysed"]
    return sizes


def _is_a_group(text: Text, told: Detail, found: Sequence[Mention]) -> bool:
    """Whether others of about the same number are set against those told: "30 patients … 30 healthy
    adults", "matched with 14 infants"."""
    base = text.body if told.field == "abstract" else 0
    data = text.data
    if not any(map(data.__contains__, _SET_AGAINST)):
        return False
    alike = []
    for mention in found:
        start = mention.number[0]
        if _CONTROLS_INSIDE.search(data, start, mention.end) or _MATCHED_BEFORE.search(
            data, max(0, start - 90), start
        ):
            if start == base + (told.start or 0):
                return False  # all are healthy
            alike.append(mention.value)
    size = told.value
    return isinstance(size, int) and any(_ALIKE <= value / size <= 1 / _ALIKE for value in alike)


def read_n_equals(text: Text, pattern: Pattern) -> Detail:
    """The only "n = 120" of an article that gives no other number."""
    found = list(pattern.every_groups(text.data, 0, len(text.data)))
    if len(found) != 1:
        return NOT_REPORTED
    value = integer(text.data[slice(*found[0][pattern.names["n"]])].decode())
    start, end = found[0][0]
    before, after = text.data[max(0, start - 60) : start], text.data[end : end + 150]
    if (
        value is None
        or value < 2
        or _EACH.find(after, 0, len(after))
        or _AGAINST.find(after, 0, len(after))
        or _OF_STUDIES.find(before, 0, len(before))
    ):
        return NOT_REPORTED
    return detail(text, *found[0][0], value, "participants")


def read_replies(text: Text, pattern: Pattern) -> Detail:
    """How many answered: "242 (61%) replied"."""
    for found in pattern.every_groups(text.data, text.body, len(text.data)):
        value = number_alone(text, max(found[group] for group in pattern.names.values()))
        if value is not None and value >= _FEW_READERS:
            return detail(text, *found[0], value, "participants")
    return NOT_REPORTED


def read_arms(text: Text, pattern: Pattern) -> tuple[Arm, ...]:
    """Arms printed with their numbers: "velotril (n = 60)"; fewer than two are no arms."""
    arms = []
    for found in pattern.every_groups(text.data, text.body, len(text.data)):
        (start, end), number = found[0], found[pattern.names["n"]]
        quote = text.quote(start, end)
        if led := _LEADING_TO_ARM.match(quote):
            start += led.end()
            quote = quote[led.end() :]
        name = quote[: quote.index("(")].strip()
        if _NO_ARM.match(name):
            return ()
        if not led and not _IN_FULL.search(text.data[max(text.body, start - 12) : start]):
            name = ""  # only the end of it: "… with visits of a nurse (n = 52)"
        arms.append(
            Arm(
                name=name or None,
                value=integer(text.data[slice(*number)].decode()),
                text=quote,
                field="abstract",
                start=start - text.body,
                end=end - text.body,
            )
        )
    return tuple(arms) if len(arms) > 1 else ()
