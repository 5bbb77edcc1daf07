"""`mirror`: keeps a store equal to NLM's bulk files, baseline first, then the daily updates.

https://ftp.ncbi.nlm.nih.gov/pubmed/: `baseline/pubmedYYnNNNN.xml.gz` is the whole of PubMed, made
anew each December; `updatefiles/` go on with its numbers. Files are loaded in ascending order, none
after one that is missing or damaged. The ledger tells which are done, so whoever is killed goes on
with the file it was in. A store that follows a new baseline marks as deleted what that has dropped.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import requests
import tenacity
import urllib3
from filelock import FileLock, Timeout
from loguru import logger

from storage import Store
from storage.records import Run
from worker.bulk import Job, Loaded, load_files
from worker.errors import EntrezUnavailable, MirrorError
from worker.selection import Selection

if TYPE_CHECKING:
    from distributed import Client

BASE_URL: Final = "https://ftp.ncbi.nlm.nih.gov/pubmed/"
FOLDERS: Final = ("baseline", "updatefiles")
DOWNLOADS: Final = 2  # at the same time: NLM asks for restraint
AHEAD: Final = 4  # files downloaded before they are wanted
TIMEOUT: Final = (10.0, 60.0)  # seconds to connect, seconds without a byte
TRIES: Final = 5
_CHUNK: Final = 1 << 18
_NAME: Final = re.compile(r"\bpubmed(\d\d)n(\d{4,})\.xml\.gz\b(?!\.)")


class BulkFile(NamedTuple):
    """One file of the site. Files of one year sort in the order in which they are loaded."""

    year: int
    number: int
    folder: str

    @property
    def name(self) -> str:
        return f"pubmed{self.year:02d}n{self.number:04d}.xml.gz"

    @property
    def path(self) -> str:
        return f"{self.folder}/{self.name}"


class Stopped(Exception):
    """The download was given up because the worker is stopping."""


class _Again(Exception):
    """This try failed in a way that another may not."""


class Site:
    """A place that holds bulk files, over HTTP.

    `wait`: seconds before the second try, doubled before each further one, a minute at most.
    """

    def __init__(
        self,
        base_url: str = BASE_URL,
        *,
        stop: threading.Event | None = None,
        tries: int = TRIES,
        wait: float = 1.0,
    ) -> None:
        self.base_url = base_url.rstrip("/") + "/"
        self._stop = stop or threading.Event()
        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Again),
            stop=tenacity.stop_after_attempt(tries),
            wait=tenacity.wait_exponential(wait, max=60) + tenacity.wait_random(0, wait),
            sleep=self._sleep,
            reraise=True,
        )

    def _sleep(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Stopped

    def files(self) -> list[BulkFile]:
        """The files of the newest baseline and its updates, in order.

        Raises EntrezUnavailable, and MirrorError where the site has no baseline.
        """
        found = [
            BulkFile(int(year), int(number), folder)
            for folder in FOLDERS
            for year, number in set(_NAME.findall(self._text(f"{folder}/")))
        ]
        years = [file.year for file in found if file.folder == "baseline"]
        if not years:
            raise MirrorError(
                f"{self.base_url}baseline/: no pubmedYYnNNNN.xml.gz there. "
                "Check [mirror] base_url in the configuration."
            )
        return sorted(file for file in found if file.year == max(years))

    def size(self, file: BulkFile) -> int:
        """Bytes of a file, 0 where the site does not say."""
        with self._answer(file.path, method="HEAD") as answer:
            return int(answer.headers.get("Content-Length") or 0)

    def fetch(self, file: BulkFile, folder: Path) -> tuple[Path, str]:
        """Download a file unless it is there and good. Answers where it is, and its MD5.

        A part that an earlier try left is continued. Raises MirrorError where the MD5 stays wrong,
        EntrezUnavailable, and Stopped.
        """
        target = folder / file.name
        wanted = self._md5(file)
        if target.exists() and _md5_of(target) == wanted:
            return target, wanted
        part = folder / f"{file.name}.part"
        try:
            for attempt in self._retrying:
                with attempt:
                    self._continue(file, part)
                    if _md5_of(part) != wanted:
                        part.unlink()
                        raise _Again(f"{file.name}: its MD5 is not the one that the site gives")
        except _Again as error:
            if part.exists():  # it never came to its end
                raise EntrezUnavailable(f"{self.base_url}{file.path}: {error}") from None
            raise MirrorError(
                f"{error}, after {attempt.retry_state.attempt_number} downloads. "
                "Nothing after it was loaded; try again later, or tell NLM."
            ) from None
        part.replace(target)
        return target, wanted

    def deleted(self) -> list[int] | None:
        """The PMIDs of deleted.pmids.gz, None where the site has none."""
        try:
            with self._answer("deleted.pmids.gz") as answer:
                content = gzip.decompress(answer.content)
        except FileNotFoundError:
            return None
        except (OSError, EOFError, zlib.error, requests.RequestException) as error:
            raise EntrezUnavailable(
                f"{self.base_url}deleted.pmids.gz: cannot be read ({type(error).__name__})."
            ) from None
        return [int(word) for word in content.split() if word.isdigit()]

    def _md5(self, file: BulkFile) -> str:
        said = self._text(f"{file.path}.md5")
        found = re.search(r"\b[0-9a-fA-F]{32}\b", said)
        if found is None:
            raise MirrorError(f"{self.base_url}{file.path}.md5: holds no MD5.")
        return found[0].lower()

    def _continue(self, file: BulkFile, part: Path) -> None:
        have = part.stat().st_size if part.exists() else 0
        headers = {"Range": f"bytes={have}-"} if have else {}
        answer = self._once(file.path, headers=headers)
        with answer:
            if answer.status_code == 416:
                return  # nothing is left to send: the MD5 decides
            mode = "ab" if answer.status_code == 206 else "wb"
            try:
                with part.open(mode) as stream:
                    for chunk in answer.raw.stream(_CHUNK, decode_content=False):
                        stream.write(chunk)
                        if self._stop.is_set():
                            raise Stopped
            except (urllib3.exceptions.HTTPError, ConnectionError) as error:
                raise _Again(f"the download breaks off ({type(error).__name__}).") from None

    def _text(self, path: str) -> str:
        try:
            with self._answer(path) as answer:
                return answer.text
        except FileNotFoundError:
            if path == "updatefiles/":
                return ""
            raise MirrorError(
                f"{self.base_url}{path}: not there. Check [mirror] base_url in the configuration."
            ) from None
        except requests.RequestException as error:
            raise EntrezUnavailable(
                f"{self.base_url}{path}: the answer breaks off ({type(error).__name__})."
            ) from None

    def _answer(self, path: str, method: str = "GET") -> requests.Response:
        try:
            return self._retrying(self._once, path, method=method)
        except _Again as error:
            raise EntrezUnavailable(f"{self.base_url}{path}: {error} Try again later.") from None

    def _once(
        self, path: str, *, method: str = "GET", headers: dict[str, str] | None = None
    ) -> requests.Response:
        try:
            answer = requests.request(
                method, self.base_url + path, headers=headers, stream=True, timeout=TIMEOUT
            )
        except requests.RequestException as error:
            raise _Again(f"cannot be reached ({type(error).__name__}).") from None
        if answer.status_code == 404:
            answer.close()
            raise FileNotFoundError(path)
        if answer.status_code >= 400 and answer.status_code != 416:
            answer.close()
            raise _Again(f"the site answers {answer.status_code}.")
        return answer


def _md5_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


# what is to be done


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
        int(found[2]) for name in done if (found := _NAME.fullmatch(name)) and int(found[1]) == year
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
    earlier = any((found := _NAME.fullmatch(name)) and int(found[1]) < year for name in done)
    updates = any(file.folder == "updatefiles" for file in files)
    return Plan(tuple(todo), gap, year, earlier, complete=gap is None and updates)


def done_files(store: Store) -> dict[str, Run]:
    """The runs of the files that the store has loaded whole, by name."""
    runs = store.runs(kind="mirror", limit=1_000_000)
    return {run.subject: run for run in runs if run.state == "done"}


def chosen(done: Mapping[str, Run], asked: Selection | None) -> Selection | None:
    """What the mirror keeps: what its first file was selected by, or `asked` before that.

    Raises MirrorError where `asked` is another: files that are done are not read again, so the
    store would hold some by the one and some by the other.
    """
    known = next((run.window_start for name, run in done.items() if _NAME.fullmatch(name)), asked)
    if isinstance(known, str):
        known = Selection.read(known)
    if asked is not None and asked != known:
        raise MirrorError(
            f"this store mirrors {f'only {known}' if known else 'all of PubMed'}, not {asked}. "
            "Leave the filters out to go on with it, or take another store (--store)."
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
    cases after everything before it was loaded; MirrorError also where another mirror is at work in
    `folder`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _alone_in(folder):
        yield from _mirror_files(
            store,
            site,
            folder,
            keep=keep,
            keep_raw=keep_raw,
            selection=selection,
            workers=workers,
            cluster=cluster,
            spool=spool,
            stop=stop or threading.Event(),
            progress=progress,
            now=now,
        )


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Two mirrors that continue one another's downloads would damage them."""
    lock = FileLock(folder / ".lock", timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise MirrorError(
            f"{folder}: another mirror is at work here, perhaps the daemon's. "
            "Wait until it is done, or stop it."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _mirror_files(
    store: Store,
    site: Site,
    folder: Path,
    *,
    keep: bool,
    keep_raw: bool,
    selection: Selection | None,
    workers: int,
    cluster: Client | None,
    spool: Path | None,
    stop: threading.Event,
    progress: Callable[[int], None],
    now: Callable[[], datetime],
) -> Generator[Loaded, None, None]:
    done = done_files(store)
    selection = chosen(done, selection)
    began = now()
    work = plan(site.files(), set(done))
    todo = list(work.todo)
    suspected: set[str] = set()
    while todo and not stop.is_set():
        fault: str | None = None
        downloads = _Downloads(site, folder, tuple(todo))
        with (
            closing(downloads),
            closing(
                load_files(
                    store,
                    downloads.jobs(),
                    workers=workers,
                    sources=len(todo),
                    cluster=cluster,
                    spool=spool,
                    kind="mirror",
                    whole=True,
                    keep_raw=keep_raw,
                    selection=selection,
                    stop=stop,
                    progress=progress,
                    now=now,
                )
            ) as all_loaded,
        ):
            for loaded in all_loaded:
                if loaded.run.state == "interrupted":
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
    if stop.is_set():
        return
    if work.gap:
        raise MirrorError(work.gap)
    yield from _catch_up(store, site, work, began, now)


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


def standing(store: Store) -> Standing:
    files = [run for name, run in done_files(store).items() if _NAME.fullmatch(name)]
    last_pass = next(iter(store.runs(kind="mirror", subject=WHOLE, limit=1)), None)
    return Standing(max(files, key=lambda run: run.subject, default=None), last_pass)


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


class _Downloads:
    """Downloads files some way ahead of the loading, and hands them over in order."""

    def __init__(self, site: Site, folder: Path, files: Sequence[BulkFile]) -> None:
        self._site = site
        self._folder = folder
        self._files = files
        self._executor = ThreadPoolExecutor(DOWNLOADS, thread_name_prefix="download")
        self.error: Exception | None = None  # what ended `jobs` before the last file

    def jobs(self) -> Iterator[Job]:
        ahead: deque[tuple[BulkFile, Future[tuple[Path, str]]]] = deque()
        todo = iter(self._files)
        while True:
            while len(ahead) < AHEAD and (file := next(todo, None)) is not None:
                ahead.append((file, self._executor.submit(self._site.fetch, file, self._folder)))
            if not ahead:
                return
            file, download = ahead.popleft()
            try:
                path, md5 = download.result()
            except Stopped:
                return
            except FileNotFoundError:
                self.error = MirrorError(
                    f"{self._site.base_url}{file.path}: listed, but not there. "
                    "Nothing after it was loaded; try again later."
                )
                return
            except Exception as error:  # what came before it is loaded first
                self.error = error
                return
            yield Job(str(path), subject=file.name, md5=md5)

    def close(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)
