"""What a mirror keeps: words and filters of `query` that article and grade decide alone, and
languages, choose the records; of these it keeps all, or all but the abstracts."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final

import msgspec

from grading import Article, Grade
from storage import levels
from storage.folding import folded
from storage.indexing import first_and_last_day, indexed_text, sample_size
from storage.matching import Matcher
from storage.names import journal_of
from storage.records import Query
from storage.words import read
from worker.errors import ConfigError
from worker.filters import filters_in, query_of

_SCHEME: Final = Query().scheme
_OPTIONS: Final = {
    "designs": "design",
    "languages": "language",
    "flags": "flag",
    "not_flags": "not-flag",
    "min_n": "min-n",
}


class Selection(msgspec.Struct, frozen=True, omit_defaults=True, dict=True):
    """All filters must hold, as in `storage.records.Query`, whose fields these are but `languages`
    (MEDLINE's codes of three letters, of which an article has one or more) and `abstracts`."""

    words: str | None = None
    level: tuple[str, str] | None = None
    scheme: str = _SCHEME
    designs: tuple[str, ...] = ()
    question: str | None = None
    journal: str | None = None
    author: str | None = None
    mesh: str | None = None
    languages: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    flags: tuple[str, ...] = ()
    not_flags: tuple[str, ...] = ()
    min_n: int | None = None
    abstracts: bool = True  # False: they are graded and chosen by, and not kept

    @classmethod
    def of(cls, typed: str, *, abstracts: bool = True) -> Selection | None:
        """What words and options in one text (`worker.filters`) ask for; None where that is all there
        is.

        Raises ConfigError for what cannot be read, is no date or no code of a language, or finds
        nothing ever.
        """
        filters = filters_in(typed)
        query = query_of(filters)
        if query.words.strip() and read(query.words) is None:
            raise ConfigError(f"{query.words}: no word to look for, only signs")
        codes = {language.lower() for language in filters["language"]}
        for code in codes:
            if not re.fullmatch("[a-z]{3}", code):
                raise ConfigError(
                    f"--language {code}: MEDLINE's codes have three letters, such as eng, fre, ger"
                )
        for name in ("since", "until"):
            asked = getattr(query, name)
            if asked and not first_and_last_day(asked)[0]:
                raise ConfigError(f"--{name} {asked}: no such date")
        selection = cls(
            words=" ".join(query.words.split()) or None,
            level=query.level,
            scheme=query.scheme if query.level else _SCHEME,
            designs=tuple(sorted(set(query.designs))),
            question=query.question,
            journal=query.journal,
            author=query.author,
            mesh=query.mesh,
            languages=tuple(sorted(codes)),
            since=query.since,
            until=query.until,
            flags=tuple(sorted(set(query.flags))),
            not_flags=tuple(sorted(set(query.not_flags))),
            min_n=query.min_n,
            abstracts=abstracts,
        )
        return None if selection == cls() else selection

    @classmethod
    def read(cls, text: str) -> Selection:
        """What `text` wrote."""
        return msgspec.json.decode(text, type=cls)

    @property
    def text(self) -> str:
        """For the ledger: the same for the same filters, in whatever order they were given."""
        return msgspec.json.encode(self).decode()

    def __str__(self) -> str:
        parts = [f"only {self.filter}" if self.filter else "all of PubMed"]
        if not self.abstracts:
            parts.append("without abstracts")
        return ", ".join(parts)

    @property
    def filter(self) -> str:
        """The filters as they may be typed."""
        typed = [self.words] if self.words else []
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if name in ("words", "abstracts") or value in (None, (), _SCHEME):
                continue
            if name == "level":
                value = "-".join(dict.fromkeys(value))
            values = value if isinstance(value, tuple) else (value,)
            option = f"--{_OPTIONS.get(name, name)}"
            typed += [f"{option} {_quoted(str(each))}" for each in values]
        return " ".join(typed)

    def may_keep(self, article: Article, grade: Grade) -> bool:
        """Whether a query with these filters would find the article, or may once notices say more
        of it: they bring flags and take levels. So the grade has the last word (`admits`)."""
        return (
            (bool(self.flags) or self.admits(grade))
            and self._fits_date(article)
            and self._fits_mesh(article)
            and self._fits_journal(article)
            and (not self.languages or not set(self.languages).isdisjoint(article.languages))
            and (
                (self.words is None and self.author is None)
                or self._matcher.matches(indexed_text(article, grade))
            )
        )

    def admits(self, grade: Grade) -> bool:
        """Whether the grade is one that is asked for."""
        return (
            (not self.designs or grade.design in self.designs)
            and (self.question is None or grade.question == self.question)
            and set(self.flags) <= set(grade.flags)
            and set(self.not_flags).isdisjoint(grade.flags)
            and (self.min_n is None or (sample_size(grade) or 0) >= self.min_n)
            and self._admits_level(grade)
        )

    @cached_property
    def _matcher(self) -> Matcher:
        return Matcher(self.words or "", self.author)

    @cached_property
    def _ranks(self) -> range:
        ends = sorted(levels.asked_rank(self.scheme, end) for end in self.level or ())
        return range(ends[0], ends[1] + 1)

    def _admits_level(self, grade: Grade) -> bool:
        if self.level is None:
            return True
        return levels.rank(self.scheme, getattr(grade.levels, self.scheme)) in self._ranks

    def _fits_date(self, article: Article) -> bool:
        if self.since is None and self.until is None:
            return True
        first, last = first_and_last_day(article.published)
        return bool(
            first
            and (self.since is None or last >= first_and_last_day(self.since)[0])
            and (self.until is None or first <= first_and_last_day(self.until)[1])
        )

    def _fits_mesh(self, article: Article) -> bool:
        if self.mesh is None:
            return True
        ui, key = self.mesh.upper(), folded(self.mesh)
        return any(
            heading.ui == ui or (key and folded(heading.name) == key) for heading in article.mesh
        )

    def _fits_journal(self, article: Article) -> bool:
        if self.journal is None:
            return True
        journal = journal_of(article)
        return journal is not None and journal.is_called(self.journal)


def _quoted(value: str) -> str:
    if " " not in value:
        return value
    return f"'{value}'" if '"' in value else f'"{value}"'
