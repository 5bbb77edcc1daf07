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
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final
from uuid import uuid4

import msgspec

from grading import Grade
from grading.abridgement import abridged
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
from worker.preparing import Prepared, Task
from worker.selection import Selection

BLOCK: Final = 500  # records read, graded and written together


class Ready(msgspec.Struct, tag="article", array_like=True):
    """A graded article, ready to be saved."""

    arrival: Arrival
    selected: bool  # by the filters of the mirror, if there are any
    eligible: bool  # may be selected once notices say more of it (Selection.may_keep)
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


Item = Ready | Malformed | Deleted | Unchanged
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
class SpoolTask(Task):
    """One source to prepare, or one share of it: the blocks `share`, `share + shares` and so on."""

    path: str  # of the spool
    keep_raw: bool = True
    selection: Selection | None = None
    vectors: bool = False  # the store keeps them
    share: int = 0
    shares: int = 1

    def shared(self, shares: int) -> list[Task]:
        return [
            replace(self, path=f"{self.path}.{share}", share=share, shares=shares)
            for share in range(shares)
        ]

    def prepare(
        self,
        *,
        known: Known | None = None,
        stopped: Callable[[], bool] = lambda: False,
        count: Callable[[int], None] = lambda _: None,
    ) -> Prepared:
        """Read, parse and grade one source, or a share of it, into a spool; what is `known` is only
        named there."""
        if known is not None and self.selection is not None and not self.selection.abstracts:
            known = partial(known, abridging=True)
        part = f"{self.path}.{uuid4().hex}.part"
        try:
            prepared = self._write(part, known, stopped, count)
            os.replace(part, self.path)
        finally:
            Path(part).unlink(missing_ok=True)
        return prepared

    def _write(
        self,
        path: str,
        known: Known | None,
        stopped: Callable[[], bool],
        count: Callable[[int], None],
    ) -> Prepared:
        """The same into the file `path`, which is yet to take its place."""
        paths = (self.path,)
        with open(path, "wb", buffering=1 << 20) as spool:
            try:
                for block in read_blocks(
                    self.source, size=BLOCK, share=self.share, shares=self.shares, known=known
                ):
                    content = _encoder.encode(list(_graded(block, self)))
                    spool.write(len(content).to_bytes(8, "little"))
                    spool.write(content)
                    count(len(block))
                    del block, content  # before the next is read
                    if stopped():
                        return Prepared(paths, stopped=True)
            except SourceError as error:
                return Prepared(paths, str(error))
        return Prepared(paths)


def _graded(block: list[Parsed], task: SpoolTask) -> Iterator[Item]:
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
                    yield _made_ready(item, given, task)
            case MalformedRecord():
                yield Malformed(item.raw, item.error, item.pmid)
            case DeletedCitations():
                yield Deleted(item.pmids)
            case UnchangedRecord():
                yield Unchanged(item.pmid, item.digest)


def _made_ready(item: ParsedArticle, grade: Grade, task: SpoolTask) -> Ready:
    article, raw = item.article, item.raw if task.keep_raw else None
    eligible = selected = True
    if task.selection is not None:
        eligible = task.selection.may_keep(article, grade)
        selected = eligible and task.selection.admits(grade)
        if not task.selection.abstracts:
            (article, grade), raw = abridged(article, grade), None
    entry = Entry(
        article,
        grade,
        raw,
        item.format,
        PARSER_VERSION,
        digest_of(item.raw) if item.digest is None else item.digest,
    )
    ready = arrival(entry, vectors=task.vectors)
    return Ready(ready, selected, eligible, any(notices_in(article)))


def blocks_of(prepared: Prepared) -> Iterator[list[Item]]:
    """The blocks in the order of the source. Where reading was stopped, those before the first that
    is missing."""
    with ExitStack() as opened:
        spools = [
            opened.enter_context(open(path, "rb", buffering=1 << 20)) for path in prepared.paths
        ]
        while spools:
            for spool in spools:
                size = spool.read(8)
                if not size:
                    return
                yield _decoder.decode(spool.read(int.from_bytes(size, "little")))
