"""A whole store into another database and back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from storage import Store
from storage.errors import StoreError
from storage.records import Query, Run


def fill(store: Store, make: Any) -> None:
    store.topic("flights", "stockings[ti]")
    for pmid in range(1, 41):
        store.save([make.entry(pmid)], topic="flights" if pmid % 2 else None, at=make.now)
    later = make.now + timedelta(days=1)
    store.save([make.entry(3, title="Revised", revised="2023-01-01")], at=later)
    store.mark_deleted([4], source="a list", at=later)
    store.quarantine(raw=b"<broken", error="no PMID", source="a file", at=later)
    store.update_run(store.start_run(Run("load", "a file", make.now)))


def everything(store: Store) -> list[object]:
    return [
        [(store.get(pmid), store.history(pmid), store.raw(pmid)) for pmid in range(1, 42)],
        store.topics(),
        store.runs(),
        store.quarantined(),
        [r.article.pmid for r in store.records(Query(words="stockings", sort="date", limit=0))],
        store.count_by(Query(words="revised"), "journal"),
    ]


def test_there_and_back(new_address: Callable[[], str], tmp_path: Path, make: Any) -> None:
    with (
        Store.open(str(tmp_path / "first.db")) as first,
        Store.open(new_address()) as second,
        Store.open(str(tmp_path / "third.db")) as third,
    ):
        fill(first, make)
        seen: list[int] = []
        counts = first.copy_to(second, seen.append)
        assert counts["article"] == counts["document"] == 40
        assert (counts["quarantine"], counts["topic_article"], counts["run"]) == (1, 20, 1)
        assert seen[-1] == first.count_rows() == sum(counts.values())
        assert second.copy_to(third) == counts
        assert everything(first) == everything(second) == everything(third)
        for store in (second, third):  # new numbers do not meet those that came
            store.save([make.entry(99, journal="Another", nlm_id="1")], topic="new")
            assert store.start_run(Run("load", "", make.now)).id == 2
            assert store.save([make.entry(3, title="Again", revised="2024-01-01")]).revised == (3,)


def test_a_store_that_holds_something_is_left_alone(
    new_store: Callable[[], Store], make: Any
) -> None:
    first, second = new_store(), new_store()
    fill(first, make)
    second.topic("mine", "")
    with pytest.raises(StoreError, match=r"is not empty .*topic.*: copy into a new one"):
        first.copy_to(second)
    assert second.count(Query()) == 0
    assert [topic.name for topic in second.topics()] == ["mine"]


def test_an_interrupted_copy_leaves_nothing(new_store: Callable[[], Store], make: Any) -> None:
    first, second = new_store(), new_store()
    fill(first, make)

    def interrupt(done: int) -> None:
        if done > 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        first.copy_to(second, interrupt)
    assert second.count_rows() == 0
    first.copy_to(second)
    assert second.count(Query()) == 39
