"""Sources that a person names: files, folders, standard input, web addresses.

The format is told by content, not by name: PubMed XML, MEDLINE text, or JSON lines of articles as
`pubgrade export` writes them; each may be gzipped.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import msgspec
from isal import isal_zlib

from grading import Article
from grading.article import Section
from worker.errors import EntrezUnavailable, SourceError
from worker.known import Known, digest_of
from worker.medline import heading, publication_type, read_medline
from worker.parsed import (
    LARGEST_PMID,
    MalformedRecord,
    Parsed,
    ParsedArticle,
    UnchangedRecord,
    number_in,
)
from worker.pubmed_xml import read_record
from worker.xml_stream import own_pmid, split_records

if TYPE_CHECKING:
    import urllib3

SUFFIXES = (".xml", ".txt", ".nbib", ".jsonl", ".medline")
_CHECKSUM = 8  # bytes at the end of a gzip file: checksum and length
_GZIP = 31  # zlib's number for "a gzip header and the largest window"
TIMEOUT = (10.0, 60.0)  # seconds to connect, seconds without a byte


def is_address(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def list_sources(sources: Iterable[str]) -> list[str]:
    """Folders replaced by the files in them that can be read, in a stable order.

    Raises SourceError for what is not there and for a folder with nothing to read.
    """
    found: list[str] = []
    for source in sources:
        path = Path(source)
        if source == "-" or is_address(source) or path.is_file():
            found.append(source)
        elif path.is_dir():
            inside = sorted(
                str(file)
                for file in path.rglob("*")
                if file.is_file()
                and file.name.removesuffix(".gz").endswith(SUFFIXES)
                and not file.name.startswith(".")  # such as ._name, which macOS puts beside each
            )
            if not inside:
                raise SourceError(
                    f"{source}: nothing in this folder looks like PubMed records "
                    f"({', '.join(SUFFIXES)}, each also .gz)."
                )
            found += inside
        elif path.exists():
            found.append(source)
        else:
            raise SourceError(f"{source}: there is no such file or folder.")
    return found


def read_source(source: str) -> Iterator[Parsed]:
    """Every record of one file, address or "-" (standard input).

    Raises SourceError where the source is at fault; the records before the fault were yielded.
    """
    for element in _elements_of(source):
        yield from _read(element)


def read_blocks(
    source: str, *, size: int, share: int = 0, shares: int = 1, known: Known | None = None
) -> Iterator[list[Parsed]]:
    """The same in blocks of `size` record elements, and only every `shares`-th of these blocks from
    number `share` on: several processes read one file between them. What is another's is found in
    the stream but not parsed, nor is what is `known`: that comes as `UnchangedRecord`.

    Where the source is at fault, what its last block holds before the fault is yielded first.
    """
    number = 0
    block: list[_Element] = []
    try:
        for element in _elements_of(source):
            if number // size % shares == share:
                block.append(element)
            number += 1
            if number % size == 0 and (number - 1) // size % shares == share:
                yield _read_block(block, known)
                block = []
    except SourceError:
        if block:
            yield _read_block(block, known)
        raise
    if block:
        yield _read_block(block, known)


_Element = bytes | Parsed  # one record of a source: of XML its bytes, of text what was read of it


def _read(element: _Element, digest: int | None = None) -> list[Parsed]:
    match element:
        case bytes():
            return read_record(element, digest)
        case ParsedArticle() if digest is not None:
            return [replace(element, digest=digest)]
    return [element]


def _read_block(block: list[_Element], known: Known | None) -> list[Parsed]:
    if known is None:
        return [item for element in block for item in _read(element)]
    sources = [_source(element) for element in block]
    wanted = dict(source for source in sources if source is not None)
    same = known(wanted) if wanted else set()
    parsed: list[Parsed] = []
    for element, source in zip(block, sources, strict=True):
        if source is None:
            parsed += _read(element)
        elif source[0] in same and wanted[source[0]] == source[1]:
            parsed.append(UnchangedRecord(*source))
        else:
            parsed += _read(element, source[1])
    return parsed


def _source(element: _Element) -> tuple[int, int] | None:
    """The PMID of an article, and the digest of its bytes."""
    match element:
        case bytes():
            pmid = None if element.startswith(b"<Delete") else own_pmid(element)
            return None if pmid is None else (pmid, digest_of(element))
        case ParsedArticle():
            return element.article.pmid, digest_of(element.raw)
    return None


def _elements_of(source: str) -> Iterator[_Element]:
    name = "standard input" if source == "-" else source
    with ExitStack() as opened:
        stream = _open(source, opened)
        yield from _elements(_Peekable(stream), name)


def _open(source: str, opened: ExitStack) -> BinaryIO:
    if source == "-":
        return sys.stdin.buffer
    if is_address(source):
        return _download(source, opened)
    try:
        return opened.enter_context(open(source, "rb"))
    except OSError as error:
        raise SourceError(f"{source}: cannot be read: {error.strerror}.") from None


def _download(address: str, opened: ExitStack) -> BinaryIO:
    import requests

    try:
        # As it is, not compressed once more on the way.
        headers = {"Accept-Encoding": "identity"}
        answer = opened.enter_context(
            requests.get(address, headers=headers, stream=True, timeout=TIMEOUT)
        )
        answer.raise_for_status()
    except requests.HTTPError as error:
        status = error.response.status_code
        if 400 <= status < 500 and status != 429:
            raise SourceError(
                f"{address}: the site answers {status} {error.response.reason}."
            ) from None
        raise EntrezUnavailable(f"{address}: the site answers {status}. Try again later.") from None
    except requests.RequestException as error:
        raise EntrezUnavailable(f"{address}: cannot be reached ({type(error).__name__}).") from None
    # raw, not content: the file's own gzip must stay for the reader to check
    answer.raw.decode_content = False
    return cast(BinaryIO, _Downloaded(address, answer.raw))


class _Downloaded:
    """The bytes of an address, as they come."""

    def __init__(self, address: str, stream: urllib3.BaseHTTPResponse) -> None:
        self._address = address
        self._stream = stream

    def read(self, size: int) -> bytes:
        import urllib3

        try:
            # What is there: read would throw away what stood before the connection was cut.
            return self._stream.read1(size)
        except (urllib3.exceptions.HTTPError, OSError):
            raise SourceError(
                f"{self._address}: the connection was cut. What stood before was read; "
                "load it again."
            ) from None


class _Peekable(io.RawIOBase):
    """A stream whose first bytes can be looked at before it is read."""

    def __init__(self, stream: BinaryIO, size: int = 4096) -> None:
        # read1 gives what is there: read would throw away what stood before damage in a .gz
        self._read = getattr(stream, "read1", stream.read)
        self.head = b""
        while len(self.head) < size and (more := self._read(size - len(self.head))):
            self.head += more
        self._left = self.head

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._left[: len(buffer)] or self._read(len(buffer)) or b""
        self._left = self._left[len(data) :] if self._left else b""
        buffer[: len(data)] = data
        return len(data)


class _Unpacked(io.RawIOBase):
    """What a gzip stream holds, up to its end or to where it is damaged; `damage` then says how.

    The gzip modules raise instead, and what they had unpacked before the damage is lost.
    """

    def __init__(self, stream: io.RawIOBase) -> None:
        self._stream = stream
        self._packed = b""
        self._held = b""
        self._full = False  # the last answer was as large as asked for: more may wait inside
        self._member: Any = None
        self.damage = ""

    def read(self, size: int = -1) -> bytes:
        size = 1 << 18 if size < 0 else size
        while not self.damage:
            if not self._packed and not self._full:
                # The checksum at the end goes in by itself: where it is wrong, the contents are out.
                more = self._stream.read(1 << 17) or b""
                whole = self._held + more
                cut = max(0, len(whole) - _CHECKSUM) if more else len(whole)
                self._packed, self._held = whole[:cut], whole[cut:]
                if more and not self._packed:
                    continue
            if not self._packed and not self._full:
                if self._member is not None:
                    self.damage = "is cut short"
                break
            if self._member is None:
                self._packed = self._packed.lstrip(b"\0")  # padding between members
                if not self._packed:
                    continue
                self._member = isal_zlib.decompressobj(_GZIP)
            try:
                data: bytes = self._member.decompress(self._packed, size)
            except isal_zlib.IsalError as error:  # type: ignore[misc]  # its stub takes it for a value
                self.damage = f"is damaged ({error})"
                break
            self._packed = self._member.unconsumed_tail
            self._full = len(data) >= size and not self._member.eof
            if self._member.eof:
                self._packed = self._member.unused_data
                self._member = None
            if data:
                return data
        return b""


def _elements(stream: _Peekable, name: str) -> Iterator[_Element]:
    if not stream.head.strip():
        raise SourceError(f"{name}: is empty.")
    if stream.head.startswith(b"\x1f\x8b"):
        unpacked = _Unpacked(stream)
        fault: SourceError | None = None
        try:
            yield from _elements(_Peekable(cast(BinaryIO, unpacked)), name)
        except SourceError as error:
            fault = error  # where the packing is damaged, that is the reason to tell
        if unpacked.damage:
            raise SourceError(
                f"{name}: the compressed file {unpacked.damage}. "
                "What stood before the damage was read; download it again."
            )
        if fault is not None:
            raise fault
        return
    buffered = cast(BinaryIO, io.BufferedReader(stream, 1 << 18))
    head = stream.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith((b"<", b"\xff\xfe", b"\xfe\xff")):
        yield from split_records(buffered, name=name)
    elif head.startswith(b"{"):
        yield from read_jsonl(buffered)
    elif b"PMID" in stream.head or (b"- " in stream.head and b"\0" not in stream.head):
        yield from read_medline(buffered, name=name)
    else:
        raise SourceError(
            f"{name}: is not PubMed XML, MEDLINE text (nbib) or JSON lines of articles: "
            f"it begins with {head[:30].decode('utf-8', 'replace')!r}."
        )


def read_jsonl(stream: BinaryIO) -> Iterator[Parsed]:
    """Articles as `pubgrade export` writes them, or plain lines with pmid, title, abstract and tags."""
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        try:
            if b'"pub_types"' in line:
                raise msgspec.ValidationError("not as `pubgrade export` writes it")
            article = msgspec.json.decode(line, type=Article)
        except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
            try:
                article = _plain(line)
            except ValueError:
                yield MalformedRecord(line.rstrip(b"\n"), f"line {number}: {error}")
                continue
        if article.abridged:
            why = "its abstract was left out where this comes from: it cannot be graded"
            yield MalformedRecord(line.rstrip(b"\n"), f"line {number}: {why}", article.pmid)
            continue
        if not 1 <= article.pmid <= LARGEST_PMID:
            yield MalformedRecord(line.rstrip(b"\n"), f"line {number}: no PMID")
            continue
        if article.abstract and not article.sections:
            text = article.abstract
            article = msgspec.structs.replace(
                article, sections=(Section(text=text, start=0, end=len(text)),)
            )
        yield ParsedArticle(article, line.rstrip(b"\n"), "jsonl")


def _plain(line: bytes) -> Article:
    """A line as people make them: the PMID a string, fields null, tags by their names alone, as a
    list or in one string with "|" or ";" between them. Raises ValueError."""
    try:
        record = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from None
    pmid = number_in(str(record.get("pmid", ""))) if isinstance(record, dict) else None
    if pmid is None:
        raise ValueError("no PMID")
    year = re.fullmatch(r"[12]\d{3}", str(record.get("year") or ""))
    return Article(
        pmid=pmid,
        title=str(record.get("title") or ""),
        abstract=str(record.get("abstract") or ""),
        published=year[0] if year else None,
        published_precision="year" if year else None,
        journal=str(record.get("journal") or "") or None,
        languages=tuple(_names(record.get("languages") or record.get("language"))),
        publication_types=tuple(
            map(
                publication_type, _names(record.get("publication_types") or record.get("pub_types"))
            )
        ),
        mesh=tuple(map(heading, _names(record.get("mesh")))),
    )


def _names(given: object) -> list[str]:
    """The names in a list, or in one string."""
    if isinstance(given, str):
        given = re.split(r"[|;]", given)
    if not isinstance(given, list):
        return []
    named = (item.get("name") if isinstance(item, dict) else item for item in given)
    return [name.strip() for name in named if isinstance(name, str) and name.strip()]
