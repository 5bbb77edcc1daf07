"""Parts: what one source brings into a Parquet dataset (worker.dataset), on its way there.

A part is a folder whose name tells what is in it: the versions of parser and grader, the columns, and
the digest of the source's bytes. So a part that is there is right, whoever made it, and is not made again.

    part.json     counts, failures, and the range of PMIDs that each batch of rows holds
    rows.arrow    each article that came, in order, graded as if no other spoke about it
    deleted.npy   what was deleted, and how many articles had come before

Whoever makes one holds some ten thousand rows in memory, whatever the source.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import msgspec
import numpy as np
import numpy.typing as npt

from grading import GRADER_VERSION, Article
from grading.notices import notices_in
from storage.parquet import RANGE, row_of, row_schema
from worker.errors import SourceError
from worker.files import read_blocks
from worker.intake import grades_of
from worker.known import Known
from worker.parsed import (
    PARSER_VERSION,
    DeletedCitations,
    MalformedRecord,
    Parsed,
    ParsedArticle,
)
from worker.preparing import Prepared, Task

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK: Final = 500  # records read and graded together
_SEGMENT: Final = 30_000  # rows sorted into ranges together; NLM's files have no more


@cache
def part_schema() -> pa.Schema:
    """Of `rows.arrow`: a row of the dataset, and what it takes to put it in its place."""
    import pyarrow as pa

    said = pa.struct([("pmid", pa.int32()), ("relation", pa.string()), ("source", pa.string())])
    return pa.schema(
        [
            *row_schema(),
            pa.field("seq", pa.int32()),  # how many articles came before it in the source
            pa.field("corrections", pa.list_(said)),  # what it says others say about it
            pa.field("notices", pa.list_(said)),  # what it says about others (grading.notices)
        ]
    )


class Part(msgspec.Struct, frozen=True):
    """What `part.json` says."""

    records: int = 0
    articles: int = 0
    deleted: int = 0
    failures: tuple[tuple[int | None, str], ...] = ()
    batches: tuple[int, ...] = ()  # the range of each
    # Those with rows or deletions; where they are deletions alone, a digest of these, else "".
    ranges: dict[int, str] = {}

    @classmethod
    def of(cls, folder: Path) -> Part:
        return msgspec.json.decode((folder / "part.json").read_bytes(), type=cls)


def deletions(folder: Path) -> npt.NDArray[np.int64]:
    """Of each deletion in a part: how many articles had come before it, and the PMID."""
    found: npt.NDArray[np.int64] = np.load(folder / "deleted.npy", allow_pickle=False)
    return found


@contextmanager
def rows_of(folder: Path, columns: Sequence[str] | None = None) -> Iterator[Any]:
    """The batches of a part (`get_batch`), or only these columns of them."""
    import pyarrow as pa

    names = part_schema().names
    fields = [names.index(name) for name in columns] if columns is not None else None
    with (
        pa.memory_map(str(folder / "rows.arrow")) as file,
        pa.ipc.open_file(file, options=pa.ipc.IpcReadOptions(included_fields=fields)) as rows,
    ):
        yield rows


# making one


def layout() -> str:
    """Names the columns: parts of others cannot be read together with these."""
    return hashlib.sha256(str(part_schema()).encode()).hexdigest()[:8]


def key_of(digest: str) -> str:
    """The name of the part of a source: of what this program makes of these bytes."""
    return f"{PARSER_VERSION}-{GRADER_VERSION}-{layout()}-{digest}"


@dataclass(frozen=True, slots=True)
class PartTask(Task):
    """One file to make a part of, in the folder of all parts, where it goes by `key_of`."""

    folder: str

    def prepare(
        self,
        *,
        known: Known | None = None,
        stopped: Callable[[], bool] = lambda: False,
        count: Callable[[int], None] = lambda _: None,
    ) -> Prepared:
        """Read, parse and grade the file into a part, unless that is there. All of it or nothing."""
        started = time.monotonic()
        try:
            folder = Path(self.folder) / key_of(_digest_of(self.source))
            if folder.exists():
                return Prepared((str(folder),))
            with _Making(folder) as making:
                for block in read_blocks(self.source, size=BLOCK):
                    making.add(block)
                    count(len(block))
                    if stopped():
                        return Prepared((), stopped=True)
                making.finish()
        except SourceError as error:
            return Prepared((), str(error))
        return Prepared((str(folder),), seconds=round(time.monotonic() - started, 3))


def make_deletions(folder: Path, pmids: Sequence[int]) -> Path:
    """A part, in the folder of all parts, that brings nothing but deletions. Answers where it is."""
    numbers = np.unique(np.asarray(pmids, dtype=np.int64))
    target = folder / key_of(hashlib.sha256(numbers.tobytes()).hexdigest()[:32])
    if not target.exists():
        with _Making(target) as making:
            making.add([DeletedCitations(tuple(numbers.tolist()))])
            making.finish()
    return target


def _digest_of(source: str) -> str:
    try:
        with open(source, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:32]
    except OSError as error:
        raise SourceError(f"{source}: cannot be read: {error.strerror}.") from None


def _beside(article: Article, seq: int) -> dict[str, Any]:
    """What a row needs to be put in its place."""
    return {
        "seq": seq,
        "corrections": [
            {"pmid": each.pmid, "relation": each.relation, "source": each.source}
            for each in article.comments_corrections
            if each.direction == "in"
        ],
        "notices": [
            {"pmid": about, "relation": notice.relation, "source": notice.source}
            for about, notice in notices_in(article)
        ],
    }


def _ranges(batches: list[int], deleted: npt.NDArray[np.int64]) -> dict[int, str]:
    """A list of what was ever deleted names all ranges, and changes every day in few of them."""
    found = dict.fromkeys(batches, "")
    of_deleted = deleted[:, 1] // RANGE
    for number in np.unique(of_deleted).tolist():
        here = deleted[of_deleted == number]
        found.setdefault(number, hashlib.sha256(here.tobytes()).hexdigest()[:32])
    return dict(sorted(found.items()))


class _Making:
    """A part that is being made, under another name until `finish`."""

    def __init__(self, folder: Path) -> None:
        import pyarrow as pa

        self._folder = folder
        self._part = folder.with_name(f".{folder.name}.{uuid4().hex}.part")
        self._part.mkdir()
        self._opened = ExitStack()
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        self._rows = self._opened.enter_context(
            pa.ipc.new_file(str(self._part / "rows.arrow"), part_schema(), options=options)
        )
        self._segment: list[pa.Table] = []
        self._held = 0  # rows in it
        self._records = 0
        self._seq = 0
        self._batches: list[int] = []
        self._failures: list[tuple[int | None, str]] = []
        self._deleted: list[tuple[int, int]] = []

    def __enter__(self) -> _Making:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()
        shutil.rmtree(self._part, ignore_errors=True)

    def add(self, block: list[Parsed]) -> None:
        import pyarrow as pa

        self._records += len(block)
        parsed = [item for item in block if isinstance(item, ParsedArticle)]
        grades = iter(grades_of(parsed, {}))
        rows: list[dict[str, Any]] = []
        for item in block:
            match item:
                case ParsedArticle(article):
                    grade = next(grades)
                    if isinstance(grade, Exception):
                        why = f"could not be graded: {type(grade).__name__}: {grade}"
                        self._failures.append((article.pmid, why))
                        continue
                    rows.append(row_of(article, grade) | _beside(article, self._seq))
                    self._seq += 1
                case MalformedRecord():
                    self._failures.append((item.pmid, item.error))
                case DeletedCitations():
                    self._deleted += [(self._seq, pmid) for pmid in item.pmids]
        self._segment.append(pa.Table.from_pylist(rows, schema=part_schema()))
        self._held += len(rows)
        if self._held >= _SEGMENT:
            self._flush()

    def _flush(self) -> None:
        """Write rows by range, in each in the order in which they came."""
        import pyarrow as pa

        table = pa.concat_tables(self._segment)
        ranges = table["pmid"].to_numpy() // RANGE
        if np.any(ranges[1:] < ranges[:-1]):
            order = np.argsort(ranges, kind="stable")
            table, ranges = table.take(order), ranges[order]
        numbers, starts = np.unique(ranges, return_index=True)
        ends = np.append(starts[1:], len(ranges))
        for number, start, end in zip(numbers.tolist(), starts, ends, strict=True):
            (batch,) = table.slice(start, end - start).combine_chunks().to_batches()
            self._rows.write_batch(batch)
            self._batches.append(number)
        self._segment, self._held = [], 0

    def finish(self) -> None:
        """Put the part in its place. Another that was made of the same meanwhile is the same."""
        if self._held:
            self._flush()
        self._opened.close()
        deleted = np.array(self._deleted, dtype=np.int64).reshape(-1, 2)
        np.save(self._part / "deleted.npy", deleted, allow_pickle=False)
        part = Part(
            records=self._records,
            articles=self._seq,
            deleted=len(deleted),
            failures=tuple(self._failures),
            batches=tuple(self._batches),
            ranges=_ranges(self._batches, deleted),
        )
        (self._part / "part.json").write_bytes(msgspec.json.encode(part))
        for path in self._part.iterdir():  # its name is a promise that outlasts a loss of power
            with path.open("rb") as file:
                os.fsync(file.fileno())
        try:
            self._part.rename(self._folder)
        except OSError:
            if not self._folder.exists():
                raise
