"""The tree of words in PostgreSQL's language: the text of a tsquery, its words stemmed already.

What a query of SQLite means, a tsquery means too, but that it knows columns only by the weight of a
word (A title, B keywords, D abstract) and distances only by their exact number. So a phrase is
looked for in each column by itself, and NEAR is every distance up to its own, either way round;
beyond `_FURTHEST` words, and for the third phrase of a NEAR on, only the same column is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import Stemmer

from storage.folding import indexed_words
from storage.words import TEXT, AllOf, AnyOf, Facet, Near, Node, Phrase, Within, Without

WEIGHTS: Final = {"title": "A", "keywords": "B", "abstract": "D"}
FACET: Final = "="  # begins every facet lexeme; no word of a text holds it

LONGEST_WORD: Final = 400  # characters; PostgreSQL knows no word above 2,046 bytes
_FURTHEST: Final = 30


def expression(node: Node, columns: tuple[str, ...] = TEXT) -> str:
    match node:
        case Phrase(words, prefix):
            return _phrase(words, prefix, columns)
        case Near(phrases, distance):
            return _near(phrases, distance, columns)
        case Facet(token, prefix):
            return f"'{FACET}{token[:LONGEST_WORD]}'" + ":*" * prefix
        case AnyOf(nodes):
            return _joined(" | ", (expression(each, columns) for each in nodes))
        case AllOf(nodes):
            return _joined(" & ", (expression(each, columns) for each in nodes))
        case Without(wanted, unwanted):
            return f"({expression(wanted, columns)} & !{expression(unwanted, columns)})"
        case Within(narrower, inside):
            both = tuple(name for name in narrower if name in columns)
            return expression(inside, both) if both else "('a' & !'a')"


def sieve(node: Node) -> Node:
    """A tree of single words that finds all that `node` finds, and what it finds wrongly is little.

    It is `node` itself where that asks for no more than words. For the index (GIN) knows neither
    where a word stands nor in which column: asked for a phrase in each of three columns it takes
    five times as long as for the words, and every hit must be looked at all the same.
    """
    match node:
        case Phrase(words, prefix):
            pieces = indexed_words(" ".join(words)).split()
            if len(pieces) < 2:
                return node
            *first, last = (Phrase((piece,)) for piece in pieces)
            return AllOf((*first, Phrase(last.words, prefix)))
        case Near(phrases):
            return AllOf(tuple(map(sieve, phrases)))
        case Within(_, inside):
            return sieve(inside)
        case AnyOf(nodes) | AllOf(nodes):
            return type(node)(tuple(map(sieve, nodes)))
        case Without(wanted, unwanted):
            left = sieve(wanted)
            return Without(left, unwanted) if sieve(unwanted) == unwanted else left
        case _:
            return node


def words_of(node: Node) -> Node | None:
    """The tree without its facets: what relevance is told from. None where only facets stand."""
    match node:
        case Facet():
            return None
        case AnyOf(nodes) | AllOf(nodes):
            kept = tuple(inside for each in nodes if (inside := words_of(each)) is not None)
            return type(node)(kept) if kept else None
        case Without(wanted, _):
            return words_of(wanted)
        case _:
            return node


def _phrase(words: tuple[str, ...], prefix: bool, columns: tuple[str, ...]) -> str:
    pieces = indexed_words(" ".join(words)).split()
    if not pieces:
        return "('a' & !'a')"
    if len(pieces) == 1:
        return _word(pieces[0], prefix, "" if columns == TEXT else _weights(columns))
    return _joined(" | ", (_side_by_side(pieces, prefix, name) for name in columns))


def _side_by_side(pieces: list[str], prefix: bool, column: str) -> str:
    last = len(pieces) - 1
    return _joined(
        " <-> ",
        (
            _word(piece, prefix and place == last, WEIGHTS[column])
            for place, piece in enumerate(pieces)
        ),
    )


def _near(phrases: tuple[Phrase, ...], distance: int, columns: tuple[str, ...]) -> str:
    parts = []
    for column in columns:
        texts = [expression(phrase, (column,)) for phrase in phrases]
        if len(texts) > 1 and distance <= _FURTHEST:
            (first, second), rest = texts[:2], texts[2:]
            parts.append(_joined(" & ", [_joined(" | ", _apart(first, second, distance)), *rest]))
        else:
            parts.append(_joined(" & ", texts))
    return _joined(" | ", parts)


def _apart(first: str, second: str, distance: int) -> Iterator[str]:
    """`<n>` counts from the last word of a phrase to the first of the next: one more than between."""
    for step in range(1, distance + 2):
        yield f"({first} <{step}> {second})"
        yield f"({second} <{step}> {first})"


def _word(piece: str, prefix: bool, weights: str) -> str:
    signs = "*" * prefix + weights
    return f"'{stem(piece)}'" + f":{signs}" * bool(signs)


def stem(word: str) -> str:
    """As the index has it (storage.tsvector). A stemmer of its own: one serves only one thread."""
    plain = word[:LONGEST_WORD]
    # Of "s" nothing would be left: then the word stays.
    return Stemmer.Stemmer("porter", 0).stemWord(plain) or plain


def _weights(columns: Iterable[str]) -> str:
    return "".join(sorted(WEIGHTS[name] for name in columns))


def _joined(operator: str, parts: Iterable[str]) -> str:
    texts = list(parts)
    return texts[0] if len(texts) == 1 else f"({operator.join(texts)})"
