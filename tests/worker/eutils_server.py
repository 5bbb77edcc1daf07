"""A loopback E-utilities server: real HTTP, invented records, NCBI's limits and NCBI's failures.

In tests (fixture `eutils`, see conftest.py)::

    server = EutilsServer(Library.generate(500, seed=1))
    with server:
        client = EntrezClient(email="a@example.org", base_url=server.base_url)
        server.fail_next("502", "empty")          # the next two calls fail, in this way
        ...
    assert server.violations == []

From a shell, to point `[entrez] base_url` at::

    python tests/worker/eutils_server.py --port 8765 --records 2000 --failure-rate 0.3 --seed 7

What it keeps to (documents of NCBI and reports about it, 2022-2026): 3 calls a second without a
key, 10 with one, else HTTP 429 with a JSON body; 9,999 records of a query at most, past that an
ERROR in an HTTP 200; unknown PMIDs are simply missing; only malformed ids give HTTP 400; more than
250 ids in a GET are cut off without a word; an address over 8,000 characters gives HTTP 414.
It writes down every call, and every breach of the rules (`violations`).
"""

from __future__ import annotations

import argparse
import json
import random
import re
import socket
import struct
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape

SEARCH_CAP = 9_999  # NCBI: "ESearch can only retrieve the first 9,999 records"
GET_IDS = 250  # ids past this in a GET are lost, as was reported of NCBI
LONGEST_ADDRESS = 8_000

FAULTS = (
    "429",
    "429 retry-after",
    "429 date",
    "500",
    "502",
    "503",
    "400 timeout",
    "400 gateway",
    "error element",
    "html",
    "empty",
    "cut",  # the body ends early, and Content-Length agrees with the cut body
    "cut length",  # the body ends before what Content-Length promised
    "reset",  # the connection is reset inside the body
    "drip",  # the body comes a few bytes at a time, never ending
    "hang",  # no answer at all
    "json control",  # a JSON error with raw control characters in it
)


# ------------------------------------------------------------------------------------- records


@dataclass(frozen=True)
class Item:
    """One invented PubMed record as this server holds it."""

    pmid: int
    title: str
    abstract: tuple[tuple[str, str], ...]  # (label, text)
    created: date  # crdt
    modified: date  # mdat
    entered: date | None = None  # edat where NCBI set it back to the publication date
    journal: str = "Journal of Invented Medicine"
    authors: tuple[tuple[str, str], ...] = (("Example", "Ada"),)
    types: tuple[tuple[str, str], ...] = (("D016428", "Journal Article"),)
    mesh: tuple[str, ...] = ("Humans",)
    versions: int = 1
    book: bool = False

    @property
    def entry(self) -> date:
        return self.entered or self.created

    @property
    def words(self) -> str:
        parts = [self.title, self.journal, *self.mesh, *(text for _, text in self.abstract)]
        parts += [f"{last} {fore}" for last, fore in self.authors]
        return " ".join(parts).casefold()

    def xml(self) -> str:
        """The record as EFetch writes it: one element, or one per version."""
        if self.book:
            return self._book_xml()
        return "\n".join(self._article_xml(version) for version in range(1, self.versions + 1))

    def _abstract_xml(self) -> str:
        if not self.abstract:
            return ""
        texts = "".join(
            f'<AbstractText Label="{escape(label)}" NlmCategory="{escape(label)}">'
            f"{escape(text)}</AbstractText>"
            if label
            else f"<AbstractText>{escape(text)}</AbstractText>"
            for label, text in self.abstract
        )
        return f"<Abstract>{texts}</Abstract>"

    def _authors_xml(self) -> str:
        return "".join(
            f'<Author ValidYN="Y"><LastName>{escape(last)}</LastName>'
            f"<ForeName>{escape(fore)}</ForeName><Initials>{escape(fore[:1])}</Initials></Author>"
            for last, fore in self.authors
        )

    def _article_xml(self, version: int) -> str:
        types = "".join(
            f'<PublicationType UI="{ui}">{escape(name)}</PublicationType>'
            for ui, name in self.types
        )
        mesh = "".join(
            f'<MeshHeading><DescriptorName UI="D{index:06d}" MajorTopicYN="N">{escape(name)}'
            "</DescriptorName></MeshHeading>"
            for index, name in enumerate(self.mesh, 6801)
        )
        return f"""<PubmedArticle>
<MedlineCitation Status="MEDLINE" Owner="NLM" IndexingMethod="Automated">
<PMID Version="{version}">{self.pmid}</PMID>
<DateRevised>{_ymd(self.modified)}</DateRevised>
<Article PubModel="Print"><Journal><ISSN IssnType="Print">0000-0000</ISSN>
<JournalIssue CitedMedium="Print"><Volume>1</Volume><Issue>{version}</Issue>
<PubDate>{_ymd(self.created)}</PubDate></JournalIssue>
<Title>{escape(self.journal)}</Title><ISOAbbreviation>J Invent Med</ISOAbbreviation></Journal>
<ArticleTitle>{escape(self.title)}</ArticleTitle>
<Pagination><MedlinePgn>1-9</MedlinePgn></Pagination>
{self._abstract_xml()}
<AuthorList CompleteYN="Y">{self._authors_xml()}</AuthorList>
<Language>eng</Language><PublicationTypeList>{types}</PublicationTypeList></Article>
<MedlineJournalInfo><Country>England</Country><MedlineTA>J Invent Med</MedlineTA>
<NlmUniqueID>0000001</NlmUniqueID></MedlineJournalInfo>
<CitationSubset>IM</CitationSubset><MeshHeadingList>{mesh}</MeshHeadingList></MedlineCitation>
<PubmedData><History>
<PubMedPubDate PubStatus="pubmed">{_ymd(self.created)}</PubMedPubDate>
<PubMedPubDate PubStatus="entrez">{_ymd(self.created)}</PubMedPubDate>
</History><PublicationStatus>ppublish</PublicationStatus><ArticleIdList>
<ArticleId IdType="pubmed">{self.pmid}</ArticleId>
<ArticleId IdType="doi">10.9999/invented.{self.pmid}</ArticleId>
</ArticleIdList></PubmedData></PubmedArticle>"""

    def _book_xml(self) -> str:
        return f"""<PubmedBookArticle><BookDocument>
<PMID Version="1">{self.pmid}</PMID>
<ArticleIdList><ArticleId IdType="bookaccession">NBK{self.pmid}</ArticleId></ArticleIdList>
<Book><Publisher><PublisherName>Invented Press</PublisherName>
<PublisherLocation>Nowhere</PublisherLocation></Publisher>
<BookTitle book="invented">The Invented Handbook</BookTitle>
<PubDate>{_ymd(self.created)}</PubDate><Medium>Internet</Medium></Book>
<ArticleTitle book="invented" part="p{self.pmid}">{escape(self.title)}</ArticleTitle>
<Language>eng</Language><PublicationType UI="D016454">Review</PublicationType>
{self._abstract_xml()}
<ContributionDate>{_ymd(self.created)}</ContributionDate>
<DateRevised>{_ymd(self.modified)}</DateRevised></BookDocument>
<PubmedBookData><History><PubMedPubDate PubStatus="pubmed">{_ymd(self.created)}</PubMedPubDate>
</History><PublicationStatus>ppublish</PublicationStatus><ArticleIdList>
<ArticleId IdType="pubmed">{self.pmid}</ArticleId></ArticleIdList></PubmedBookData>
</PubmedBookArticle>"""


def _ymd(day: date) -> str:
    return f"<Year>{day.year}</Year><Month>{day.month:02d}</Month><Day>{day.day:02d}</Day>"


_DRUGS = ("velotril", "panzamab", "oxivane", "curatine", "lumipril", "tesavir", "nordazole")
_ILLS = ("asthma", "migraine", "gout", "sepsis", "psoriasis", "stroke", "lupus", "anaemia")
_SHAPES: tuple[tuple[str, str, str, tuple[str, str] | None], ...] = (
    (
        "{drug} for {ill}: a randomised controlled trial",
        "Patients with {ill} were randomly allocated to {drug} or placebo in a double-blind trial.",
        (
            "{n} patients were randomised; relapse was less common with {drug} "
            "(hazard ratio 0.{hr}, 95% CI 0.{low} to 0.{high})."
        ),
        ("D016449", "Randomized Controlled Trial"),
    ),
    (
        "{drug} and the risk of {ill}: a prospective cohort study",
        "We followed a cohort of adults who took {drug} for ten years.",
        "Among {n} participants, {drug} was associated with {ill}.",
        None,
    ),
    (
        "{ill} after {drug}: a case report",
        "We report a 54-year-old woman who presented with {ill} after taking {drug}.",
        "She recovered after {drug} was stopped.",
        ("D002363", "Case Reports"),
    ),
    (
        "{drug} in {ill}: a systematic review and meta-analysis",
        "We searched three databases for randomised trials of {drug} in {ill}.",
        "Fourteen trials ({n} patients) were pooled; the risk ratio was 0.{hr}.",
        ("D017418", "Meta-Analysis"),
    ),
    (
        "Advances in the treatment of {ill}",
        "This review discusses what is known about {drug} in {ill}.",
        "Several questions remain open.",
        ("D016454", "Review"),
    ),
)


def invented(pmid: int, created: date, *, seed: int = 0) -> Item:
    """The record that this server invents for a PMID: always the same for the same arguments."""
    # A generator of its own per record keeps a record the same whatever else the library holds.
    dice = random.Random(f"{seed}/{pmid}")
    title, methods, results, kind = dice.choice(_SHAPES)
    values = {
        "drug": dice.choice(_DRUGS),
        "ill": dice.choice(_ILLS),
        "n": dice.randint(20, 4000),
        "hr": dice.randint(50, 90),
        "low": dice.randint(30, 49),
        "high": dice.randint(91, 99),
    }
    return Item(
        pmid=pmid,
        title=title.format(**values).capitalize() + ".",
        abstract=(("METHODS", methods.format(**values)), ("RESULTS", results.format(**values))),
        created=created,
        modified=created,
        authors=((f"Author{dice.randint(1, 400)}", dice.choice("ABCDEFG") + "."),),
        types=(("D016428", "Journal Article"), kind) if kind else (("D016428", "Journal Article"),),
        mesh=("Humans", values["ill"].capitalize()),
    )


class Library:
    """The records behind the server. They can be added, revised and deleted while it runs."""

    def __init__(self, items: Iterable[Item] = ()) -> None:
        self._lock = threading.Lock()
        self._items = {item.pmid: item for item in items}
        self.poison: set[int] = set()  # any batch that holds one of these fails with HTTP 500
        self.malformed: set[int] = set()  # come as XML that cannot be read as a record
        self.extra: list[int] = []  # come with every EFetch, asked for or not

    @classmethod
    def generate(
        cls,
        count: int,
        *,
        seed: int = 0,
        first_pmid: int = 30_000_001,
        first_day: date = date(2024, 1, 1),
        last_day: date = date(2024, 3, 31),
        pmids: Iterable[int] = (),
    ) -> Library:
        """`count` records, PMIDs and days of creation rising together, plus those in `pmids`."""
        days = (last_day - first_day).days
        items = [
            invented(
                first_pmid + n,
                first_day + timedelta(days=n * (days + 1) // max(count, 1)),
                seed=seed,
            )
            for n in range(count)
        ]
        items += [invented(pmid, last_day, seed=seed) for pmid in pmids]
        return cls(items)

    def add(self, *items: Item) -> None:
        with self._lock:
            for item in items:
                self._items[item.pmid] = item

    def revise(self, pmid: int, *, on: date, **changes: Any) -> Item:
        """A new revision of a record: `changes` are fields of `Item`."""
        with self._lock:
            item = replace(self._items[pmid], modified=on, **changes)
            self._items[pmid] = item
            return item

    def delete(self, pmid: int) -> None:
        with self._lock:
            del self._items[pmid]

    @property
    def pmids(self) -> list[int]:
        with self._lock:
            return sorted(self._items)

    def items(self) -> list[Item]:
        with self._lock:
            return sorted(self._items.values(), key=lambda item: -item.pmid)

    def get(self, pmid: int) -> Item | None:
        with self._lock:
            return self._items.get(pmid)


# --------------------------------------------------------------------------- the term language

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<open>\() | (?P<close>\)) |
        (?P<value>"[^"]*"|[^\s()\[\]":]+) \s* (?P<field>\[[^\]]*\])? |
        (?P<colon>:)
    )""",
    re.VERBOSE,
)
_DATE_FIELDS = {
    "crdt": "created",
    "edat": "entry",
    "pdat": "entry",
    "dp": "entry",
    "mdat": "modified",
    "lr": "modified",
}
_FIELDS = {"tiab", "ti", "title", "all", "all fields", "mh", "mesh", "au", "ta", "journal", "pt"}

Test = Callable[[Item], bool]


class Term:
    """One search term: words, phrases, field tags, AND OR NOT, brackets, dates and PMID ranges."""

    def __init__(self, text: str, library: Library) -> None:
        self.phrases_not_found: list[str] = []
        self.fields_not_found: list[str] = []
        self._items = library.items()
        self._tokens: list[tuple[str, str, str]] = []
        at = 0
        text = text.strip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:  # a stray bracket: PubMed ignores it too
                at += 1
                continue
            at = match.end()
            if match["value"]:
                tag = (match["field"] or "").strip("[]").casefold()
                self._tokens.append(("value", match["value"], tag))
            else:
                self._tokens.append((match.lastgroup or "", "", ""))
        self._test = self._expression()

    def hits(self) -> list[Item]:
        return [item for item in self._items if self._test(item)]

    def _peek(self) -> tuple[str, str, str]:
        return self._tokens[0] if self._tokens else ("end", "", "")

    def _expression(self) -> Test:
        left = self._operand()
        while True:
            kind, value, tag = self._peek()
            if kind in ("end", "close"):
                return left
            word = value if kind == "value" and not tag else ""
            if word in ("AND", "OR", "NOT"):
                self._tokens.pop(0)
            left = _joined(word, left, self._operand())

    def _operand(self) -> Test:
        kind, value, tag = self._tokens.pop(0) if self._tokens else ("end", "", "")
        if kind == "open":
            inside = self._expression()
            if self._tokens:
                self._tokens.pop(0)
            return inside
        if kind != "value":
            return lambda item: True
        if self._peek()[0] == "colon":
            self._tokens.pop(0)
            _, last, last_tag = self._tokens.pop(0)
            return self._range(value.strip('"'), last.strip('"'), last_tag or tag)
        return self._match(value, tag)

    def _range(self, first: str, last: str, tag: str) -> Test:
        if tag in ("uid", "pmid"):
            low, high = int(first), int(last)
            return lambda item: low <= item.pmid <= high
        attribute = _DATE_FIELDS.get(tag)
        if attribute is None:
            self.fields_not_found.append(tag)
            return lambda item: False
        earliest, latest = _day(first), _day(last, end=True)
        return lambda item: earliest <= getattr(item, attribute) <= latest

    def _match(self, value: str, tag: str) -> Test:
        phrase = value.strip('"').casefold()
        if tag in ("uid", "pmid") or (not tag and phrase.isdigit() and len(phrase) > 3):
            return lambda item: str(item.pmid) == phrase
        if tag in _DATE_FIELDS:
            return self._range(phrase, phrase, tag)
        if tag and tag not in _FIELDS:
            self.fields_not_found.append(tag)
        pattern = re.compile(
            r"\b" + re.escape(phrase.rstrip("*")) + ("" if phrase.endswith("*") else r"\b")
        )

        def test(item: Item) -> bool:
            if tag in ("ti", "title"):
                return bool(pattern.search(item.title.casefold()))
            if tag == "pt":
                return any(name.casefold() == phrase for _, name in item.types)
            return bool(pattern.search(item.words))

        if not any(test(item) for item in self._items):
            self.phrases_not_found.append(value + (f"[{tag}]" if tag else ""))
        return test


def _joined(word: str, left: Test, right: Test) -> Test:
    if word == "OR":
        return lambda item: left(item) or right(item)
    if word == "NOT":
        return lambda item: left(item) and not right(item)
    return lambda item: left(item) and right(item)


def _day(text: str, *, end: bool = False) -> date:
    parts = [int(part) for part in re.split(r"[/-]", text) if part]
    if len(parts) == 3:
        return date(min(parts[0], 9999), parts[1], parts[2])
    year, month = parts[0], parts[1] if len(parts) == 2 else (12 if end else 1)
    if not end:
        return date(year, month, 1)
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


# ---------------------------------------------------------------------------------- the server


@dataclass(frozen=True)
class Call:
    """One call as the server saw it."""

    at: float  # time.monotonic()
    method: str
    utility: str  # "esearch" …
    params: dict[str, str]
    fault: str | None  # the failure it was answered with
    status: int | None = None


@dataclass
class Answer:
    status: int
    body: bytes
    content_type: str = "text/xml; charset=UTF-8"
    headers: dict[str, str] = field(default_factory=dict)


class EutilsServer:
    """E-utilities on a free port of 127.0.0.1.

    `rate`, `rate_with_key`: calls allowed in any second. `failure_rate`: the share of calls that
    fail, each in one way of `faults`, chosen at random from `seed`. `patience`: seconds that "hang"
    and "drip" go on. `latency`: seconds before each answer. `api_keys`: when given, any other key
    is refused as invalid.
    """

    def __init__(
        self,
        library: Library | None = None,
        *,
        port: int = 0,
        rate: int = 3,
        rate_with_key: int = 10,
        failure_rate: float = 0.0,
        faults: Iterable[str] = FAULTS,
        seed: int = 0,
        patience: float = 30.0,
        history_seconds: float = 8 * 3600,
        api_keys: Iterable[str] | None = None,
        search_cap: int = SEARCH_CAP,
        latency: float = 0.0,
    ) -> None:
        self.library = library if library is not None else Library()
        self.rate = rate
        self.rate_with_key = rate_with_key
        self.failure_rate = failure_rate
        self.faults = tuple(faults)
        self.patience = patience
        self.history_seconds = history_seconds
        self.api_keys = None if api_keys is None else frozenset(api_keys)
        self.search_cap = search_cap
        self.latency = latency
        self.retry_after = 1  # seconds that the "429 retry-after" and "429 date" faults ask for
        self.always: str | None = None  # a fault that every call meets until it is taken away
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self._dice = random.Random(seed)
        self._lock = threading.Lock()
        self._next: deque[str | None] = deque()
        self._seen: dict[str, deque[float]] = defaultdict(deque)
        self._history: dict[tuple[str, str], tuple[float, list[int]]] = {}
        self._stopping = threading.Event()
        self._http = _HTTPServer(("127.0.0.1", port), _Handler)
        self._http.eutils = self
        self._thread: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/entrez/eutils/"

    def __enter__(self) -> EutilsServer:
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._http.shutdown()
        self._http.server_close()
        if self._thread is not None:
            self._thread.join()

    def serve_forever(self) -> None:
        self._http.serve_forever()

    def fail_next(self, *faults: str | None) -> None:
        """The next calls fail in these ways, in this order; None lets one through."""
        with self._lock:
            self._next.extend(faults)

    def calls_of(self, utility: str) -> list[Call]:
        return [call for call in self.calls if call.utility == utility]

    # -- answering

    def handle(self, handler: _Handler, method: str, target: str, body: bytes) -> None:
        now = time.monotonic()
        address = urlsplit(target)
        utility = address.path.rsplit("/", 1)[-1].removesuffix(".fcgi")
        params = dict(parse_qsl(address.query, keep_blank_values=True))
        params |= dict(parse_qsl(body.decode(), keep_blank_values=True))
        refused = self._check(now, handler, method, params)
        with self._lock:
            fault = self._fault() if refused is None else None
            self.calls.append(Call(now, method, utility, params, fault))
        if self.latency:
            self._stopping.wait(self.latency)
        if refused is not None:
            handler.send(refused)
        elif len(target) > LONGEST_ADDRESS:
            self._breach(f"address of {len(target)} characters")
            handler.send(
                Answer(414, b"<html><h1>414 Request-URI Too Large</h1></html>", "text/html")
            )
        elif fault is not None:
            self._fail(handler, fault, lambda: self._answer(utility, method, params))
        else:
            handler.send(self._answer(utility, method, params))

    def _fault(self) -> str | None:
        if self._next:
            return self._next.popleft()
        if self.always is not None:
            return self.always
        if self.faults and self._dice.random() < self.failure_rate:
            return self._dice.choice(self.faults)
        return None

    def _breach(self, what: str) -> None:
        with self._lock:
            self.violations.append(what)

    def _check(
        self, now: float, handler: _Handler, method: str, params: dict[str, str]
    ) -> Answer | None:
        """What NCBI asks of every call: who is calling, and not too often."""
        for name in ("tool", "email", "db", "retmode"):
            if not params.get(name):
                self._breach(f"{name} missing in {method} {sorted(params)}")
        key = params.get("api_key")
        if key is not None and self.api_keys is not None and key not in self.api_keys:
            return _json_answer(
                400, {"error": "API key invalid", "api-key": key, "type": "api-key"}
            )
        client = key or handler.client_address[0]
        limit = self.rate_with_key if key else self.rate
        with self._lock:
            seen = self._seen[client]
            while seen and seen[0] <= now - 1.0:
                seen.popleft()
            seen.append(now)
            count = len(seen)
        if count <= limit:
            return None
        self._breach(f"{count} calls in a second, {limit} allowed")
        return self._over_limit(client, count, limit)

    def _over_limit(self, client: str, count: int, limit: int) -> Answer:
        return _json_answer(
            429,
            {
                "error": "API rate limit exceeded",
                "api-key": client,
                "count": str(count),
                "limit": str(limit),
            },
            {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": "0"},
        )

    def _fail(self, handler: _Handler, fault: str, answer: Callable[[], Answer]) -> None:
        match fault:
            case "429" | "429 retry-after" | "429 date":
                refusal = self._over_limit(handler.client_address[0], 4, 3)
                if fault == "429 retry-after":
                    refusal.headers["Retry-After"] = str(self.retry_after)
                elif fault == "429 date":
                    refusal.headers["Retry-After"] = handler.date_time_string(
                        int(time.time()) + self.retry_after
                    )
                handler.send(refusal)
            case "500":
                handler.send(
                    Answer(500, b'{"error":"error forwarding request"}', "application/json")
                )
            case "502":
                handler.send(
                    Answer(502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", "text/html")
                )
            case "503":
                handler.send(Answer(503, b"Service Unavailable", "text/plain"))
            case "400 timeout":
                handler.send(
                    Answer(400, b"<ERROR>Read timed out while calling the backend</ERROR>")
                )
            case "400 gateway":
                handler.send(
                    Answer(400, b'{"error":"502 Bad Gateway from upstream"}', "application/json")
                )
            case "error element":
                handler.send(
                    Answer(
                        200,
                        b'<?xml version="1.0" ?>\n<eSearchResult><ERROR>Search Backend failed: '
                        b"temporarily unable to process the request</ERROR></eSearchResult>",
                    )
                )
            case "html":
                handler.send(
                    Answer(
                        200,
                        b"<!DOCTYPE html>\n<html><head><title>NCBI - maintenance</title></head>"
                        b"<body>We will be back soon.</body></html>",
                        "text/html",
                    )
                )
            case "empty":
                handler.send(Answer(200, b""))
            case "cut":
                whole = answer()
                handler.send(replace(whole, body=whole.body[: len(whole.body) * 2 // 3]))
            case "cut length":
                handler.send(answer(), part=0.5)
            case "reset":
                handler.send(answer(), part=0.5, reset=True)
            case "drip":
                handler.drip(answer(), self._stopping, self.patience)
            case "hang":
                self._stopping.wait(self.patience)
                handler.close_connection = True
            case "json control":
                handler.send(
                    Answer(200, b'{"error":"cannot \x02read\x0b the\nbackend"}', "application/json")
                )
            case _:
                raise ValueError(f"no such fault: {fault}")

    def _answer(self, utility: str, method: str, params: dict[str, str]) -> Answer:
        match utility:
            case "esearch":
                return self._esearch(params)
            case "efetch":
                return self._efetch(method, params)
            case "esummary":
                return self._esummary(params)
            case "einfo":
                return Answer(
                    200,
                    b'<?xml version="1.0" encoding="UTF-8" ?>\n<eInfoResult><DbInfo>'
                    b"<DbName>pubmed</DbName><Count>"
                    + str(len(self.library.pmids)).encode()
                    + b"</Count></DbInfo></eInfoResult>",
                )
        return Answer(404, b"<html><h1>404 Not Found</h1></html>", "text/html")

    def _esearch(self, params: dict[str, str]) -> Answer:
        as_json = params.get("retmode") == "json"
        term = params.get("term", "")
        if not term.strip():
            return _search_error("Empty term and query_key - nothing todo", as_json)
        if bool(params.get("mindate")) != bool(params.get("maxdate")):
            self._breach("mindate without maxdate")
        parsed = Term(term, self.library)
        hits = parsed.hits()
        if params.get("mindate") and params.get("maxdate"):
            attribute = _DATE_FIELDS[params.get("datetype", "edat")]
            first, last = _day(params["mindate"]), _day(params["maxdate"], end=True)
            hits = [item for item in hits if first <= getattr(item, attribute) <= last]
        start, most = int(params.get("retstart", 0)), int(params.get("retmax", 20))
        if start > self.search_cap - 1:
            return _search_error(
                "Search Backend failed: Exception:\n'retstart' cannot be larger than 9998. "
                "For PubMed, ESearch can only retrieve the first 9,999 records matching the "
                "query.",
                as_json,
            )
        page = hits[start : min(start + most, self.search_cap)]
        history = ""
        if params.get("usehistory") == "y":
            webenv = params.get("WebEnv") or f"MCID_{len(self._history) + 1:08x}"
            query_key = str(sum(env == webenv for env, _ in self._history) + 1)
            self._history[webenv, query_key] = (
                time.monotonic() + self.history_seconds,
                [item.pmid for item in hits],
            )
            history = f"<QueryKey>{query_key}</QueryKey><WebEnv>{webenv}</WebEnv>"
        if as_json:
            return _json_answer(
                200,
                {
                    "header": {"type": "esearch", "version": "0.3"},
                    "esearchresult": {
                        "count": str(len(hits)),
                        "retmax": str(len(page)),
                        "retstart": str(start),
                        "idlist": [str(item.pmid) for item in page],
                        "querytranslation": term,
                    },
                },
            )
        errors = "".join(
            f"<PhraseNotFound>{escape(phrase)}</PhraseNotFound>"
            for phrase in parsed.phrases_not_found
        ) + "".join(
            f"<FieldNotFound>{escape(name)}</FieldNotFound>" for name in parsed.fields_not_found
        )
        notes = "" if hits else "<OutputMessage>No items found.</OutputMessage>"
        return Answer(
            200,
            (
                '<?xml version="1.0" encoding="UTF-8" ?>\n'
                '<!DOCTYPE eSearchResult PUBLIC "-//NLM//DTD esearch 20060628//EN" '
                '"https://eutils.ncbi.nlm.nih.gov/eutils/dtd/20060628/esearch.dtd">\n'
                f"<eSearchResult><Count>{len(hits)}</Count><RetMax>{len(page)}</RetMax>"
                f"<RetStart>{start}</RetStart>{history}<IdList>\n"
                + "".join(f"<Id>{item.pmid}</Id>\n" for item in page)
                + "</IdList><TranslationSet/>"
                f"<QueryTranslation>{escape(term)}</QueryTranslation>"
                + (f"<ErrorList>{errors}</ErrorList>" if errors else "")
                + (f"<WarningList>{notes}</WarningList>" if notes else "")
                + "</eSearchResult>\n"
            ).encode(),
        )

    def _wanted(self, method: str, params: dict[str, str]) -> list[int] | Answer:
        if "WebEnv" in params:
            held = self._history.get((params["WebEnv"], params.get("query_key", "1")))
            if held is None or held[0] < time.monotonic():
                return Answer(
                    400,
                    b'<?xml version="1.0" ?>\n<eFetchResult><ERROR>Unable to obtain query #1'
                    b"</ERROR></eFetchResult>",
                )
            start = int(params.get("retstart", 0))
            return held[1][start : start + int(params.get("retmax", 20))]
        texts = [text.strip() for text in params.get("id", "").split(",") if text.strip()]
        if method == "GET" and len(texts) > GET_IDS:
            self._breach(f"{len(texts)} ids in a GET")
            texts = texts[:GET_IDS]
        pmids = [int(text) for text in texts if text.isdigit() and int(text) < 2**31]
        if not pmids:
            return Answer(
                400,
                b'<?xml version="1.0" ?>\n<eFetchResult><ERROR>ID list is empty! Possibly it has '
                b"no correct IDs.</ERROR></eFetchResult>",
            )
        return list(dict.fromkeys(pmids))

    def _efetch(self, method: str, params: dict[str, str]) -> Answer:
        wanted = self._wanted(method, params)
        if isinstance(wanted, Answer):
            return wanted
        if self.library.poison.intersection(wanted):
            return Answer(500, b'{"error":"error forwarding request"}', "application/json")
        parts = [
            (
                '<?xml version="1.0" ?>\n'
                "<!DOCTYPE PubmedArticleSet PUBLIC "
                '"-//NLM//DTD PubMedArticle, 1st January 2025//EN" '
                '"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">\n'
                "<PubmedArticleSet>\n"
            )
        ]
        for pmid in [*wanted, *self.library.extra]:
            item = self.library.get(pmid)
            if item is None:
                continue
            xml = item.xml()
            if pmid in self.library.malformed:
                xml = xml.replace("</ArticleTitle>", "</ArticleTitel>")
            parts.append(xml + "\n")
        parts.append("</PubmedArticleSet>\n")
        return Answer(200, "".join(parts).encode())

    def _esummary(self, params: dict[str, str]) -> Answer:
        wanted = self._wanted("POST", params)
        if isinstance(wanted, Answer):
            return wanted
        found = [item for pmid in wanted if (item := self.library.get(pmid)) is not None]
        return Answer(
            200,
            (
                '<?xml version="1.0" encoding="UTF-8" ?>\n<eSummaryResult>'
                + "".join(
                    f'<DocSum><Id>{item.pmid}</Id><Item Name="Title" Type="String">'
                    f"{escape(item.title)}</Item></DocSum>"
                    for item in found
                )
                + "</eSummaryResult>"
            ).encode(),
        )


def _json_answer(status: int, value: object, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(value).encode(), "application/json", headers or {})


def _search_error(message: str, as_json: bool) -> Answer:
    if as_json:
        # NCBI does not escape the line break inside the string: not valid JSON, as it really is.
        body = f'{{"esearchresult":{{"ERROR":"{message}"}}}}'
        return Answer(200, body.encode(), "application/json")
    return Answer(
        200,
        f'<?xml version="1.0" encoding="UTF-8" ?>\n<eSearchResult><ERROR>{escape(message)}</ERROR>'
        "</eSearchResult>".encode(),
    )


class _HTTPServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    eutils: EutilsServer

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no fault of the server."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _HTTPServer

    def do_GET(self) -> None:
        self.server.eutils.handle(self, "GET", self.path, b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.eutils.handle(self, "POST", self.path, body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: tests read `calls`."""

    def _head(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        if "Transfer-Encoding" not in answer.headers:
            self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def send(self, answer: Answer, *, part: float = 1.0, reset: bool = False) -> None:
        """Send an answer, or only a part of its body and then hang up (or reset)."""
        self._head(answer)
        self.wfile.write(answer.body[: int(len(answer.body) * part)])
        self.wfile.flush()
        if part < 1.0:
            self.close_connection = True
        if reset:
            # Closing with a linger time of zero sends a RST instead of a FIN.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def drip(self, answer: Answer, stopping: threading.Event, patience: float) -> None:
        """Send a byte now and then, so that no read ever times out, but never finish."""
        self._head(answer)
        self.close_connection = True
        until = time.monotonic() + patience
        for byte in answer.body[:-1]:
            if time.monotonic() > until or stopping.wait(0.05):
                return
            self.wfile.write(bytes([byte]))
            self.wfile.flush()


def main() -> None:
    parser = argparse.ArgumentParser(
        description="A loopback E-utilities server with invented records."
    )
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--records", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--failure-rate", type=float, default=0.0)
    parser.add_argument("--faults", default=",".join(FAULTS), help="comma-separated ways to fail")
    parser.add_argument("--rate", type=int, default=3)
    parser.add_argument("--rate-with-key", type=int, default=10)
    parser.add_argument("--patience", type=float, default=30.0, help="seconds of hang and drip")
    parser.add_argument("--first-day", type=date.fromisoformat, default=date(2024, 1, 1))
    parser.add_argument("--last-day", type=date.fromisoformat, default=None, help="default: today")
    parser.add_argument("--pmids", default="", help="comma-separated PMIDs that also exist")
    options = parser.parse_args()
    library = Library.generate(
        options.records,
        seed=options.seed,
        first_day=options.first_day,
        last_day=options.last_day or date.today(),
        pmids=[int(pmid) for pmid in options.pmids.split(",") if pmid],
    )
    server = EutilsServer(
        library,
        port=options.port,
        rate=options.rate,
        rate_with_key=options.rate_with_key,
        failure_rate=options.failure_rate,
        faults=options.faults.split(","),
        seed=options.seed,
        patience=options.patience,
    )
    print(f"E-utilities at {server.base_url}", flush=True)  # noqa: T201
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
