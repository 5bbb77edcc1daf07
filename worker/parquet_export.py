"""Parquet files of a store, range by range, in this process or in others.

Each process reads the store for itself and writes whole files. A range that is written twice,
because a process was lost, is the same: the export does not depend on who wrote what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from grading import Article, Grade
from storage import Store
from storage.parquet import new_export, ranges, write_range
from worker.processes import in_order

_READ_AT_ONCE: Final = 1000  # records


@dataclass(frozen=True, slots=True)
class _Part:
    """One range: its PMIDs, and the folder that it goes into."""

    store: Store
    pmids: list[int]
    folder: Path


def export_parquet(
    store: Store,
    pmids: Iterable[int],
    folder: Path,
    *,
    executor: Executor | None = None,
    workers: int = 1,
    progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Write stored records, by ascending PMID, below `folder` (storage.parquet). Answers how many.

    `executor`: its `workers` processes write, and must reach store and folder as this one does.

    Raises FileExistsError where `folder` holds anything but an earlier export; OSError.
    """
    written = 0
    with new_export(folder.absolute()) as new:
        parts = (_Part(store, each, new) for each in ranges(pmids))
        write = _write if executor is None else _write_there
        for records in in_order(executor, write, parts, ahead=workers):
            written += records
            progress(written)
    return written


def _write_there(part: _Part) -> int:
    with part.store:
        return _write(part)


def _write(part: _Part) -> int:
    return write_range(_records(part), part.folder)


def _records(part: _Part) -> Iterator[tuple[Article, Grade]]:
    for start in range(0, len(part.pmids), _READ_AT_ONCE):
        some = part.pmids[start : start + _READ_AT_ONCE]
        yield from part.store.articles(pmids=some, limit=len(some))
