"""What a Parquet dataset holds of one range of PMIDs, told by all parts in their order.

The rules are those of a store (storage.saving), so the result is the same: an older revision never
replaces a newer one, of two at the same place the later stays; what is deleted comes back with any
revision that is not older; what notices of others say of an article is put on its grade.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from grading.article import Correction
from grading.notices import in_order
from storage.parquet import RANGE, row_schema, warnings_of, write_years
from worker.parts import Part, deletions, rows_of

if TYPE_CHECKING:
    import pyarrow as pa

Notices = Mapping[int, tuple[Correction, ...]]  # by the PMID that they are about
_PLACED: Final = ("pmid", "version", "revised", "seq")


@dataclass(frozen=True, slots=True)
class Range:
    """One range, with the folders of the parts that say anything of it, in their order."""

    number: int
    parts: tuple[str, ...]
    contents: tuple[str, ...]  # names what each of them says of it


@dataclass(frozen=True, slots=True)
class _Batch:
    """Where some arrivals of a range are: which batch of which part."""

    part: int
    number: int


class _Arrivals:
    """All articles that came of a range, numbered in the order in which they came."""

    def __init__(self, of: Range, columns: tuple[str, ...]) -> None:
        import pyarrow as pa

        self.parts = [Path(part) for part in of.parts]
        self.batches: list[_Batch] = []
        tables: list[pa.RecordBatch] = []
        deleted: list[tuple[int, int, int]] = []
        for number, folder in enumerate(self.parts):
            part = Part.of(folder)
            here = [batch for batch, there in enumerate(part.batches) if there == of.number]
            if here:
                with rows_of(folder, columns) as rows:
                    self.batches += [_Batch(number, batch) for batch in here]
                    tables += [rows.get_batch(batch) for batch in here]
            if part.deleted:
                found = deletions(folder)
                for after, pmid in found[found[:, 1] // RANGE == of.number].tolist():
                    deleted.append((pmid, number, after))
        self.starts = np.cumsum([0, *map(len, tables)])
        self.deleted = deleted
        self.columns: pa.Table | None = pa.Table.from_batches(tables) if tables else None

    def shown(self) -> npt.NDArray[np.int64]:
        """Numbers of those that stand in the end, by ascending PMID."""
        if self.columns is None:
            return np.empty(0, dtype=np.int64)
        pmids = self.columns["pmid"].to_numpy()
        by_pmid = np.argsort(pmids, kind="stable")
        different, first, times = np.unique(pmids[by_pmid], return_index=True, return_counts=True)
        deleted = defaultdict(list)
        for pmid, part, after in self.deleted:
            deleted[pmid].append((part, 2 * after - 1, -1))
        alone = (times == 1) & ~np.isin(different, list(deleted))
        found = [by_pmid[first[alone]]]
        stands = self._standing()
        for pmid, start, count in zip(
            different[~alone].tolist(), first[~alone], times[~alone], strict=True
        ):
            if (last := stands(by_pmid[start : start + count].tolist(), deleted[pmid])) is not None:
                found.append(np.array([last]))
        numbers = np.concatenate(found)
        ordered: npt.NDArray[np.int64] = numbers[np.argsort(pmids[numbers])]
        return ordered

    def _standing(self) -> Any:
        """Tells which of the arrivals of one PMID stands after all of them and these deletions."""
        assert self.columns is not None  # noqa: S101 - there are arrivals
        versions, seqs = (self.columns[name].to_numpy() for name in ("version", "seq"))
        revised = self.columns["revised"]
        parts = np.repeat([batch.part for batch in self.batches], np.diff(self.starts))

        def order(number: int) -> tuple[int, str]:
            return int(versions[number]), revised[number].as_py() or ""

        def stands(arrivals: list[int], deleted: list[tuple[int, int, int]]) -> int | None:
            events = [(int(parts[each]), 2 * int(seqs[each]), each) for each in arrivals]
            present, shown = -1, False
            for _, _, arrival in sorted([*events, *deleted]):
                if arrival < 0:
                    shown = False
                elif present < 0 or order(arrival) >= order(present):
                    present, shown = arrival, True
            return present if shown else None

        return stands

    def by_batch(
        self, numbers: npt.NDArray[np.int64]
    ) -> Iterator[tuple[_Batch, npt.NDArray[np.int64]]]:
        """Batches that hold any of these arrivals, and the rows that they are there."""
        numbers = np.sort(numbers)
        ends = np.searchsorted(numbers, self.starts)
        for batch, start, first, last in zip(
            self.batches, self.starts, ends, ends[1:], strict=False
        ):
            if last > first:
                yield batch, numbers[first:last] - start


def notices_in_range(of: Range) -> list[tuple[int, Correction]]:
    """What the articles of a range that stand say about others: about whom, and what."""
    arrivals = _Arrivals(of, (*_PLACED, "notices"))
    shown = arrivals.shown()
    if not len(shown):
        return []
    assert arrivals.columns is not None  # noqa: S101 - some are shown
    said = arrivals.columns.select(["pmid", "notices"]).take(shown)
    import pyarrow.compute as pc

    said = said.filter(pc.greater(pc.list_value_length(said["notices"]), 0))
    return [
        (
            each["pmid"],
            Correction(
                relation=each["relation"], direction="in", pmid=row["pmid"], source=each["source"]
            ),
        )
        for row in said.to_pylist()
        for each in row["notices"]
    ]


def write_range(of: Range, notices: Notices, folder: Path) -> dict[int, int]:
    """Write the files of a range below `folder`. Answers how many records each year has.

    `notices`: about articles of this range.
    """
    import pyarrow as pa

    arrivals = _Arrivals(of, _PLACED)
    shown = arrivals.shown()
    if not len(shown):
        return {}
    assert arrivals.columns is not None  # noqa: S101 - some are shown
    named = np.isin(arrivals.columns["pmid"].to_numpy()[shown], list(notices))
    tables = [
        *_warned_rows(arrivals, shown[named], notices),
        *_rows(arrivals, shown[~named], row_schema().names),
    ]
    del arrivals
    table = pa.concat_tables(tables)
    del tables
    table = table.take(np.argsort(table["pmid"].to_numpy(), kind="stable"))
    return write_years(table, folder, of.number)


def _rows(
    arrivals: _Arrivals, numbers: npt.NDArray[np.int64], columns: list[str]
) -> Iterator[pa.Table]:
    import pyarrow as pa

    with ExitStack() as opened:
        part, rows = -1, None
        for batch, places in arrivals.by_batch(numbers):
            if batch.part != part:
                opened.close()
                part = batch.part
                rows = opened.enter_context(rows_of(arrivals.parts[part], columns))
            assert rows is not None  # noqa: S101 - parts are numbered from 0
            yield pa.Table.from_batches([rows.get_batch(batch.number).take(places)])


def _warned_rows(
    arrivals: _Arrivals, numbers: npt.NDArray[np.int64], notices: Notices
) -> Iterator[pa.Table]:
    """Rows with what notices tell on their grades."""
    import pyarrow as pa

    for table in _rows(arrivals, numbers, [*row_schema().names, "corrections"]):
        rows = table.to_pylist()
        for row in rows:
            own = [Correction(direction="in", **each) for each in row.pop("corrections")]
            row |= warnings_of(row, own, notices[row["pmid"]])
        yield pa.Table.from_pylist(rows, schema=row_schema())


def by_range(said: list[tuple[int, Correction]]) -> dict[int, dict[int, tuple[Correction, ...]]]:
    """Notices by the range and PMID that they are about."""
    found: dict[int, dict[int, list[Correction]]] = {}
    for target, notice in said:
        found.setdefault(target // RANGE, {}).setdefault(target, []).append(notice)
    return {
        number: {target: in_order(notices) for target, notices in sorted(about.items())}
        for number, about in found.items()
    }
