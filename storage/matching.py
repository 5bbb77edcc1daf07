"""Whether words and names that a person types find an article, asked before it is in any store.

An index in memory that holds one article answers, by the same tree, tokens and stems as the store's
own: what is kept is what a search would find.
"""

from __future__ import annotations

import sqlite3

from storage.fts5 import TOKENIZER, expression
from storage.indexing import IndexedText, author_facets
from storage.words import AllOf, AnyOf, Facet, Node, read


class Matcher:
    """For one process and one thread at a time."""

    def __init__(self, words: str, author: str | None = None) -> None:
        """As in `storage.records.Query`; words that hold nothing to look for find nothing."""
        wanted: list[Node] = []
        if words.strip():
            wanted.append(read(words) or AnyOf(()))
        if author:
            wanted.append(AnyOf(tuple(Facet(*each) for each in author_facets(author))))
        self._expression = expression(AllOf(tuple(wanted))) if AnyOf(()) not in wanted else None
        self._index = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._index.execute(
            "CREATE VIRTUAL TABLE full_text USING fts5(title, abstract, keywords, facets, "
            f"content='', tokenize='{TOKENIZER}')"
        )

    def matches(self, text: IndexedText) -> bool:
        if self._expression is None:
            return False
        self._index.execute("INSERT INTO full_text(full_text) VALUES ('delete-all')")
        self._index.execute("INSERT INTO full_text VALUES (?, ?, ?, ?)", text.columns)
        found = self._index.execute(
            "SELECT 1 FROM full_text WHERE full_text MATCH ?", (self._expression,)
        )
        return found.fetchone() is not None
