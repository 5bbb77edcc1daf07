"""Periods cover all days, and windows leave out none."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from storage.indexing import DAY
from storage.periods import covering, tokens, windows

PLACES = st.integers(0, 740_000 * DAY)


@given(st.lists(PLACES, min_size=2, max_size=2, unique=True).map(sorted), st.data())
def test_periods_cover_a_range(ends: list[int], data: st.DataObject) -> None:
    least, most = ends
    cover = covering(least, most)
    assert len(cover) <= 32
    inside = data.draw(st.integers(least, most - 1))
    assert not cover or set(cover) & set(tokens(inside))


def test_a_day_is_asked_for_alone() -> None:
    day = 738_000 * DAY
    assert len(covering(day, day + DAY)) == 1
    assert not set(covering(day, day + DAY)) & set(tokens(day + DAY))
    assert not set(covering(day, day + DAY)) & set(tokens(day - 1))


@given(st.lists(PLACES, min_size=4, max_size=4, unique=True).map(sorted), st.sampled_from([2, 4]))
def test_windows_follow_each_other_down_to_the_oldest(places: list[int], growth: int) -> None:
    least, oldest, first, top = places
    found = list(windows(least, top + 1, oldest=oldest, first=first, growth=growth))
    assert found[0][1] == top + 1
    assert found[-1][0] == oldest
    assert all(lower == most for (lower, _), (_, most) in pairwise(found))
    assert all(lower < most for lower, most in found)
    assert len(found) < 25
    for lower, most in found[1:-1]:  # the first and the last end where articles do
        periods = covering(lower, most)
        assert len(periods) <= 16
        assert not set(periods) & {*tokens(lower - 1), *tokens(most)}
