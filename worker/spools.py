"""Spools: what was read, graded and made ready of one source, on its way to the writer.

A spool is a temporary file of blocks of records, in the order of the source. Whoever prepares it
holds one block in memory, whatever the source. Several processes may share one source: each takes
every n-th block of it, and the writer reads their spools in turn.
"""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from grading import Grade
from grading.notices import notices_in
from storage import processes
from storage.contents import Arrival, arrival
from storage.records import Entry
from worker.errors import SourceError
from worker.files import read_blocks
from worker.intake import grades_of
from worker.known import Known, digest_of
from worker.parsed import (
    PARSER_VERSION,
    DeletedCitations,
    MalformedRecord,
    Parsed,
    ParsedArticle,
    UnchangedRecord,
)
from worker.selection import Selection

BLOCK: Final = 500  # records read, graded and written together


class Prepared(msgspec.Struct, tag="article", array_like=True):
    """A graded article, ready to be saved."""

    arrival: Arrival
    selected: bool  # by the filters of the mirror, if there are any
    gives_notice: bool  # of other articles (grading.notices)


class Malformed(msgspec.Struct, tag="malformed", array_like=True):
    raw: bytes
    error: str
    pmid: int | None


class Deleted(msgspec.Struct, tag="deleted", array_like=True):
    pmids: tuple[int, ...]


class Unchanged(msgspec.Struct, tag="unchanged", array_like=True):
    """Stored just so when the source was read: the writer looks again."""

    pmid: int
    source_digest: int


Item = Prepared | Malformed | Deleted | Unchanged
_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(list[Item])


@contextmanager
def spool_folder(parent: Path | None = None) -> Iterator[Path]:
    """A folder for spools in `parent` (by default the system's for temporary files), which goes at
    the end.

    Those of this host whose processes were killed go first: each may hold some hundred MB.
    """
    place = Path(parent or tempfile.gettempdir()).absolute()
    mark = f"pubgrade-{processes.this_host()}-"
    for left in place.glob(f"{glob.escape(mark)}*"):
        owner = left.name.removeprefix(mark).partition("-")[0]
        if owner.isdigit() and not processes.lives(int(owner), None):
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(
        prefix=f"{mark}{os.getpid()}-", dir=place, ignore_cleanup_errors=True
    ) as made:
        yield Path(made)


@dataclass(frozen=True, slots=True)
class Task:
    """One source to prepare, or one share of it: the blocks `share`, `share + shares` and so on."""

    source: str
    path: str  # of the spool
    keep_raw: bool = True
    selection: Selection | None = None
    vectors: bool = False  # the store keeps them
    share: int = 0
    shares: int = 1


@dataclass(frozen=True, slots=True)
class Spooled:
    """What was read from one source, and where it lies: one path for each share, in their order."""

    paths: tuple[str, ...]
    fault: str | None = None  # why the source could not be read to its end
    stopped: bool = False
    by: str | None = None  # the workers of a cluster that read it

    @classmethod
    def together(cls, shares: Sequence[Spooled]) -> Spooled:
        """The shares of one source. Where one of them is not there, none is of use."""
        whole = all(each.paths for each in shares)
        return cls(
            tuple(path for each in shares for path in each.paths) if whole else (),
            next((each.fault for each in shares if each.fault), None),
            any(each.stopped for each in shares),
            " ".join(dict.fromkeys(each.by for each in shares if each.by)) or None,
        )


def prepare(
    task: Task,
    *,
    known: Known | None = None,
    stopped: Callable[[], bool] = lambda: False,
    count: Callable[[int], None] = lambda _: None,
) -> Spooled:
    """Read, parse and grade one source, or a share of it, into a spool; what is `known` is only
    named there.

    A source that cannot be read to its end is a `fault`; what stood before it is in the spool.
    `count` is told of each block how many records it has.
    """
    paths = (task.path,)
    with open(task.path, "wb", buffering=1 << 20) as spool:
        try:
            for block in read_blocks(
                task.source, size=BLOCK, share=task.share, shares=task.shares, known=known
            ):
                content = _encoder.encode(list(_graded(block, task)))
                spool.write(len(content).to_bytes(8, "little"))
                spool.write(content)
                count(len(block))
                if stopped():
                    return Spooled(paths, stopped=True)
        except SourceError as error:
            return Spooled(paths, str(error))
    return Spooled(paths)


def _graded(block: list[Parsed], task: Task) -> Iterator[Item]:
    articles = [item for item in block if isinstance(item, ParsedArticle)]
    grades = iter(grades_of(articles, {}))
    for item in block:
        match item:
            case ParsedArticle():
                given = next(grades)
                if isinstance(given, Exception):
                    why = f"could not be graded: {type(given).__name__}: {given}"
                    yield Malformed(item.raw, why, item.article.pmid)
                else:
                    yield _prepared(item, given, task)
            case MalformedRecord():
                yield Malformed(item.raw, item.error, item.pmid)
            case DeletedCitations():
                yield Deleted(item.pmids)
            case UnchangedRecord():
                yield Unchanged(item.pmid, item.digest)


def _prepared(item: ParsedArticle, grade: Grade, task: Task) -> Prepared:
    entry = Entry(
        item.article,
        grade,
        item.raw if task.keep_raw else None,
        item.format,
        PARSER_VERSION,
        digest_of(item.raw) if item.digest is None else item.digest,
    )
    selected = task.selection is None or task.selection.keeps(item.article, grade)
    return Prepared(arrival(entry, vectors=task.vectors), selected, any(notices_in(item.article)))


def blocks_of(spooled: Spooled) -> Iterator[list[Item]]:
    """The blocks in the order of the source. Where reading was stopped, those before the first that
    is missing."""
    with ExitStack() as opened:
        spools = [
            opened.enter_context(open(path, "rb", buffering=1 << 20)) for path in spooled.paths
        ]
        while spools:
            for spool in spools:
                size = spool.read(8)
                if not size:
                    return
                yield _decoder.decode(spool.read(int.from_bytes(size, "little")))
