"""A line of crontab(5) as a trigger of APScheduler, which reads such lines in its own way.

APScheduler counts weekdays from Monday, cron from Sunday (0 or 7): "0 5 * * 1-5" would begin on
Tuesday. And where day and weekday are both given, cron wants either of them, APScheduler both.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger

_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_PART = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/([1-9]\d*))?")


def cron_trigger(line: str) -> BaseTrigger:
    """In the machine's local time. Raises ValueError, saying what is wrong."""
    fields = line.split()
    if len(fields) != 5:
        raise ValueError(f"Wrong number of fields; got {len(fields)}, expected 5")
    minute, hour, day, month, weekday = fields
    clock = {"minute": minute, "hour": hour, "month": month}
    days = CronTrigger(**clock, day=day)
    if weekday == "*":
        return days
    weekdays = CronTrigger(**clock, day="*", day_of_week=_weekdays(weekday))
    if day == "*":
        return weekdays
    if day.startswith("*") or weekday.startswith("*"):
        return CronTrigger(**clock, day=day, day_of_week=_weekdays(weekday))
    return OrTrigger([days, weekdays])


def next_time(line: str) -> datetime | None:
    """When a cron line comes next, None where it never does: the 31st of February."""
    found: datetime | None = cron_trigger(line).get_next_fire_time(None, datetime.now(UTC))
    return found


def _weekdays(field: str) -> str:
    """The days that a weekday field names, by their names."""
    days: set[int] = set()
    for part in field.lower().split(","):
        found = _PART.fullmatch(part)
        if found is None:
            raise ValueError(f"{part!r} is no weekday")
        step = int(found[3] or 1)
        if found[1] == "*":
            first, last = 0, 6
        else:
            first = _weekday(found[1])
            last = _weekday(found[2]) if found[2] else 6 if found[3] else first
            if last < first:  # sat-sun
                last += 7
        days.update(day % 7 for day in range(first, last + 1, step))
    return ",".join(_WEEKDAYS[day] for day in sorted(days))


def _weekday(name: str) -> int:
    if name in _WEEKDAYS:
        return _WEEKDAYS.index(name)
    if re.fullmatch("[0-7]", name):
        return int(name)
    raise ValueError(f"{name!r} is no weekday: 0 (Sunday) to 7, or sun to sat")
