"""NCBI on its worst day: three calls in ten fail, in mixed ways, and still nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from eutils_server import FAULTS, EutilsServer, Library

from storage import Store
from worker.entrez import EntrezClient
from worker.rate_limit import RateLimiter
from worker.sync import sync_topic

TODAY = date(2024, 4, 10)
RECORDS = 3_000


@dataclass(frozen=True)
class Topic:
    name: str = "everything"
    query: str = "trial OR cohort OR case OR review OR advances"
    since: str = "2024-01-01"


@pytest.mark.parametrize("seed", [1, 2])
def test_a_sync_through_mixed_failures(
    tmp_path: Path, eutils: Callable[..., EutilsServer], seed: int
) -> None:
    server = eutils(
        Library.generate(RECORDS, seed=seed),
        rate=100,
        failure_rate=0.3,
        seed=seed,
        patience=1.0,
        search_cap=100,
    )
    server.retry_after = 0
    client = EntrezClient(
        email="tests@example.org",
        base_url=server.base_url,
        limiter=RateLimiter(100, name=server.base_url),
        timeout=0.25,
        backoff=0.01,
        max_tries=12,
    )
    with Store.open(str(tmp_path / "store.db")) as store:
        for _ in range(2):  # a first pass and one with a sweep and a refresh
            sync_topic(store, client, Topic(), today=TODAY, cap=100)

        failed = [call for call in server.calls if call.fault is not None]
        assert 0.2 < len(failed) / len(server.calls) < 0.4
        assert len({call.fault for call in failed}) > 0.8 * len(FAULTS)
        assert server.violations == []  # no limit exceeded, tool and e-mail on every call

        articles = [article.pmid for article, _ in store.articles(limit=RECORDS * 2)]
        assert articles == server.library.pmids  # every record, once
        assert store.known(articles, topic="everything") == set(articles)
        assert store.quarantined() == []  # no record was blamed for a bad hour

        runs = store.runs(limit=1000)
        assert {run.state for run in runs} == {"done"}
        assert sum(run.new for run in runs) == RECORDS
        assert sum(run.requests for run in runs) == len(server.calls) == client.requests
        for run in runs:
            assert run.asked == run.returned == run.new + run.revised + run.unchanged
            assert (run.missing, run.failed) == (0, 0)
        (state,) = store.topics()
        assert state.created_through == "2024-04-09"
        assert state.failures == 0
