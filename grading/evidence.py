"""`find`: all that title, abstract and tags of an article say for or against anything."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from grading.article import Article, Correction
from grading.contexts import contexts
from grading.grades import Reason
from grading.metadata import metadata_hits
from grading.signals import signals
from grading.text import Sentence, sentences

HITS_KEPT = 3  # places kept of one signal that fires often


class Hit(NamedTuple):
    """One signal speaking for one target at one place."""

    signal: str
    kind: str
    value: str
    field: str | None
    start: int | None
    end: int | None
    target: str
    weight: float
    role: str | None = None

    def reason(self) -> Reason:
        return Reason(
            kind=self.kind,
            value=self.value,
            field=self.field,
            start=self.start,
            end=self.end,
            speaks_for=self.target,
            weight=round(self.weight, 2),
            signal=self.signal,
        )


@dataclass(frozen=True)
class Evidence:
    """The hits of one article, and the article itself with what others say about it."""

    article: Article
    notices: tuple[Correction, ...] = ()
    hits: tuple[Hit, ...] = ()
    sentences: tuple[Sentence, ...] = field(default=(), repr=False)

    @cached_property
    def by_target(self) -> dict[str, list[Hit]]:
        found: dict[str, list[Hit]] = {}
        for hit in self.hits:
            found.setdefault(hit.target, []).append(hit)
        return found

    def of(self, target: str) -> list[Hit]:
        return self.by_target.get(target, [])

    def weight(self, target: str) -> float:
        """Log-odds points: each signal counts once, however often it fires."""
        strongest: dict[str, float] = {}
        for hit in self.of(target):
            if abs(hit.weight) > abs(strongest.get(hit.signal, 0.0)):
                strongest[hit.signal] = hit.weight
        return sum(strongest.values())

    def has(self, target: str, at_least: float = 0.0) -> bool:
        weight = self.weight(target)
        return weight > 0 and weight >= at_least

    @cached_property
    def corrections(self) -> tuple[Correction, ...]:
        """The article's own comments and corrections, then what stored notices say about it."""
        return (*self.article.comments_corrections, *self.notices)


def find(article: Article, notices: tuple[Correction, ...] = ()) -> Evidence:
    """One pass of all patterns over the text, then places and contexts of those that hit."""
    parts = tuple(sentences(article))
    hits = [Hit(*row) for row in metadata_hits(article)]
    hits.extend(_text_hits(article, parts))
    return Evidence(article=article, notices=notices, hits=tuple(hits), sentences=parts)


def _text_hits(article: Article, parts: tuple[Sentence, ...]) -> list[Hit]:
    table = signals()
    title, abstract = article.title, article.abstract
    text = f"{title}\n{abstract}"
    encoded = text.encode()
    matching = table.any_of.Match(encoded)
    if not matching:
        return []
    ascii_only = len(encoded) == len(text)
    offset = len(title) + 1
    starts = [part.start + (0 if part.field == "title" else offset) for part in parts]
    found: list[Hit] = []
    for number in matching:
        signal = table.text[number]
        kept = 0
        for match in table.expressions[number].finditer(encoded):
            start, end = match.span()
            if not ascii_only:
                start, end = len(encoded[:start].decode()), len(encoded[:end].decode())
            if start == end or (start < offset <= end - 1 and start < len(title)):
                continue
            place = bisect_right(starts, start) - 1
            part = parts[place] if place >= 0 else None
            where = "title" if start < offset - 1 or not abstract else "abstract"
            role = part.role if part is not None else where
            if signal.where and where not in signal.where and role not in signal.where:
                continue
            base = 0 if where == "title" else offset
            begin, stop = start - base, end - base
            own = title if where == "title" else abstract
            if signal.unless and signal.unless & contexts(
                own, begin, stop, (part.start, part.end) if part else (0, len(own))
            ):
                continue
            for target, weight in signal.speaks_for:
                found.append(
                    Hit(
                        signal.id, "text", own[begin:stop], where, begin, stop, target, weight, role
                    )
                )
            kept += 1
            if kept == HITS_KEPT:
                break
    return found
