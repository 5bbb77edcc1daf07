"""`Hit`: one signal at one place, or in one tag."""

from __future__ import annotations

import msgspec

from grading.grades import Reason


class Hit(msgspec.Struct, frozen=True, gc=False):
    """One signal speaking for one target at one place."""

    signal: str
    kind: str
    value: str
    field: str | None
    start: int | None
    end: int | None
    target: str
    weight: float
    role: str | None = None

    def reason(self) -> Reason:
        """The quote without blanks at its ends."""
        value, start, end = self.value, self.start, self.end
        if start is not None and end is not None:
            end -= len(value) - len(value.rstrip())
            start += len(value) - len(value.lstrip())
            value = value.strip()
        return Reason(
            kind=self.kind,
            value=value,
            field=self.field,
            start=start,
            end=end,
            speaks_for=self.target,
            weight=round(self.weight, 2),
            signal=self.signal,
        )
