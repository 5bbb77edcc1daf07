"""PubMed's dates: an ISO string as precise as the record is, and the words it used."""

from __future__ import annotations

import re
from typing import NamedTuple

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
# First month of a season, only to sort by; NLM gives no rule. Winter closes its year.
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")
_WORD = re.compile(r"[A-Za-z]+")
_DAY = re.compile(r"\s+(\d{1,2})(?!\d)")


class PubMedDate(NamedTuple):
    """`date` is "2020", "2020-12" or "2020-12-14"; `precision` year, month, day or season."""

    date: str
    precision: str


def month_number(text: str) -> int | None:
    """Of "Dec", "December", "12"; None where it is none of these."""
    text = text.strip().lower()
    if text.isdigit():
        return int(text) if 1 <= int(text) <= 12 else None
    return _MONTHS.get(text[:3])


def date_of(year: str, month: str = "", day: str = "", season: str = "") -> PubMedDate | None:
    """From the parts of a PubDate or any other dated element; None without a year."""
    found = _YEAR.search(year)
    if found is None:
        return None
    number = month_number(month) if month else None
    if number is None:
        # A season is "Winter", "Winter-Spring" or, as in a MedlineDate, "Sep-Oct".
        first = re.split("[-/]", season.strip().lower())[0] if season else ""
        if start := _SEASONS.get(first):
            return PubMedDate(f"{found[1]}-{start:02d}", "season")
        if start := _MONTHS.get(first[:3]):
            return PubMedDate(f"{found[1]}-{start:02d}", "month")
        return PubMedDate(found[1], "year")
    day = day.strip()
    if day.isdigit() and 1 <= int(day) <= 31:
        return PubMedDate(f"{found[1]}-{number:02d}-{int(day):02d}", "day")
    return PubMedDate(f"{found[1]}-{number:02d}", "month")


def date_of_text(text: str) -> PubMedDate | None:
    """From a free MedlineDate ("1998 Dec-1999 Jan", "2000 Spring-Summer"): where it begins."""
    found = _YEAR.search(text)
    if found is None:
        return None
    word = _WORD.search(text, found.end())
    if word is None or _YEAR.search(text, found.end(), word.start()):
        return PubMedDate(found[1], "year")
    if word[0].lower() in _SEASONS:
        return date_of(found[1], season=word[0])
    day = _DAY.match(text, word.end())
    return date_of(found[1], word[0], day[1] if day else "")
