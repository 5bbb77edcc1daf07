"""What is done with one source before a writer sees it, by whatever process.

The tasks: `worker.spools` for a store, `worker.parts` for a Parquet dataset. `worker.readers` and
`worker.cluster` carry them out.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from worker.known import Known


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was read from one source, and where it lies: one path for each share, in their order."""

    paths: tuple[str, ...]
    fault: str | None = None  # why the source could not be read to its end
    stopped: bool = False
    by: str | None = None  # the workers of a cluster that read it
    seconds: float = 0.0  # of all processes, where it was measured

    @classmethod
    def together(cls, shares: Sequence[Prepared]) -> Prepared:
        """The shares of one source. Where one of them is not there, none is of use."""
        whole = all(each.paths for each in shares)
        return cls(
            tuple(path for each in shares for path in each.paths) if whole else (),
            next((each.fault for each in shares if each.fault), None),
            any(each.stopped for each in shares),
            " ".join(dict.fromkeys(each.by for each in shares if each.by)) or None,
            sum(each.seconds for each in shares),
        )


@dataclass(frozen=True, slots=True)
class Task(ABC):
    """One source to prepare. It may be carried out twice, when a worker was lost: the last whole
    result stays, and all are the same."""

    source: str

    def shared(self, shares: int) -> list[Task]:
        """The task for so many workers, if it can be shared."""
        return [self]

    @abstractmethod
    def prepare(
        self,
        *,
        known: Known | None = None,
        stopped: Callable[[], bool] = lambda: False,
        count: Callable[[int], None] = lambda _: None,
    ) -> Prepared:
        """Read the source, block by block; of each block `count` is told how many records it has.

        A source that cannot be read to its end is a `fault` of the answer. `known` tells records
        that need not be read (worker.known).
        """


Answer = Callable[[], Prepared]  # waits for what was begun


def shares_of(task: Task, workers: int, sources: int | None) -> list[Task]:
    """The task for all workers that there are for one of so many sources, each share of it for one.
    Only a file can be read more than once."""
    shares = -(-workers // sources) if sources else 1
    if shares < 2 or not os.path.isfile(task.source):
        return [task]
    return task.shared(shares)
