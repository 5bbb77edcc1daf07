"""`mirror`: keeps a store equal to NLM's bulk files, baseline first, then the daily updates.

Files are loaded in ascending order, none after one that is missing or damaged. The ledger tells
which are done, so whoever is killed goes on with the file it was in. A store that follows a new
baseline marks as deleted what that has dropped.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeVar

from filelock import FileLock, Timeout
from loguru import logger

from storage import Store
from storage.records import Run
from worker.bulk import Loaded, load_files
from worker.errors import ConfigError, MirrorError
from worker.nlm_site import NAME, BulkFile, Downloads, Site, Stopped
from worker.selection import Selection

if TYPE_CHECKING:
    from distributed import Client


class _Done(Protocol):
    """What became of a file, wherever it was loaded."""

    @property
    def source(self) -> str: ...

    @property
    def fault(self) -> str | None: ...

    @property
    def interrupted(self) -> bool: ...


Done = TypeVar("Done", bound=_Done)


@dataclass(frozen=True, slots=True)
class Plan:
    """Which files are to be loaded, in order, and what stands in the way of more."""

    todo: tuple[BulkFile, ...]
    gap: str | None  # why nothing is loaded after `todo`
    year: int
    follows: bool  # an earlier baseline was loaded before this one
    complete: bool  # an update file shows that the baseline is all there


def plan(files: Sequence[BulkFile], done: set[str]) -> Plan:
    """What a store that has loaded `done` lacks. `files`: as `Site.files` lists them."""
    year = files[0].year
    numbers = {file.number: file for file in files}
    last = max(numbers)
    loaded = {
        int(found[2]) for name in done if (found := NAME.fullmatch(name)) and int(found[1]) == year
    }
    todo: list[BulkFile] = []
    gap = None
    for number in range(1, last + 1):
        if number in loaded:
            continue
        if number not in numbers:
            missing = BulkFile(year, number, "").name
            gap = (
                f"{missing} is missing at the site, though there are later files. "
                "Nothing after it is loaded: that would lose its records. Try again later."
            )
            break
        todo.append(numbers[number])
    earlier = any((found := NAME.fullmatch(name)) and int(found[1]) < year for name in done)
    updates = any(file.folder == "updatefiles" for file in files)
    return Plan(tuple(todo), gap, year, earlier, complete=gap is None and updates)


def done_files(store: Store) -> dict[str, Run]:
    """The runs of the files that the store has loaded whole, by name."""
    runs = store.runs(kind="mirror", limit=1_000_000)
    return {run.subject: run for run in runs if run.state == "done"}


def chosen(done: Mapping[str, Run], asked: Selection | None) -> Selection | None:
    """What the mirror keeps: what its first file was selected by, or `asked` before that.

    Raises ConfigError where `asked` is another: files that are done are not read again, so the
    store would hold some by the one and some by the other.
    """
    known = next((run.window_start for name, run in done.items() if NAME.fullmatch(name)), asked)
    if isinstance(known, str):
        known = Selection.read(known)
    if asked is not None and asked != known:
        raise ConfigError(
            f"this store mirrors {known or 'all of PubMed'}; wanted now: {asked}. Leave --filter and "
            "--no-abstracts out ([mirror] filter and abstracts) to go on as it was begun, or take "
            "another store (--store)."
        )
    return known


def mirror(
    store: Store,
    site: Site,
    folder: Path,
    *,
    keep: bool = False,
    keep_raw: bool = True,
    selection: Selection | None = None,
    workers: int = 1,
    cluster: Client | None = None,
    spool: Path | None = None,
    stop: threading.Event | None = None,
    progress: Callable[[int], None] = lambda _: None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Generator[Loaded, None, None]:
    """Load what the site has and the store lacks, file by file, in order.

    `folder` holds the downloads; a file goes after it was loaded, unless `keep`. Once `stop` is
    set, nothing more is begun; a file is loaded whole or not at all. `selection` is what to keep of
    a store that has no file yet (see `chosen`); others go on with theirs.

    Raises MirrorError for a missing or damaged file and EntrezUnavailable for the site, in both
    cases after everything before it was loaded; ConfigError where another mirror is at work in
    `folder`.
    """
    stop = stop or threading.Event()
    folder.mkdir(parents=True, exist_ok=True)
    with alone_in(folder):
        done = done_files(store)
        load = partial(
            load_files,
            store,
            kind="mirror",
            whole=True,
            keep_raw=keep_raw,
            selection=chosen(done, selection),
            workers=workers,
            cluster=cluster,
            spool=spool,
            stop=stop,
            progress=progress,
            now=now,
        )
        began = now()
        work = plan(site.files(), set(done))
        yield from load_in_order(site, folder, work, load, keep=keep, stop=stop)
        if not stop.is_set():
            yield from _catch_up(store, site, work, began, now)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Two mirrors that continue one another's downloads would damage them."""
    try:
        alone = FileLock(folder / ".lock", timeout=0, thread_local=False).acquire()
    except Timeout:
        raise ConfigError(
            f"{folder}: another mirror is at work here, perhaps the daemon's. "
            "Wait until it is done, or stop it."
        ) from None
    with alone:
        yield


def load_in_order(
    site: Site,
    folder: Path,
    work: Plan,
    load: Callable[..., Generator[Done, None, None]],
    *,
    keep: bool,
    stop: threading.Event,
) -> Generator[Done, None, None]:
    """Download and `load` what is to be done; a file that cannot be read is downloaded once more,
    one that was loaded goes unless `keep`.

    Raises what `mirror` raises, after everything before it was loaded.
    """
    todo = list(work.todo)
    suspected: set[str] = set()
    while todo and not stop.is_set():
        fault: str | None = None
        downloads = Downloads(site, folder, tuple(todo))
        with closing(downloads), closing(load(downloads.jobs(), sources=len(todo))) as all_loaded:
            for loaded in all_loaded:
                if loaded.interrupted:
                    return
                fault = loaded.fault
                if fault is not None:
                    break
                todo.pop(0)
                if not keep:
                    Path(loaded.source).unlink(missing_ok=True)
                yield loaded
        if fault is None:
            if downloads.error is not None:
                raise downloads.error
            break
        name = todo[0].name
        (folder / name).unlink(missing_ok=True)  # its MD5 was right, yet it cannot be read
        if name in suspected:
            raise MirrorError(f"{fault}\nNothing after {name} was loaded.")
        suspected.add(name)
        logger.warning("{}; downloading it again", fault)
    if work.gap and not stop.is_set():
        raise MirrorError(work.gap)


WHOLE: Final = "all files"  # what the ledger calls a pass of the daemon over all files


def mirror_pass(
    store: Store, site: Site, folder: Path, *, stop: threading.Event, **options: Any
) -> Generator[Loaded, None, None]:
    """As `mirror`, with a row of the ledger for the whole: a site that is down leaves a trace too."""
    started = time.monotonic()
    run = store.start_run(Run(kind="mirror", subject=WHOLE, started_at=datetime.now(UTC)))
    state, error = "interrupted", None
    try:
        with closing(mirror(store, site, folder, stop=stop, **options)) as files:
            yield from files
        if not stop.is_set():
            state = "done"
    except Stopped:
        raise
    except Exception as failure:
        state, error = "failed", str(failure) or type(failure).__name__
        raise
    finally:
        seconds = round(time.monotonic() - started, 3)
        ended = replace(run, state=state, error=error, finished_at=datetime.now(UTC))
        store.update_run(replace(ended, seconds=seconds))


class Standing(NamedTuple):
    """How far the mirror of a store has come."""

    file: Run | None  # the last file that was loaded
    last_pass: Run | None  # the daemon's last one
    keeps: str | None  # the selection in words, None for all there is


def standing(store: Store) -> Standing:
    files = [run for name, run in done_files(store).items() if NAME.fullmatch(name)]
    last_pass = next(iter(store.runs(kind="mirror", subject=WHOLE, limit=1)), None)
    file = max(files, key=lambda run: run.subject, default=None)
    typed = file.window_start if file else None
    return Standing(file, last_pass, str(Selection.read(typed)) if typed else None)


def _catch_up(
    store: Store, site: Site, work: Plan, began: datetime, now: Callable[[], datetime]
) -> Iterator[Loaded]:
    """Mark as deleted what deleted.pmids.gz lists and what a new baseline has dropped."""
    done = done_files(store)
    dropped = f"pubmed{work.year:02d}: dropped by the new baseline"
    if work.follows and work.complete and dropped not in done:
        year = f"pubmed{work.year:02d}n"
        since = min(run.started_at for name, run in done.items() if name.startswith(year))
        yield _delete(store, dropped, store.unconfirmed(since), now)
    if work.todo and (listed := site.deleted()) is not None:
        yield _delete(store, "deleted.pmids.gz", listed, now)


def _delete(store: Store, subject: str, pmids: list[int], now: Callable[[], datetime]) -> Loaded:
    run = store.start_run(Run(kind="mirror", subject=subject, started_at=now()))
    with store.loading(run, at=now()) as loading:
        gone = loading.delete(pmids, subject)
        run = replace(run, state="done", finished_at=now(), asked=len(pmids), deleted=len(gone))
        loading.close(run)
    return Loaded(subject, run)
