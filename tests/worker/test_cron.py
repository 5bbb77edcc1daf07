"""Cron lines mean what crontab(5) says, not what APScheduler makes of them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from worker.cron import cron_trigger, next_time

MONDAY = datetime(2026, 11, 23)  # local time, as cron lines are


def _days(line: str) -> str:
    """The days of the two weeks from Monday on that the line names, as "mon 23"."""
    trigger = cron_trigger(line)
    now = MONDAY.astimezone()
    days = []
    while (now := trigger.get_next_fire_time(None, now)) < MONDAY.astimezone() + timedelta(14):
        days.append(f"{now:%a %d}".lower())
        now += timedelta(minutes=1)
    return ", ".join(days)


@pytest.mark.parametrize(
    ("weekday", "days"),
    [
        ("0", "sun 29, sun 06"),
        ("7", "sun 29, sun 06"),
        ("sun", "sun 29, sun 06"),
        ("1,wed", "mon 23, wed 25, mon 30, wed 02"),
        ("5-7", "fri 27, sat 28, sun 29, fri 04, sat 05, sun 06"),
        ("Sat-Sun", "sat 28, sun 29, sat 05, sun 06"),
        ("1-5/2", "mon 23, wed 25, fri 27, mon 30, wed 02, fri 04"),
        ("*/3", "wed 25, sat 28, sun 29, wed 02, sat 05, sun 06"),
    ],
)
def test_weekdays_count_from_sunday(weekday: str, days: str) -> None:
    assert _days(f"0 5 * * {weekday}") == days


def test_a_day_or_a_weekday() -> None:
    assert _days("0 5 25 * 5") == "wed 25, fri 27, fri 04"


def test_a_time_that_never_comes() -> None:
    assert next_time("0 0 31 2 *") is None
    assert next_time("0 0 29 2 *") is not None


@pytest.mark.parametrize("line", ["* * * *", "61 * * * *", "0 0 * * 8", "0 0 * * mon-x", "@daily"])
def test_what_is_no_cron_line(line: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        cron_trigger(line)
