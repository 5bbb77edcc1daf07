"""Articles and grades as the bytes the store keeps: MessagePack, compressed with Zstandard.

An article and its grade are compressed together, since the grade quotes the article, and with a
dictionary that is part of the package, since much of a record is the same in all: names of fields,
tags, wordings of reasons. It was made from invented records by `benchmarks/train_dictionary.py`.
Whoever makes another must keep this one for the records that need it; each packed value names its
dictionary.

The digest tells without unpacking whether what arrives is what is stored. Where two digests differ
the values themselves are compared, so a new optional field of `Article` makes no false revision.
"""

from __future__ import annotations

import threading
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import zstandard

from grading import Article, Grade

_COMPRESSION_LEVEL: Final = 1  # 3 makes a record 10 % smaller, but takes half as long again
_LARGEST: Final = 1 << 30  # bytes of one unpacked value; more is damage, not a record
_LONG: Final = 8 << 10  # bytes
_LENGTH: Final = 4  # bytes before an article that say how long it is; its grade follows

_encoder: Final = msgspec.msgpack.Encoder()
_article_decoder: Final = msgspec.msgpack.Decoder(Article)
_grade_decoder: Final = msgspec.msgpack.Decoder(Grade)


class _Codecs(threading.local):
    """Zstandard contexts must not be shared between threads."""

    def __init__(self) -> None:
        content = Path(__file__).with_name("documents.dict").read_bytes()
        dictionary = zstandard.ZstdCompressionDict(content)
        dictionary.precompute_compress(level=_COMPRESSION_LEVEL)
        self.compressor = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL, dict_data=dictionary)
        self.plain_compressor = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL)
        self.decompressor = zstandard.ZstdDecompressor(dict_data=dictionary)


_codecs: Final = _Codecs()


def pack(content: bytes) -> bytes:
    return _fitting(_codecs.compressor.compress(content))


def pack_raw(raw: bytes) -> bytes:
    """The bytes of a record as they came. Of a long one the dictionary makes nothing smaller."""
    if len(raw) > _LONG:
        return _fitting(_codecs.plain_compressor.compress(raw))
    return pack(raw)


def _fitting(packed: bytes) -> bytes:
    """The same bytes without the room behind them that `compress` took lest it need it."""
    return bytes(memoryview(packed))


def unpack(packed: bytes) -> bytes:
    return _codecs.decompressor.decompress(packed, max_output_size=_LARGEST)


def digest(content: bytes) -> int:
    """A signed 64-bit digest, as wide as an integer column. Of SHA-256, which processors have built
    in."""
    return int.from_bytes(sha256(content).digest()[:8], "big", signed=True)


def source_digest(raw: bytes, parser_version: str) -> int:
    """Of the bytes of a record as this version of the parser reads them.

    Where it is the same, the article is the same.
    """
    return digest(b"\0".join((parser_version.encode(), raw)))


def article_bytes(article: Article) -> bytes:
    return _encoder.encode(article)


def grade_bytes(grade: Grade) -> bytes:
    """The grade as kept, without its grader version.

    That stands in a column of its own: an equal grade by another version is no new grade.
    """
    return _encoder.encode(msgspec.structs.replace(grade, grader_version=""))


def article_digest(article: Article) -> int:
    return digest(article_bytes(article))


def pack_document(article: bytes, grade: bytes) -> bytes:
    return pack(b"".join((len(article).to_bytes(_LENGTH, "big"), article, grade)))


def document_parts(packed: bytes) -> tuple[bytes, bytes]:
    """The bytes of the article and of the grade that were packed together."""
    content = unpack(packed)
    end = _LENGTH + int.from_bytes(content[:_LENGTH], "big")
    return content[_LENGTH:end], content[end:]


def article_from(content: bytes) -> Article:
    return _article_decoder.decode(content)


def article_in(packed: bytes) -> Article:
    """The article of a packed document."""
    article, _ = document_parts(packed)
    return article_from(article)


def grade_from(content: bytes, grader_version: str) -> Grade:
    grade = _grade_decoder.decode(content)
    return msgspec.structs.replace(grade, grader_version=grader_version)


def read_document(packed: bytes, grader_version: str) -> tuple[Article, Grade]:
    article, grade = document_parts(packed)
    return article_from(article), grade_from(grade, grader_version)


class Document(NamedTuple):
    """A stored article with its grade, still packed: as it goes to other processes."""

    pmid: int
    digest: int  # of the article
    grader_version: str
    body: bytes

    @property
    def article(self) -> Article:
        return article_in(self.body)

    def read(self) -> tuple[Article, Grade]:
        return read_document(self.body, self.grader_version)
