"""A loopback bulk site in place of NLM's: listings, files, MD5 sums, ranges, and failures.

Its records are those that `eutils_server` invents.
"""

from __future__ import annotations

import gzip
import hashlib
import random
import re
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from eutils_server import Item, invented

FIRST_DAY = date(2024, 1, 1)


def record(pmid: int, *, revision: int = 0, version: int = 1, **changes: Any) -> str:
    """The XML of an invented record; a greater `revision` has another title and a later date."""
    item = invented(pmid, FIRST_DAY)
    if revision:
        item = replace(
            item,
            title=f"{item.title} Revision {revision}.",
            modified=FIRST_DAY + timedelta(days=revision),
        )
    return Item._article_xml(replace(item, **changes), version)


def retraction_notice(pmid: int, of: int) -> str:
    """A notice that retracts the article `of`."""
    link = (
        '<CommentsCorrectionsList><CommentsCorrections RefType="RetractionOf">'
        f"<RefSource>J Invent Med. 2024;1</RefSource><PMID Version='1'>{of}</PMID>"
        "</CommentsCorrections></CommentsCorrectionsList>"
    )
    xml = record(pmid, title=f"Retraction of {of}.", abstract=())
    return xml.replace("<CitationSubset>", link + "<CitationSubset>")


def bulk_file(records: Iterable[str], deleted: Iterable[int] = ()) -> bytes:
    """A gzipped file as NLM makes them: records, then the deletions."""
    gone = "".join(f'<PMID Version="1">{pmid}</PMID>\n' for pmid in deleted)
    text = (
        '<?xml version="1.0" encoding="utf-8"?>\n<PubmedArticleSet>\n'
        + "\n".join(records)
        + (f"\n<DeleteCitation>\n{gone}</DeleteCitation>" if gone else "")
        + "\n</PubmedArticleSet>\n"
    )
    return gzip.compress(text.encode(), mtime=0)


class BulkSite:
    """Serves `files`, path → bytes. Change it while it runs.

    `damaged`: path → how many of the next downloads have a byte changed; `cut`: path → how many
    end after half of the body. `failing`: how many of the next answers are 503. `instead`: path →
    answers (status, headers, body) that come before that of the file, one after the other.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.damaged: Counter[str] = Counter()
        self.cut: Counter[str] = Counter()
        self.failing = 0
        self.instead: dict[str, list[tuple[int, dict[str, str], bytes]]] = {}
        self.slow = 0.0
        self.asked: list[tuple[str, str | None]] = []  # path, Range
        self._lock = threading.Lock()
        self._server = _HTTPServer(("127.0.0.1", 0), _Handler)
        self._server.site = self  # type: ignore[attr-defined]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/pubmed/"

    def __enter__(self) -> BulkSite:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def put(self, path: str, content: bytes) -> None:
        """`path`: "baseline/pubmed26n0001.xml.gz"; its MD5 comes beside it."""
        name = path.rpartition("/")[2]
        self.files[path] = content
        self.files[f"{path}.md5"] = f"MD5({name})= {hashlib.md5(content).hexdigest()}\n".encode()  # noqa: S324

    def remove(self, path: str) -> None:
        del self.files[path], self.files[f"{path}.md5"]

    def downloads(self, path: str) -> int:
        return sum(asked == path for asked, _ in self.asked)

    def answer(self, path: str, wanted: str | None) -> tuple[int, dict[str, str], bytes, bool]:
        """Status, headers, body, and whether to hang up after half of it."""
        with self._lock:
            self.asked.append((path, wanted))
            if self.failing:
                self.failing -= 1
                return 503, {}, b"busy", False
            if self.instead.get(path):
                return *self.instead[path].pop(0), False
            if path.endswith("/") and any(name.startswith(path) for name in self.files):
                names = sorted(n.removeprefix(path) for n in self.files if n.startswith(path))
                lines = "".join(f'<a href="{name}">{name}</a> 2026-01-01 1M\n' for name in names)
                return 200, {"Content-Type": "text/html"}, lines.encode(), False
            if path not in self.files:
                return 404, {}, b"not here", False
            body = self.files[path]
            if self.damaged[path]:
                self.damaged[path] -= 1
                middle = len(body) // 2
                body = body[:middle] + bytes([body[middle] ^ 0xFF]) + body[middle + 1 :]
            status, headers = 200, {"Accept-Ranges": "bytes"}
            if wanted and (found := re.fullmatch(r"bytes=(\d+)-", wanted)):
                start = int(found[1])
                if start >= len(body):
                    return 416, {"Content-Range": f"bytes */{len(body)}"}, b"", False
                headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
                status, body = 206, body[start:]
            hang_up = self.cut[path] > 0
            if hang_up:
                self.cut[path] -= 1
            return status, headers, body, hang_up


class _HTTPServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is no fault of the server."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        site: BulkSite = self.server.site  # type: ignore[attr-defined]
        path = self.path.removeprefix("/pubmed/")
        status, headers, body, hang_up = site.answer(path, self.headers.get("Range"))
        if site.slow:
            threading.Event().wait(site.slow)
        self._head(status, headers, len(body))
        self.wfile.write(body[: len(body) // 2] if hang_up else body)
        if hang_up:
            self.close_connection = True

    def do_HEAD(self) -> None:
        site: BulkSite = self.server.site  # type: ignore[attr-defined]
        status, headers, body, _ = site.answer(self.path.removeprefix("/pubmed/"), None)
        self._head(status, headers, len(body))

    def _head(self, status: int, headers: dict[str, str], length: int) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: tests read `asked`."""


# all of a year

Expected = dict[int, tuple[str, int]]  # PMID → end of the title, version


def baseline(number: int, year: int = 26) -> str:
    return f"baseline/pubmed{year}n{number:04d}.xml.gz"


def update(number: int, year: int = 26) -> str:
    return f"updatefiles/pubmed{year}n{number:04d}.xml.gz"


def fill(site: BulkSite, *, size: int = 12) -> tuple[Expected, set[int]]:
    """Ten baseline and ten update files, with revisions, versions, deletions, and a retraction.

    Answers what must be stored and shown, and what must be stored as deleted.
    """
    dice = random.Random(4)
    state: dict[int, tuple[int, int]] = {}  # PMID → (version, revision)
    gone: set[int] = set()
    for number in range(1, 11):
        first = 1000 + number * 100
        state |= dict.fromkeys(range(first, first + size), (1, 0))
        # Of three versions in one file the last stays.
        records = [record(pmid) for pmid in range(first, first + size)]
        records += [record(first, version=version) for version in (2, 3)]
        state[first] = (3, 0)
        site.put(baseline(number), bulk_file(records))
    for number in range(11, 21):
        records = []
        touched = dice.sample(sorted(state), 6)
        for pmid in touched[:3]:  # newer
            version, revision = state[pmid]
            state[pmid] = (version, revision + dice.randint(1, 3))
            records.append(record(pmid, version=version, revision=state[pmid][1]))
            gone.discard(pmid)
        for pmid in touched[3:5]:  # the same again, or older: never replaces
            version, revision = state[pmid]
            records.append(record(pmid, version=version, revision=max(0, revision - 1)))
            if revision == 0:
                gone.discard(pmid)
        new = 5000 + number
        state[new] = (1, 0)
        records.append(record(new))
        gone.add(touched[5])
        # Sent with the very file that deletes it.
        records.append(record(9000 + number))
        state[9000 + number] = (1, 0)
        gone.add(9000 + number)
        if number == 15:
            records.append(retraction_notice(7000, of=1101))
            state[7000] = (1, -1)
        site.put(update(number), bulk_file(records, deleted=[touched[5], 9000 + number, 4]))
    shown = {
        pmid: ("." if revision == 0 else f"Revision {revision}.", version)
        for pmid, (version, revision) in state.items()
        if pmid not in gone and revision >= 0
    }
    return shown, gone
