"""The levels of each scheme in their order, as the store keeps and compares them.

A level is kept as its *rank*: 0 for no level, and the greater the stronger the evidence. So one
index walked backwards gives the strongest evidence first and records without a level last.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from grading.grades import Levels

# Best first. Sources: OCEBM 2011 and 2009 tables (cebm.ox.ac.uk), GRADE handbook, SORT (AFP 2004),
# NHMRC additional levels of evidence (2009).
SCHEMES: Final[dict[str, tuple[str, ...]]] = {
    "ocebm_2011": ("1", "2", "3", "4", "5"),
    "ocebm_2009": ("1a", "1b", "1c", "2a", "2b", "2c", "3a", "3b", "4", "5"),
    "grade_start": ("high", "moderate", "low", "very low"),
    "sort": ("1", "2", "3"),
    "nhmrc": ("I", "II", "III-1", "III-2", "III-3", "IV"),
}

NO_LEVEL: Final = 0

_RANKS: Final[dict[str, dict[str, int]]] = {
    scheme: {level: len(levels) - place for place, level in enumerate(levels)}
    for scheme, levels in SCHEMES.items()
}


def rank(scheme: str, level: int | str | None) -> int:
    """The rank of a level, 0 for None.

    Raises ValueError, naming what is allowed, for an unknown scheme or level.
    """
    if scheme not in SCHEMES:
        raise ValueError(f"unknown scheme {scheme!r}: one of {', '.join(SCHEMES)}")
    if level is None:
        return NO_LEVEL
    found = _RANKS[scheme].get(str(level))
    if found is None:
        raise ValueError(
            f"unknown level {str(level)!r} in {scheme}: one of {', '.join(SCHEMES[scheme])}"
        )
    return found


def level(scheme: str, rank: int) -> str | None:
    """The level of a rank, None for 0."""
    levels = SCHEMES[scheme]
    return levels[len(levels) - rank] if rank else None


def asked_rank(scheme: str, asked: str) -> int:
    """As `rank`, for a level as a person types it: case and spaces around it do not matter."""
    if scheme not in SCHEMES:
        raise ValueError(f"unknown scheme {scheme!r}: one of {', '.join(SCHEMES)}")
    folded = asked.strip().casefold()
    for known, found in _RANKS[scheme].items():
        if known.casefold() == folded:
            return found
    return rank(scheme, asked)


@lru_cache(1 << 10)
def ranks(levels: Levels) -> tuple[int, ...]:
    """The rank in every scheme, in the order of `SCHEMES`."""
    return tuple([rank(scheme, getattr(levels, scheme)) for scheme in SCHEMES])
