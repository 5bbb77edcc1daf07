"""Days in periods of several lengths: how an index without an order is asked for the newest only.

PostgreSQL's GIN finds all that has a word, in no order. So every article also has a lexeme for the
day it was published and for the longer periods which that day lies in, and whoever wants the newest
asks for the word within the last days, then within the days before these, and so on. What that costs
depends on how many are wanted, not on how many there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from storage.indexing import DAY, facet

LENGTHS: Final = (1, 16, 256, 4_096)  # days
_MOST_TOKENS: Final = 32


def tokens(place: int) -> list[str]:
    """The facets of the periods that an article at this place lies in."""
    day = place // DAY
    return [_token(length, day // length) for length in LENGTHS]


def covering(least: int, most: int) -> list[str]:
    """Facets of periods that hold all places from `least` to below `most`, and few others.

    The fewer they are the better: the index looks each of them up for every hit. None at all where
    that would take too many, or where no place is between the two.
    """
    if most <= least:
        return []
    first, last = least // DAY, (most - 1) // DAY
    length = _longest(last - first + 1)
    numbers = range(first // length, last // length + 1)
    return [_token(length, number) for number in numbers] if len(numbers) <= _MOST_TOKENS else []


def windows(
    least: int, most: int, *, oldest: int, first: int, growth: int
) -> Iterator[tuple[int, int]]:
    """From `most` down to `least`, or to `oldest` below which there is nothing.

    The first goes down to the day of the place `first`, each of the others takes in `growth` times
    as many days as the one before; as far as they end with a period, so that a few periods of one
    length cover them and nothing else.
    """
    least = max(least, oldest)
    end = (most - 1) // DAY + 1
    days = max(end - first // DAY, 1)
    length = _longest(2 * days)
    bottom = (end - days) // length * length
    while bottom * DAY > least:
        yield bottom * DAY, most
        end, most = bottom, bottom * DAY
        days *= growth
        length = _longest(2 * days)
        if end % length:  # shorter periods down to where the longer ones begin
            bottom = end // length * length
            days = max(days // growth, end - bottom)
        else:
            bottom = (end - days) // length * length
    yield least, most


def _longest(days: int) -> int:
    """The length of the longest periods of up to so many days."""
    return max(length for length in LENGTHS if length <= days)


def _token(length: int, number: int) -> str:
    return facet(f"days{length}", number)
