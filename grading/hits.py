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
        return Reason(
            kind=self.kind,
            value=self.value,
            field=self.field,
            start=self.start,
            end=self.end,
            speaks_for=self.target,
            weight=round(self.weight, 2),
            signal=self.signal,
        )
