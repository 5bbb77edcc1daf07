"""What the text model sees of an article: hashed word n-grams of title and abstract.

Only hashes leave this module: no weight of the model can be turned back into a sentence of an
abstract. A batch of articles becomes one array of features in a handful of numpy passes: all titles
stand first, then all abstracts, each behind a gap; a feature is there or not (how often does not matter), which keeps every later sum in
whole numbers and so the same on any machine.

Features of one article:

* words, pairs and triples of words of title and abstract together, British spelling as American;
* the same of the title alone, with its start marked;
* words and pairs of each part of the abstract (aims, methods, results, conclusions), told from
  printed labels ("METHODS:") or, without labels, from the position in the text;
* a few of shape: how long, how many numbers, a translated title, a question as title, no abstract.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from .article import Article
from .tokens import GAP, TITLE, spaced, token_hash, token_hashes

HASH_BITS: Final = 22
FEATURE_SPACE: Final = 1 << HASH_BITS
NOTHING: Final = FEATURE_SPACE  # stands where no feature is: n-grams over a gap

_Ints = npt.NDArray[np.uint32]

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


_COLON, _PERCENT, _EQUALS, _LESS = (np.uint32(token_hash(sign)) for sign in ":%=<")
_NUMBERS: _Ints = np.array(
    [token_hash("1999"), *(token_hash("1" * n) for n in range(1, 6))], dtype=np.uint32
)
_ROLE_OF = {token_hash(word): role for word, role in _LABELS.items()}
_LABEL_HASHES: _Ints = np.array(sorted(_ROLE_OF), dtype=np.uint32)
_LABEL_ROLES = np.array([_ROLE_OF[int(h)] for h in _LABEL_HASHES], dtype=np.uint32)

_SECOND = np.uint32(0x85EBCA6B)
_THIRD = np.uint32(0xC2B2AE35)
_GOLDEN = np.uint32(0x9E3779B1)
_SHIFT = np.uint32(32 - HASH_BITS)
_FIELDS: _Ints = np.array([token_hash(f"<field {field}>") for field in range(9)], dtype=np.uint32)


def _named(name: str, count: int) -> _Ints:
    return np.array([token_hash(f"<{name} {value}>") for value in range(count)], dtype=np.uint32)


_SHAPES = {
    **{name: _named(name, 26) for name in ("title", "abstract", "percent", "equals")},
    "numbers": _named("numbers", 41),
    "labels": _named("labels", 9),
}
_TRANSLATED, _ASKS = token_hash("<translated>"), token_hash("<asks>")


def _log_bucket(count: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """0 to 25: two buckets for each doubling."""
    bits = np.frexp(count)[1].astype(np.int64)  # as int.bit_length
    half = (count & ((1 << bits) >> 2)) != 0
    bucket: npt.NDArray[np.int64] = np.minimum(bits, 12) * 2 + half
    return bucket


def _one_spelling(stream: bytes) -> bytes:
    """What is spelt in two ways counts as one word, "randomised", "randomisation" and "analysed" as in
    America: "ised" as "ized", "isat" as "izat", "lyse" as "lyze". Others ("raised") change, but stay
    apart."""
    data = np.frombuffer(bytearray(stream), dtype=np.uint8)
    found = np.flatnonzero(data[2:-2] == ord("s")) + 2
    before, after, next_after = data[found - 1], data[found + 1], data[found + 2]
    british = (before == ord("i")) & (
        ((after == ord("e")) & (next_after == ord("d")))
        | ((after == ord("a")) & (next_after == ord("t")))
    )
    british |= (data[found - 2] == ord("l")) & (before == ord("y")) & (after == ord("e"))
    data[found[british]] = ord("z")
    return data.tobytes()


def feature_pairs(articles: Sequence[Article]) -> tuple[npt.NDArray[np.int64], _Ints]:
    """(article number, feature index) of every feature of every article, repeats included.

    Both arrays have the same length; their order is of no meaning.
    """
    owner, feature = feature_places(articles)
    real = feature != NOTHING
    return owner[real].astype(np.int64), feature[real]


def feature_places(articles: Sequence[Article]) -> tuple[_Ints, _Ints]:
    """As `feature_pairs`, but with `NOTHING` as the feature of some places: quicker to make."""
    stream: list[bytes] = []
    for article in articles:
        stream += (TITLE, spaced(article.title), GAP, GAP)
    for article in articles:
        stream += (spaced(article.abstract), GAP, GAP)
    stream += (GAP, GAP)  # for the last n-grams to reach into
    padded = token_hashes(_one_spelling(b"".join(stream)))
    size = len(padded) - 2
    words = padded[:size]
    gaps = np.flatnonzero(words == 0)
    spans = np.diff(gaps[::2], prepend=-2) - 2  # tokens of each text, the start of a title one
    title_sizes, abstract_sizes = spans[: len(articles)] - 1, spans[len(articles) :]
    numbers = np.arange(len(articles), dtype=np.uint32)
    title_owner = np.repeat(numbers, title_sizes + 3)
    abstract_owner = np.repeat(numbers, abstract_sizes + 2)
    split = len(title_owner)

    pair = padded[:-1] * _SECOND + (padded[1:] ^ (padded[1:] >> np.uint32(16)))
    triple = pair[:-1] * _THIRD + padded[2:]
    pair = pair[:size]
    role = _roles(words[split:], abstract_sizes)
    shapes = _shapes(articles, words[split:], abstract_owner, title_sizes, abstract_sizes)
    title_gaps, abstract_gaps = gaps[gaps < split], gaps[gaps >= split] - split
    parts = (
        (words, gaps, 1), (pair, gaps, 2), (triple, gaps, 3),
        (words[:split], title_gaps, 1), (pair[:split], title_gaps, 2),
        (triple[:split], title_gaps, 3),
        (words[split:] ^ role, abstract_gaps, 1), (pair[split:] ^ role, abstract_gaps, 2),
        (shapes.ravel(), np.flatnonzero(shapes.ravel() == 0), 1),
    )  # fmt: skip
    mixed = np.concatenate([hashes for hashes, _, _ in parts])
    nowhere: list[npt.NDArray[np.int64]] = []
    start = 0
    for (hashes, missing, length), field in zip(parts, _FIELDS, strict=True):
        mixed[start : start + len(hashes)] ^= field
        # an n-gram is none where any of its words is a gap
        nowhere += [np.maximum(missing - back, 0) + start for back in range(length)]
        start += len(hashes)
    mixed ^= mixed >> np.uint32(15)
    mixed *= _GOLDEN
    mixed ^= mixed >> np.uint32(13)
    mixed *= _SECOND
    mixed >>= _SHIFT
    mixed[np.concatenate(nowhere)] = NOTHING
    owner = np.concatenate(
        (*(title_owner, abstract_owner) * 3, *(title_owner,) * 3, *(abstract_owner,) * 2,
         np.repeat(numbers, shapes.shape[1]))
    )  # fmt: skip
    return owner, mixed


def _shapes(
    articles: Sequence[Article],
    words: _Ints,
    owner: _Ints,
    title_sizes: npt.NDArray[np.int64],
    abstract_sizes: npt.NDArray[np.int64],
) -> _Ints:
    """Named properties of each whole text (articles × properties), 0 where it has one not.

    `words`, `owner`: of the abstracts.
    """

    def count(found: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        return np.bincount(owner[found], minlength=len(articles))

    digits = words == _NUMBERS[0]
    for number in _NUMBERS[1:]:
        digits |= words == number
    of_abstract = (
        _SHAPES["numbers"][count(digits) * 40 // np.maximum(abstract_sizes, 1)],
        _SHAPES["percent"][_log_bucket(count(words == _PERCENT))],
        _SHAPES["equals"][_log_bucket(count((words == _EQUALS) | (words == _LESS)))],
        _SHAPES["labels"][np.minimum(count(words == _COLON), 8)],
    )
    stripped = [article.title.strip() for article in articles]
    return np.stack(
        [
            _SHAPES["title"][_log_bucket(title_sizes)],
            _SHAPES["abstract"][_log_bucket(abstract_sizes)],
            *(np.where(abstract_sizes > 0, hashes, np.uint32(0)) for hashes in of_abstract),
            np.array([t.startswith("[") and _TRANSLATED for t in stripped], dtype=np.uint32),
            np.array([t.rstrip("].").endswith("?") and _ASKS for t in stripped], dtype=np.uint32),
        ],
        axis=1,
    )


def _roles(words: _Ints, sizes: npt.NDArray[np.int64]) -> _Ints:
    """The part of its abstract that each word stands in, as a hash: a printed label opens its part.

    Without a label before it a word's place tells: aims the first quarter, methods the second,
    results up to 82 %, then conclusions. `words`: of all abstracts, a gap of two behind each.
    """
    ends = np.cumsum(sizes + 2)
    starts = ends - sizes - 2
    colons = np.flatnonzero(words[1:] == _COLON)
    before = words[colons]
    found = np.minimum(np.searchsorted(_LABEL_HASHES, before), len(_LABEL_HASHES) - 1)
    is_label = _LABEL_HASHES[found] == before
    labels = colons[is_label]
    first_label = np.append(labels, len(words))[np.searchsorted(labels, starts)]
    guesses = np.stack(
        [starts, starts - -sizes // 4, starts - -sizes // 2, starts - -sizes * 41 // 50], axis=1
    )
    told = guesses < first_label[:, None]
    begins = np.concatenate((guesses[told], labels))
    roles = np.concatenate(
        (
            np.broadcast_to(np.arange(4, dtype=np.uint32), told.shape)[told],
            _LABEL_ROLES[found[is_label]],
        )
    )
    order = np.argsort(begins, kind="stable")
    lengths = np.diff(begins[order], append=len(words))
    return np.repeat((roles[order] + np.uint32(1)) * _THIRD, lengths)
