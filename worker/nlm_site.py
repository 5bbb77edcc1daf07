"""NLM's bulk site, or another of its shape: which files there are, and their downloads.

https://ftp.ncbi.nlm.nih.gov/pubmed/: `baseline/pubmedYYnNNNN.xml.gz` is the whole of PubMed, made
anew each December; `updatefiles/` go on with its numbers. Beside each file stands its MD5.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import requests
import tenacity
import urllib3

from worker.bulk import Job
from worker.errors import ConfigError, EntrezUnavailable, MirrorError
from worker.rate_limit import retry_after_of

T = TypeVar("T")

BASE_URL: Final = "https://ftp.ncbi.nlm.nih.gov/pubmed/"
FOLDERS: Final = ("baseline", "updatefiles")
DOWNLOADS: Final = 2  # at the same time: NLM asks for restraint
AHEAD: Final = 4  # files downloaded before they are wanted
TIMEOUT: Final = (10.0, 60.0)  # seconds to connect, seconds without a byte
TRIES: Final = 5
LONGEST_PAUSE: Final = 60.0  # seconds between two tries, when the site does not say
LONGEST_RETRY_AFTER: Final = 300.0  # seconds that it may say
_CHUNK: Final = 1 << 18
NAME: Final = re.compile(r"\bpubmed(\d\d)n(\d{4,})\.xml\.gz\b(?!\.)")
# What servers write over a folder, an empty one too. A notice of maintenance says none of it.
_LISTING: Final = re.compile(r"index of|directory listing|parent directory|href=\W*\.\./", re.I)
_MD5: Final = re.compile(r"\b[0-9a-fA-F]{32}\b")


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
    """This try failed in a way that another may not. `pause`: seconds that the site wants till then."""

    def __init__(self, message: str, pause: float | None = None) -> None:
        super().__init__(message)
        self.pause = pause


class _Damaged(_Again):
    """The file came whole, but is not the one that its MD5 is of."""


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
        self._backoff = tenacity.wait_exponential(wait, max=LONGEST_PAUSE) + tenacity.wait_random(
            0, wait
        )
        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Again),
            stop=tenacity.stop_after_attempt(tries),
            wait=self._pause,
            sleep=self._sleep,
            reraise=True,
        )

    def _pause(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        wanted = error.pause if isinstance(error, _Again) else None
        return max(self._backoff(state), min(wanted or 0.0, LONGEST_RETRY_AFTER))

    def _sleep(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Stopped

    def files(self) -> list[BulkFile]:
        """The files of the newest baseline and its updates, in order.

        Raises EntrezUnavailable, also where the site has no baseline.
        """
        listed = {}
        try:
            listed["baseline"] = self._text("baseline/", NAME)
            listed["updatefiles"] = self._text("updatefiles/", _LISTING, NAME)
        except FileNotFoundError as error:
            if not listed:
                raise EntrezUnavailable(
                    f"{self.base_url}{error}: not there. Check [mirror] base_url in the configuration."
                ) from None
            # A site that has the baseline alone.
        found = [
            BulkFile(int(year), int(number), folder)
            for folder, page in listed.items()
            for year, number in set(NAME.findall(page))
        ]
        years = [file.year for file in found if file.folder == "baseline"]
        return sorted(file for file in found if file.year == max(years))

    def size(self, file: BulkFile) -> int:
        """Bytes of a file, 0 where the site does not say."""
        with self._again(file.path, partial(self._once, file.path, method="HEAD")) as answer:
            return int(answer.headers.get("Content-Length") or 0)

    def fetch(self, file: BulkFile, folder: Path) -> tuple[Path, str]:
        """Download a file unless it is there and good. Answers where it is, and its MD5.

        A part that an earlier try left is continued. Raises MirrorError where the MD5 stays wrong,
        EntrezUnavailable, ConfigError where the folder cannot be written, and Stopped.
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
                        raise _Damaged(f"{file.name}: its MD5 is not the one that the site gives")
        except _Damaged as error:
            raise MirrorError(
                f"{error}, after {attempt.retry_state.attempt_number} downloads. "
                "Nothing after it was loaded; try again later, or tell NLM."
            ) from None
        except _Again as error:
            raise EntrezUnavailable(
                f"{self.base_url}{file.path}: {error} Nothing after it was loaded; try again later."
            ) from None
        part.replace(target)
        return target, wanted

    def deleted(self) -> list[int] | None:
        """The PMIDs of deleted.pmids.gz, None where the site has none."""
        path = "deleted.pmids.gz"
        try:
            content = self._again(path, partial(self._content, path))
        except FileNotFoundError:
            return None
        return [int(word) for word in content.split() if word.isdigit()]

    def _md5(self, file: BulkFile) -> str:
        path = f"{file.path}.md5"
        try:
            sums: list[str] = _MD5.findall(self._text(path, _MD5))
        except FileNotFoundError:
            raise MirrorError(
                f"{self.base_url}{path}: not there, so {file.name} cannot be checked. "
                "Nothing after it was loaded; try again later."
            ) from None
        return sums[0].lower()

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
                raise _broken_off(error) from None
            except OSError as error:
                raise ConfigError(
                    f"{part}: cannot be written: {error.strerror}. Make room, or choose another "
                    "[mirror] folder in the configuration; what is loaded stays."
                ) from None

    def _text(self, path: str, *wanted: re.Pattern[str]) -> str:
        """A page that holds one of `wanted`: a notice that the site is down comes as 200 too.

        Raises FileNotFoundError where there is none, and EntrezUnavailable.
        """
        return self._again(path, partial(self._page, path, wanted))

    def _page(self, path: str, wanted: Sequence[re.Pattern[str]]) -> str:
        with self._once(path) as answer:
            try:
                text = answer.text
            except requests.RequestException as error:
                raise _broken_off(error) from None
        if not any(pattern.search(text) for pattern in wanted):
            raise _Again("the site answers with another page than should stand there.")
        return text

    def _content(self, path: str) -> bytes:
        with self._once(path) as answer:
            try:
                return gzip.decompress(answer.content)
            except requests.RequestException as error:
                raise _broken_off(error) from None
            except (OSError, EOFError, zlib.error) as error:
                raise _Again(f"cannot be read ({type(error).__name__}).") from None

    def _again(self, path: str, get: Callable[[], T]) -> T:
        try:
            return self._retrying(get)
        except _Again as error:
            raise EntrezUnavailable(f"{self.base_url}{path}: {error} Try again later.") from None

    def _once(
        self, path: str, *, method: str = "GET", headers: dict[str, str] | None = None
    ) -> requests.Response:
        # As they are: what a proxy compresses on the way could not be continued, nor checked.
        headers = {"Accept-Encoding": "identity", **(headers or {})}
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
            pause = retry_after_of(answer.headers.get("Retry-After"))
            raise _Again(f"the site answers {answer.status_code}.", pause)
        return answer


def _broken_off(error: Exception) -> _Again:
    return _Again(f"the answer breaks off ({type(error).__name__}).")


def _md5_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


class Downloads:
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
