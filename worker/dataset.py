"""A Parquet dataset filled from bulk files, without a database between.

    DIR/year=2020/00121.parquet     as an export of a store would have it (storage.parquet)
    DIR/_parts/ledger.jsonl         which files are in it, in which order, read by whom
    DIR/_parts/1-1-5f3a…/           what each of them brings (worker.parts)
    DIR/_parts/ranges.json          what the files under year=… were made of

First each source becomes a part, by whatever process or machine, in any order. Then the parts, in
the order of the ledger, become the dataset, range of PMIDs by range (worker.ranges): of two revisions
the later stays, what was deleted goes, notices warn of what they name. So the same sources in the
same order give the same bytes, whoever did the work and however often it was killed; those are also
the bytes that an export of a store gives into which they were loaded. Sources that come later change
only the ranges that they or their notices touch.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import msgspec
from filelock import FileLock, Timeout

from storage.parquet import file_name, schema
from storage.records import iso
from worker.bulk import Job
from worker.errors import ConfigError, SourceError
from worker.files import is_address
from worker.parts import Part, PartTask, key_of, layout, make_deletions
from worker.preparing import Prepared, Task
from worker.processes import in_order
from worker.ranges import Notices, Range, by_range, notices_in_range, write_range
from worker.readers import begun, readers_for

if TYPE_CHECKING:
    from distributed import Client

_NEW: Final = "new-"  # begins the name of a folder of files on their way to their places
PARTS: Final = "_parts"  # readers of Parquet pass over names that begin so


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the ledger: a source that is in the dataset."""

    source: str
    part: str  # the name of its folder
    records: int
    deleted: int = 0
    failed: int = 0
    seconds: float = 0.0  # that one process took
    finished_at: str = ""
    worker: str | None = None  # of a cluster, that read it
    md5: str | None = None


class Written(msgspec.Struct, frozen=True):
    """What the files of one range were made of, and how many records each year has."""

    inputs: str
    years: dict[int, int] = {}


@dataclass(frozen=True, slots=True)
class Added:
    """What became of one source. `entry` is its line of the ledger, None where it has none."""

    source: str
    name: str  # that the ledger has
    entry: Entry | None = None
    failures: tuple[tuple[int | None, str], ...] = ()
    fault: str | None = None
    known: bool = False  # it was in the ledger before

    @property
    def interrupted(self) -> bool:
        return False  # of a source that was not read to its end nothing is told


class Dataset:
    """A folder as above. Made by `opened`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.parts = folder / PARTS
        self._ledger = self.parts / "ledger.jsonl"
        self._ranges = self.parts / "ranges.json"
        self.entries = self._read_ledger()
        self._take_over()
        for left in self.parts.glob(".*.part"):  # of processes that were killed
            shutil.rmtree(left, ignore_errors=True)

    # the ledger

    def _read_ledger(self) -> list[Entry]:
        if not self._ledger.exists():
            return []
        lines = self._ledger.read_bytes().splitlines(keepends=True)
        # Whoever is killed may leave half a line.
        whole = [line for line in lines if line.endswith(b"\n")]
        entries = [msgspec.json.decode(line, type=Entry) for line in whole]
        if len(whole) < len(lines):
            self._write_ledger(entries)
        return entries

    def _write_ledger(self, entries: list[Entry]) -> None:
        lines = b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries)
        _write(self._ledger, lines)
        self.entries = entries

    def note(self, entry: Entry) -> None:
        """In the place of the same source as other versions read it, else at the end."""
        digest = entry.part.rpartition("-")[2]
        for number, before in enumerate(self.entries):
            if before.part.rpartition("-")[2] == digest:
                entries = [*self.entries[:number], entry, *self.entries[number + 1 :]]
                self._write_ledger(entries)
                return
        with self._ledger.open("ab") as ledger:
            ledger.write(msgspec.json.encode(entry) + b"\n")
            ledger.flush()
            os.fsync(ledger.fileno())
        self.entries.append(entry)

    # sources to parts

    def add(
        self,
        jobs: Iterable[Job],
        *,
        workers: int = 1,
        sources: int | None = None,
        cluster: Client | None = None,
        stop: threading.Event | None = None,
        progress: Callable[[int], None] = lambda _: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Generator[Added, None, None]:
        """Make parts of sources and note them in the ledger, in their order. Nothing is kept of a
        source that has a fault. One that is in it already, by its bytes, is passed over.

        The options are those of `worker.bulk.load_files`.
        """
        stop = stop or threading.Event()
        with readers_for(
            workers=workers,
            sources=sources,
            cluster=cluster,
            stop=stop,
            progress=progress,
        ) as readers:
            tasks = ((job, self._task(job)) for job in jobs)
            for job, _, ready in begun(readers, tasks, stop):
                prepared = ready()
                if prepared.stopped:
                    return
                yield self._added(job, prepared, now())

    def _task(self, job: Job) -> Task:
        if job.source == "-" or is_address(job.source):
            raise SourceError(
                f"{job.source}: only files become Parquet at once, since they can be told again "
                "after an interruption. Download it first, or load it into a store."
            )
        return PartTask(job.source, str(self.parts))

    def _added(self, job: Job, prepared: Prepared, at: datetime) -> Added:
        if prepared.fault is not None:
            return Added(job.source, job.name, fault=prepared.fault)
        folder = Path(prepared.paths[0])
        present = next((entry for entry in self.entries if entry.part == folder.name), None)
        if present is not None:
            return Added(job.source, job.name, present, known=True)
        part = Part.of(folder)
        entry = Entry(
            source=job.name,
            part=folder.name,
            records=part.articles,
            deleted=part.deleted,
            failed=len(part.failures),
            seconds=prepared.seconds,
            finished_at=iso(at),
            worker=prepared.by,
            md5=job.md5,
        )
        self.note(entry)
        return Added(job.source, job.name, entry, part.failures)

    def delete(self, name: str, pmids: Sequence[int]) -> Added:
        """Take articles out, whatever came of them so far. The next such list of this name stands
        for all that came before it."""
        folder = make_deletions(self.parts, pmids)
        part = Part.of(folder)
        entry = Entry(name, folder.name, 0, deleted=part.deleted)
        self._write_ledger([each for each in self.entries if each.source != name] + [entry])
        return Added(name, name, entry)

    def remove(self, names: Sequence[str]) -> None:
        """Take sources out, as if they had never been in."""
        entries = [entry for entry in self.entries if entry.source not in names]
        if len(entries) < len(self.entries):
            self._write_ledger(entries)

    # parts to the dataset

    def write(
        self,
        *,
        executor: Executor | None = None,
        workers: int = 1,
        stop: threading.Event | None = None,
        progress: Callable[[int, int], None] = lambda _, __: None,
    ) -> int | None:
        """Bring the files under year=… to what the ledger says. Answers how many records they hold,
        None where `stop` was set before all was ready: they are then as they were.

        `executor`: its `workers` processes do the work, and reach the folder as this one does.

        Raises ConfigError where sources are in it with other columns than this program writes.
        """
        stop = stop or threading.Event()
        self._check_layout()
        ranges = self._planned()
        notices = self._notices(ranges, executor, workers)
        before = self._written()
        inputs = {each.number: _digest(each, notices.get(each.number, {})) for each in ranges}
        todo = [
            each
            for each in ranges
            if each.number not in before
            or before[each.number].inputs != inputs[each.number]
            or not all(
                self._place(each.number, year).exists() for year in before[each.number].years
            )
        ]
        after = {number: each for number, each in before.items() if number in inputs}
        # Of its own: workers of a run that was killed may still write for that.
        new = self.parts / f"{_NEW}{uuid4().hex}"
        new.mkdir()
        for number, (each, years) in enumerate(
            in_order(
                executor,
                partial(_write_range, folder=new),
                ((each, notices.get(each.number, {})) for each in todo),
                ahead=workers,
            ),
            1,
        ):
            after[each] = Written(inputs[each], years)
            progress(number, len(todo))
            if stop.is_set() and number < len(todo):
                return None
        if todo or after != before:
            _write(new / "ranges.json", msgspec.json.encode(after))
        self._take_over()
        self._sweep()
        return sum(sum(each.years.values()) for each in after.values())

    def _check_layout(self) -> None:
        others = [entry for entry in self.entries if entry.part.split("-")[2] != layout()]
        if others:
            raise ConfigError(
                f"{self.folder}: {len(others):,} of {len(self.entries):,} files in it were read by "
                f"another version of pubgrade, with other columns (the first: {others[0].source}).\n"
                "Load them again into it, and it is brought to the new columns."
            )

    @property
    def outdated(self) -> int:
        """How many sources another version of the parser or grader has read."""
        now = key_of("")
        return sum(not entry.part.startswith(now) for entry in self.entries)

    def _planned(self) -> list[Range]:
        parts: dict[int, list[tuple[str, str]]] = {}
        for entry in self.entries:
            folder = self.parts / entry.part
            for number, digest in Part.of(folder).ranges.items():
                parts.setdefault(number, []).append((str(folder), digest or entry.part))
        return [
            Range(number, *zip(*brought, strict=True)) for number, brought in sorted(parts.items())
        ]

    def _notices(
        self, ranges: list[Range], executor: Executor | None, workers: int
    ) -> dict[int, Notices]:
        found = in_order(executor, notices_in_range, ranges, ahead=workers)
        return dict(by_range([each for said in found for each in said]))

    def _written(self) -> dict[int, Written]:
        return _read_ranges(self._ranges) if self._ranges.exists() else {}

    def _take_over(self) -> None:
        """Put new files in their places, where all of them are there. Done again after a kill, it
        ends as if it had been done at once."""
        for new in self.parts.glob(f"{_NEW}*"):
            ready = new / "ranges.json"
            if ready.exists():
                before, after = self._written(), _read_ranges(ready)
                for number, written in after.items():
                    for year in written.years:
                        path = new / f"year={year}" / file_name(number)
                        if path.exists():
                            place = self._place(number, year)
                            place.parent.mkdir(exist_ok=True)
                            path.replace(place)
                for number, written in before.items():
                    years = after[number].years if number in after else {}
                    for year in written.years.keys() - years.keys():
                        self._remove(self._place(number, year))
                ready.replace(self._ranges)
            shutil.rmtree(new, ignore_errors=True)

    def _place(self, number: int, year: int) -> Path:
        return self.folder / f"year={year}" / file_name(number)

    def _remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        if path.parent.exists() and not any(path.parent.iterdir()):
            path.parent.rmdir()

    def _sweep(self) -> None:
        """Parts that no line of the ledger names any more go."""
        named = {entry.part for entry in self.entries}
        for part in self.parts.iterdir():
            if part.is_dir() and part.name not in named:
                shutil.rmtree(part, ignore_errors=True)


@contextmanager
def opened(folder: Path) -> Iterator[Dataset]:
    """The dataset in `folder`, a new one where nothing is there, for one process at a time.

    Raises ConfigError where the folder holds anything else, or another process is at work in it.
    """
    folder = folder.absolute()
    parts = folder / PARTS
    try:
        if not parts.is_dir() and folder.exists() and any(folder.iterdir()):
            raise ConfigError(
                f"{folder}: holds other things than a dataset made of bulk files. Choose a new folder."
            )
        parts.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written: {error.strerror}") from None
    try:
        alone = FileLock(parts / ".lock", timeout=0, thread_local=False).acquire()
    except Timeout:
        raise ConfigError(
            f"{folder}: another process is at work here. Wait until it is done."
        ) from None
    with alone:
        yield Dataset(folder)


def _write_range(given: tuple[Range, Notices], folder: Path) -> tuple[int, dict[int, int]]:
    of, notices = given
    return of.number, write_range(of, notices, folder)


def _digest(of: Range, notices: Notices) -> str:
    """Of all that the files of a range depend on."""
    said = {
        str(pmid): [(each.relation, each.pmid, each.source) for each in about]
        for pmid, about in notices.items()
    }
    told = [str(schema()), of.contents, said]
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:32]


def _read_ranges(path: Path) -> dict[int, Written]:
    return msgspec.json.decode(path.read_bytes(), type=dict[int, Written])


def _write(path: Path, content: bytes) -> None:
    """One file, whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
