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
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

import requests
import tenacity
import urllib3

from worker.bulk import Job
from worker.errors import EntrezUnavailable, MirrorError

BASE_URL: Final = "https://ftp.ncbi.nlm.nih.gov/pubmed/"
FOLDERS: Final = ("baseline", "updatefiles")
DOWNLOADS: Final = 2  # at the same time: NLM asks for restraint
AHEAD: Final = 4  # files downloaded before they are wanted
TIMEOUT: Final = (10.0, 60.0)  # seconds to connect, seconds without a byte
TRIES: Final = 5
_CHUNK: Final = 1 << 18
NAME: Final = re.compile(r"\bpubmed(\d\d)n(\d{4,})\.xml\.gz\b(?!\.)")


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
            for year, number in set(NAME.findall(self._text(f"{folder}/")))
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
