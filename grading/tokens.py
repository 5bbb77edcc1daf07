"""Words, numbers and signs of texts as 32-bit hashes, those of many texts in a few numpy passes.

A token is a run of letters, a run of digits, or one of the signs ``: ? % = < > ± ≥ ≤``; upper and
lower case are one. Its hash is the CRC-32 of its letters; numbers count by their shape only. A CRC
is linear: it is the exclusive or of what each byte gives at its distance from the end, which a table
tells, so that the bytes of all texts are looked up at once. The few words that are not plain ASCII
are read one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

_Ints = npt.NDArray[np.uint32]

# Bytes that stand for themselves between the texts of one stream; in no text after `spaced`.
GAP: Final = b"\0"  # a token of hash 0, which no word has
TITLE: Final = b"\1"  # the start of a title
_READ: Final = b"\2"  # a token that was read by itself

_TOKEN = re.compile(r"[^\W\d_]+|\d+|[:?%=<>±≥≤]")
_YEAR = re.compile(r"(?:19|20)\d\d")
# Letters small, and a space for every sign that stands in no token.
_SPACED: Final = bytes(
    ord(" ") if code < 128 and not (chr(code).isalnum() or chr(code) in ":?%=<>") else code
    for code in bytes(range(256)).lower()
)
_SPACE, _LETTER, _DIGIT, _SIGN, _MARK = range(5)  # classes of bytes; from _SIGN on each a token
_CLASSES: Final = bytes(
    _SPACE if code == ord(" ")
    else _MARK if code < ord(" ")
    else _LETTER if chr(code).isalpha()
    else _DIGIT if chr(code).isdigit()
    else _SIGN
    for code in range(128)
).ljust(256, bytes([_SIGN]))  # fmt: skip


def token_hash(token: str) -> int:
    """The hash of one token in lower case; never 0."""
    if token.isdigit():
        token = "<year>" if _YEAR.fullmatch(token) else f"<{min(len(token), 5)}>"
    return crc32(token.encode()) | 1


_LONGEST: Final = 40  # letters of a word whose hash the table tells
# What a byte gives to the CRC, by its distance from the end; and the CRC of so many zero bytes.
_GIVES: _Ints = np.array(
    [
        [crc32(bytes([code]) + bytes(distance)) ^ crc32(bytes(1 + distance)) for code in range(256)]
        for distance in range(_LONGEST)
    ],
    dtype=np.uint32,
)
_GIVES[:, ord(" ")] = 0  # which is in no token
_GIVES = _GIVES.ravel()
_ZEROS: _Ints = np.array([crc32(bytes(size)) for size in range(_LONGEST + 1)], dtype=np.uint32)
_NUMBERS: _Ints = np.array(
    [0, *(token_hash("1" * size) for size in range(1, 6))], dtype=np.uint32
)  # by how many digits
_YEAR_HASH = np.uint32(token_hash("1999"))
_MARKS: _Ints = np.array([0, token_hash("<title>"), 0], dtype=np.uint32)


def spaced(text: str) -> bytes:
    """The text for a stream: letters small, none of the bytes above, a space on each side."""
    if "\N{GREEK CAPITAL LETTER SIGMA}" in text:  # the one letter whose small form hangs on others
        text = text.lower()
    return f" {text} ".encode("utf-8", "surrogatepass").translate(_SPACED)


def token_hashes(stream: bytes) -> _Ints:
    """One hash for each token of a stream of texts (by `spaced`), gaps and titles, in order. The
    stream begins with a gap or a title."""
    read: list[bytes] = []
    if not stream.isascii():
        stream = b"".join(_marked(stream, read))
    data = np.frombuffer(stream, dtype=np.uint8)
    classes = np.frombuffer(stream.translate(_CLASSES), dtype=np.uint8)
    turns = np.ones(len(data) + 1, dtype=np.bool_)  # where something else begins
    np.not_equal(classes[1:], classes[:-1], out=turns[1:-1])
    turns[:-1] |= classes >= _SIGN
    word = classes != _SPACE
    starts = np.flatnonzero(turns[:-1] & word)
    lasts = np.flatnonzero(turns[1:] & word)
    sizes = lasts - starts + 1
    # Of each byte the distance from the end of its token, in 16 bits: what that is too little for, the
    # spaces behind a token and the longest of tokens, the table does not tell.
    place = np.repeat(lasts.astype(np.uint16), np.diff(starts, append=len(data)))
    place -= np.arange(len(data), dtype=np.uint32).astype(np.uint16)
    np.minimum(place, _LONGEST - 1, out=place)
    place <<= 8
    place |= data
    hashes: _Ints = np.bitwise_xor.reduceat(_GIVES.take(place), starts)
    hashes ^= _ZEROS.take(sizes, mode="clip")
    hashes |= np.uint32(1)
    classes = classes[starts]
    for number in np.flatnonzero((sizes > _LONGEST) & (classes == _LETTER)).tolist():
        start = int(starts[number])
        hashes[number] = token_hash(stream[start : start + int(sizes[number])].decode())
    digits = np.flatnonzero(classes == _DIGIT)
    first = data[starts[digits]] * np.uint16(256) + data[starts[digits] + 1]
    year = ((first == ord("1") * 256 + ord("9")) | (first == ord("2") * 256 + ord("0"))) & (
        sizes[digits] == 4
    )
    hashes[digits] = np.where(year, _YEAR_HASH, _NUMBERS.take(sizes[digits], mode="clip"))
    marks = np.flatnonzero(classes == _MARK)
    hashes[marks] = _MARKS[data[starts[marks]]]
    if read:
        hashes[marks[data[starts[marks]] == _READ[0]]] = np.frombuffer(b"".join(read), "<u4")
    return hashes


def _marked(stream: bytes, read: list[bytes]) -> Iterator[bytes]:
    """The stream with a mark for each token of the words that are not ASCII; their hashes, four
    bytes each, go to `read`."""
    done = 0
    for place in np.flatnonzero(np.frombuffer(stream, dtype=np.uint8) >= 128).tolist():
        if place >= done:
            start = stream.rindex(b" ", 0, place) + 1
            yield stream[done:start]
            done = stream.index(b" ", place)
            read.append(_read_word(stream[start:done]))
            yield _READ * (len(read[-1]) // 4)
    yield stream[done:]


@lru_cache(maxsize=8192)
def _read_word(word: bytes) -> bytes:
    tokens = _TOKEN.findall(word.decode("utf-8", "surrogatepass").lower())
    return b"".join([token_hash(token).to_bytes(4, "little") for token in tokens])
