"""`find`: all that title, abstract and tags of an article say for or against anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from grading.article import Article
from grading.contexts import Contexts
from grading.hits import Hit
from grading.metadata import metadata_hits
from grading.patterns import AT_START, Match
from grading.signals import Signal, Signals, signals
from grading.text import Text

HITS_KEPT = 2  # places kept of one signal that fires often: no grade quotes more


class Evidence:
    """The hits of one article, and the article itself."""

    __slots__ = ("article", "by_target", "hits", "tag_weights", "text_weights", "weights")

    def __init__(self, article: Article, hits: Sequence[Hit] = ()) -> None:
        self.article = article
        self.hits = hits
        self.by_target: dict[str, list[Hit]] = {}
        for hit in hits:
            self.by_target.setdefault(hit.target, []).append(hit)
        # Log-odds points by target: each signal counts once, however often it fires. Those that title
        # and abstract give, those of publication types, headings, journal and book, and all of them.
        self.text_weights, self.tag_weights = _points(self.by_target)
        self.weights = self.text_weights.copy()
        for target, points in self.tag_weights.items():
            self.weights[target] = self.weights.get(target, 0.0) + points

    def of(self, target: str) -> list[Hit]:
        return self.by_target.get(target, [])

    def weight(self, target: str) -> float:
        return self.weights.get(target, 0.0)

    def has(self, target: str, at_least: float = 0.0) -> bool:
        weight = self.weight(target)
        return weight > 0 and weight >= at_least


def _points(by_target: Mapping[str, list[Hit]]) -> tuple[dict[str, float], dict[str, float]]:
    """The weights of text and of tags."""
    text: dict[str, float] = {}
    tags: dict[str, float] = {}
    for target, hits in by_target.items():
        if len(hits) == 1:
            (text if hits[0].kind == "text" else tags)[target] = hits[0].weight
            continue
        strongest: dict[tuple[bool, str], float] = {}
        for hit in hits:
            key = hit.kind == "text", hit.signal
            if abs(hit.weight) > abs(strongest.get(key, 0.0)):
                strongest[key] = hit.weight
        for (of_text, _), weight in strongest.items():
            sums = text if of_text else tags
            sums[target] = sums.get(target, 0.0) + weight
    return text, tags


def find_many(texts: Sequence[Text]) -> list[Evidence]:
    """All patterns over each text in one pass, then places and contexts of those that hit.

    Signal by signal, not text by text: a pattern that just ran is still in the processor's cache.
    """
    rows = [(text, metadata_hits(text.article)) for text in texts]
    table = signals()
    found_at = table.expressions.places(
        [text.plain for text in texts], heads=[text.body for text in texts]
    )
    for number, places in enumerate(found_at):
        if (begins := table.expressions.leading(number)) is not None:
            _find_leading(table, number, begins, places, rows)
        else:
            _find_signal(table, number, places, rows)
    return [Evidence(text.article, found) for text, found in rows]


def find(text: Text) -> Evidence:
    """As `find_many` of one text."""
    return find_many((text,))[0]


_Rows = Sequence[tuple[Text, list[Hit]]]  # a text and its hits, by its number


def _find_leading(
    table: Signals, number: int, match: Match, places: Iterable[tuple[int, int]], rows: _Rows
) -> None:
    """As `_find_signal`, for a signal that begins where its literals do. Most signals are such: no
    more is asked than whether one begins at each place."""
    signal, contexts = table.text[number], table.contexts[number]
    where, reading = signal.where, -1
    for of, place in places:
        if of != reading:
            reading, done, kept = of, 0, 0
            text, found = rows[of]
        if place < done or kept == HITS_KEPT or (where and not text.stands_in(where, place)):
            continue
        last = text.body - 1 if place < text.body else len(text.data)
        start, end = match(AT_START, text.data, place, last)[0]
        if start >= 0:
            done = end
            kept += _add(signal, contexts, text, found, start, end)


def _find_signal(
    table: Signals, number: int, places: Iterable[tuple[int, int]], rows: _Rows
) -> None:
    """Adds what one signal says of each text to the hits of that text. `places`: of
    `PatternSet.places`."""
    signal, contexts = table.text[number], table.contexts[number]
    fields, spans, where = table.fields[number], table.expressions.spans, signal.where
    for of, group in groupby(places, itemgetter(0)):
        text, found = rows[of]
        inside, kept = [place for _, place in group], 0
        for field in fields:
            first, last = (0, text.body - 1) if field == "title" else (text.body, len(text.data))
            for start, end in spans(number, text.data, inside, first, last):
                if where and not text.stands_in(where, start):
                    continue
                kept += _add(signal, contexts, text, found, start, end)
                if kept == HITS_KEPT:
                    break
            if kept == HITS_KEPT:
                break


def _add(
    signal: Signal, contexts: Contexts | None, text: Text, found: list[Hit], start: int, end: int
) -> bool:
    """Adds what a signal at ``data[start:end]`` of the text speaks for, unless its context silences
    it; answers whether it did."""
    field, base = text.place(start)
    part = text.sentence_at(start)
    if contexts is not None:
        bounds = part[:2] if part is not None else (base, len(text.data) if base else text.body - 1)
        if contexts.silence(text.data, start, end, bounds):
            return False
    role = part.role if part is not None else field
    begin, stop = start - base, end - base
    quote = (text.article.abstract if base else text.article.title)[begin:stop]
    for target, weight in signal.speaks_for:
        found.append(Hit(signal.id, "text", quote, field, begin, stop, target, weight, role))
    return True
