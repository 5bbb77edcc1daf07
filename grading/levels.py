"""The level of evidence in five schemes, each a table of `grading/schemes`, with every step."""

from __future__ import annotations

import tomllib
from collections.abc import Set
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from typing import Any

import msgspec

from grading.details.values import Detail, Details, Effect
from grading.evidence import Evidence
from grading.grades import Levels, LevelStep, Reason
from grading.vocabulary import ATTRIBUTES, DESIGNS, FLAGS, QUESTIONS

SCHEMES = ("ocebm_2011", "ocebm_2009", "grade_start", "sort", "nhmrc")
PEOPLE, FACTORS, PROSPECTIVE_STUDIES = "people", "factors", "prospective_studies"
HEALTHY_CONTROLS = "healthy_controls"
SMALL, INCONSISTENT = "small", "inconsistent"
_TOLD = (PEOPLE, FACTORS, PROSPECTIVE_STUDIES, HEALTHY_CONTROLS)  # by signals
MOST_STEPS_DOWN = 2  # ours (rubric)
SMALL_TRIAL = 50  # participants analysed; below it a randomised trial is imprecise (ours)
HIGH_I2 = 75.0  # percent; above it inconsistency is serious
# Conditions of rows beside the attributes, in plain words.
CONDITIONS = {
    PEOPLE: "people took part",
    FACTORS: "what goes with an outcome is analysed",
    PROSPECTIVE_STUDIES: "includes prospective studies alone",
    HEALTHY_CONTROLS: "people known to have the disease beside healthy controls",
    SMALL: f"fewer than {SMALL_TRIAL} participants",
    INCONSISTENT: f"I² above {HIGH_I2:g} %",
}
OBSERVATIONAL = frozenset({"cohort_study", "case_control_study", "non_randomized_trial"})
RATIOS = frozenset({"OR", "RR", "HR", "IRR"})
_STEPPED = frozenset(
    [
        "meta_analysis",
        "systematic_review",
        "umbrella_review",
        "randomized_controlled_trial",
        "non_randomized_trial",
        "cohort_study",
        "n_of_1_trial",
        "diagnostic_accuracy_study",
    ]
)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a scheme: it fits when every condition it names holds."""

    id: str
    text: str
    level: int | str | None = None
    jbjs: str | None = None
    designs: frozenset[str] = frozenset()
    questions: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()  # all of them
    without: frozenset[str] = frozenset()  # none of them
    flags: frozenset[str] = frozenset()  # of withheld levels: any of these, whatever else holds
    schemes: frozenset[str] = frozenset()  # of withheld levels: only in these; empty = in all

    def fits(self, design: str, question: str, attributes: Set[str]) -> bool:
        return (
            (not self.designs or design in self.designs)
            and (not self.questions or question in self.questions)
            and self.attributes <= attributes
            and not self.without & attributes
        )


@dataclass(frozen=True)
class Scheme:
    id: str
    title: str
    source: str
    rows: tuple[Row, ...]

    @cached_property
    def by_design(self) -> dict[str, tuple[Row, ...]]:
        """The rows that may fit each design, in order."""
        return {
            design: tuple(row for row in self.rows if not row.designs or design in row.designs)
            for design in DESIGNS
        }


def _row(table: str, row: dict[str, Any]) -> Row:
    for key, known in (
        ("design", DESIGNS),
        ("question", QUESTIONS),
        ("with", (*ATTRIBUTES, *CONDITIONS)),
        ("without", (*ATTRIBUTES, *CONDITIONS)),
        ("flags", FLAGS),
        ("schemes", SCHEMES),
    ):
        if bad := set(row.get(key, ())) - set(known):
            raise ValueError(
                f"{table}, row {row.get('id')}: unknown {key} {', '.join(sorted(bad))}"
            )
    if row.get("flags") and table != "withheld":
        raise ValueError(f"{table}, row {row['id']}: flags only withhold levels")
    return Row(
        id=row["id"],
        text=row["text"],
        level=row.get("level"),
        jbjs=row.get("jbjs"),
        designs=frozenset(row.get("design", ())),
        questions=frozenset(row.get("question", ())),
        attributes=frozenset(row.get("with", ())),
        without=frozenset(row.get("without", ())),
        flags=frozenset(row.get("flags", ())),
        schemes=frozenset(row.get("schemes", ())),
    )


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((files("grading") / "schemes" / f"{name}.toml").read_text("utf-8"))


@cache
def schemes() -> dict[str, Scheme]:
    """The tables, in the order they are shown. Raises ValueError for a row that names no known id."""
    found = {}
    for name in SCHEMES:
        content = _read(name)
        rows = tuple(_row(name, row) for row in content["row"])
        found[name] = Scheme(name, content["title"], content["source"], rows)
    return found


@cache
def withheld() -> tuple[Row, ...]:
    """Where no scheme gives a level, and why."""
    return tuple(_row("withheld", row) for row in _read("withheld")["row"])


def levels(
    evidence: Evidence,
    design: str,
    question: str,
    attributes: tuple[str, ...],
    details: Details,
) -> tuple[Levels, tuple[LevelStep, ...], tuple[Reason, ...]]:
    """The level in each scheme; every step that led there; the quotes behind steps down and up.

    Flags are not heeded: what they do comes last (`withhold`).
    """
    told = {name for name in _TOLD if evidence.has(name)}
    own = {*attributes, *told}
    if is_small(details):
        own.add(SMALL)
    if _is_inconsistent(details):
        own.add(INCONSISTENT)
    none, starts = _starts(design, question, _conditions().intersection(own))
    values: dict[str, Any] = {}
    steps: list[LevelStep] = []
    moves = _moves(evidence, design, own, details)
    concerns = _concerns(evidence, moves)
    for scheme, row, step in starts:
        steps.append(step)
        if row is None:
            continue
        values[scheme] = row.level
        if scheme == "ocebm_2009":
            values["jbjs"] = row.jbjs
        if scheme == "ocebm_2011":
            values[scheme] = _walk(int(row.level or 5), moves, steps)
        elif scheme == "grade_start":
            steps += [
                LevelStep(
                    scheme=scheme,
                    rule=f"concern.{name}",
                    text=f"Concern shown by the abstract: {text}",
                    before=row.level,
                    after=row.level,
                )
                for name, text, _, _ in concerns
            ]
    if none is not None and not none.schemes:
        return Levels(), tuple(steps), ()
    quotes: dict[str, Reason] = {}
    for name in sorted(_quoted(design) & told):
        quotes[name] = evidence.of(name)[0].reason()
    for name, _, _, reason in (*moves, *concerns):
        if reason is not None:
            quotes.setdefault(name, reason)
    return Levels(**values), tuple(steps), tuple(quotes.values())


def withhold(
    given: Levels, steps: tuple[LevelStep, ...], flags: Set[str]
) -> tuple[Levels, tuple[LevelStep, ...]]:
    """Levels as flags leave them: of a retracted article none, by a last step in each scheme.

    The step says which level it took. Where the levels given were withheld so already, that is
    undone first: the flags alone count.
    """
    values = msgspec.structs.asdict(given)
    rows = {f"withheld.{row.id}": row for row in withheld() if row.flags}
    kept = []
    for step in steps:
        if step.rule in rows:
            values[step.scheme] = step.before
        else:
            kept.append(step)
    for rule, row in rows.items():
        if not row.flags.isdisjoint(flags):
            kept += [
                LevelStep(scheme=scheme, rule=rule, text=row.text, before=level)
                for scheme, level in values.items()
                if scheme in SCHEMES or level is not None
            ]
            return Levels(), tuple(kept)
    return Levels(**values), tuple(kept)


@cache
def _conditions() -> frozenset[str]:
    """The attributes that any row asks for."""
    rows = [*withheld(), *(row for scheme in schemes().values() for row in scheme.rows)]
    return frozenset().union(*(row.attributes | row.without for row in rows))


@cache
def _quoted(design: str) -> frozenset[str]:
    """The conditions that signals tell and no attribute shows, of the rows for this design."""
    rows = (row for scheme in schemes().values() for row in scheme.by_design[design])
    named = frozenset().union(*(row.attributes | row.without for row in rows))
    return named & {FACTORS, PROSPECTIVE_STUDIES, HEALTHY_CONTROLS}


# Few combinations are met again and again.
@lru_cache(maxsize=1024)
def _starts(
    design: str, question: str, attributes: frozenset[str]
) -> tuple[Row | None, tuple[tuple[str, Row | None, LevelStep], ...]]:
    """Why no level is given, if so; and of each scheme the row that gives one and its step."""
    reasons = (row for row in withheld() if not row.flags)
    none = next((row for row in reasons if row.fits(design, question, attributes)), None)
    found = []
    for scheme in schemes().values():
        row, after = None, None
        if none is not None and (not none.schemes or scheme.id in none.schemes):
            rule, text = f"withheld.{none.id}", none.text
        else:
            row = next(
                (row for row in scheme.by_design[design] if row.fits(design, question, attributes)),
                None,
            )
            rule, text = "none", "The scheme has no row for this."
            if row is not None:
                rule, text, after = row.id, row.text, row.level
        found.append(
            (scheme.id, row, LevelStep(scheme=scheme.id, rule=rule, text=text, after=after))
        )
    return none, tuple(found)


_Move = tuple[str, str, int, Reason | None]  # name, plain words, +1 = one level worse, quote


def _moves(evidence: Evidence, design: str, attributes: set[str], details: Details) -> list[_Move]:
    """Steps down (+1) and up (−1) that the abstract gives cause for, in the order of the rubric."""
    if design not in _STEPPED:
        return []
    found: list[_Move] = []
    size = _size(details)
    if design == "randomized_controlled_trial" and is_small(details):
        found.append(
            (
                "imprecision",
                f"Serious imprecision: {size.value} participants, fewer than {SMALL_TRIAL} (ours).",
                1,
                _quote(size.text, size.field, size.start, size.end, "level_down:imprecision"),
            )
        )
    elif spanning := next((e for e in details.effects if e.primary and _spans_both(e)), None):
        found.append(
            (
                "imprecision",
                "Serious imprecision: the primary outcome's interval spans benefit and harm (ours).",
                1,
                _effect_quote(spanning, "level_down:imprecision"),
            )
        )
    for name, text in (
        ("indirectness", "Indirectness: surrogate outcome or healthy volunteers."),
        ("risk_of_bias", "High risk of bias is stated."),
        ("feasibility", "Pilot or feasibility purpose."),
    ):
        hits = evidence.of(f"level_down:{name}")
        if not hits or (name == "feasibility" and "pilot" not in attributes):
            continue
        if name == "indirectness" and design not in (
            "randomized_controlled_trial",
            "non_randomized_trial",
        ):
            continue
        found.append((name, text, 1, hits[0].reason()))
    spread = details.heterogeneity
    if _is_inconsistent(details):
        found.append(
            (
                "inconsistency",
                f"Serious inconsistency: I² {spread.value:g} %, above {HIGH_I2:g} %.",
                1,
                _quote(
                    spread.text, spread.field, spread.start, spread.end, "level_down:inconsistency"
                ),
            )
        )
    if design in OBSERVATIONAL and (strong := next(filter(_dramatic, details.effects), None)):
        found.append(
            (
                "dramatic_effect",
                "Dramatic effect: relative risk above 5 or below 0.2, its interval beyond 2 or 0.5.",
                -1,
                _effect_quote(strong, "level_up:dramatic_effect"),
            )
        )
    return found


def _concerns(evidence: Evidence, moves: list[_Move]) -> list[_Move]:
    found = [move for move in moves if move[2] > 0 and move[0] != "feasibility"]
    named = {move[0] for move in found}
    for name in ("inconsistency", "imprecision", "publication_bias"):
        hits = evidence.of(f"concern:{name}")
        if hits and name not in named:
            found.append((name, name.replace("_", " "), 1, hits[0].reason()))
    return found


def _walk(level: int, moves: list[_Move], steps: list[LevelStep]) -> int:
    down = 0
    for name, text, step, _ in moves:
        if step > 0 and down == MOST_STEPS_DOWN:
            continue
        after = min(5, max(1 if level == 1 else 2, level + step))
        if after == level:
            continue
        down += step > 0
        rule = f"{'down' if step > 0 else 'up'}.{name}"
        steps.append(
            LevelStep(scheme="ocebm_2011", rule=rule, text=text, before=level, after=after)
        )
        level = after
    return level


def _size(details: Details) -> Detail:
    """The participants analysed; where no number is told to be of them, those randomised, if the arms
    add up to them, or else the largest number told."""
    if details.analysed.reported:
        return details.analysed
    if details.randomised.value == sum(arm.value or 0 for arm in details.arms) > 0:
        return details.randomised
    told = [details.sample_size, details.randomised, details.enrolled]
    if not any(size.reported for size in told) and all(arm.value for arm in details.arms):
        told += _of_arms(details)
    return max(told, key=lambda size: size.value if isinstance(size.value, int) else -1)


def _of_arms(details: Details) -> list[Detail]:
    """All arms together, quoted by the first; nothing where no arms are printed."""
    return [
        Detail(
            reported=True,
            value=sum(arm.value or 0 for arm in details.arms),
            text=first.text,
            field=first.field,
            start=first.start,
            end=first.end,
        )
        for first in details.arms[:1]
    ]


def is_small(details: Details) -> bool:
    """Whether fewer than `SMALL_TRIAL` participants are told."""
    size = _size(details).value
    return isinstance(size, int) and size < SMALL_TRIAL


def _is_inconsistent(details: Details) -> bool:
    spread = details.heterogeneity.value
    return isinstance(spread, int | float) and spread > HIGH_I2


def _spans_both(effect: Effect) -> bool:
    if effect.ci_low is None or effect.ci_high is None:
        return False
    null = 1.0 if effect.measure in RATIOS else 0.0
    return effect.measure in RATIOS | {"MD", "SMD", "RD"} and effect.ci_low < null < effect.ci_high


def _dramatic(effect: Effect) -> bool:
    if effect.measure not in RATIOS or effect.value is None:
        return False
    if effect.ci_low is None or effect.ci_high is None:
        return False
    return (effect.value > 5 and effect.ci_low > 2) or (effect.value < 0.2 and effect.ci_high < 0.5)


def _quote(
    text: str | None, field: str | None, start: int | None, end: int | None, target: str
) -> Reason | None:
    if text is None or field is None:
        return None
    return Reason(
        kind="text",
        value=text,
        field=field,
        start=start,
        end=end,
        speaks_for=target,
        weight=1.0,
        signal=target.replace(":", "."),
    )


def _effect_quote(effect: Effect, target: str) -> Reason | None:
    return _quote(effect.text, effect.field, effect.start, effect.end, target)
