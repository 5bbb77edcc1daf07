"""The text of an article as PostgreSQL's own tsvector, in the form in which COPY takes it.

The server's `to_tsvector` would make the same of the plain words (`storage.folding`), but takes
three times as long: its parser looks for addresses, numbers and tags in them. The stemmer is the same
here and there (Snowball's "porter", the dictionary `pubgrade_stem`), so that what the server stems
for a query meets what stands here.

Titles weigh A, keywords B, abstracts D; facets stand without a position. The form is that of
`tsvectorrecv` in PostgreSQL's src/backend/utils/adt/tsvector.c.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct, pack
from typing import Final

import Stemmer

from storage import periods
from storage.folding import indexed_words
from storage.indexing import IndexedText
from storage.tsquery import FACET, LONGEST_WORD

_LAST_POSITION: Final = 16_383  # all words beyond stand there
_MOST_POSITIONS: Final = 2 * 255  # bytes: two for each of the 255 that one word may have
_MOST_STEMS: Final = 1 << 17  # remembered: the vocabulary has no end

_number: Final = Struct(">H").pack
_A, _B, _D = (  # a position with its weight
    [_number(weight << 14 | position) for position in range(_LAST_POSITION + 1)]
    for weight in (3, 2, 0)
)
_FACET: Final = FACET.encode()
_NO_POSITION: Final = b"\0\0\0"


class _Stems(dict[str, bytes]):
    """Stems by word, ended by a zero byte. Not made anew for every word: a few are most of a text."""

    def __init__(self) -> None:
        super().__init__()
        self._stemmer = Stemmer.Stemmer("porter", 0)

    def __missing__(self, word: str) -> bytes:
        if len(self) > _MOST_STEMS:
            self.clear()
        # Of "s" nothing would be left: then the word stays, as it does in PostgreSQL.
        plain = word[:LONGEST_WORD]
        stem = self[word] = (self._stemmer.stemWord(plain) or plain).encode() + b"\0"
        return stem


_stems: Final = _Stems()


def vector_of(place: int, text: IndexedText) -> bytes:
    """What stands in the index for an article at this place."""
    return tsvector(text, periods.tokens(place))


def tsvector(text: IndexedText, more_facets: Iterable[str] = ()) -> bytes:
    """`more_facets`: beside those of the text."""
    found: dict[bytes, bytes] = {}  # positions by stem
    count = 0
    for part, places in ((text.title, _A), (text.keywords, _B), (text.abstract, _D)):
        stems = [*map(_stems.__getitem__, indexed_words(part).split())]
        for stem, place in zip(stems, places[count + 1 : count + 1 + len(stems)], strict=False):
            if stem in found:
                found[stem] += place
            else:
                found[stem] = place
        for stem in stems[max(0, _LAST_POSITION - count) :]:
            found.setdefault(stem, places[-1])
        count = min(_LAST_POSITION, count + len(stems))
    facets = {*text.facets.split(" "), *more_facets}
    parts = [pack(">I", len(found) + len(facets))]
    for stem, positions in found.items():
        positions = positions[:_MOST_POSITIONS]
        parts += (stem, _number(len(positions) // 2), positions)
    for facet in facets:
        parts += (_FACET + facet[:LONGEST_WORD].encode(), _NO_POSITION)
    return b"".join(parts)
