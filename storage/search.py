"""How a `Query` is answered: its filters, its order, its pages, its counts.

Words are read by `storage.words`, where their grammar is described. All filters must hold.

Pages are keyset pages: a cursor holds the place of the last record shown, not a number of records
to skip. So a page deep down costs as much as the first, and what is stored meanwhile neither
repeats nor hides records of the pages to come. By relevance the place is that of the last article
under the statistics of now, looked up anew, since scores move a little with every article stored.
"""

from __future__ import annotations

import base64
import json
from array import array
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, time
from difflib import get_close_matches
from hashlib import blake2b
from typing import Any, Final

import sqlalchemy as sa

from grading.vocabulary import DESIGNS, FLAGS, QUESTIONS
from storage import levels, tables
from storage.database import Database, Where
from storage.errors import CursorError
from storage.folding import folded
from storage.indexing import author_prefixes, facet, first_and_last_day
from storage.names import issn_key
from storage.records import Query
from storage.words import AllOf, AnyOf, Facet, Node, read

SORTS: Final = ("relevance", "level", "date", "added")
COUNTED: Final = ("design", "level", "year", "journal", "topic")

_article = tables.article.c
_ABOVE_ALL: Final = "\U0010ffff"  # sorts behind every letter


@dataclass(frozen=True, slots=True)
class Found:
    """PMIDs of one page in order, and the cursor of the next."""

    pmids: tuple[int, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class _Plan:
    """A query read and checked: what to select from, what must hold, in which order."""

    source: sa.FromClause
    conditions: tuple[Where, ...]
    order: tuple[sa.ColumnElement[Any], ...]  # all descending; the PMID last
    words: Node | None  # what the full-text index is asked

    def select(self, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
        return sa.select(*columns).select_from(self.source).where(*self.conditions)

    def ordered(self, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
        return self.select(*columns).order_by(*(column.desc() for column in self.order))


class Search:
    """Answers queries on one connection."""

    def __init__(self, connection: sa.Connection, database: Database) -> None:
        self._connection = connection
        self._database = database

    def page(self, query: Query) -> Found:
        """One page. Raises ValueError for a filter that cannot be, CursorError for a bad cursor."""
        if query.limit < 1:
            raise ValueError(f"the limit must be at least 1, not {query.limit}")
        plan = self._plan(query)
        statement = plan.ordered(*plan.order).limit(query.limit + 1)
        if query.after is not None:
            statement = statement.where(self._behind(plan, _place(query)))
        rows = self._connection.execute(statement).all()
        shown = rows[: query.limit]
        more = len(rows) > query.limit
        return Found(
            pmids=tuple(row[-1] for row in shown),
            next_cursor=_cursor(query, list(shown[-1])) if more else None,
        )

    def all_pmids(self, query: Query) -> array[int]:
        """Every hit in order, eight bytes each."""
        plan = self._plan(query)
        statement = plan.ordered(_article.pmid)
        if query.after is not None:
            statement = statement.where(self._behind(plan, _place(query)))
        rows = self._connection.execution_options(yield_per=10_000).execute(statement)
        return array("q", (row.pmid for row in rows))

    def count(self, query: Query) -> int:
        plan = self._plan(_unsorted(query))
        return int(self._connection.execute(plan.select(sa.func.count())).scalar_one())

    def count_by(self, query: Query, by: str) -> list[tuple[str, int]]:
        """Counts by a property: most first; years and levels in their order."""
        if by not in COUNTED:
            raise ValueError(f"cannot count by {by!r}: one of {', '.join(COUNTED)}")
        plan = self._plan(_unsorted(query))
        match by:
            case "year":
                rows = self._grouped(plan, _article.published.op("/")(10000))
                return [(str(year) if year else "unknown", count) for year, count in sorted(rows)]
            case "level":
                rows = self._grouped(plan, _rank(query.scheme))
                return [
                    (levels.level(query.scheme, rank) or "none", count)
                    for rank, count in sorted(rows, reverse=True)
                ]
            case "design":
                counted = dict(self._grouped(plan, _article.design_id))
                names = self._names(tables.term, counted)
            case "journal":
                counted = dict(self._grouped(plan, _article.journal_id))
                names = {None: "unknown", **self._names(tables.journal, counted)}
            case _:
                links = tables.topic_article
                linked = replace(
                    plan, source=plan.source.join(links, links.c.pmid == _article.pmid)
                )
                counted = dict(self._grouped(linked, links.c.topic_id))
                names = self._names(tables.topic, counted)
        totals: dict[str, int] = {}
        for key, count in counted.items():
            totals[names[key]] = totals.get(names[key], 0) + count
        return sorted(totals.items(), key=lambda item: (-item[1], item[0]))

    def _grouped(self, plan: _Plan, key: sa.ColumnElement[Any]) -> list[tuple[Any, int]]:
        rows = self._connection.execute(plan.select(key, sa.func.count()).group_by(key))
        return [(row[0], row[1]) for row in rows]

    def _names(self, table: sa.Table, ids: Any) -> dict[int | None, str]:
        rows = self._connection.execute(
            sa.select(table.c.id, table.c.name).where(
                self._database.among(table.c.id, [key for key in ids if key is not None])
            )
        )
        return {row.id: row.name for row in rows}

    # reading a query

    def _plan(self, query: Query) -> _Plan:
        if query.sort not in SORTS:
            raise ValueError(f"unknown sort {query.sort!r}: one of {', '.join(SORTS)}")
        conditions = list(self._conditions(query))
        source: sa.FromClause = tables.article
        order: tuple[sa.ColumnElement[Any], ...] = (_article.published, _article.pmid)
        words = None
        if query.words.strip():
            words = read(query.words)
            if words is None:  # nothing but signs: no article has them
                conditions.append(sa.false())
        if words is not None:
            words = AllOf((words, *_facets(query)))
            hits = self._database.hits(words, scored=query.sort == "relevance")
            source = hits.join(tables.article, _article.pmid == hits.c.pmid)
            if query.sort == "relevance":
                order = (hits.c.relevance, _article.pmid)
        if query.sort == "level":
            order = (_rank(query.scheme), _article.published, _article.pmid)
        elif query.sort == "added":
            order = (sa.type_coerce(_article.added_at, sa.BigInteger), _article.pmid)
        return _Plan(source, tuple(conditions), order, words)

    def _conditions(self, query: Query) -> Iterator[Where]:
        if not query.include_deleted:
            yield _article.deleted_at.is_(None)
        if query.pmids:
            yield self._database.among(_article.pmid, query.pmids)
        _rank(query.scheme)
        if query.level is not None:
            ends = sorted(levels.asked_rank(query.scheme, end) for end in query.level)
            if ends[0] == ends[1]:
                yield _rank(query.scheme) == ends[0]
            else:
                yield _rank(query.scheme).between(ends[0], ends[1])
        if query.designs:
            for design in query.designs:
                _known("design", design, DESIGNS)
            yield _article.design_id.in_(self._term_ids("design", query.designs))
        if query.question:
            _known("question", query.question, QUESTIONS)
            yield _article.question_id.in_(self._term_ids("question", (query.question,)))
        for flag in query.flags:
            _known("flag", flag, FLAGS)
            yield self._has_flag(flag)
        for flag in query.not_flags:
            _known("flag", flag, FLAGS)
            yield ~self._has_flag(flag)
        yield from _dates(query)
        if query.added_since is not None:
            day = datetime.combine(query.added_since, time(), UTC)
            yield _article.added_at >= day
        if query.min_n is not None:
            yield _article.sample_size >= query.min_n
        if query.topic:
            links = tables.topic_article.c
            yield _article.pmid.in_(
                sa.select(links.pmid).where(links.topic_id == self._topic_id(query.topic))
            )
        if query.journal:
            yield _article.journal_id.in_(_journals(query.journal))
        if query.author:
            yield _article.pmid.in_(_by_author(query.author))
        if query.mesh:
            yield _article.pmid.in_(_with_heading(query.mesh))

    def _term_ids(self, kind: str, names: tuple[str, ...]) -> sa.Select[Any]:
        columns = tables.term.c
        return sa.select(columns.id).where(columns.kind == kind, columns.name.in_(names))

    def _has_flag(self, flag: str) -> Where:
        pairs = tables.article_term.c
        return sa.exists().where(
            pairs.term_id == self._term_ids("flag", (flag,)).scalar_subquery(),
            pairs.pmid == _article.pmid,
        )

    def _topic_id(self, name: str) -> int:
        columns = tables.topic.c
        found = self._connection.execute(sa.select(columns.id).where(columns.name == name)).scalar()
        if found is None:
            names = self._connection.execute(sa.select(columns.name).order_by(columns.name))
            known = ", ".join(names.scalars()) or "none yet"
            raise ValueError(f"the store has no topic {name!r}; its topics: {known}")
        return int(found)

    # pages

    def _behind(self, plan: _Plan, place: list[Any]) -> Where:
        """What comes after a place in the order of `plan`."""
        if len(place) != len(plan.order) or not all(
            isinstance(value, int | float) for value in place
        ):
            raise _foreign_cursor()
        if plan.words is not None and len(place) == 2 and isinstance(place[0], float):
            now = self._database.relevance_of(self._connection, plan.words, place[-1])
            place = [place[0] if now is None else now, place[-1]]
        return sa.tuple_(*plan.order) < sa.tuple_(
            *(
                sa.literal(value, column.type)
                for value, column in zip(place, plan.order, strict=True)
            )
        )


def _unsorted(query: Query) -> Query:
    """The same without an order: nothing need be scored."""
    return replace(query, sort="date")


def _rank(scheme: str) -> sa.ColumnElement[int]:
    if scheme not in levels.SCHEMES:
        raise ValueError(f"unknown scheme {scheme!r}: one of {', '.join(levels.SCHEMES)}")
    return _article[f"rank_{scheme}"]


def _known(kind: str, asked: str, vocabulary: dict[str, Any]) -> None:
    if asked not in vocabulary:
        near = get_close_matches(asked.lower().replace("-", "_").replace(" ", "_"), vocabulary)
        hint = f"did you mean {' or '.join(near)}?" if near else f"one of {', '.join(vocabulary)}"
        raise ValueError(f"unknown {kind} {asked!r}: {hint}")


def _facets(query: Query) -> Iterator[Node]:
    """The filters that the full-text index can apply by itself, before anything is looked up."""
    if query.designs:
        yield AnyOf(tuple(Facet(facet("design", design)) for design in query.designs))
    if query.question:
        yield Facet(facet("question", query.question))
    if query.level is not None:
        ends = sorted(levels.asked_rank(query.scheme, end) for end in query.level)
        between = range(ends[0], ends[1] + 1)
        yield AnyOf(
            tuple(Facet(facet(query.scheme, levels.level(query.scheme, rank))) for rank in between)
        )
    for flag in query.flags:
        yield Facet(facet("flag", flag))


def _dates(query: Query) -> Iterator[Where]:
    """Publication within the dates, as far as both are known: "2020" may be any day of 2020."""
    for name, date in (("since", query.since), ("until", query.until)):
        if date is None:
            continue
        first, last = first_and_last_day(date)
        if not first:
            raise ValueError(f"{name} must be a date such as 2020, 2020-12 or 2020-12-14: {date!r}")
        if name == "since":
            yield _article.published >= first // 10000 * 10000  # lets an index help
            yield _article.published_end >= first
        else:
            yield _article.published.between(1, last)


def _journals(asked: str) -> sa.Select[Any]:
    """Numbers of the journal by name, abbreviation or ISSN, and of its rows under other names."""
    columns = tables.journal.c
    key = folded(asked)
    named = sa.or_(
        columns.name_key == key,
        columns.abbreviation_key == key,
        columns.issn_key == issn_key(asked),
    )
    same = sa.select(columns.nlm_id).where(named, columns.nlm_id.is_not(None))
    return sa.select(columns.id).where(sa.or_(named, columns.nlm_id.in_(same)))


def _by_author(asked: str) -> sa.Select[Any]:
    columns = tables.author.c
    meant = [
        columns.key == key if whole else sa.and_(columns.key >= key, columns.key < key + _ABOVE_ALL)
        for key, whole in author_prefixes(asked)
    ]
    return sa.select(columns.pmid).where(sa.or_(sa.false(), *meant))


def _with_heading(asked: str) -> sa.Select[Any]:
    columns = tables.heading.c
    named = sa.select(columns.id).where(
        sa.or_(columns.key == folded(asked), columns.ui == asked.strip().upper())
    )
    pairs = tables.article_heading.c
    return sa.select(pairs.pmid).where(pairs.heading_id.in_(named))


# cursors


def _cursor(query: Query, place: list[Any]) -> str:
    content = json.dumps({"at": place, "of": _seal(query, place)}, separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def _place(query: Query) -> list[Any]:
    """The place a cursor of this query holds. Raises CursorError for any other."""
    try:
        text = (query.after or "").strip()
        content = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        place, seal = content["at"], content["of"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise _foreign_cursor() from None
    if not isinstance(place, list) or seal != _seal(query, place):
        raise _foreign_cursor()
    return place


def _seal(query: Query, place: list[Any]) -> str:
    """Ties a place to the query it belongs to, whatever the length of its pages."""
    asked = asdict(replace(query, after=None, limit=0))
    content = json.dumps([asked, place], default=str, sort_keys=True)
    return blake2b(content.encode(), digest_size=9).hexdigest()


def _foreign_cursor() -> CursorError:
    return CursorError(
        "this cursor does not belong to this query: repeat the query that gave it, "
        "with the same words, filters and sort, or start without --after"
    )
