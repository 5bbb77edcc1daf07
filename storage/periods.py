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

    None at all where that would take too many.
    """
    first, last = least // DAY, (most - 1) // DAY
    for length in LENGTHS:
        if last // length - first // length < _MOST_TOKENS:
            return [_token(length, number) for number in range(first // length, last // length + 1)]
    return []


def windows(
    least: int, most: int, *, oldest: int, first: int, growth: int
) -> Iterator[tuple[int, int]]:
    """From `most` down to `least`, or to `oldest` below which there is nothing.

    The first goes down to the day of the place `first`, each of the others takes in `growth` times
    as many days as the one before.
    """
    least = max(least, oldest)
    days = max((most - 1) // DAY - first // DAY + 1, 1)
    bottom = first // DAY * DAY
    while bottom > least:
        yield bottom, most
        most = bottom
        days *= growth
        bottom -= days * DAY
    yield least, most


def _token(length: int, number: int) -> str:
    return facet(f"days{length}", number)
