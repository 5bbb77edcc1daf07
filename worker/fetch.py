"""`fetch_articles`: PMIDs become parsed records, batch by batch, and nothing is lost on the way.

Every PMID asked for ends in exactly one of three places: it came (`parsed`), it is not in PubMed
(`missing`), or what NCBI gives for it cannot be used (`failed`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from itertools import chain, count, islice

from loguru import logger

from worker.entrez import EntrezClient, NoSuchIds, Stopped, UnusableAnswer
from worker.errors import EntrezError, EntrezUnavailable
from worker.parsed import MalformedRecord, Parsed, ParsedArticle
from worker.pubmed_xml import read_pubmed_xml

BATCH_SIZE = 200

# A batch that fails has already been tried as often as the client tries; its parts tell only who is
# to blame. A single record gets more tries than a part, since it is quarantined if they fail.
_TRIES_OF_A_PART = 3
_TRIES_OF_ONE = 5
_TRIES_OF_A_PROBE = 3


@dataclass(frozen=True, slots=True)
class FetchedBatch:
    """What became of the PMIDs of one batch. No PMID is in two of the three places."""

    asked: tuple[int, ...]
    parsed: tuple[Parsed, ...]  # articles; several for a PMID that came in several versions
    missing: tuple[int, ...]  # NCBI does not know them: absence alone does not prove deletion
    failed: tuple[MalformedRecord, ...]  # for the quarantine, with PMID, bytes and reason


def fetch_articles(
    client: EntrezClient,
    pmids: Iterable[int],
    *,
    batch_size: int = BATCH_SIZE,
    stop: threading.Event | None = None,
) -> Iterator[FetchedBatch]:
    """Fetch records in batches of `batch_size`; one batch at a time is held in memory.

    A batch that NCBI does not give whole is halved until the bad record is alone. Once `stop` is
    set no further batch is begun, and the batch in hand is given up if it is waiting for NCBI.

    Raises EntrezUnavailable when it is NCBI that fails and not a record, EntrezRejected when NCBI
    refuses. The batches yielded until then are whole.
    """
    todo = iter(pmids)
    good: int | None = None
    while batch := tuple(dict.fromkeys(islice(todo, batch_size))):
        if stop is not None and stop.is_set():
            return
        fetching = _Fetching(client, stop, good)
        try:
            fetching.resolve(batch, _TRIES_OF_ONE if len(batch) == 1 else None)
        except Stopped:
            return
        good = fetching.good
        yield FetchedBatch(
            asked=batch,
            parsed=tuple(fetching.articles),
            missing=tuple(pmid for pmid in batch if pmid in fetching.missing),
            failed=tuple(fetching.failed.values()),
        )


@dataclass
class _Fetching:
    """One batch on its way, with what has become of its PMIDs so far."""

    client: EntrezClient
    stop: threading.Event | None
    good: int | None  # a PMID that came without trouble, to tell a bad record from a bad hour
    articles: list[ParsedArticle] = field(default_factory=list)
    missing: set[int] = field(default_factory=set)
    failed: dict[int, MalformedRecord] = field(default_factory=dict)

    def resolve(self, pmids: tuple[int, ...], tries: int | None) -> None:
        """Find a place for each of these PMIDs."""
        try:
            body = self.client.fetch(pmids, tries=self._at_most(tries), stop=self.stop)
        except NoSuchIds as error:
            self._probe(pmids, error)  # whose ids never arrive gets the same answer for any
            self.missing.update(pmids)
            return
        except EntrezUnavailable as error:
            # Whole batches and single records get a second opinion; what lies between does not
            # need one, since a single record stands at the end of every halving.
            if tries != _TRIES_OF_A_PART:
                self._probe(pmids, error)
            if len(pmids) == 1:
                raw = error.body if isinstance(error, UnusableAnswer) else b""
                self.failed[pmids[0]] = MalformedRecord(raw, str(error), pmids[0])
            else:
                logger.warning(
                    "EFetch of {} records fails though NCBI answers; halving", len(pmids)
                )
                self._halve(pmids)
            return

        malformed, broken = self._take(body, set(pmids))
        came = {item.article.pmid for item in self.articles}
        rest = tuple(pmid for pmid in pmids if pmid not in came)
        if not rest:
            return
        if not malformed and not broken:
            self.missing.update(rest)
        elif len(pmids) == 1:
            record = malformed[0] if malformed else MalformedRecord(body, broken)
            self.failed[pmids[0]] = MalformedRecord(record.raw, record.error, pmids[0])
        else:
            # The bytes may have been damaged on the way: each suspect is asked for again, alone.
            named = {record.pmid for record in malformed}.intersection(rest)
            others = tuple(pmid for pmid in rest if pmid not in named)
            if len(named) < len(malformed) or broken:
                self._halve(others)
            else:
                self.missing.update(others)
            for pmid in rest:
                if pmid in named:
                    self.resolve((pmid,), _TRIES_OF_ONE)

    def _halve(self, pmids: tuple[int, ...]) -> None:
        middle = (len(pmids) + 1) // 2
        for part in (pmids[:middle], pmids[middle:]):
            if part:
                self.resolve(part, _TRIES_OF_ONE if len(part) == 1 else _TRIES_OF_A_PART)

    def _take(self, body: bytes, asked: set[int]) -> tuple[list[MalformedRecord], str]:
        """Keep the articles that were asked for; return the malformed records and why it broke."""
        malformed: list[MalformedRecord] = []
        broken = ""
        came: list[ParsedArticle] = []
        uninvited: list[int] = []
        try:
            for item in read_pubmed_xml(BytesIO(body), name="EFetch"):
                match item:
                    case ParsedArticle() if item.article.pmid in asked:
                        came.append(item)
                    case ParsedArticle():
                        uninvited.append(item.article.pmid)
                    case MalformedRecord():
                        malformed.append(item)
        except Exception as error:  # what the reader cannot survive costs only the records at fault
            broken = str(error) or type(error).__name__
        if uninvited:
            logger.warning("EFetch gave records that were not asked for: {}", uninvited)
        self.articles += came
        if came and not malformed and not broken:
            self.good = came[-1].article.pmid
        return malformed, broken

    def _probe(self, pmids: tuple[int, ...], error: EntrezError) -> None:
        """Raise `error` unless NCBI gives another record: then these records are to blame."""
        # The first PMIDs are real records; an answer without any record would do too.
        candidates = chain([] if self.good is None else [self.good], count(1))
        probe = next(pmid for pmid in candidates if pmid not in pmids)
        try:
            self.client.fetch([probe], tries=self._at_most(_TRIES_OF_A_PROBE), stop=self.stop)
        except (EntrezUnavailable, NoSuchIds):
            outage = True
        else:
            outage = False
        if outage:
            raise error

    def _at_most(self, tries: int | None) -> int | None:
        return None if tries is None else min(tries, self.client.max_tries)
