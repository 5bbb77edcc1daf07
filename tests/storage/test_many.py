"""Searches in stores so large that they are not looked through at once."""

from __future__ import annotations

import dataclasses
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from storage import Store
from storage.postgres import Postgres
from storage.records import Query
from storage.sqlite import Sqlite

MANY = 2_500


def date(pmid: int) -> str | None:
    """Every year of two centuries, days of which the first are crowded, and none."""
    if pmid % 500 == 0:
        return None
    if pmid % 2:
        return f"2026-11-{pmid % 9 + 1:02}"
    return f"{1826 + pmid % 201}"


def place(pmid: int) -> tuple[str, int]:
    found = date(pmid) or "0000"
    return (found + "-01-01"[: 10 - len(found)], pmid)


@pytest.fixture
def archive(store: Store, make: Any) -> Store:
    store.save(
        make.entry(
            pmid,
            title="Stockings " * (pmid % 3 + 1),
            abstract="Rare." if pmid % 400 == 2 else "Common." if pmid % 7 else "",
            published=date(pmid),
            grade=make.grade(level=pmid % 6 or None, n=pmid),
        )
        for pmid in range(1, MANY + 1)
    )
    return store


def paged(store: Store, query: Query, most: int = MANY) -> list[int]:
    found: list[int] = []
    while len(found) < most:
        page = store.search(query)
        found += [record.article.pmid for record in page.records]
        if page.next_cursor is None:
            break
        query = dataclasses.replace(query, after=page.next_cursor)
    return found


def test_the_newest_come_first_from_all_years(archive: Store) -> None:
    newest = sorted(range(1, MANY + 1), key=place, reverse=True)
    assert paged(archive, Query(words="stockings", sort="date", limit=400)) == newest
    assert paged(archive, Query(sort="date", limit=400)) == newest
    rare = [pmid for pmid in newest if pmid % 400 == 2]
    assert paged(archive, Query(words="rare", sort="date", limit=2)) == rare
    some = [pmid for pmid in newest if pmid % 7 and pmid % 400 != 2 and pmid >= 2_000]
    assert paged(archive, Query(words="common", min_n=2_000, sort="date", limit=50)) == some
    old = [pmid for pmid in newest if "1900" <= (date(pmid) or "") < "1920"]
    years = Query(words="stockings", since="1900", until="1919", sort="date", limit=30)
    assert paged(archive, years) == old
    undated = [pmid for pmid in newest if date(pmid) is None]
    assert newest[-len(undated) :] == undated
    assert paged(archive, dataclasses.replace(years, since=None, until="1826"))[-1] % 201 == 0
    levels = paged(archive, Query(words="stockings", level=("1", "1"), sort="date", limit=300))
    assert levels == [pmid for pmid in newest if pmid % 6 == 1]
    crossing = Query(words='"stockings rare"', sort="date", limit=2)  # of two columns: no phrase
    assert paged(archive, crossing) == []
    for words, rest in (
        ('"stockings stockings"', (1, 2)),
        ('stockings NOT "stockings stockings"', (0,)),
    ):
        found = paged(archive, Query(words=words, sort="date", limit=400))
        assert found == [pmid for pmid in newest if pmid % 3 in rest]


def test_the_last_added_come_first(archive: Store, make: Any) -> None:
    later = make.now + timedelta(days=400)
    archive.save(
        (make.entry(pmid, title="Stockings", published="1950") for pmid in range(5_000, 5_010)),
        at=later,
    )
    archive.mark_deleted([2, 2_499, 5_009], source="a test")
    added = [*range(5_008, 4_999, -1), *range(MANY, 0, -1)]
    added = [pmid for pmid in added if pmid not in (2, 2_499)]
    for words, found in (
        ("stockings", added),
        ("common", [p for p in added if p <= MANY and p % 7 and p % 400 != 2]),
        ("rare", [p for p in added if p <= MANY and p % 400 == 2]),
        ("never", []),
    ):
        assert paged(archive, Query(words=words, sort="added", limit=30)) == found
        every = [r.article.pmid for r in archive.records(Query(words=words, sort="added", limit=0))]
        assert every == found
    some = Query(words="common", min_n=2_300, since="1900", sort="added", limit=3)
    expected = [
        pmid
        for pmid in added
        if 2_300 <= pmid <= MANY and pmid % 7 and pmid % 400 != 2 and (date(pmid) or "") >= "1900"
    ]
    assert paged(archive, some) == expected


def test_counts(archive: Store) -> None:
    stockings = Query(words="stockings")
    assert archive.count(stockings) == MANY
    assert archive.count(stockings, at_most=1_001) == 1_001
    assert archive.count(stockings, at_most=MANY + 1) == MANY
    assert archive.count(Query(words="rare"), at_most=100) == 7
    assert archive.count(Query(words="never"), at_most=100) == 0
    assert archive.count(Query(words="stockings", min_n=2_401), at_most=1_000) == 100
    years = Counter(
        (date(pmid) or "unknown")[:4] if date(pmid) else "unknown"
        for pmid in range(1, MANY + 1)
        if pmid % 6 == 1
    )
    asked = Query(words="stockings", level=("1", "1"))
    assert dict(archive.count_by(asked, "year")) == years
    some = archive.count_by(dataclasses.replace(asked, since="1900", until="1919"), "year")
    assert some == sorted((y, n) for y, n in years.items() if "1900" <= y < "1920")
    archive.mark_deleted([1], source="a test")
    assert dict(archive.count_by(asked, "year"))["2026"] == years["2026"] - 1


def test_behind_what_is_ranked_come_the_others(
    archive: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for database in (Sqlite, Postgres):
        monkeypatch.setattr(database, "most_ranked", 60)
    newest = sorted(range(1, MANY + 1), key=place, reverse=True)
    found = paged(archive, Query(words="stockings", limit=25))
    assert sorted(found[:60]) == sorted(newest[:60])
    assert found[60:] == newest[60:]
    assert len({pmid % 3 for pmid in found[:15]}) < 3  # by score, not by date
