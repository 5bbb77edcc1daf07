"""The Entrez client: what it asks, what it believes, tries again, and never tells."""

from __future__ import annotations

import gzip
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from eutils_server import FAULTS, Answer, EutilsServer, Library, invented
from loguru import logger

from worker.entrez import SEARCH_CAP, EntrezClient, Stopped, UnusableAnswer
from worker.errors import EntrezRejected, EntrezUnavailable
from worker.rate_limit import RateLimiter

KEY = "0123456789abcdefSECRET"
FIRST = 30000001
Start = Callable[..., EutilsServer]


def client_of(server: EutilsServer | str, **options: Any) -> EntrezClient:
    base_url = server if isinstance(server, str) else server.base_url
    options = {
        "email": "tests@example.org",
        "base_url": base_url,
        "timeout": 5.0,
        "backoff": 0.005,
        "limiter": RateLimiter(200, name=base_url),
    } | options
    return EntrezClient(**options)


@pytest.fixture
def server(eutils: Start) -> EutilsServer:
    return eutils(rate=200, rate_with_key=200, patience=3.0)


# what it asks


def test_a_search_gives_the_count_and_the_pmids(server: EutilsServer) -> None:
    client = client_of(server)
    found = client.search("trial", mindate=date(2024, 2, 1), maxdate="2024-02-29", datetype="crdt")
    expected = [
        item.pmid
        for item in server.library.items()
        if re.search(r"\btrial\b", item.words) and item.created.month == 2
    ]
    assert found.count == len(expected) > 5
    assert list(found.pmids) == expected
    assert found.translation == "trial"
    assert client.requests == len(server.calls) == 1
    assert server.violations == []


def test_a_search_can_only_count(server: EutilsServer) -> None:
    found = client_of(server).search("trial", retmax=0)
    assert found.count > 40
    assert found.pmids == ()


def test_fetch_gives_a_whole_record_set(server: EutilsServer) -> None:
    body = client_of(server).fetch([30000001, 30000002, 99])
    assert body.count(b"<PubmedArticle>") == 2
    assert body.endswith(b"</PubmedArticleSet>")


def test_unknown_pmids_give_an_empty_set(server: EutilsServer) -> None:
    assert b"<PubmedArticle>" not in client_of(server).fetch([98, 99])


def test_every_call_says_who_calls_and_what_it_wants(server: EutilsServer) -> None:
    client = client_of(server, api_key=KEY, tool="atool")
    client.search("trial")
    client.fetch([30000001])
    for call in server.calls:
        wanted = {"tool": "atool", "email": "tests@example.org", "db": "pubmed", "retmode": "xml"}
        assert call.params.items() >= (wanted | {"api_key": KEY}).items()


def test_long_lists_go_by_post_and_short_ones_by_get(server: EutilsServer) -> None:
    """biocommons/eutils #171: a long list in a GET lost records past the 250th."""
    client = client_of(server)
    client.fetch(server.library.pmids[:5])
    client.fetch(server.library.pmids[:50])
    body = client.fetch(server.library.pmids[:280])
    assert [call.method for call in server.calls] == ["GET", "GET", "POST"]
    assert body.count(b"<PubmedArticle>") == 280  # past 250 ids, a GET would have lost some
    client.search("trial" + " OR 30000001[uid]" * 60)
    assert server.calls[-1].method == "POST"
    assert server.violations == []


def test_with_a_key_nothing_goes_by_get(server: EutilsServer) -> None:
    client = client_of(server, api_key=KEY)
    client.search("trial")
    client.fetch([30000001])
    assert {call.method for call in server.calls} == {"POST"}


def test_no_list_or_query_is_too_long_for_an_address(server: EutilsServer) -> None:
    """rentrez #174: HTTP 414, request-URI too large."""
    import requests

    pmids = list(range(FIRST, FIRST + 1_000))
    address = f"{server.base_url}efetch.fcgi?id={','.join(map(str, pmids))}"
    assert requests.get(address, timeout=5).status_code == 414  # as NCBI answers a long GET
    server.calls.clear()
    server.violations.clear()
    client = client_of(server)
    assert client.fetch(pmids).count(b"<PubmedArticle>") == len(server.library.pmids)
    assert client.search(f'trial OR "{"long " * 2_000}"[tiab]').count > 40
    assert [call.method for call in server.calls] == ["POST", "POST"]
    assert server.violations == []


def test_a_search_past_the_cap_says_how_many_there_are(eutils: Start) -> None:
    """biopython #4189 #4353 #4226: of 10,050 hits PubMed lists 9,999, and offsets past them fail."""
    server = eutils(Library.generate(10_050), rate=200)
    found = client_of(server).search("trial OR cohort OR case OR review OR advances")
    assert found.count == 10_050
    assert len(set(found.pmids)) == SEARCH_CAP == 9_999
    assert [call.params["retstart"] for call in server.calls] == ["0"]


@pytest.mark.parametrize("slash", ["", "/", "//"])
def test_the_base_url_may_end_as_it_likes(server: EutilsServer, slash: str) -> None:
    client_of(server.base_url.rstrip("/") + slash).fetch([30000001])


def test_bio_entrez_globals_are_neither_used_nor_changed(
    server: EutilsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from Bio import Entrez

    monkeypatch.setattr(Entrez, "email", "other@example.org")
    monkeypatch.setattr(Entrez, "tool", "other")
    monkeypatch.setattr(Entrez, "api_key", "otherkey")
    client_of(server).search("trial")
    (call,) = server.calls
    assert (call.params["email"], call.params["tool"]) == ("tests@example.org", "pubgrade")
    assert "api_key" not in call.params
    assert Entrez.email == "other@example.org"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"email": " "}, "e-mail"),
        ({"email": "a@example.org", "base_url": "eutils.ncbi.nlm.nih.gov"}, "http"),
    ],
)
def test_what_cannot_work_is_refused_at_once(options: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EntrezClient(**options)


def test_wrong_use_is_refused_without_a_call(server: EutilsServer) -> None:
    client = client_of(server)
    with pytest.raises(ValueError, match="together"):
        client.search("trial", mindate="2024-01-01")
    with pytest.raises(ValueError, match="retmax"):
        client.search("trial", retmax=SEARCH_CAP + 1)
    with pytest.raises(ValueError, match="no PMIDs"):
        client.fetch([])
    assert server.calls == []


# what it tries again


@pytest.mark.parametrize("utility", ["esearch", "efetch"])
@pytest.mark.parametrize("fault", FAULTS)
def test_each_failure_is_tried_again(server: EutilsServer, fault: str, utility: str) -> None:
    """Each way to fail that was reported of NCBI passes with the next try.

    biopython #3940 #1944 #2277 (incomplete reads: "cut", "cut length", "reset"), #1524 (no
    time-out: "hang", "drip"); rentrez #132 ("429"), #162 ("500" error forwarding request); HTTP 400
    that hides a time-out or a 502; HTTP 200 with an ERROR, HTML, an empty or cut body; JSON with
    control characters.
    """
    server.retry_after = 0
    client = client_of(server, timeout=0.3 if fault in ("hang", "drip") else 5.0)
    server.fail_next(fault)
    if utility == "esearch":
        assert client.search("trial").count > 40
    else:
        assert client.fetch([30000001]).count(b"<PubmedArticle>") == 1
    assert [call.fault for call in server.calls] == [fault, None]
    assert client.requests == 2
    assert server.violations == []


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in ("hang", "drip")])
def test_a_failure_that_stays_is_never_an_answer(server: EutilsServer, fault: str) -> None:
    """An ESearch that fails is never zero hits, an EFetch never an empty set."""
    server.retry_after = 0
    server.always = fault
    client = client_of(server, max_tries=2)
    with pytest.raises(UnusableAnswer, match="2 tries"):
        client.search("trial")
    with pytest.raises(UnusableAnswer, match="2 tries"):
        client.fetch([30000001])
    assert len(server.calls) == 4


@pytest.mark.parametrize("fault", ["429 retry-after", "429 date"])
def test_retry_after_is_honoured(server: EutilsServer, fault: str) -> None:
    """rentrez #132: as seconds and as a date."""
    server.retry_after = 2 if fault == "429 date" else 1
    server.fail_next(fault)
    client_of(server).fetch([30000001])
    first, second = server.calls
    assert second.at - first.at >= 0.95


def test_a_429_holds_all_clients_of_the_machine(server: EutilsServer) -> None:
    server.fail_next("429 retry-after")
    one, other = client_of(server), client_of(server)
    thread = threading.Thread(target=one.fetch, args=([30000001],))
    thread.start()
    while not server.calls:
        time.sleep(0.005)
    time.sleep(0.1)
    other.fetch([30000002])
    thread.join()
    assert all(call.at - server.calls[0].at >= 0.9 for call in server.calls[1:])


def test_pauses_grow(server: EutilsServer) -> None:
    server.always = "502"
    with pytest.raises(EntrezUnavailable):
        client_of(server, max_tries=4, backoff=0.1).fetch([1])
    gaps = [
        after.at - before.at for before, after in zip(server.calls, server.calls[1:], strict=False)
    ]
    assert gaps[0] >= 0.05
    assert gaps[1] >= 0.1
    assert gaps[2] >= 0.2


def test_a_search_that_lists_too_few_is_tried_again(server: EutilsServer) -> None:
    server.search_cap = 10  # a server that gives fewer than it was asked for
    with pytest.raises(UnusableAnswer, match="lists 10"):
        client_of(server, max_tries=2).search("trial")


def test_nothing_listens(server: EutilsServer) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}/"
    with pytest.raises(EntrezUnavailable, match="connection refused") as caught:
        client_of(address, max_tries=2).fetch([1])
    assert not isinstance(caught.value, UnusableAnswer)
    assert address in str(caught.value)


def test_a_silent_server(server: EutilsServer) -> None:
    """biopython #1524: calls without a time-out hung for ever."""
    server.always = "hang"
    began = time.monotonic()
    with pytest.raises(EntrezUnavailable, match=r"no answer within 0\.2 s"):
        client_of(server, max_tries=2, timeout=0.2).search("trial")
    assert time.monotonic() - began < 2


def chunked(body: bytes) -> bytes:
    parts = [body[start : start + 700] for start in range(0, len(body), 700)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@pytest.mark.parametrize("in_chunks", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_answers_may_be_packed_and_in_chunks_and_cut(
    server: EutilsServer, packed: bool, in_chunks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """biopython #3940 #1944 #2277: a read that ends early is tried again, however it is sent."""
    plain = server._efetch("GET", {"id": ",".join(map(str, server.library.pmids[:50]))}).body
    body, headers = plain, {}
    if packed:
        body, headers = gzip.compress(body), {"Content-Encoding": "gzip"}
    if in_chunks:
        body, headers = chunked(body), headers | {"Transfer-Encoding": "chunked"}
    answering(server, Answer(200, body, headers=headers), monkeypatch)
    assert client_of(server).fetch([1]) == plain.strip()
    server.fail_next("cut length", "reset")
    assert client_of(server).fetch([1]) == plain.strip()
    assert len(server.calls) == 4


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b'{"error":"cannot \x02read\x0b the\nbackend"}', "application/json"),
        Answer(
            200, b'{"esearchresult":{"ERROR":"Search\tBackend\nfailed: \x00"}}', "application/json"
        ),
        Answer(500, b'{"error":"error\x1fforwarding\nrequest"}', "application/json"),
    ],
)
def test_errors_in_json_with_control_characters_are_read(
    server: EutilsServer, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are no valid JSON; what they say stands in the message, on one clean line."""
    answering(server, answer, monkeypatch)
    with pytest.raises(UnusableAnswer) as caught:
        client_of(server, max_tries=2).search("trial")
    said = str(caught.value)
    assert re.search("cannot read the backend|Search Backend failed|error forwarding request", said)
    assert said.isprintable()
    assert len(server.calls) == 2


def test_a_comment_after_the_end_is_no_cut(
    server: EutilsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for end in (b"</PubmedArticleSet >\n<!-- one --> <!-- two -->\n", b"</PubmedArticleSet>\n"):
        answering(server, Answer(200, b"<PubmedArticleSet>" + end), monkeypatch)
        assert client_of(server, max_tries=1).fetch([1]).startswith(b"<PubmedArticleSet>")
    for cut in (b"", b"</PubmedArticleSet", b"</PubmedArticleSet><!-- one", b"<PubmedArticle>"):
        answering(server, Answer(200, b"<PubmedArticleSet>" + cut), monkeypatch)
        with pytest.raises(UnusableAnswer, match="the answer is cut"):
            client_of(server, max_tries=1).fetch([1])


def test_no_dtd_is_fetched_and_no_entity_followed(
    server: EutilsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """biopython #4268 (a DTD downloaded while parsing), #5109 (XXE, CVE-2025-68463)."""
    secret = tmp_path / "secret.txt"
    secret.write_text("77")
    for target in (secret.as_uri(), server.base_url + "stolen.fcgi"):
        evil = (
            f'<?xml version="1.0"?><!DOCTYPE eSearchResult SYSTEM "{server.base_url}esearch.dtd" '
            f'[<!ENTITY x SYSTEM "{target}"><!ENTITY % y SYSTEM "{server.base_url}y.dtd"> %y;]>'
            "<eSearchResult><Count>1</Count><IdList><Id>&x;</Id></IdList></eSearchResult>"
        )
        answering(server, Answer(200, evil.encode()), monkeypatch)
        with pytest.raises(UnusableAnswer) as caught:
            client_of(server, max_tries=1).search("trial")
        assert "77" not in str(caught.value)
    assert {call.utility for call in server.calls} == {"esearch"}


# what it takes for a refusal


def answering(server: EutilsServer, answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_answer", lambda *_: answer)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(400, b'{"error":"API key invalid","api-key":"x"}', "application/json"),
        Answer(400, b"<eFetchResult><ERROR>ID list is empty! Possibly it has no correct IDs."),
        Answer(400, b"<eSearchResult><ERROR>Invalid field name: [foo]</ERROR></eSearchResult>"),
        Answer(200, b"<eSearchResult><ERROR>Query syntax error near ')'</ERROR></eSearchResult>"),
        Answer(403, b"<html><h1>Access denied</h1></html>", "text/html"),
        Answer(404, b"<html><h1>Not Found</h1></html>", "text/html"),
    ],
)
def test_a_refusal_is_not_tried_again(
    server: EutilsServer, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(server, answer, monkeypatch)
    with pytest.raises(EntrezRejected, match="NCBI refuses"):
        client_of(server).fetch([1])
    assert len(server.calls) == 1


def test_a_wrong_key_is_named_as_the_cause(eutils: Start) -> None:
    server = eutils(rate=200, rate_with_key=200, api_keys=["right"])
    with pytest.raises(EntrezRejected, match=r"API key invalid.*api_key") as caught:
        client_of(server, api_key=KEY).search("trial")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("term", "said"),
    [
        ("zzyzx", "phrase not found: zzyzx"),
        ("zzyzx[foo]", "unknown search field: foo"),
        (" ", "Empty term"),
    ],
)
def test_a_query_that_pubmed_does_not_understand(
    server: EutilsServer, term: str, said: str
) -> None:
    with pytest.raises(EntrezRejected, match=said):
        client_of(server).search(term)
    with pytest.raises(EntrezRejected, match=said):
        client_of(server).search(term, mindate="2024-01-01", maxdate="2024-01-31")


def test_a_partly_understood_query_is_a_warning(server: EutilsServer) -> None:
    found = client_of(server).search("trial OR zzyzx")
    assert found.count > 40
    assert "phrase not found: zzyzx" in found.warnings


def test_a_quiet_window_is_no_error_of_the_query(server: EutilsServer) -> None:
    found = client_of(server).search("trial OR zzyzx", mindate="2030-01-01", maxdate="2030-01-02")
    assert (found.count, found.pmids) == (0, ())


# stopping


@pytest.mark.parametrize("fault", ["hang", "drip", "502"])
def test_a_stop_ends_calls_and_pauses_at_once(server: EutilsServer, fault: str) -> None:
    server.always = fault
    stop = threading.Event()
    threading.Timer(0.15, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        client_of(server, timeout=2.0, backoff=5.0, stop=stop).fetch([30000001])
    assert time.monotonic() - began < 1.0


# the key


@pytest.fixture
def logs() -> Iterator[list[str]]:
    import logging

    said: list[str] = []
    sink = logger.add(said.append, level=0, diagnose=True, backtrace=True)

    class Into(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    handler = Into(0)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(0)
    yield said
    root.removeHandler(handler)
    root.setLevel(before)
    logger.remove(sink)


def everything_in(error: BaseException | None) -> str:
    """All that an exception and those behind it could tell a log."""
    texts = []
    while error is not None:
        texts += [str(error), repr(error), repr(error.args), repr(vars(error))]
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


@pytest.mark.parametrize("fault", [*FAULTS, "no server", "wrong key", "echo"])
def test_the_key_is_never_told(
    eutils: Start, fault: str, logs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by the message, the exceptions behind it, or a log with loguru's `diagnose=True`, which
    prints the values of variables."""
    server = eutils(
        rate=200, rate_with_key=200, patience=1.0, api_keys=[] if fault == "wrong key" else None
    )
    server.retry_after = 0
    base_url = "http://127.0.0.1:9/" if fault == "no server" else server.base_url
    if fault == "echo":
        said = f"cannot serve ?api_key={KEY}&id=1 for {KEY}".encode()
        answering(server, Answer(503, said, "text/plain"), monkeypatch)
    elif fault in FAULTS:
        server.always = fault
    client = client_of(base_url, api_key=KEY, max_tries=2, timeout=0.15)
    with pytest.raises((EntrezUnavailable, EntrezRejected)) as caught:
        client.search("trial")
    logger.opt(exception=caught.value).error("it failed")
    told = everything_in(caught.value) + repr(client) + "\n".join(logs)
    assert "it failed" in told
    assert KEY not in told
    if fault == "echo":
        assert "api_key=[API key]" in told


def test_the_records_of_a_library_change(server: EutilsServer) -> None:
    server.library.add(invented(77, date(2024, 5, 1)))
    server.library.revise(77, on=date(2024, 6, 1), title="Changed & revised.")
    body = client_of(server).fetch([77])
    assert b"Changed &amp; revised." in body
    server.library.delete(77)
    assert b"<PubmedArticle>" not in client_of(server).fetch([77])


def test_history_expires(eutils: Start) -> None:
    """The loopback server keeps result sets as NCBI does, for a while only."""
    import requests

    server = eutils(Library.generate(30), rate=200, history_seconds=0.3)
    who = {"db": "pubmed", "tool": "t", "email": "e@example.org", "retmode": "xml"}
    with requests.Session() as session:
        found = session.get(
            server.base_url + "esearch.fcgi",
            params=who | {"term": "30000001:30000005[uid]", "usehistory": "y"},
        ).text
        webenv = found.partition("<WebEnv>")[2].partition("<")[0]
        kept = who | {"WebEnv": webenv, "query_key": "1", "retmax": "10"}
        fetched = session.get(server.base_url + "efetch.fcgi", params=kept)
        assert fetched.text.count("<PubmedArticle>") == 5
        time.sleep(0.35)
        expired = session.get(server.base_url + "efetch.fcgi", params=kept)
        assert expired.status_code == 400
        past = session.get(
            server.base_url + "esearch.fcgi", params=who | {"term": "trial", "retstart": "9999"}
        )
        assert past.status_code == 200
        assert "cannot be larger than 9998" in past.text


def test_the_loopback_server_limits_as_ncbi_does(eutils: Start) -> None:
    server = eutils(rate=3)
    client = client_of(server, max_tries=1)  # its limiter allows 200 a second
    for _ in range(3):
        client.fetch([30000001])
    with pytest.raises(UnusableAnswer, match="over the rate limit"):
        client.fetch([30000001])
    assert server.violations == ["4 calls in a second, 3 allowed"]


@pytest.mark.parametrize(("key", "limit"), [(None, 3), (KEY, 10)])
def test_the_client_keeps_ncbis_limit_by_itself(eutils: Start, key: str | None, limit: int) -> None:
    server = eutils()
    client = client_of(server, api_key=key, limiter=None)
    for _ in range(limit + 2):
        client.fetch([30000001])
    assert server.violations == []
    assert len(server.calls) == limit + 2
