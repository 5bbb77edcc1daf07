"""A pass over a topic: windows, watermarks, revisions, the ledger, and what must not be lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from eutils_server import EutilsServer, Library, invented

from storage import Store
from storage.records import Run
from worker.entrez import EntrezClient
from worker.errors import EntrezRejected, EntrezUnavailable
from worker.rate_limit import RateLimiter
from worker.sync import SyncOutcome, SyncProgress, sync_topic

Start = Callable[..., EutilsServer]
TODAY = date(2024, 4, 10)
DAY = timedelta(days=1)
FIRST = 30000001


@dataclass(frozen=True)
class Topic:
    name: str = "trials"
    query: str = "trial OR cohort OR case OR review OR advances"  # every invented record
    since: date | str | None = "2024-01-01"


@pytest.fixture
def server(eutils: Start) -> EutilsServer:
    return eutils(Library.generate(300), rate=200, rate_with_key=200, patience=2.0)


def client_of(server: EutilsServer, **options: Any) -> EntrezClient:
    return EntrezClient(
        email="tests@example.org",
        base_url=server.base_url,
        limiter=RateLimiter(200, name=server.base_url),
        **{"timeout": 5.0, "backoff": 0.002, "max_tries": 3} | options,
    )


def sync(
    store: Store, server: EutilsServer, topic: Topic | None = None, **options: Any
) -> SyncOutcome:
    with client_of(server) as client:
        return sync_topic(store, client, topic or Topic(), **{"today": TODAY} | options)


def stored(store: Store) -> set[int]:
    return {article.pmid for article, _ in store.articles(limit=100_000)}


def state(store: Store) -> Any:
    (only,) = store.topics()
    return only


def check_truthful(runs: list[Run]) -> None:
    for run in runs:
        assert run.asked == run.returned + run.missing + run.failed, run
        assert run.returned == run.new + run.revised + run.unchanged + run.stale, run


def test_the_first_pass_stores_everything_since(store: Store, server: EutilsServer) -> None:
    outcome = sync(store, server, Topic(since="2024-02-01"))
    wanted = {item.pmid for item in server.library.items() if item.created >= date(2024, 2, 1)}
    assert stored(store) == wanted
    assert store.known(wanted, topic="trials") == wanted
    (run,) = store.runs()
    assert (run.kind, run.subject, run.state) == ("sync", "trials", "done")
    assert (run.window_start, run.window_end) == ("2024-02-01", "2024-04-10")
    assert (run.asked, run.returned, run.new) == (len(wanted),) * 3
    assert run.requests == len(server.calls) == outcome.requests == 2
    assert run.seconds > 0
    assert run.finished_at is not None
    assert outcome.new == len(wanted)
    assert not outcome.interrupted
    now = state(store)
    assert now.created_through == "2024-04-09"  # never today: today's records still come
    assert now.failures == 0
    assert now.last_success is not None
    check_truthful(store.runs())
    assert server.violations == []


def test_a_second_pass_fetches_nothing_it_has(store: Store, server: EutilsServer) -> None:
    sync(store, server)
    before = len(server.calls_of("efetch"))
    outcome = sync(store, server)
    fetched = server.calls_of("efetch")[before:]
    assert len(fetched) == 1  # the rotating refresh, a 28th of the topic
    assert len(fetched[0].params["id"].split(",")) == 300 // 28 + 1
    assert (outcome.new, outcome.revised, outcome.unchanged) == (0, 0, 11)
    assert [run.kind for run in store.runs(limit=3)] == ["refresh", "sweep", "sync"]


def test_new_records_come_with_the_next_pass(store: Store, server: EutilsServer) -> None:
    sync(store, server)
    late = invented(40000001, TODAY)
    backdated = invented(29000001, TODAY - 3 * DAY)  # found later than its date says
    server.library.add(late, backdated)
    outcome = sync(store, server, today=TODAY + DAY)
    assert {40000001, 29000001} <= stored(store)
    assert outcome.new == 2
    assert state(store).created_through == TODAY.isoformat()


def test_late_arrivals_are_found(store: Store, server: EutilsServer) -> None:
    """ReCiter #450: added over a year late, a record is given its publication date as entry date.

    Whoever polls entry or publication dates never sees it.
    """
    sync(store, server)
    late = replace(invented(40000001, TODAY + DAY), entered=date(2022, 5, 5))
    server.library.add(late)
    sync(store, server, today=TODAY + DAY)
    assert late.pmid in stored(store)
    assert {call.params["datetype"] for call in server.calls_of("esearch")} == {"crdt", "mdat"}


def test_it_needs_no_history_of_ncbi(store: Store, eutils: Start) -> None:
    """rentrez #110: a WebEnv that expires in the midst of the work. We keep PMIDs instead."""
    server = eutils(Library.generate(300), rate=200, history_seconds=0.0)
    stop = threading.Event()
    sync(store, server, stop=stop, progress=lambda seen: stop.set() if seen.done else None)
    assert 0 < len(stored(store)) < 300
    sync(store, server)
    assert stored(store) == set(server.library.pmids)
    assert not any({"WebEnv", "usehistory"} & call.params.keys() for call in server.calls)


def test_today_is_polled_again(store: Store, server: EutilsServer) -> None:
    sync(store, server)
    server.library.add(invented(40000001, TODAY))
    sync(store, server)
    server.library.add(invented(40000002, TODAY))
    sync(store, server, today=TODAY + 2 * DAY)
    assert {40000001, 40000002} <= stored(store)


def test_revisions_are_swept(store: Store, server: EutilsServer) -> None:
    sync(store, server)
    server.library.revise(FIRST, on=TODAY, title="Corrected title of a trial.")
    server.library.add(
        replace(invented(31000001, date(2023, 5, 5)), modified=TODAY)
    )  # late arrival
    outcome = sync(store, server)
    record = store.get(FIRST)
    assert record is not None
    assert record.article.title == "Corrected title of a trial."
    assert (outcome.revised, outcome.new) == (1, 1)
    assert store.get(31000001) is not None
    (sweep,) = store.runs(kind="sweep")
    assert (sweep.asked, sweep.revised, sweep.new) == (2, 1, 1)
    assert sweep.window_end == TODAY.isoformat()
    assert state(store).revised_through == "2024-04-09"


def test_revisions_between_passes_days_apart_are_not_lost(
    store: Store, server: EutilsServer
) -> None:
    sync(store, server)
    for n in range(10):
        server.library.revise(FIRST + n, on=TODAY + n * DAY, title=f"Corrected trial {n}.")
    sync(store, server, today=TODAY + 20 * DAY)
    for n in range(10):
        record = store.get(FIRST + n)
        assert record is not None
        assert record.article.title == f"Corrected trial {n}."


def test_the_refresh_goes_round_and_finds_silent_changes(
    store: Store, server: EutilsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(store, server)
    item = server.library.get(FIRST)
    assert item is not None
    server.library.revise(FIRST, on=item.modified, title="A trial changed without a date.")
    for pmid in server.library.pmids[1:6]:
        server.library.delete(pmid)  # these stay the oldest, and must not stop the rest
    seen: set[int] = set()
    for n in range(32):
        before = len(server.calls_of("efetch"))
        # The store keeps time to the second; the days of this test pass faster.
        moment = datetime.now(UTC) + n * DAY
        monkeypatch.setattr("storage.store._now", lambda moment=moment: moment)
        sync(store, server, today=TODAY + n * DAY)
        for call in server.calls_of("efetch")[before:]:
            seen.update(int(pmid) for pmid in call.params["id"].split(","))
    assert seen == set(stored(store))
    record = store.get(FIRST)
    assert record is not None
    assert record.article.title == "A trial changed without a date."
    assert len(stored(store)) == 300  # absence alone proves no deletion
    assert max(run.missing for run in store.runs(kind="refresh", limit=40)) == 5
    check_truthful(store.runs(limit=200))


def test_windows_past_the_cap_are_split_by_date(store: Store, server: EutilsServer) -> None:
    """biopython #4189 #4353 #4226: PubMed lists 9,999 records of a query."""
    server.search_cap = 60
    seen: list[SyncProgress] = []
    sync(store, server, cap=60, progress=seen.append)
    assert len(stored(store)) == 300
    runs = store.runs(kind="sync", limit=100)[::-1]
    assert len(runs) >= 5
    assert all(run.asked <= 60 and run.state == "done" for run in runs)
    assert sum(run.new for run in runs) == 300
    assert runs[0].window_start == "2024-01-01"
    for before, after in pairwise(runs):
        assert before.window_end is not None
        assert after.window_start == (date.fromisoformat(before.window_end) + DAY).isoformat()
    assert runs[-1].window_end == TODAY.isoformat()
    assert sum(run.requests for run in runs) == len(server.calls)
    assert (seen[-1].done, seen[-1].total, seen[-1].stage) == (300, 300, "sync")
    assert [each.done for each in seen] == sorted(each.done for each in seen)


def test_a_day_past_the_cap_is_split_by_pmid(store: Store, eutils: Start) -> None:
    """biopython #4189 #4353 #4226, where a date cannot part the records."""
    one_day = date(2024, 3, 3)
    library = Library.generate(500, first_day=one_day, last_day=one_day)
    library.add(invented(12, one_day), invented(99_000_000, one_day))
    server = eutils(library, rate=200, search_cap=60)
    sync(store, server, Topic(since="2024-03-01"), cap=60)
    assert stored(store) == set(library.pmids)
    split = [run for run in store.runs(limit=100) if run.window_start == run.window_end]
    assert len(split) >= 9
    assert sum(run.new for run in store.runs(limit=100)) == 502
    assert any("[uid]" in call.params["term"] for call in server.calls_of("esearch"))
    assert server.violations == []


def test_stopped_at_any_batch_it_goes_on_where_it_was(store: Store, eutils: Start) -> None:
    server = eutils(Library.generate(900), rate=200, search_cap=500)
    client = client_of(server)
    for _ in range(20):
        stop = threading.Event()

        def stop_soon(progress: SyncProgress, stop: threading.Event = stop) -> None:
            stop.set()

        outcome = sync_topic(
            store, client, Topic(), today=TODAY, stop=stop, progress=stop_soon, cap=500
        )
        assert outcome.interrupted
        assert store.runs(limit=1)[0].state == "interrupted"
        if len(stored(store)) == 900:
            break
    assert not sync(store, server, cap=500).interrupted
    assert stored(store) == set(server.library.pmids)
    asked = [pmid for call in server.calls_of("efetch") for pmid in call.params["id"].split(",")]
    assert len(asked) <= 900 + 200 + 33  # at most the refresh repeats anything
    assert sum(run.new for run in store.runs(limit=100)) == 900
    check_truthful(store.runs(limit=100))


def test_an_outage_keeps_what_came_and_does_not_move_the_watermark(
    store: Store, server: EutilsServer
) -> None:
    server.fail_next(None, None, *["503"] * 50)
    with pytest.raises(EntrezUnavailable):
        sync(store, server)
    assert len(stored(store)) == 200
    now = state(store)
    assert now.created_through is None
    assert now.failures == 1
    assert "503" in now.last_error
    (run,) = store.runs()
    assert (run.state, run.asked, run.new) == ("failed", 200, 200)
    assert run.error is not None
    assert "503" in run.error
    server._next.clear()
    sync(store, server)
    assert stored(store) == set(server.library.pmids)
    assert state(store).failures == 0


def test_a_search_that_fails_has_its_row_too(store: Store, server: EutilsServer) -> None:
    """An ESearch that fails is a failed run, never one without hits."""
    server.always = "html"
    with pytest.raises(EntrezUnavailable):
        sync(store, server)
    (run,) = store.runs()
    assert (run.state, run.asked, run.requests) == ("failed", 0, 3)
    assert (run.window_start, run.window_end) == ("2024-01-01", TODAY.isoformat())


def test_a_query_that_pubmed_rejects(store: Store, server: EutilsServer) -> None:
    with pytest.raises(EntrezRejected, match="phrase not found: zzyzx"):
        sync(store, server, Topic(query="zzyzx[tiab]"))
    now = state(store)
    assert "zzyzx" in now.last_error
    assert now.created_through is None


def test_what_pubmed_ignores_in_a_query_is_a_warning(store: Store, server: EutilsServer) -> None:
    outcome = sync(store, server, Topic(query="cohort OR zzyzx"))
    assert outcome.new > 10
    assert outcome.warnings == ("phrase not found: zzyzx",)


@pytest.mark.parametrize("how", ["poison", "malformed"])
def test_a_bad_record_goes_to_quarantine_and_comes_back(
    store: Store, server: EutilsServer, how: str
) -> None:
    bad = FIRST + 7
    getattr(server.library, how).add(bad)
    outcome = sync(store, server)
    assert len(stored(store)) == 299
    assert [pmid for pmid, _ in outcome.failures] == [bad]
    assert outcome.failed == 1
    (held,) = store.quarantined()
    assert held.pmid == bad
    assert state(store).created_through == "2024-04-09"  # one bad record does not stop the topic
    check_truthful(store.runs())

    again = sync(store, server)  # still bad: asked for once more, alone
    assert again.failed == 1
    assert {item.pmid for item in store.quarantined()} == {bad}

    getattr(server.library, how).clear()
    healed = sync(store, server)
    assert healed.new == 1
    assert bad in stored(store)
    assert store.quarantined() == []


def test_records_stored_by_others_are_linked(store: Store, server: EutilsServer) -> None:
    sync(store, server, Topic(name="first"))
    sync(store, server, Topic(name="second", query="cohort"))
    cohort = {item.pmid for item in server.library.items() if "cohort" in item.words}
    assert store.known(server.library.pmids, topic="second") == cohort
    (run,) = store.runs(subject="second")
    assert (run.asked, run.new, run.unchanged) == (len(cohort), 0, len(cohort))


def test_records_that_vanish_are_missing_not_deleted(store: Store, server: EutilsServer) -> None:
    sync(store, server)
    server.library.revise(FIRST, on=TODAY)
    body = server._efetch

    def without(method: str, params: dict[str, str]) -> Any:
        server.library.delete(FIRST) if FIRST in server.library.pmids else None
        return body(method, params)

    server._efetch = without  # type: ignore[method-assign]
    outcome = sync(store, server)
    assert outcome.missing >= 1
    record = store.get(FIRST)
    assert record is not None
    assert record.deleted_at is None


def test_a_topic_whose_query_changed_starts_anew(store: Store, server: EutilsServer) -> None:
    sync(store, server, Topic(query="cohort"))
    sync(store, server)
    assert stored(store) == set(server.library.pmids)


@pytest.mark.parametrize("since", [date(2024, 3, 1), "2024-03-01", "2024-03", "2024/03/01"])
def test_since_as_people_write_it(store: Store, server: EutilsServer, since: Any) -> None:
    sync(store, server, Topic(since=since))
    assert store.runs()[0].window_start == "2024-03-01"


def test_without_since_everything_is_fetched(store: Store, server: EutilsServer) -> None:
    server.library.add(invented(1, date(1950, 1, 1)))
    sync(store, server, Topic(since=None))
    assert 1 in stored(store)


def test_a_since_in_the_future_waits(store: Store, server: EutilsServer) -> None:
    outcome = sync(store, server, Topic(since="2030-01-01"))
    assert (outcome.runs, outcome.asked) == (0, 0)
    assert server.calls == []


def test_the_key_is_not_in_the_store(tmp_path: Path, server: EutilsServer) -> None:
    key = "0123456789abcdefSECRET"
    server.library.poison.add(FIRST)
    path = tmp_path / "key" / "store.db"
    path.parent.mkdir()
    with Store.open(str(path)) as store:
        with client_of(server, api_key=key) as client:
            sync_topic(store, client, Topic(), today=TODAY)
            server.always = "429"  # its body holds the caller's name
            with pytest.raises(EntrezUnavailable):
                sync_topic(store, client, Topic(), today=TODAY)
        assert len(store.quarantined()) == 1
        raws = b"".join(item.raw for item in store.quarantined())
    assert key.encode() not in raws
    for file in path.parent.iterdir():
        assert key.encode() not in file.read_bytes()
