"""Fetching: every PMID asked for is accounted for, and one bad record costs only itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from eutils_server import Answer, EutilsServer, Library, invented

from worker.entrez import EntrezClient
from worker.errors import EntrezRejected, EntrezUnavailable
from worker.fetch import FetchedBatch, fetch_articles
from worker.parsed import ParsedArticle
from worker.rate_limit import RateLimiter

Start = Callable[..., EutilsServer]
FIRST = 30000001


def client_of(server: EutilsServer, **options: Any) -> EntrezClient:
    return EntrezClient(
        email="tests@example.org",
        base_url=server.base_url,
        limiter=RateLimiter(200, name=server.base_url),
        **{"timeout": 5.0, "backoff": 0.002, "max_tries": 3} | options,
    )


def pmids_of(batch: FetchedBatch) -> list[int]:
    return [item.article.pmid for item in batch.parsed if isinstance(item, ParsedArticle)]


def only(batches: Any) -> FetchedBatch:
    (batch,) = batches
    return batch


@pytest.fixture
def server(eutils: Start) -> EutilsServer:
    return eutils(Library.generate(450), rate=200, patience=2.0)


def test_batches_keep_the_order_and_account_for_every_pmid(server: EutilsServer) -> None:
    wanted = [*server.library.pmids, 5, 7]
    batches = list(fetch_articles(client_of(server), wanted))
    assert [len(batch.asked) for batch in batches] == [200, 200, 52]
    assert [pmid for batch in batches for pmid in batch.asked] == wanted
    assert [pmid for batch in batches for pmid in pmids_of(batch)] == server.library.pmids
    assert batches[-1].missing == (5, 7)
    assert not any(batch.failed for batch in batches)
    assert server.violations == []


def test_nothing_asked_is_nothing_fetched(server: EutilsServer) -> None:
    assert list(fetch_articles(client_of(server), [])) == []
    assert server.calls == []


def test_a_pmid_given_twice_is_asked_for_once(server: EutilsServer) -> None:
    batch = only(fetch_articles(client_of(server), [FIRST, FIRST]))
    assert batch.asked == (FIRST,)
    assert pmids_of(batch) == [FIRST]


def test_records_that_were_not_asked_for_are_passed_over(server: EutilsServer) -> None:
    server.library.extra = [FIRST + 5]
    batch = only(fetch_articles(client_of(server), [FIRST]))
    assert pmids_of(batch) == [FIRST]
    assert batch.missing == ()


def test_several_versions_and_books_come_too(server: EutilsServer) -> None:
    server.library.add(
        replace(invented(11, date(2024, 1, 1)), versions=2),
        replace(invented(12, date(2024, 1, 1)), book=True),
    )
    batch = only(fetch_articles(client_of(server), [11, 12]))
    assert pmids_of(batch) == [11, 11, 12]
    assert batch.missing == ()


@pytest.mark.parametrize("bad", [[FIRST], [FIRST + 100, FIRST + 101, FIRST + 199]])
def test_a_poisoned_record_costs_only_itself(server: EutilsServer, bad: list[int]) -> None:
    """rentrez #162: HTTP 500 for a batch, because of one record in it."""
    server.library.poison = set(bad)
    batch = only(fetch_articles(client_of(server), server.library.pmids[:200]))
    assert [record.pmid for record in batch.failed] == bad
    assert sorted(pmids_of(batch)) == [p for p in server.library.pmids[:200] if p not in bad]
    for record in batch.failed:
        assert "HTTP 500" in record.error
        assert record.raw == b'{"error":"error forwarding request"}'


def test_a_malformed_record_costs_only_itself(server: EutilsServer) -> None:
    server.library.malformed = {FIRST + 3, FIRST + 150}
    batch = only(fetch_articles(client_of(server), server.library.pmids[:200]))
    assert sorted(pmids_of(batch)) == [
        pmid for pmid in server.library.pmids[:200] if pmid not in server.library.malformed
    ]
    assert {record.pmid for record in batch.failed} == server.library.malformed
    for record in batch.failed:
        assert f"{record.pmid}".encode() in record.raw
        assert record.error
    assert batch.missing == ()


def test_no_dtd_is_fetched_and_no_entity_followed(server: EutilsServer, tmp_path: Path) -> None:
    """biopython #4268 (a DTD downloaded while parsing), #5109 (XXE, CVE-2025-68463)."""
    secret = tmp_path / "secret.txt"
    secret.write_text("what no record holds")
    honest, evil = FIRST, FIRST + 1
    answer = server._efetch

    def answering(method: str, params: dict[str, str]) -> Any:
        whole = answer(method, params)
        body = whole.body.replace(b"https://dtd.nlm.nih.gov/", f"{server.base_url}dtd/".encode())
        if str(evil) in params["id"]:
            doctype = f'"{server.base_url}dtd/x.dtd" [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
            start = body.index(b"<!DOCTYPE")
            end = body.index(b">", start) + 1
            body = (
                body[:start] + b"<!DOCTYPE PubmedArticleSet SYSTEM " + doctype.encode() + body[end:]
            )
            body = body.replace(b"<ArticleTitle>", b"<ArticleTitle>&x; ")
        return replace(whole, body=body)

    server._efetch = answering  # type: ignore[method-assign]
    batch = only(fetch_articles(client_of(server), [honest, evil]))
    assert pmids_of(batch) == [honest]
    assert [record.pmid for record in batch.failed] == [evil]
    assert "entities" in batch.failed[0].error
    assert "what no record holds" not in repr(batch)
    assert {call.utility for call in server.calls} == {"efetch"}


def test_a_single_bad_record_is_told_from_a_missing_one(server: EutilsServer) -> None:
    server.library.malformed = {FIRST}
    (malformed, missing) = fetch_articles(client_of(server), [FIRST, 9], batch_size=1)
    assert [record.pmid for record in malformed.failed] == [FIRST]
    assert (malformed.parsed, malformed.missing) == ((), ())
    assert missing.missing == (9,)


@pytest.mark.parametrize("fault", ["502", "error element", "html", "cut", "hang"])
def test_an_outage_is_not_blamed_on_the_records(server: EutilsServer, fault: str) -> None:
    server.always = fault
    client = client_of(server, timeout=0.1 if fault == "hang" else 5.0)
    with pytest.raises(EntrezUnavailable):
        list(fetch_articles(client, server.library.pmids[:200]))
    assert len(server.calls) <= 6  # one batch and one probe, three tries each


def test_an_outage_in_the_midst_of_halving_is_no_fault_of_a_record(
    server: EutilsServer,
) -> None:
    server.library.poison = {FIRST + 3}
    batches = fetch_articles(client_of(server), server.library.pmids[:8])
    # the batch, its probe, one half: then NCBI goes down for good
    server.fail_next(None, None, None, None)

    def go_down() -> None:
        while len(server.calls) < 5:
            time.sleep(0.001)
        server.always = "503"

    thread = threading.Thread(target=go_down)
    thread.start()
    with pytest.raises(EntrezUnavailable):
        next(batches)
    thread.join()


def test_what_came_before_an_outage_is_whole(server: EutilsServer) -> None:
    batches = fetch_articles(client_of(server), server.library.pmids, batch_size=100)
    assert len(next(batches).parsed) == 100
    server.always = "503"
    with pytest.raises(EntrezUnavailable):
        next(batches)


def test_a_refusal_stops(eutils: Start) -> None:
    server = eutils(rate_with_key=200, api_keys=[])
    with pytest.raises(EntrezRejected):
        list(fetch_articles(client_of(server, api_key="wrongkey"), [FIRST]))


def test_ids_that_ncbi_takes_for_none_are_missing(
    server: EutilsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch of them is no reason to leave the others out; a service that loses all ids is."""
    answer = server._answer

    def refuse(utility: str, method: str, params: dict[str, str]) -> Answer:
        if all(int(pmid) > 2**29 for pmid in params["id"].split(",")):
            return Answer(400, b"<eFetchResult><ERROR>ID list is empty!</ERROR></eFetchResult>")
        return answer(utility, method, params)

    monkeypatch.setattr(server, "_answer", refuse)
    wanted = [2**29 + 1, 2**29 + 2, FIRST]
    batches = list(fetch_articles(client_of(server), wanted, batch_size=2))
    assert [batch.missing for batch in batches] == [tuple(wanted[:2]), ()]
    assert pmids_of(batches[1]) == [FIRST]
    monkeypatch.setattr(server, "_answer", lambda *_: refuse("", "", {"id": str(2**30)}))
    with pytest.raises(EntrezRejected, match="ID list is empty!"):
        list(fetch_articles(client_of(server), [FIRST]))


def test_a_stop_begins_no_further_batch(server: EutilsServer) -> None:
    stop = threading.Event()
    batches = fetch_articles(client_of(server), server.library.pmids, batch_size=50, stop=stop)
    assert len(next(batches).parsed) == 50
    stop.set()
    assert list(batches) == []
    assert len(server.calls) == 1


def test_a_stop_gives_up_a_batch_that_waits_for_ncbi(server: EutilsServer) -> None:
    server.always = "hang"
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    assert list(fetch_articles(client_of(server, timeout=2.0), [FIRST], stop=stop)) == []
