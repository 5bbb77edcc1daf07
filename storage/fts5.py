"""The tree of words in SQLite's language: an FTS5 expression."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from storage.words import TEXT, AllOf, AnyOf, Facet, Near, Node, Phrase, Within, Without, has_facets

# Of the index; the first migration makes it so.
TOKENIZER: Final = "porter unicode61 remove_diacritics 2"


def expression(node: Node) -> str:
    """Words in the columns of the text, facets in theirs; every group in parentheses."""
    match node:
        case Facet(token, prefix):
            return f"facets : {_quoted(token)}{' *' * prefix}"
        case AnyOf(nodes) if any(has_facets(each) for each in nodes):
            return f"({' OR '.join(expression(each) for each in nodes)})"
        case AllOf(nodes) if any(has_facets(each) for each in nodes):
            return f"({' AND '.join(expression(each) for each in nodes)})"
        case Without(wanted, unwanted) if has_facets(wanted) or has_facets(unwanted):
            return f"({expression(wanted)} NOT {expression(unwanted)})"
        case _:
            return f"{_columns(TEXT)} : ({_text(node)})"


def _text(node: Node) -> str:
    match node:
        case Phrase(words, prefix):
            return _quoted(" ".join(words)) + " *" * prefix
        case Near(phrases, distance):
            return f"NEAR({' '.join(_text(phrase) for phrase in phrases)}, {distance})"
        case AnyOf(nodes):
            return f"({' OR '.join(_text(each) for each in nodes)})"
        case AllOf(nodes):
            return f"({' AND '.join(_text(each) for each in nodes)})"
        case Without(wanted, unwanted):
            return f"({_text(wanted)} NOT {_text(unwanted)})"
        case Within(columns, inside):
            return f"{_columns(columns)} : ({_text(inside)})"
        case Facet():
            raise TypeError("a facet stands beside words, never within them")


def _columns(names: Iterable[str]) -> str:
    return f"{{{' '.join(names)}}}"


def _quoted(text: str) -> str:
    return f'"{text}"'
