"""Filters, from what a person types to a `Query`: options of `query` and `export`, or all in one
text, as `mirror --filter` takes them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from grading.vocabulary import DESIGNS, FLAGS, QUESTIONS
from storage.levels import SCHEMES
from storage.records import Query
from worker.errors import ConfigError

# What may stand behind --filter, each with an example of its value.
_OPTIONS: Final = {
    "level": "1-2",
    "scheme": "nhmrc",
    "design": "randomized_controlled_trial",
    "question": "therapy",
    "journal": "Lancet",
    "author": '"Smith J"',
    "mesh": "Gout",
    "language": "eng",
    "since": "2015",
    "until": "2020-12",
    "flag": "retracted",
    "not-flag": "retracted",
    "min-n": "100",
}
_REPEATED: Final = ("design", "language", "flag", "not-flag")
# Options of `query` that mean nothing before an article is stored.
_REFUSED: Final = {
    "topic": "no article has a topic before it is stored",
    "added-since": "no article is stored yet; --since goes by publication",
    "sort": "all that matches is kept, in no order",
    "limit": "all that matches is kept",
    "after": "all that matches is kept, there are no pages",
    "count-by": "this keeps articles and counts none",
    "no-abstracts": "stands beside --filter, not in it",
}
# A text in quotes, perhaps behind an option and "="; or anything without a space.
_TOKEN: Final = re.compile(r"""(?:--[\w-]+=)?(?:"[^"]*"|'[^']*')(?=\s|$)|\S+""")


def filters_in(text: str) -> dict[str, Any]:
    """Words and options, as they stand behind `pubgrade query`, and `--language`, for `query_of`.

    Double quotes around words make a phrase, as in words everywhere; around the value of an option,
    and single ones, they only hold it together. Raises ConfigError for an option that is none.
    """
    filters: dict[str, Any] = dict.fromkeys((*_OPTIONS, *_REFUSED)) | {
        name: [] for name in _REPEATED
    }
    filters |= {"scheme": Query().scheme, "sort": Query().sort, "limit": 0}
    words: list[str] = []
    tokens = iter(_TOKEN.findall(text))
    for token in tokens:
        if not token.startswith("--"):
            words.append(_held(token, "'"))
            continue
        option, equals, value = token.partition("=")
        name = option.removeprefix("--")
        if name in _REFUSED:
            raise ConfigError(f"{option}: {_REFUSED[name]}")
        if name not in _OPTIONS:
            raise ConfigError(f"{option}: unknown{nearest(option, [f'--{n}' for n in _OPTIONS])}")
        value = _held(value if equals else next(tokens, ""), "'\"")
        if not value or (not equals and value.startswith("--")):
            raise ConfigError(f"{option} needs a value, as in {option} {_OPTIONS[name]}")
        if name in _REPEATED:
            filters[name].append(value)
        else:
            filters[name] = value
    if (least := filters["min-n"]) is not None:
        if not least.isdecimal():
            raise ConfigError(f"--min-n {least}: a sample size is a whole number, such as 100")
        filters["min-n"] = int(least)
    filters["words"] = " ".join(words)
    return {name.replace("-", "_"): value for name, value in filters.items()}


def _held(token: str, quotes: str) -> str:
    """Without the quotes around it."""
    quoted = len(token) > 1 and token[0] == token[-1] and token[0] in quotes
    return token[1:-1] if quoted else token


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
        if filters[name] and not _is_date(filters[name]):
            raise ConfigError(f"--{name} {filters[name]}: no such date")
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


def _is_date(text: str) -> bool:
    year, month, day = ([int(part) for part in text.split("-")] + [1, 1])[:3]
    try:
        return bool(date(year, month, day))
    except ValueError:
        return False


def _level_range(text: str, scheme: str) -> tuple[str, str]:
    levels = {level.lower(): level for level in SCHEMES[scheme]}
    if text.lower() in levels:
        return levels[text.lower()], levels[text.lower()]
    for place in (match.start() for match in re.finditer("-", text)):
        low, high = text[:place].strip().lower(), text[place + 1 :].strip().lower()
        if low in levels and high in levels:
            order = list(levels)
            first, last = sorted((low, high), key=order.index)
            return levels[first], levels[last]
    raise ConfigError(
        f"--level {text}: the levels of {scheme} are {', '.join(SCHEMES[scheme])}; a range is "
        f"{SCHEMES[scheme][0]}-{SCHEMES[scheme][1]}"
    )


def nearest(value: str, names: Iterable[str]) -> str:
    """The name that was meant, by its initials ("rct") or its letters; else all that there are."""
    from rapidfuzz import process

    known = list(names)
    short = {"".join(part[0] for part in name.split("_")): name for name in reversed(known)}
    value = re.sub(r"[\s-]+", "_", value.strip().lower())
    found = process.extractOne(value, known, score_cutoff=60)
    meant = short.get(value) or (found and found[0])
    return f"; did you mean {meant}?" if meant else f"; known are {', '.join(known)}"
