"""What the text model sees of an article: hashed word n-grams of title and abstract.

Only hashes leave this module: no weight of the model can be turned back into a sentence of an
abstract. A batch of articles becomes one sorted list of (article, feature) pairs in a handful of
numpy passes; a feature is there or not (how often does not matter), which keeps every later sum in
whole numbers and so the same on any machine.

Features of one article:

* words, pairs and triples of words of title and abstract together;
* the same of the title alone, with its start marked;
* words and pairs of each part of the abstract (aims, methods, results, conclusions), told from
  printed labels ("METHODS:") or, without labels, from the position in the text;
* a few of shape: how long, how many numbers, a translated title, a question as title, no abstract.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

from .article import Article

HASH_BITS: Final = 22
FEATURE_SPACE: Final = 1 << HASH_BITS

_Ints = npt.NDArray[np.uint32]

_TOKEN = re.compile(r"[^\W\d_]+|\d+|[:?%=<>±≥≤]")
_YEAR = re.compile(r"(?:19|20)\d\d")
_CACHE_LIMIT: Final = (
    150_000  # words kept; a real corpus of a million records fits its frequent ones
)

_AIMS, _METHODS, _RESULTS, _CONCLUSIONS = range(4)
_LABELS: Final = {
    "background": _AIMS, "introduction": _AIMS, "objective": _AIMS, "objectives": _AIMS,
    "aim": _AIMS, "aims": _AIMS, "purpose": _AIMS, "context": _AIMS, "importance": _AIMS,
    "rationale": _AIMS, "hypothesis": _AIMS, "question": _AIMS,
    "methods": _METHODS, "method": _METHODS, "design": _METHODS, "setting": _METHODS,
    "patients": _METHODS, "participants": _METHODS, "subjects": _METHODS, "procedures": _METHODS,
    "interventions": _METHODS, "intervention": _METHODS, "measures": _METHODS,
    "measurements": _METHODS, "outcomes": _METHODS, "sources": _METHODS, "selection": _METHODS,
    "extraction": _METHODS, "materials": _METHODS, "analysis": _METHODS, "methodology": _METHODS,
    "results": _RESULTS, "result": _RESULTS, "findings": _RESULTS, "case": _RESULTS,
    "observations": _RESULTS, "presentation": _RESULTS, "report": _RESULTS,
    "conclusion": _CONCLUSIONS, "conclusions": _CONCLUSIONS, "interpretation": _CONCLUSIONS,
    "discussion": _CONCLUSIONS, "significance": _CONCLUSIONS, "implications": _CONCLUSIONS,
    "relevance": _CONCLUSIONS, "limitations": _CONCLUSIONS, "summary": _CONCLUSIONS,
}  # fmt: skip


def _hash(token: str) -> int:
    """A 32-bit hash of a token; numbers count by their shape only."""
    if token.isdigit():
        token = "<year>" if _YEAR.fullmatch(token) else f"<{min(len(token), 5)}>"
    return crc32(token.encode()) | 1  # 0 is kept for gaps between texts


class _Vocabulary(dict[str, int]):
    """token -> hash, filled as words come; emptied when full. Safe to share between threads."""

    def __missing__(self, token: str) -> int:
        if len(self) >= _CACHE_LIMIT:
            self.clear()
        value = self[token] = _hash(token)
        return value


_vocabulary = _Vocabulary()
_COLON = np.uint32(_hash(":"))
_TITLE_START = _hash("<title>")
_ROLE_OF = {_hash(word): role for word, role in _LABELS.items()}
_LABEL_HASHES: _Ints = np.array(sorted(_ROLE_OF), dtype=np.uint32)
_LABEL_ROLES = np.array([_ROLE_OF[int(h)] for h in _LABEL_HASHES], dtype=np.int32)

_SECOND = np.uint32(0x85EBCA6B)
_THIRD = np.uint32(0xC2B2AE35)
_GOLDEN = np.uint32(0x9E3779B1)
_SHIFT = np.uint32(32 - HASH_BITS)


def _index(hashes: _Ints, field: int) -> _Ints:
    """Spread n-gram hashes of one field over the feature space."""
    mixed = hashes ^ np.uint32(_hash(f"<field {field}>"))
    mixed = mixed ^ (mixed >> np.uint32(15))
    mixed *= _GOLDEN
    mixed ^= mixed >> np.uint32(13)
    mixed *= _SECOND
    return mixed >> _SHIFT


def _log_bucket(count: int) -> int:
    return min(count, 4000).bit_length() * 2 + (
        count > 0 and bool(count & (1 << count.bit_length()) >> 2)
    )


def _shape(article: Article, title: list[str], abstract: list[str]) -> list[str]:
    """Named properties of the whole text."""
    numbers = sum(map(str.isdigit, abstract))
    shape = [f"<title {_log_bucket(len(title))}>", f"<abstract {_log_bucket(len(abstract))}>"]
    if abstract:
        shape.append(f"<numbers {numbers * 40 // len(abstract)}>")
        shape.append(f"<percent {_log_bucket(abstract.count('%'))}>")
        shape.append(f"<equals {_log_bucket(abstract.count('=') + abstract.count('<'))}>")
        shape.append(f"<labels {min(abstract.count(':'), 8)}>")
    stripped = article.title.strip()
    if stripped.startswith("["):
        shape.append("<translated>")
    if stripped.rstrip("].").endswith("?"):
        shape.append("<asks>")
    return shape


def feature_pairs(articles: Sequence[Article]) -> tuple[npt.NDArray[np.int64], _Ints]:
    """(article number, feature index) of every feature of every article, repeats included.

    Both arrays have the same length; their order is of no meaning.
    """
    vocabulary = _vocabulary
    stream: list[int] = []  # all tokens: per article title, gap, abstract, gap
    bounds: list[int] = []  # per article: start of title, start of abstract, end of abstract
    shapes: list[int] = []
    shape_owner: list[int] = []
    for number, article in enumerate(articles):
        title = _TOKEN.findall(article.title.lower())
        abstract = _TOKEN.findall(article.abstract.lower())
        bounds.append(len(stream))
        stream.append(_TITLE_START)
        stream += [vocabulary[token] for token in title]
        stream += (0, 0)
        bounds.append(len(stream))
        stream += [vocabulary[token] for token in abstract]
        bounds.append(len(stream))
        stream += (0, 0)
        named = _shape(article, title, abstract)
        shapes += [vocabulary[name] for name in named]
        shape_owner += [number] * len(named)

    words: _Ints = np.array(stream, dtype=np.uint32)
    limits = np.array(bounds, dtype=np.int64).reshape(-1, 3)
    size = len(words)
    lengths = np.diff(np.append(limits[:, 0], size))
    owner = np.repeat(np.arange(len(articles), dtype=np.int64), lengths)
    position = np.arange(size, dtype=np.int64)
    in_title = position < limits[owner, 1]
    role = _roles(words, position, in_title, owner, limits)

    present = words != 0
    pair = words[:-1] * _SECOND + (words[1:] ^ (words[1:] >> np.uint32(16)))
    paired = present[:-1] & present[1:]
    triple = pair[:-1] * _THIRD + words[2:]
    tripled = paired[:-1] & paired[1:]
    one, two, three = (np.flatnonzero(m) for m in (present, paired, tripled))

    parts: list[tuple[npt.NDArray[np.int64], _Ints]] = [
        (owner[one], _index(words[one], 0)),
        (owner[two], _index(pair[two], 1)),
        (owner[three], _index(triple[three], 2)),
    ]
    for places, hashes, field in ((one, words, 3), (two, pair, 4), (three, triple, 5)):
        titled = places[in_title[places]]
        parts.append((owner[titled], _index(hashes[titled], field)))
    for places, hashes, field in ((one, words, 6), (two, pair, 7)):
        told = places[~in_title[places]]
        tag = (role[told] + 1).astype(np.uint32) * _THIRD
        parts.append((owner[told], _index(hashes[told] ^ tag, field)))
    parts.append(
        (np.array(shape_owner, dtype=np.int64), _index(np.array(shapes, dtype=np.uint32), 8))
    )
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _roles(
    words: _Ints,
    position: npt.NDArray[np.int64],
    in_title: npt.NDArray[np.bool_],
    owner: npt.NDArray[np.int64],
    limits: npt.NDArray[np.int64],
) -> npt.NDArray[np.int32]:
    """The part of the abstract that each word stands in: a printed label opens its part."""
    length = np.maximum(limits[:, 2] - limits[:, 1], 1)[owner]
    fraction = (position - limits[owner, 1]) / length
    guessed = np.select(
        [fraction < 0.25, fraction < 0.5, fraction < 0.82],
        [_AIMS, _METHODS, _RESULTS],
        _CONCLUSIONS,
    ).astype(np.int32)
    found = np.minimum(np.searchsorted(_LABEL_HASHES, words[:-1]), len(_LABEL_HASHES) - 1)
    opens = (_LABEL_HASHES[found] == words[:-1]) & (words[1:] == _COLON) & ~in_title[:-1]
    starts = np.flatnonzero(opens)
    if not len(starts):
        return guessed
    last = np.zeros(len(words), dtype=np.int64)  # the latest label at or before each word, plus one
    last[starts] = starts + 1
    last = np.maximum.accumulate(last)
    labelled = last > limits[owner, 1]  # a label of this very abstract
    label_role = np.zeros(len(words), dtype=np.int32)
    label_role[starts] = _LABEL_ROLES[found[starts]]
    return np.where(labelled, label_role[np.maximum(last - 1, 0)], guessed)
