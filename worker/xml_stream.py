"""A stream of PubMed XML, cut into the bytes of its records without reading them.

Only what stands between records is looked at here: root elements, error pages, declarations. Memory
holds one chunk and one record, whatever the length of the stream.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

from worker.errors import SourceError

CHUNK = 1 << 18  # bytes read at a time
LONGEST_RECORD = 64 << 20  # bytes; a longer "record" is a file without record ends
LONGEST_PROLOG = 1 << 20  # bytes before the first record

_RECORDS = rb"PubmedArticle|PubmedBookArticle|DeleteCitation|DeleteDocument"
_START = re.compile(rb"<(" + _RECORDS + rb"|MedlineCitation)(?=[\s>/])")
_LATER_START = re.compile(rb"<(?:" + _RECORDS + rb")(?=[\s>/])")
_LATER_CITATION = re.compile(rb"<MedlineCitation(?=[\s>/])")
_SETS = rb"PubmedArticleSet|PubmedBookArticleSet|MedlineCitationSet|PubmedArticleList"
_ROOT = re.compile(rb"<(" + _SETS + rb")(?=[\s>/])")
_ROOT_END = re.compile(rb"</(?:" + _SETS + rb")\s*>")
_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*encoding=["']([A-Za-z0-9._-]+)["']""")
_PMID = re.compile(rb"<PMID\b[^>]*>\s*0*(\d{1,9})\s*</PMID>")
_ERROR = re.compile(rb"<ERROR>(.*?)</ERROR>", re.DOTALL | re.IGNORECASE)
_DECLARATIONS = re.compile(rb"<!ENTITY|<!DOCTYPE[^>\[]*\[")
_WEB_PAGE = re.compile(rb"<html\b|<!doctype html", re.IGNORECASE)


def split_records(stream: BinaryIO, *, name: str = "") -> Iterator[bytes]:
    """The bytes of every record element of `stream`, in order.

    A record whose end is missing ends where the next one starts. Raises `SourceError` where the
    stream itself is at fault: empty, no PubMed XML, an error page, entity declarations, cut short.
    What came before has then been yielded.
    """
    where = f"{name}: " if name else ""
    chunks = _utf8_chunks(stream, where)
    buffer = next(chunks, b"")
    while buffer and not buffer.strip():
        buffer = next(chunks, b"")
    if not buffer:
        raise SourceError(f"{where}is empty: expected PubMed XML. Fetch or download it again.")
    head = buffer.lstrip()[:40]
    if not head.startswith(b"<"):
        raise SourceError(f"{where}is not PubMed XML: it begins with {_shown(head)}.")
    root: bytes | None = None
    records = 0
    position = 0  # all before this was dealt with
    more: bytes | None = b""
    while True:
        start = _START.search(buffer, position)
        gap = buffer[position : start.start() if start else None]
        if gap and not gap.isspace():
            root = root or _root_of(gap)
            _refuse(gap, where)
        if start is None:
            if more is None:
                break
            if root is None and len(gap) > LONGEST_PROLOG:
                raise SourceError(f"{where}is not PubMed XML: it begins with {_shown(head)}.")
            more = next(chunks, None)
            # A tag or an error may stand across two chunks; before the root, all may matter.
            kept = len(gap) if root is None else min(len(gap), 4096)
            buffer, position = buffer[len(buffer) - kept :] + (more or b""), 0
            continue
        end = _record_end(buffer, start)
        while end is None and more is not None:
            if len(buffer) - start.start() > LONGEST_RECORD:
                raise SourceError(f"{where}holds a record of more than 64 MB: not PubMed XML.")
            more = next(chunks, None)
            seen, buffer = len(buffer), buffer + (more or b"")
            end = _record_end(buffer, start, max(start.end(), seen - 64))
        if end is None:
            raise SourceError(
                f"{where}is cut short inside record {records + 1}"
                f"{_of_pmid(buffer[start.start() :])}: download it again. "
                f"The {records} records before it were read."
            )
        yield buffer[start.start() : end]
        records += 1
        if end > CHUNK:
            buffer, end = buffer[end:], 0
        position = end
    if root is None and records == 0:
        raise SourceError(f"{where}is not PubMed XML: it begins with {_shown(head)}.")
    closed = root is None or re.search(rb"</" + root + rb"\s*>|<" + root + rb"[^>]*/>", gap)
    if not closed:
        raise SourceError(
            f"{where}is cut short after {records} records (no </{root.decode() if root else ''}>): "
            "download it again."
        )


def parts_of(raw: bytes) -> list[bytes]:
    """`raw`, cut before every record that starts inside it: the one before was never closed."""
    starts = [0]
    for found in _later_start(raw).finditer(raw, 1):
        if not _open_comment(raw, starts[-1], found.start()):
            starts.append(found.start())
    return [raw[at:to] for at, to in zip(starts, [*starts[1:], len(raw)], strict=True)]


def own_pmid(raw: bytes) -> int | None:
    """The first PMID element in these bytes: the record's own."""
    found = _PMID.search(raw)
    return int(found[1]) if found else None


def pmids_of(raw: bytes) -> list[int]:
    """Every PMID element in these bytes; the first one is the record's own."""
    return [int(pmid) for pmid in _PMID.findall(raw)]


def _record_end(buffer: bytes, start: re.Match[bytes], resume: int = 0) -> int | None:
    """Where the record ends; None where that lies beyond the buffer.

    `resume`: neither an end nor another start stands before it.
    """
    begin, position = start.start(), max(start.end(), resume)
    later = _later_start(start[0])
    tag = b"</" + start[1] + b">"
    seen = position
    while (end := buffer.find(tag, seen)) >= 0:
        seen = end + len(tag)
        closing = _open_comment(buffer, begin, seen)
        if closing is None:
            return seen
        closed = buffer.find(closing, seen)
        if closed < 0 or later.search(buffer, seen, closed):
            return seen  # a comment without an end must not swallow other records
    for pattern in (later, _ROOT_END):
        if lost := pattern.search(buffer, position):
            return lost.start()
    return None


def _later_start(start: bytes) -> re.Pattern[bytes]:
    """What can only be the start of another record than the one that starts so."""
    return _LATER_CITATION if start.startswith(b"<MedlineCitation") else _LATER_START


def _open_comment(buffer: bytes, begin: int, end: int) -> bytes | None:
    """What would close the comment or CDATA in which `end` stands, if it stands in one."""
    if buffer.find(b"!", begin, end) < 0:  # rare, so fast to look for
        return None
    for opening, closing in ((b"<![CDATA[", b"]]>"), (b"<!--", b"-->")):
        if buffer.rfind(opening, begin, end) > buffer.rfind(closing, begin, end):
            return closing
    return None


def _utf8_chunks(stream: BinaryIO, where: str) -> Iterator[bytes]:
    """Chunks of the stream as UTF-8, without a byte order mark."""
    # read1 gives what is there: read would throw away what stood before damage in a .gz
    read = getattr(stream, "read1", stream.read)
    first = read(CHUNK)
    while len(first) < 400 and (more := read(CHUNK)):
        first += more
    declared = _ENCODING.match(first.removeprefix(b"\xef\xbb\xbf")[:400])
    encoding = declared[1].decode().lower() if declared else "utf-8"
    if first.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    if encoding.replace("_", "-") in ("utf-8", "utf8", "us-ascii", "ascii"):
        yield first.removeprefix(b"\xef\xbb\xbf")
        while chunk := read(CHUNK):
            yield chunk
        return
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
        yield decoder.decode(first).encode()
        while chunk := read(CHUNK):
            yield decoder.decode(chunk).encode()
        yield decoder.decode(b"", final=True).encode()
    except (LookupError, UnicodeDecodeError) as error:
        raise SourceError(f"{where}cannot be read as {encoding}: {error}") from None


def _root_of(gap: bytes) -> bytes | None:
    found = _ROOT.search(gap)
    return found[1] if found else None


def _refuse(gap: bytes, where: str) -> None:
    """What stands outside records must be harmless."""
    if _DECLARATIONS.search(gap):
        raise SourceError(
            f"{where}declares XML entities, which PubMed never does: refused. "
            "Download it again from NLM."
        )
    if error := _ERROR.search(gap):
        said = " ".join(error[1].decode("utf-8", "replace").split())
        raise SourceError(f"{where}holds an error instead of records: {said[:300]}")
    if _WEB_PAGE.search(gap[:2000]):
        raise SourceError(f"{where}is a web page (HTML), not PubMed XML. Download it again.")


def _of_pmid(raw: bytes) -> str:
    found = pmids_of(raw)
    return f" (PMID {found[0]})" if found else ""


def _shown(head: bytes) -> str:
    return repr(head.decode("utf-8", "replace"))
