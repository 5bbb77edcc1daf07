"""The filters of `query` and `export`, from words to a `Query`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Any

from grading.levels import SCHEMES
from grading.vocabulary import DESIGNS, FLAGS, QUESTIONS
from storage.records import Query
from worker.errors import ConfigError


def query_of(filters: dict[str, Any]) -> Query:
    """The filters of the command line as a `Query`. Raises ConfigError for what is none."""
    known: tuple[tuple[str, Iterable[str], Iterable[str]], ...] = (
        ("--scheme", [filters["scheme"]], SCHEMES),
        ("--design", filters["design"], DESIGNS),
        ("--question", [filters["question"]] if filters["question"] else [], QUESTIONS),
        ("--flag", filters["flag"], FLAGS),
        ("--not-flag", filters["not_flag"], FLAGS),
        ("--sort", [filters["sort"]], ("relevance", "level", "date", "added")),
    )
    for option, values, names in known:
        for value in values:
            if value not in names:
                raise ConfigError(f"{option} {value}: unknown{nearest(value, names)}")
    for name in ("since", "until"):
        if filters[name] and not re.fullmatch(r"\d{4}(-\d{2}(-\d{2})?)?", filters[name]):
            raise ConfigError(f"--{name} {filters[name]}: a date is 2020, 2020-12 or 2020-12-14")
    added = filters["added_since"]
    try:
        added_since = date.fromisoformat(added) if added else None
    except ValueError:
        raise ConfigError(f"--added-since {added}: a day is 2020-12-14") from None
    level = None
    if filters["level"]:
        low, high = _level_range(filters["level"], filters["scheme"])
        level = (low, high)
    return Query(
        words=filters["words"],
        level=level,
        scheme=filters["scheme"],
        designs=tuple(filters["design"]),
        question=filters["question"],
        topic=filters["topic"],
        journal=filters["journal"],
        author=filters["author"],
        mesh=filters["mesh"],
        since=filters["since"],
        until=filters["until"],
        added_since=added_since,
        flags=tuple(filters["flag"]),
        not_flags=tuple(filters["not_flag"]),
        min_n=filters["min_n"],
        sort=filters["sort"],
        limit=filters["limit"],
        after=filters["after"],
    )


_LEVELS: dict[str, tuple[str, ...]] = {
    "ocebm_2011": ("1", "2", "3", "4", "5"),
    "ocebm_2009": ("1a", "1b", "1c", "2a", "2b", "2c", "3a", "3b", "4", "5"),
    "grade_start": ("high", "moderate", "low", "very low"),
    "sort": ("1", "2", "3"),
    "nhmrc": ("I", "II", "III-1", "III-2", "III-3", "IV"),
}


def _level_range(text: str, scheme: str) -> tuple[str, str]:
    levels = {level.lower(): level for level in _LEVELS[scheme]}
    if text.lower() in levels:
        return levels[text.lower()], levels[text.lower()]
    for place in (match.start() for match in re.finditer("-", text)):
        low, high = text[:place].strip().lower(), text[place + 1 :].strip().lower()
        if low in levels and high in levels:
            order = list(levels)
            first, last = sorted((low, high), key=order.index)
            return levels[first], levels[last]
    raise ConfigError(
        f"--level {text}: the levels of {scheme} are {', '.join(_LEVELS[scheme])}; a range is "
        f"{_LEVELS[scheme][0]}-{_LEVELS[scheme][1]}"
    )


def nearest(value: str, names: Iterable[str]) -> str:
    """The name that was meant, by its initials ("rct") or its letters; else all that there are."""
    from rapidfuzz import process

    known = list(names)
    short = {"".join(part[0] for part in name.split("_")): name for name in reversed(known)}
    found = process.extractOne(value, known, score_cutoff=60)
    meant = short.get(value.lower()) or (found and found[0])
    return f"; did you mean {meant}?" if meant else f"; known are {', '.join(known)}"
