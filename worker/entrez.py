"""`EntrezClient`: NCBI's E-utilities for PubMed, as one client that owns every rule of the service.

What it takes from Bio.Entrez, and what not (read in 1.88):

* Requests are built by `Bio.Entrez._build_request`: parameters, joined ids, GET or POST. Given
  tool, e-mail and key explicitly, it never looks at Bio.Entrez's module globals, so threads
  cannot disturb each other.
* The transport is our own (requests). `Bio.Entrez._open` has no time-out, retries 429 and 5xx
  without a pause, does not retry the reading of a body, and keeps its limiter in an unlocked
  global; the service address is fixed inside each of its functions.
* Answers are read with lxml. `Bio.Entrez.read` makes folders in the home directory when imported,
  which fails for a service with a read-only home, and downloads a DTD it does not know.

Every call goes through `_call`: one place in the rate limit, one request, the whole body read
within a deadline and checked; only then is it an answer. What goes wrong is one of three things:

_Transient       worth another try: no answer, 429, 5xx, a 400 that hides a time-out, HTML, an
                 ERROR element, an empty or cut body. Tried again with growing, jittered pauses,
                 or as long as Retry-After says
UnusableAnswer   tried to the end, and NCBI did answer: perhaps these records are to blame. A
                 caller may ask for fewer of them, and skip what never comes
EntrezUnavailable, EntrezRejected    stop: NCBI is out of reach; or it refuses the request itself
                 (NoSuchIds: because it knows none of the ids)

The API key is sent in the body of a POST, never in an address, and is taken out of every message,
stored body and exception. No exception of requests leaves this module, not even as a context.
"""

from __future__ import annotations

import html
import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeVar
from urllib.parse import quote, quote_plus, urlsplit

import requests
import tenacity
import urllib3
from Bio.Entrez import _build_request
from loguru import logger
from lxml import etree

from worker.errors import EntrezRejected, EntrezUnavailable
from worker.rate_limit import RateLimiter, Stopped, retry_after_of

__all__ = [
    "BASE_URL",
    "SEARCH_CAP",
    "EntrezClient",
    "NoSuchIds",
    "SearchResult",
    "Stopped",
    "UnusableAnswer",
]

T = TypeVar("T")

BASE_URL = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"
SEARCH_CAP = 9_999  # records of one PubMed query that ESearch gives (NCBI, since 2022)
LIMIT_WITHOUT_KEY = 3  # calls a second (NBK25497)
LIMIT_WITH_KEY = 10

MAX_TRIES = 7
LONGEST_PAUSE = 10.0  # seconds between two tries, when NCBI does not say
LONGEST_RETRY_AFTER = 60.0  # seconds that NCBI may say
CONNECT_TIMEOUT = 10.0  # seconds, or `timeout` if that is shorter
TIMEOUTS_PER_ANSWER = 4  # a whole answer may take this many times `timeout`
LARGEST_ANSWER = 256 * 2**20  # bytes; 200 records are about 2 MB
KEPT_BODY = 64 * 2**10  # bytes of an unusable answer kept for the quarantine

# What NCBI says when the request itself is at fault, so that asking again will not help.
_REFUSALS = re.compile(
    r"api key (?:is )?(?:invalid|not valid)|invalid api key|unknown api key"
    r"|id list is empty|invalid db name|empty term|retstart|cannot be larger than"
    r"|unsupported|not supported parameter|blocked|abuse"
    r"|invalid (?:query|term|field|search|syntax|date|parameter|value|retmode|rettype|uid)"
    r"|syntax error|malformed|unbalanced|unmatched|unknown field",
    re.IGNORECASE,
)
# ... and what it says, also under HTTP 400, when a backend did not do its work.
_PASSING = re.compile(
    r"time[d -]*out|timeout|gateway|forwarding|temporar|unavailable|backend|try again|rate limit"
    r"|overload|reset|internal|database is not supported|obtain query|server error|<html",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_NO_IDS = re.compile(r"id list is empty", re.IGNORECASE)
_ROOT = re.compile(rb"<([A-Za-z_][\w.:-]*)")
_AFTER_ROOT = re.compile(rb"(?:\s|<!--(?:(?!-->).)*-->)*$", re.DOTALL)
_ERROR = re.compile(
    rb"<(ERROR|OutputMessage)\b[^>]*>(.*?)</\1>|<(?:ERROR|OutputMessage)\s*/>", re.DOTALL
)


class UnusableAnswer(EntrezUnavailable):
    """NCBI answered each try, but never with something that could be used.

    `body` holds the last answer, up to 64 kB, without the API key.
    """

    def __init__(self, message: str, body: bytes = b"") -> None:
        super().__init__(message)
        self.body = body


class NoSuchIds(EntrezRejected):
    """NCBI takes none of the ids of a call for one ("ID list is empty")."""


class _Transient(Exception):
    """One try that failed in a way that may pass."""

    def __init__(
        self,
        message: str,
        *,
        answered: bool = True,
        retry_after: float | None = None,
        over_limit: bool = False,
        body: bytes = b"",
    ) -> None:
        super().__init__(message)
        self.answered = answered
        self.retry_after = retry_after
        self.over_limit = over_limit
        self.body = body


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What ESearch found. `count` is how many there are, `pmids` at most as many as asked for."""

    count: int
    pmids: tuple[int, ...]  # newest first, as PubMed lists them
    translation: str = ""  # how PubMed understood the query
    warnings: tuple[str, ...] = ()  # what PubMed ignored or did not find in the query


@dataclass(frozen=True, slots=True)
class _Answer:
    """One HTTP answer, whole or not."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: str | None = None  # why the body is known not to be whole


class EntrezClient:
    """PubMed through E-utilities. Safe to use from several threads; `requests` counts all calls.

    `timeout`: seconds without a sign of life before a try is given up; a whole answer may take four
    times as long. `backoff`: seconds of the first pause between two tries, doubled each time.
    `limiter`: by default one that all clients of the same service and key on this machine share.
    `stop`: ends waits, pauses and calls at once with `Stopped`; may also be given per call.

    Raises ValueError for an empty e-mail address or a `base_url` that is none.
    """

    def __init__(
        self,
        *,
        email: str,
        api_key: str | None = None,
        tool: str = "pubgrade",
        base_url: str = BASE_URL,
        timeout: float = 30.0,
        limiter: RateLimiter | None = None,
        max_tries: int = MAX_TRIES,
        backoff: float = 1.0,
        stop: threading.Event | None = None,
    ) -> None:
        if not email or not email.strip():
            raise ValueError("NCBI asks for an e-mail address with every call: set [entrez] email")
        address = urlsplit(base_url)
        if address.scheme not in ("http", "https") or not address.netloc:
            raise ValueError(f"base_url must be an http(s) address, not {base_url!r}")
        self.base_url = base_url.rstrip("/") + "/"
        self.timeout = timeout
        self.max_tries = max_tries
        self.requests = 0
        self._identity = {"tool": tool, "email": email.strip(), "api_key": api_key or None}
        self._redactor = _Redactor(api_key)
        self._backoff = backoff
        self._stop = stop
        self._limiter = limiter or RateLimiter(
            LIMIT_WITH_KEY if api_key else LIMIT_WITHOUT_KEY,
            name=f"{address.netloc} {api_key or ''}",
        )
        self._counting = threading.Lock()
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"{tool} (Python requests; mailto:{email.strip()})"

    def __repr__(self) -> str:
        return f"EntrezClient(base_url={self.base_url!r})"  # never the key

    def __enter__(self) -> EntrezClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to NCBI."""
        self._session.close()

    def redact(self, text: str) -> str:
        """`text` without the API key."""
        return self._redactor.text(text)

    def search(
        self,
        term: str,
        *,
        mindate: date | str | None = None,
        maxdate: date | str | None = None,
        datetype: str | None = None,
        retmax: int = SEARCH_CAP,
        stop: threading.Event | None = None,
    ) -> SearchResult:
        """Search PubMed. Dates are inclusive; `datetype` is crdt, edat, mdat or pdat.

        `pmids` has exactly `min(count, retmax)` entries; PubMed gives at most 9,999 of a query.

        Raises EntrezRejected when PubMed refuses the query or knows nothing in it,
        EntrezUnavailable when no usable answer came, `Stopped`, ValueError for one date without
        the other.
        """
        if (mindate is None) != (maxdate is None):
            raise ValueError("mindate and maxdate must be given together")
        if not 0 <= retmax <= SEARCH_CAP:
            raise ValueError(f"retmax must be between 0 and {SEARCH_CAP}, not {retmax}")
        params = {"term": term, "retmax": str(retmax), "retstart": "0"}
        if mindate is not None and maxdate is not None:
            params |= {"mindate": _slashed(mindate), "maxdate": _slashed(maxdate)}
            params["datetype"] = datetype or "crdt"
        found, errors = self._call(
            "esearch", params, lambda body: _read_search(body, retmax), None, stop
        )
        if errors and not found.count:
            # A quiet window is no error of the query: only the query as a whole can tell.
            if mindate is not None and self.search(term, retmax=0, stop=stop).count:
                return found
            raise EntrezRejected(
                f"PubMed finds nothing for the query {term!r}: it says {'; '.join(errors)}. "
                "Correct the query (try it at https://pubmed.ncbi.nlm.nih.gov first)."
            )
        return found

    def fetch(
        self,
        pmids: Iterable[int],
        *,
        tries: int | None = None,
        stop: threading.Event | None = None,
    ) -> bytes:
        """Fetch one batch of records as one whole `PubmedArticleSet`; unknown PMIDs are missing.

        At most a few hundred PMIDs; `tries` instead of the client's `max_tries`.

        Raises UnusableAnswer when NCBI answered but never with a whole record set,
        EntrezUnavailable when it did not answer, EntrezRejected when it refuses (NoSuchIds where
        it takes none of these for a PMID), `Stopped`.
        """
        ids = ",".join(str(int(pmid)) for pmid in pmids)
        if not ids:
            raise ValueError("no PMIDs to fetch")
        return self._call("efetch", {"id": ids}, _read_records, tries, stop)

    # -- one call with all its tries

    def _call(
        self,
        utility: str,
        params: dict[str, str],
        read: Callable[[bytes], T],
        tries: int | None,
        stop: threading.Event | None,
    ) -> T:
        stop = stop if stop is not None else self._stop
        most = tries or self.max_tries
        last: _Transient | None = None
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(most),
            wait=self._pause,
            sleep=lambda seconds: _sleep(seconds, stop),
            retry=tenacity.retry_if_exception_type(_Transient),
            before_sleep=lambda state: self._log_retry(utility, state, most),
            reraise=True,
        )
        try:
            result: T = retrying(self._try, utility, params, read, stop)
            return result
        except _Transient as error:
            last = error
        # Raised out here, the exception has no context that could hold more than its message.
        message = (
            f"NCBI gave no usable answer to {utility} ({self.base_url}, {_tries(most)}): {last}. "
            "Try again later; `timeout` and `base_url` are set under [entrez]."
        )
        if last.answered:
            raise UnusableAnswer(message, last.body)
        raise EntrezUnavailable(message)

    def _try(
        self,
        utility: str,
        params: dict[str, str],
        read: Callable[[bytes], T],
        stop: threading.Event | None,
    ) -> T:
        with self._limiter.call(stop):
            with self._counting:
                self.requests += 1
            answer = self._exchange(self._request(utility, params), stop)
        problem: _Transient | EntrezRejected
        try:
            return read(_checked(answer))
        except (_Transient, EntrezRejected) as error:
            problem = error
        body = self._redactor.body(answer.body[:KEPT_BODY])
        message = self.redact(str(problem))
        if isinstance(problem, EntrezRejected):
            raise type(problem)(message)
        if problem.over_limit:
            self._limiter.hold(problem.retry_after or self._backoff)
        raise _Transient(message, retry_after=problem.retry_after, body=body)

    def _request(self, utility: str, params: dict[str, str]) -> requests.PreparedRequest:
        built = _build_request(  # type: ignore[no-untyped-call]
            f"{self.base_url}{utility}.fcgi",
            {"db": "pubmed", "retmode": "xml"} | params | self._identity,
            # With a key always POST: an address stands in logs of servers and proxies.
            post=True if self._identity["api_key"] else None,
        )
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if built.data else {}
        return self._session.prepare_request(
            requests.Request(built.get_method(), built.full_url, headers=headers, data=built.data)
        )

    def _exchange(self, request: requests.PreparedRequest, stop: threading.Event | None) -> _Answer:
        """Send a request and read the whole answer, or raise `_Transient` or `Stopped`.

        The exchange runs in a thread of its own: looking up a name and waiting for a first byte
        cannot be interrupted, but they can be left behind.
        """
        box: list[_Answer | str] = []
        done = threading.Event()
        given_up = threading.Event()
        deadline = time.monotonic() + TIMEOUTS_PER_ANSWER * self.timeout

        def exchange() -> None:
            try:
                box.append(self._receive(request, given_up))
            except (OSError, requests.RequestException, urllib3.exceptions.HTTPError) as error:
                box.append(self.redact(_in_words(error, self.timeout)))
            except Exception as error:  # a bug in a library must not leave the caller waiting
                box.append(self.redact(f"{type(error).__name__}: {error}"))
            finally:
                done.set()

        threading.Thread(target=exchange, name="entrez-call", daemon=True).start()
        try:
            while not done.wait(0.1 if stop is not None else deadline - time.monotonic()):
                if stop is not None and stop.is_set():
                    raise Stopped("stopped while NCBI was answering")
                if time.monotonic() >= deadline:
                    break
        finally:
            given_up.set()
        if not box:
            raise _Transient(
                f"the answer was not complete after {TIMEOUTS_PER_ANSWER * self.timeout:g} s",
                answered=False,
            )
        if isinstance(box[0], str):
            raise _Transient(box[0], answered=False)
        return box[0]

    def _receive(self, request: requests.PreparedRequest, given_up: threading.Event) -> _Answer:
        settings = self._session.merge_environment_settings(request.url, {}, True, None, None)
        with self._session.send(
            request,
            timeout=(min(self.timeout, CONNECT_TIMEOUT), self.timeout),
            # A redirected POST becomes a GET without its ids: whoever moved must be told of here.
            allow_redirects=False,
            **settings,
        ) as response:
            body = bytearray()
            cut: str | None = None
            try:
                # read1 gives what has come, so that a dripping answer is noticed.
                while part := response.raw.read1(2**16, decode_content=True):
                    body += part
                    if len(body) > LARGEST_ANSWER:
                        cut = f"the answer is larger than {LARGEST_ANSWER // 2**20} MB"
                    if cut or given_up.is_set():
                        response.raw.close()
                        break
            except (OSError, urllib3.exceptions.HTTPError) as error:
                cut = f"the answer broke off after {len(body)} bytes ({type(error).__name__})"
            return _Answer(response.status_code, dict(response.headers), bytes(body), cut)

    def _pause(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        pause = min(LONGEST_PAUSE, self._backoff * 2.0 ** (state.attempt_number - 1))
        pause *= random.uniform(0.5, 1.0)  # noqa: S311  -- jitter, so that clients do not march in step
        if isinstance(error, _Transient) and error.retry_after is not None:
            pause = max(pause, min(error.retry_after, LONGEST_RETRY_AFTER))
        return pause

    def _log_retry(self, utility: str, state: tenacity.RetryCallState, most: int) -> None:
        error = state.outcome.exception() if state.outcome else None
        pause = state.next_action.sleep if state.next_action else 0.0
        # One failed try is everyday life; from the second in a row on, people may want to know.
        logger.log(
            "INFO" if state.attempt_number == 1 else "WARNING",
            "NCBI {}: {}; trying again in {:.1f} s ({} of {} tries made)",
            utility,
            error,
            pause,
            state.attempt_number,
            most,
        )


class _Redactor:
    """Takes the API key out of text and bytes, plain and as it stands in addresses."""

    def __init__(self, api_key: str | None) -> None:
        forms = {api_key, quote(api_key), quote_plus(api_key)} if api_key else set()
        self._forms = sorted(forms, key=len, reverse=True)

    def text(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, "[API key]")
        return re.sub(r"(?i)(api[_-]key=)[^&\s'\"]+", r"\1[API key]", text)

    def body(self, body: bytes) -> bytes:
        for form in self._forms:
            body = body.replace(form.encode(), b"[API key]")
        return body


def _sleep(seconds: float, stop: threading.Event | None) -> None:
    if stop is None:
        time.sleep(seconds)
    elif stop.wait(seconds):
        raise Stopped("stopped while waiting to try again")


def _tries(count: int) -> str:
    return "1 try" if count == 1 else f"{count} tries"


def _slashed(day: date | str) -> str:
    return str(day).replace("-", "/")


def _in_words(error: Exception, timeout: float) -> str:
    """What went wrong on the way to NCBI, without the addresses that libraries put in."""
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        reason = getattr(cause, "reason", None)
        nested = reason if isinstance(reason, BaseException) else None
        cause = nested or next((a for a in cause.args if isinstance(a, BaseException)), None)
    match error:
        case requests.exceptions.ReadTimeout():
            return f"no answer within {timeout:g} s"
        case requests.exceptions.ConnectTimeout():
            return "no connection (time-out while connecting)"
        case requests.exceptions.ProxyError():
            return "the proxy could not be reached"
        case requests.exceptions.SSLError():
            return f"no secure connection ({_plain(str(causes[-1]))})"
    names = {type(found).__name__ for found in causes}
    if "NameResolutionError" in names or "gaierror" in names:
        return "the host name could not be looked up (is this machine online?)"
    if "ConnectionRefusedError" in names or "refused" in str(causes[-1]):
        return "connection refused"
    return f"the connection failed ({_plain(str(causes[-1])) or type(causes[-1]).__name__})"


# ------------------------------------------------------------------------------ reading answers


def _checked(answer: _Answer) -> bytes:
    """The body of an answer that is whole and no error; else `_Transient` or EntrezRejected."""
    said = _said(answer.body)
    retry_after = retry_after_of(answer.headers.get("Retry-After"))
    status = answer.status
    if status == 429 or (
        answer.body.lstrip().startswith(b"{") and "rate limit exceeded" in said.lower()
    ):
        raise _Transient(
            f"over the rate limit ({said or 'HTTP 429'})", retry_after=retry_after, over_limit=True
        )
    if 300 <= status < 400:
        raise _Transient(
            f"HTTP {status}, moved to {answer.headers.get('Location', 'nowhere')}; "
            "is base_url right?"
        )
    if status >= 500 or status == 408:
        raise _Transient(f"HTTP {status}{': ' + said if said else ''}", retry_after=retry_after)
    if status >= 400:
        _raise_refusal(f"HTTP {status}{': ' + said if said else ''}", said, status)
    if answer.cut:
        raise _Transient(answer.cut)
    body = answer.body.strip().removeprefix(b"\xef\xbb\xbf")
    if not body:
        raise _Transient("an empty answer")
    kind = answer.headers.get("Content-Type", "").lower()
    if b"<html" in body[:1000].lower() or b"<!doctype html" in body[:1000].lower():
        raise _Transient(f"an HTML page instead of data ({said})" if said else "an HTML page")
    if body.startswith(b"{"):
        _raise_refusal(f"an error instead of data: {said}", said, status)
    if not body.startswith(b"<"):
        raise _Transient(f"not XML ({kind or 'no content type'}): {_plain(_decoded(body[:200]))}")
    return body


def _raise_refusal(message: str, said: str, status: int) -> None:
    """Raise what an error answer means: a refusal only where NCBI clearly says so."""
    passing = _PASSING.search(said)
    if _REFUSALS.search(said) and not passing:
        hint = " Check [entrez] api_key." if "api key" in said.lower() else ""
        kind = NoSuchIds if _NO_IDS.search(said) else EntrezRejected
        raise kind(f"NCBI refuses the request: {message.rstrip('.')}.{hint}")
    if status in (401, 403, 404, 405, 410, 414) and not (passing and status == 403):
        raise EntrezRejected(f"NCBI refuses the request: {message}. Check [entrez] base_url.")
    raise _Transient(message)


def _root_name(body: bytes) -> bytes:
    """Name of the outermost element: the first tag that is no declaration, doctype or comment."""
    found = _ROOT.search(body)
    return found[1] if found else b""


def _check_closed(body: bytes, root: bytes) -> None:
    end = max(body.rfind(b"</" + root), body.rfind(b"<" + root))
    tag = re.compile(rb"</" + re.escape(root) + rb"\s*>|<" + re.escape(root) + rb"\b[^>]*/>")
    if end >= 0 and (found := tag.match(body, end)) and _AFTER_ROOT.match(body, found.end()):
        return
    raise _Transient(f"the answer is cut: {root.decode()} is not closed ({len(body)} bytes)")


def _read_records(body: bytes) -> bytes:
    root = _root_name(body)
    # Text of a record cannot hold a bare "<ERROR>": there it is written "&lt;ERROR&gt;".
    if (error := _ERROR.search(body)) is not None:
        said = _plain(_decoded(error[2] or b""))
        _raise_refusal(f"an error instead of records: {said}", said, 200)
    if root not in (b"PubmedArticleSet", b"PubmedBookArticleSet"):
        raise _Transient(f"no PubmedArticleSet but {root.decode() or 'no element'}")
    _check_closed(body, root)
    return body


def _read_search(body: bytes, retmax: int) -> tuple[SearchResult, list[str]]:
    """The result, and what PubMed could not make sense of in the query."""
    root = _root_name(body)
    if root == b"eSearchResult":
        _check_closed(body, root)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True
    )
    try:
        tree = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise _Transient(f"a search result that is not XML: {_plain(str(error))}") from None
    texts = [_plain(node.text or "") for node in tree.iter("ERROR")]
    if texts:
        said = "; ".join(texts)
        _raise_refusal(f"an error instead of a search result: {said}", said, 200)
    count = tree.findtext("Count") or ""
    if tree.tag != "eSearchResult" or not count.isdigit():
        raise _Transient(f"no search result but {tree.tag}")
    try:
        pmids = tuple(int(node.text or "") for node in tree.findall("IdList/Id"))
    except ValueError:
        raise _Transient("a search result with an id that is no number") from None
    if len(pmids) != min(int(count), retmax):
        raise _Transient(
            f"a search result of {count} records that lists {len(pmids)} "
            f"where {min(int(count), retmax)} were asked for"
        )
    errors = [_problem(node) for node in tree.iterfind("ErrorList/*")]
    notes = [_problem(node) for node in tree.iterfind("WarningList/*")]
    return (
        SearchResult(int(count), pmids, tree.findtext("QueryTranslation") or "", (*errors, *notes)),
        errors,
    )


_PROBLEMS = {
    "PhraseNotFound": "phrase not found: {}",
    "FieldNotFound": "unknown search field: {}",
    "PhraseIgnored": "phrase ignored: {}",
    "QuotedPhraseNotFound": "quoted phrase not found: {}",
    "OutputMessage": "{}",
}


def _problem(node: etree._Element) -> str:
    return _PROBLEMS.get(str(node.tag), f"{node.tag}: {{}}").format(_plain(node.text or ""))


def _decoded(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _plain(text: str) -> str:
    """One short line without markup and control characters."""
    text = html.unescape(re.sub(r"<(?:script|style).*?</(?:script|style)>|<[^>]*>", " ", text))
    return " ".join(_CONTROL.sub(" ", text).split())[:300]


def _said(body: bytes) -> str:
    """What an answer says to people: the error text of JSON, XML or HTML; "" for records."""
    start = body.lstrip()[:4096]
    if start.startswith(b"{"):
        try:
            # NCBI puts raw control characters into its JSON: strict=False lets them pass.
            value = json.loads(_decoded(body), strict=False)
        except ValueError:
            value = None
        if isinstance(value, dict):
            inner = value.get("esearchresult", value)
            inner = inner if isinstance(inner, dict) else value
            for key in ("error", "ERROR", "message"):
                if inner.get(key):
                    return _plain(str(inner[key]))
        return _plain(_decoded(start))
    if (error := _ERROR.search(start)) is not None:
        return _plain(_decoded(error[2] or b""))
    if start.startswith((b"<?xml", b"<Pubmed")):
        return ""
    return _plain(_decoded(start))
