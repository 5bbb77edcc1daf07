"""Grading a store again: the same whoever does it, and it goes on where it ended."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from grading import GRADER_VERSION, Article, grade
from storage import Store
from storage.records import Entry
from worker.processes import in_order, processes
from worker.regrading import BATCH, regrade_store

RECORDS = 2 * BATCH + 50
TRIAL = "METHODS: {} adults were randomized to drug or placebo. RESULTS: Pain fell."


def fill(store: Store) -> None:
    """Records that another grader took for something else."""
    graded = []
    for pmid in range(1, RECORDS + 1):
        article = Article(
            pmid=pmid, title="A randomized trial", abstract=TRIAL.format(pmid), revised="2024-01-01"
        )
        old = msgspec.structs.replace(
            grade(article), design="editorial", design_label="Editorial", grader_version="0"
        )
        graded.append(Entry(article, old))
    store.save(graded)


def content(store: Store) -> list[tuple[object, ...]]:
    return [
        (article, given, [(each.what, each.summary) for each in store.history(article.pmid)])
        for article, given in store.articles(limit=RECORDS)
    ]


def last(store: Store, **options: object) -> tuple[int, int]:
    *_, end = regrade_store(store, **options)  # type: ignore[arg-type]
    return end.done, end.changed


def test_processes_give_what_one_gives(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "one.db")) as store:
        fill(store)
        assert last(store) == (RECORDS, RECORDS)
        assert list(regrade_store(store)) == []
        expected = content(store)
        assert {given.design for _, given, _ in expected} == {"randomized_controlled_trial"}  # type: ignore[attr-defined]
    with Store.open(str(tmp_path / "two.db")) as store, processes(2) as executor:
        fill(store)
        assert last(store, executor=executor, workers=2) == (RECORDS, RECORDS)
        assert content(store) == expected
        assert last(store, everything=True, executor=executor, workers=2) == (RECORDS, 0)


def test_it_goes_on_where_it_ended(new_address: Callable[[], str]) -> None:
    with Store.open(new_address()) as store:
        fill(store)
        with closing(regrade_store(store)) as batches:
            assert next(batches).done == BATCH
        assert store.counts(GRADER_VERSION).outdated_grades == RECORDS - BATCH
        assert last(store) == (RECORDS - BATCH, RECORDS - BATCH)
        assert store.counts(GRADER_VERSION).outdated_grades == 0


def test_an_article_revised_meanwhile_keeps_the_grade_it_came_with(
    new_address: Callable[[], str],
) -> None:
    with Store.open(new_address()) as store:
        fill(store)
        (found,) = store.documents(limit=1)
        again = grade(found.article)
        revised = Article(pmid=1, title="An editorial", revised="2024-02-02")
        store.save([Entry(revised, grade(revised))])
        before = store.get(1)
        outcome = store.regrade([(1, again)], articles={1: found.digest})
        assert (outcome.regraded, outcome.unchanged) == ((), ())
        assert store.get(1) == before


def test_a_process_that_is_killed_is_told(tmp_path: Path) -> None:
    from worker.errors import WorkerError

    with processes(1) as executor, pytest.raises(WorkerError, match=r"killed .* start again"):
        list(in_order(executor, os._exit, [1], ahead=1))


@pytest.mark.filterwarnings("ignore")  # distributed warns of the workers that we kill
def test_workers_of_a_cluster_are_killed(tmp_path: Path, dask: Any) -> None:
    from worker.cluster import executor_of

    cluster, client = dask
    with Store.open(str(tmp_path / "one.db")) as store:
        fill(store)
        last(store)
        expected = content(store)
    with (
        executor_of(client) as executor,
        Store.open(str(tmp_path / "cluster.db")) as store,
    ):
        fill(store)
        with closing(regrade_store(store, executor=executor, workers=2)) as batches:
            next(batches)
            nanny = next(iter(cluster.workers.values()))
            os.kill(nanny.pid, signal.SIGKILL)
            *_, end = batches
        assert (end.done, end.changed) == (RECORDS, RECORDS)
        assert content(store) == expected
