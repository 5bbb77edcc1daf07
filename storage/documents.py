"""Articles and grades as the bytes the store keeps: JSON, compressed with Zstandard, and a digest.

The digest tells without unpacking whether what arrives is what is stored. Where two digests differ
the values themselves are compared, so a new optional field of `Article` makes no false revision.
"""

from __future__ import annotations

import threading
from hashlib import blake2b
from typing import Final

import msgspec
import zstandard

from grading import Article, Grade

_COMPRESSION_LEVEL: Final = 3
_LARGEST: Final = 1 << 30  # bytes of one unpacked value; more is damage, not a record

_encoder: Final = msgspec.json.Encoder()
_article_decoder: Final = msgspec.json.Decoder(Article)
_grade_decoder: Final = msgspec.json.Decoder(Grade)


class _Codecs(threading.local):
    """Zstandard contexts must not be shared between threads."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


_codecs: Final = _Codecs()


class Packed(bytes):
    """Bytes that `pack` has compressed already, in another process: it leaves them as they are."""


def pack(content: bytes) -> bytes:
    if isinstance(content, Packed):
        return content
    return _codecs.compressor.compress(content)


def unpack(packed: bytes) -> bytes:
    return _codecs.decompressor.decompress(packed, max_output_size=_LARGEST)


def digest(content: bytes) -> int:
    """A signed 64-bit digest, as wide as an integer column."""
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "big", signed=True)


def article_json(article: Article) -> bytes:
    return _encoder.encode(article)


def grade_json(grade: Grade) -> bytes:
    """The grade as kept, without its grader version.

    That stands in a column of its own: an equal grade by another version is no new grade.
    """
    return _encoder.encode(msgspec.structs.replace(grade, grader_version=""))


def read_article(packed: bytes) -> Article:
    return _article_decoder.decode(unpack(packed))


def read_grade(packed: bytes, grader_version: str) -> Grade:
    grade = _grade_decoder.decode(unpack(packed))
    return msgspec.structs.replace(grade, grader_version=grader_version)
