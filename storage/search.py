"""How a `Query` is answered: its filters, its order, its pages, its counts.

Words are read by `storage.words`, where their grammar is described. All filters must hold. Nearly
all of them are facets of the full-text index, so that one walk through the index finds what has
the words and the facets, newest first, and stops when a page is full. What the index does not
know (days of the month, exact sample sizes, moments of saving) is looked up for what it finds.

Relevance is bm25 or ts_rank, with words in the title weighing more. Scoring takes 2 to 4 µs a hit,
so of more than `most_ranked` hits the newest are ranked, and the others follow, newest first.

Pages are keyset pages: a cursor holds the place of the last record shown, not a number of records
to skip. So a page deep down costs as much as the first, and what is stored meanwhile neither
repeats nor hides records of the pages to come. By relevance the place is that of the last article
under the statistics of now, looked up anew, since scores move a little with every article stored.
"""

from __future__ import annotations

import base64
import json
from array import array
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, time
from difflib import get_close_matches
from hashlib import blake2b
from itertools import islice
from math import isqrt
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from grading.vocabulary import DESIGNS, FLAGS, QUESTIONS
from storage import levels, tables
from storage.database import Database, Where
from storage.errors import CursorError, QueryError
from storage.folding import folded
from storage.indexing import (
    ALL,
    DAY,
    DELETED,
    END,
    PMID_MASK,
    author_facets,
    facet,
    first_and_last_day,
    journal_facet,
    mesh_facet,
    places_from,
    size_facets,
    sizes_are_exact,
)
from storage.names import issn_key
from storage.records import Query
from storage.words import AllOf, AnyOf, Facet, Node, Without, read

SORTS: Final = ("relevance", "level", "date", "added")
COUNTED: Final = ("design", "level", "year", "journal", "topic")

_FEW: Final = 1_000  # candidates that are cheaper to ask the index about one by one
_FETCHED_AT_ONCE: Final = 10_000  # rows
_READ_AHEAD: Final = 100  # hits or rows that are looked at together, at first

_article = tables.article.c
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Found:
    """PMIDs of one page in order, and the cursor of the next."""

    pmids: tuple[int, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class _Plan:
    """A query read and checked."""

    wanted: Node | None  # what the index is asked; None where it need not be asked
    words: Node | None  # of it, what is scored
    shown: bool  # without deleted articles
    least: int  # places from here on …
    most: int  # … and below this
    among: tuple[int, ...] | None  # only these places
    conditions: tuple[Where, ...]  # on rows of `article`

    def narrowed(self, node: Node) -> _Plan:
        return replace(self, wanted=node if self.wanted is None else AllOf((self.wanted, node)))

    @property
    def asked(self) -> Node:
        assert self.wanted is not None  # noqa: S101 - callers looked
        return Without(self.wanted, Facet(DELETED)) if self.shown else self.wanted


class Search:
    """Answers queries on one connection."""

    def __init__(self, connection: sa.Connection, database: Database) -> None:
        self._connection = connection
        self._database = database
        self._limit: int | None = None  # rows wanted

    def page(self, query: Query) -> Found:
        """One page. Raises ValueError for a filter that cannot be, CursorError for a bad cursor."""
        if query.limit < 1:
            raise ValueError(f"the limit must be at least 1, not {query.limit}")
        self._limit = query.limit + 1
        with closing(self._found(query)) as hits:
            found = list(islice(hits, self._limit))
        shown = found[: query.limit]
        more = len(found) > query.limit
        return Found(
            pmids=tuple(mark[-1] & PMID_MASK for mark in shown),
            next_cursor=_cursor(query, shown[-1]) if more else None,
        )

    def all_pmids(self, query: Query) -> array[int]:
        """Every hit in order, eight bytes each."""
        return array("q", (mark[-1] & PMID_MASK for mark in self._found(query)))

    def count(self, query: Query, at_most: int | None = None) -> int:
        """How many records a query finds; counting stops at `at_most`."""
        plan = self._plan(query)
        if _asks_all(query):
            return self._total("design") + (self._total("deleted") if query.include_deleted else 0)
        if plan.wanted is not None and not plan.conditions:
            if at_most is not None:
                return self._reach(plan, at_most)[0]
            hits = self._hits(plan)
        else:
            hits = self._rows(plan, _article.pmid)
        counted = sa.select(sa.func.count()).select_from(hits.limit(at_most).subquery())
        return int(self._connection.execute(counted).scalar_one())

    def count_by(self, query: Query, by: str) -> list[tuple[str, int]]:
        """Counts by a property: most first; years and levels in their order."""
        if by not in COUNTED:
            raise ValueError(f"cannot count by {by!r}: one of {', '.join(COUNTED)}")
        plan = self._plan(query)
        if _asks_all(query) and by != "topic" and not query.include_deleted:
            return self._totals_by(query.scheme if by == "level" else by, by, query.scheme)
        match by:
            case "year" if plan.wanted is not None and plan.shown and not plan.conditions:
                return self._counted_years(plan)
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
                links = tables.topic_article.c
                found = self._rows(plan, links.topic_id).join(
                    tables.topic_article, links.pmid == _article.pmid
                )
                found = found.add_columns(sa.func.count()).group_by(links.topic_id)
                counted = {row[0]: row[1] for row in self._connection.execute(found)}
                names = self._names(tables.topic, counted)
        totals: dict[str, int] = {}
        for key, count in counted.items():
            totals[names[key]] = totals.get(names[key], 0) + count
        return sorted(totals.items(), key=lambda item: (-item[1], item[0]))

    def _counted_years(self, plan: _Plan) -> list[tuple[str, int]]:
        """Places are in the order of years: nothing but the index is looked at."""
        years = sorted(int(year) for year in self.totals("year"))
        bounds = [places_from(year * 10000 + 101) if year else 0 for year in years]
        counts = self._database.counts_between(self._connection, self._hits(plan), [*bounds, END])
        return [
            (str(year) if year else "unknown", count)
            for year, count in zip(years, counts, strict=True)
            if count
        ]

    def totals(self, kind: str) -> dict[str, int]:
        """What the writer counted of the shown articles (tables.TotalRow), by key."""
        columns = tables.total.c
        rows = self._connection.execute(
            sa.select(columns.key, columns.count).where(columns.kind == kind, columns.count > 0)
        )
        return {row[0]: row[1] for row in rows}

    def _total(self, kind: str) -> int:
        return sum(self.totals(kind).values())

    def _totals_by(self, kind: str, by: str, scheme: str) -> list[tuple[str, int]]:
        counted = self.totals(kind).items()
        match by:
            case "year":
                years = sorted((int(year), count) for year, count in counted)
                return [(str(year) if year else "unknown", count) for year, count in years]
            case "level":
                ranked = sorted(
                    ((levels.rank(scheme, level or None), count) for level, count in counted),
                    reverse=True,
                )
                return [(levels.level(scheme, rank) or "none", count) for rank, count in ranked]
            case _:
                named = [(name or "unknown", count) for name, count in counted]
                return sorted(named, key=lambda item: (-item[1], item[0]))

    def _grouped(self, plan: _Plan, key: sa.ColumnElement[Any]) -> list[tuple[Any, int]]:
        rows = self._connection.execute(self._rows(plan, key, sa.func.count()).group_by(key))
        return [(row[0], row[1]) for row in rows]

    def _names(self, table: sa.Table, ids: Any) -> dict[int | None, str]:
        rows = self._connection.execute(
            sa.select(table.c.id, table.c.name).where(
                self._database.among(table.c.id, [key for key in ids if key is not None])
            )
        )
        return {row.id: row.name for row in rows}

    # walks

    def _found(self, query: Query) -> Generator[list[Any], None, None]:
        """Every hit in order behind the cursor, as the mark a cursor keeps; its place is last."""
        plan = self._plan(query)
        if query.sort == "added":
            return self._by_moment(plan, _mark(query, 2))
        if query.sort == "relevance" and plan.words is not None:
            return self._by_relevance(plan, plan.words, _mark(query, 2, 4))
        if query.sort == "level":
            return self._by_level(plan, query.scheme, _mark(query, 2))
        return self._in_turn([plan], _mark(query, 2))

    def _in_turn(
        self, plans: list[_Plan], mark: list[Any] | None
    ) -> Generator[list[Any], None, None]:
        """What one plan finds after the other, each newest first: marks [number, place]."""
        start, below = mark or (0, END)
        for number in range(start, len(plans)):
            for place in self._newest(plans[number], below):
                yield [number, place]
            below = END

    def _by_level(
        self, plan: _Plan, scheme: str, mark: list[Any] | None
    ) -> Generator[list[Any], None, None]:
        """The strongest evidence first, within a level the newest."""
        plans = [
            plan.narrowed(Facet(facet(scheme, level))) for level in (*levels.SCHEMES[scheme], None)
        ]
        return self._in_turn(plans, mark)

    def _by_moment(self, plan: _Plan, mark: list[Any] | None) -> Generator[list[Any], None, None]:
        """Last added first: marks [moment, place].

        What the index finds is put in order where that is little; else articles are looked at in
        that order until enough of them are found in the index.
        """
        if self._limit is None or plan.wanted is None or self._is_little(plan):
            yield from self._moments(plan, mark, self._limit)
            return
        rows = self._moments(replace(plan, wanted=None), mark, None)
        for batch in _ever_more(rows):
            places = [place for _, place in batch]
            hits = self._database.hits_among(plan.asked, places)
            found = set(self._connection.execute(hits).scalars())
            yield from (row for row in batch if row[1] in found)

    def _is_little(self, plan: _Plan) -> bool:
        """Whether fewer hits are put in order than articles would have to be looked at.

        Of N articles H are found: one needs H, the other (limit × N / H) and, each, some ten times
        as long.
        """
        assert self._limit is not None  # noqa: S101 - the caller looked
        enough = isqrt(10 * self._limit * self._total("design")) + 1
        return self._reach(plan, enough)[0] < enough

    def _moments(
        self, plan: _Plan, mark: list[Any] | None, limit: int | None
    ) -> Iterator[list[Any]]:
        moment = sa.type_coerce(_article.added_at, sa.BigInteger)
        statement = self._rows(plan, moment, _article.place, _article.pmid)
        if mark is not None:
            statement = statement.where(
                sa.tuple_(moment, _article.pmid)
                < sa.tuple_(
                    sa.literal(mark[0], sa.BigInteger),
                    sa.literal(mark[1] & PMID_MASK, sa.BigInteger),
                )
            )
        statement = statement.order_by(moment.desc(), _article.pmid.desc())
        for row in self._streamed(statement, limit):
            yield list(row)[:2]

    def _by_relevance(
        self, plan: _Plan, words: Node, mark: list[Any] | None
    ) -> Generator[list[Any], None, None]:
        """The newest hits by score, marks [0, edge, score, place]; then the others, [1, place]."""
        if mark is None or len(mark) == 4:
            edge = self._edge(plan) if mark is None else mark[1]
            for score, place in self._ranked(plan, words, edge, mark):
                yield [0, edge, score, place]
            below = edge
        else:
            below = mark[1]
        if below > plan.least:
            for place in self._newest(plan, below):
                yield [1, place]

    def _edge(self, plan: _Plan) -> int:
        """The place down to which hits are ranked."""
        count, lowest = self._reach(plan, self._database.most_ranked)
        return plan.least if count < self._database.most_ranked else lowest

    def _ranked(
        self, plan: _Plan, words: Node, edge: int, mark: list[Any] | None
    ) -> Iterator[tuple[float, int]]:
        least = max(edge, plan.least)
        most = min(plan.most, self._database.end(self._connection))
        if plan.among:
            least, most = max(least, plan.among[0]), min(most, plan.among[-1] + 1)
        hits = self._database.scored_hits(plan.asked, words, least, most)
        if plan.among is not None:
            hits = hits.where(hits.selected_columns.place.in_(plan.among))
        scored = self._database.alone(hits)
        statement = sa.select(scored.c.relevance, scored.c.place)
        if plan.conditions:
            statement = statement.join_from(
                scored, tables.article, _article.pmid == _pmid_of(scored.c.place)
            ).where(*plan.conditions)
        rank = (scored.c.relevance, scored.c.place)
        if mark is not None:
            _, _, score, place = mark
            now = self._connection.execute(self._database.score(words, place)).scalar()
            statement = statement.where(
                sa.tuple_(*rank)
                < sa.tuple_(
                    sa.literal(score if now is None else now, sa.Float),
                    sa.literal(place, sa.BigInteger),
                )
            )
        statement = statement.order_by(*(column.desc() for column in rank)).limit(self._limit)
        for row in self._connection.execute(statement):
            yield row[0], row[1]

    def _reach(self, plan: _Plan, enough: int) -> tuple[int, int]:
        """How many of `enough` hits the index has, conditions apart, and the lowest place of the
        newest so many (0 where there are none)."""
        places = self._newest_hits(plan, enough).limit(enough).subquery()
        count, lowest = self._connection.execute(
            sa.select(sa.func.count(), sa.func.min(places.c.place))
        ).one()
        return count, lowest or 0

    def _newest(self, plan: _Plan, below: int) -> Iterator[int]:
        """Places of what a plan finds, newest first, from below a place on."""
        plan = replace(plan, most=min(plan.most, below))
        if plan.wanted is None:
            rows = self._rows(plan, _article.place).order_by(_article.place.desc())
            yield from (row[0] for row in self._streamed(rows, self._limit))
            return
        places = self._found_places(plan)
        if not plan.conditions:
            yield from places
            return
        for batch in _ever_more(places):
            kept = sa.select(_article.pmid).where(
                self._database.among(_article.pmid, [place & PMID_MASK for place in batch]),
                *plan.conditions,
            )
            pmids = set(self._connection.execute(kept).scalars())
            yield from (place for place in batch if place & PMID_MASK in pmids)

    def _found_places(self, plan: _Plan) -> Iterator[int]:
        """Places that the index finds, newest first, conditions apart."""
        limit = None if plan.conditions else self._limit
        for row in self._streamed(self._newest_hits(plan, self._limit), limit):
            yield row[0]

    def _newest_hits(self, plan: _Plan, enough: int | None) -> sa.Select[Any]:
        """The hits, newest first, conditions apart: looked for as they are read."""
        if plan.among is not None:
            hits = self._hits(plan)
            return hits.order_by(hits.selected_columns.place.desc())
        return self._database.newest_hits(
            self._connection, plan.asked, plan.least, plan.most, enough
        )

    def _streamed(self, statement: sa.Select[Any], limit: int | None) -> Iterator[sa.Row[Any]]:
        """At most `limit` rows: fetched at once where they are few, else as they are read."""
        statement = statement.limit(limit)
        if limit is not None and limit <= _FETCHED_AT_ONCE:
            yield from self._connection.execute(statement).all()
            return
        ahead = _FETCHED_AT_ONCE if self._limit is None else _READ_AHEAD
        streamed = statement.execution_options(yield_per=ahead)
        with self._connection.execute(streamed) as rows:
            yield from rows

    def _hits(self, plan: _Plan) -> sa.Select[Any]:
        """All hits, conditions apart, in no order."""
        if plan.among is not None:
            among = [place for place in plan.among if plan.least <= place < plan.most]
            return self._database.hits_among(plan.asked, among)
        most = plan.most if not plan.least else min(plan.most, self._database.end(self._connection))
        return self._database.hits(plan.asked, plan.least, most)

    def _rows(self, plan: _Plan, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
        """Rows of `article` that a plan finds, in no order."""
        if plan.wanted is not None:
            hits = self._database.alone(self._hits(plan))
            return (
                sa.select(*columns)
                .join_from(hits, tables.article, _article.pmid == _pmid_of(hits.c.place))
                .where(*plan.conditions)
            )
        statement = sa.select(*columns).select_from(tables.article).where(*plan.conditions)
        if plan.shown:
            statement = statement.where(_article.deleted_at.is_(None))
        if plan.least > 0:
            statement = statement.where(_article.place >= plan.least)
        if plan.most < END:
            statement = statement.where(_article.place < plan.most)
        if plan.among is not None:
            pmids = [place & PMID_MASK for place in plan.among]
            statement = statement.where(self._database.among(_article.pmid, pmids))
        return statement

    # reading a query

    def _plan(self, query: Query) -> _Plan:
        if query.sort not in SORTS:
            raise ValueError(f"unknown sort {query.sort!r}: one of {', '.join(SORTS)}")
        _rank(query.scheme)
        conditions: list[Where] = []
        wanted: list[Node] = []
        words = None
        if query.words.strip():
            words = read(query.words)
            if words is None:  # nothing but signs: no article has them
                wanted.append(AnyOf(()))
            else:
                wanted.append(words)
        wanted += self._facets(query)
        least, most, late = _days(query)
        conditions += late
        if query.min_n is not None and not sizes_are_exact(query.min_n):
            conditions.append(_article.sample_size >= query.min_n)
        among = self._candidates(query, conditions)
        shown = not query.include_deleted
        if any(node == AnyOf(()) for node in wanted):
            return _Plan(None, None, shown, 0, END, (), ())
        unwanted = tuple(Facet(facet("flag", flag)) for flag in query.not_flags)
        if unwanted and not wanted:
            wanted.append(Facet(ALL))
        node = AllOf(tuple(wanted)) if len(wanted) > 1 else wanted[0] if wanted else None
        if node is not None and unwanted:
            node = Without(node, AnyOf(unwanted))
        return _Plan(node, words, shown, least, most, among, tuple(conditions))

    def _facets(self, query: Query) -> Iterator[Node]:
        """The filters that the index applies; an empty `AnyOf` where nothing can be found."""
        if query.level is not None:
            ends = sorted(levels.asked_rank(query.scheme, end) for end in query.level)
            between = range(ends[0], ends[1] + 1)
            yield _any_of(facet(query.scheme, levels.level(query.scheme, rank)) for rank in between)
        if query.designs:
            for design in query.designs:
                _known("design", design, DESIGNS)
            yield _any_of(facet("design", design) for design in query.designs)
        if query.question:
            _known("question", query.question, QUESTIONS)
            yield Facet(facet("question", query.question))
        for flag in query.flags:
            _known("flag", flag, FLAGS)
            yield Facet(facet("flag", flag))
        for flag in query.not_flags:
            _known("flag", flag, FLAGS)
        if query.min_n is not None:
            yield _any_of(size_facets(query.min_n))
        if query.topic:
            yield Facet(facet("topic", self._topic_id(query.topic)))
        if query.journal:
            yield _any_of(journal_facet(key) for key in self._journals(query.journal))
        if query.author:
            yield AnyOf(tuple(Facet(*each) for each in author_facets(query.author)))
        if query.mesh:
            yield _any_of(mesh_facet(name) for name in self._headings(query.mesh))

    def _candidates(self, query: Query, conditions: list[Where]) -> tuple[int, ...] | None:
        """The places that pages can come from, where they are few and known beforehand.

        Else the filters by PMID and by moment of saving join `conditions`.
        """
        few: list[Where] = []
        if query.pmids:
            few.append(self._database.among(_article.pmid, query.pmids))
        if query.added_since is not None:
            few.append(_article.added_at >= datetime.combine(query.added_since, time(), UTC))
        if not few:
            return None
        if not query.include_deleted:  # as the indexes have it
            few.append(_article.deleted_at.is_(None))
        found = sa.select(_article.place).where(*few).limit(_FEW + 1)
        places = self._connection.execute(found).scalars().all()
        if len(places) <= _FEW:
            return tuple(sorted(places))
        conditions += few
        return None

    def _topic_id(self, name: str) -> int:
        columns = tables.topic.c
        found = self._connection.execute(sa.select(columns.id).where(columns.name == name)).scalar()
        if found is None:
            names = self._connection.execute(sa.select(columns.name).order_by(columns.name))
            known = ", ".join(names.scalars()) or "none yet"
            raise QueryError(f"the store has no topic {name!r}; its topics: {known}")
        return int(found)

    def _journals(self, asked: str) -> set[str]:
        """Keys of the journals by name, abbreviation or ISSN (storage.indexing.journal_key)."""
        columns = tables.journal.c
        key = folded(asked)
        rows = self._connection.execute(
            sa.select(columns.nlm_id, columns.name_key).where(
                sa.or_(
                    columns.name_key == key,
                    columns.abbreviation_key == key,
                    columns.issn_key == issn_key(asked),
                )
            )
        )
        return {row.nlm_id or row.name_key for row in rows}

    def _headings(self, asked: str) -> set[str]:
        """Folded names of a MeSH descriptor given by name or identifier."""
        columns = tables.heading.c
        rows = self._connection.execute(
            sa.select(columns.key).where(columns.ui == asked.strip().upper())
        )
        return {*rows.scalars(), folded(asked)} - {""}


def _ever_more(items: Iterator[_Item]) -> Iterator[list[_Item]]:
    """Batches, each twice as long as the one before: few of them, and little in vain at the end."""
    size = _READ_AHEAD
    while batch := list(islice(items, size)):
        yield batch
        size = min(2 * size, _FETCHED_AT_ONCE)


def _asks_all(query: Query) -> bool:
    """Whether there are neither words nor filters."""
    plain = Query()
    asked = replace(
        query,
        words=query.words.strip(),
        scheme=plain.scheme,
        sort=plain.sort,
        limit=plain.limit,
        after=plain.after,
        include_deleted=plain.include_deleted,
    )
    return asked == plain


def _any_of(tokens: Iterable[str]) -> Node:
    return AnyOf(tuple(Facet(token) for token in sorted(set(tokens))))


def _pmid_of(place: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    return place.op("&")(PMID_MASK)


def _rank(scheme: str) -> sa.ColumnElement[int]:
    if scheme not in levels.SCHEMES:
        raise ValueError(f"unknown scheme {scheme!r}: one of {', '.join(levels.SCHEMES)}")
    return _article[f"rank_{scheme}"]


def _known(kind: str, asked: str, vocabulary: dict[str, Any]) -> None:
    if asked not in vocabulary:
        near = get_close_matches(asked.lower().replace("-", "_").replace(" ", "_"), vocabulary)
        hint = f"did you mean {' or '.join(near)}?" if near else f"one of {', '.join(vocabulary)}"
        raise ValueError(f"unknown {kind} {asked!r}: {hint}")


def _days(query: Query) -> tuple[int, int, list[Where]]:
    """Publication within the dates, as far as both are known: "2020" may be any day of 2020.

    As the least place, the place to stay below, and what the places do not tell.
    """
    least, most, late = 0, END, []
    for name, asked in (("since", query.since), ("until", query.until)):
        if asked is None:
            continue
        first, last = first_and_last_day(asked)
        if not first:
            raise ValueError(
                f"{name} must be a date such as 2020, 2020-12 or 2020-12-14: {asked!r}"
            )
        if name == "since":
            new_year = first // 10000 * 10000 + 101
            least = places_from(new_year)
            if first > new_year:
                late.append(_article.published_end >= first)
        else:
            least = max(least, DAY)  # a date is known
            most = places_from(last) + DAY
    return least, most, late


# cursors


def _cursor(query: Query, mark: list[Any]) -> str:
    content = json.dumps({"at": mark, "of": _seal(query, mark)}, separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def _mark(query: Query, *lengths: int) -> list[Any] | None:
    """The mark that the cursor of a query holds, None for the first page.

    Raises CursorError for the cursor of another query.
    """
    if query.after is None:
        return None
    try:
        text = query.after.strip()
        content = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        mark, seal = content["at"], content["of"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise _foreign_cursor() from None
    if (
        not isinstance(mark, list)
        or seal != _seal(query, mark)
        or len(mark) not in lengths
        or not all(isinstance(value, int | float) for value in mark)
    ):
        raise _foreign_cursor()
    return mark


def _seal(query: Query, mark: list[Any]) -> str:
    """Ties a place to the query it belongs to, whatever the length of its pages."""
    asked = asdict(replace(query, after=None, limit=0))
    content = json.dumps([asked, mark], default=str, sort_keys=True)
    return blake2b(content.encode(), digest_size=9).hexdigest()


def _foreign_cursor() -> CursorError:
    return CursorError(
        "this cursor does not belong to this query: repeat the query that gave it, "
        "with the same words, filters and sort, or start without --after"
    )
