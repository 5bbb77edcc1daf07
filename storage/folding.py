"""Names and text made alike, so that what people type finds what the record has."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

# Letters that Unicode does not take apart into a base letter and an accent.
_LETTERS: Final = str.maketrans(
    {
        "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h",
    }
)  # fmt: skip
_APOSTROPHES: Final = re.compile(r"[\u0027\u0060\u00b4\u2018\u2019\u02bc]")
_BETWEEN_WORDS: Final = re.compile(r"[\W_]+")


def compatible(text: str) -> str:
    """Unicode NFKC: "CO₂" becomes "CO2", "10⁹" becomes "109", ligatures their letters."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


# Of ASCII: letters in lower case, digits, and spaces for all else.
_ASCII_WORDS: Final = bytes(
    code if chr(code).isalnum() and code < 128 else 32 for code in range(256)
).lower()


def folded(text: str) -> str:
    """Lower-case words, no accents or signs: "Müller-Łukasz, O'Neil" → "muller lukasz oneil"."""
    if text.isascii():
        if text.isalnum():
            return text.lower()
        return b" ".join(text.encode().translate(_ASCII_WORDS, b"'`").split()).decode()
    return _folded(text)


@lru_cache(maxsize=1 << 13)
def _folded(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    text = "".join(letter for letter in apart if not unicodedata.combining(letter))
    text = _APOSTROPHES.sub("", text.translate(_LETTERS).casefold())
    return _BETWEEN_WORDS.sub(" ", text).strip()


def indexed_words(text: str) -> str:
    """Lower-case words with one or more spaces between, no accents or signs.

    "Non-small-cell, naïve" → "non small cell  naive": the words that SQLite's tokeniser unicode61
    sees, for a database whose own would take numbers, hyphens and addresses as something else.
    """
    if not text.isascii():
        text = _BEYOND_ASCII.sub(_plain, text)
    return text.encode().translate(_UTF8_WORDS).decode()


_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]+")
_UTF8_WORDS: Final = _ASCII_WORDS[:128] + bytes(range(128, 256))


def _plain(found: re.Match[str]) -> str:
    return _plain_letters(found[0])


@lru_cache(maxsize=1 << 12)
def _plain_letters(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.lower()).lower()
    return _BETWEEN_WORDS.sub(
        " ", "".join(letter for letter in apart if not unicodedata.combining(letter))
    )
