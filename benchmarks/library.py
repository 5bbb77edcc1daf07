"""Stores as large as wanted, of real records under new PMIDs.

    python -m benchmarks.library [--check 3000] [--url postgresql://…] [FILE...]

benchmarks.query and benchmarks.postgres fill their stores by `fill`. The records of some PubMed
files are read and graded once, and saved again and again by the writer that `pubgrade mirror` has:
each time with another PMID, a date that grows with it, and a keyword that no other record has, so
that the vocabulary grows as it does in PubMed. Everything else stays as it is in the record. What
is made of a record for the store is made once too; only what PMID, date and keyword change in it is
made anew. This command saves the same records whole beside that, and compares all rows and words
of the two stores: in SQLite, or with --url in two new databases of that server.
"""

from __future__ import annotations

import argparse
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa

from grading import Article, Grade, grade_many
from storage import Store, documents, tables
from storage.contents import Arrival, arrival
from storage.indexing import facet, first_and_last_day, place
from storage.periods import LENGTHS, tokens
from storage.records import Entry, Query, Run
from storage.tsvector import tsvector
from worker.files import list_sources, read_source
from worker.parsed import ParsedArticle

FIRST_PMID: Final = 10_000_000  # eight digits, up to 90 million records: all words equally long
_FIRST_DAY: Final = date(1966, 1, 1)
_LAST_DAY: Final = date(2026, 11, 15)
_JITTER: Final = 90  # days that a date may be off the order of PMIDs
_READ_AT_ONCE: Final = 500
_SAVED_AT_ONCE: Final = 20_000  # about a file of NLM's


class Numbered(NamedTuple):
    """What makes one record another."""

    pmid: int
    day: date


def unique_word(pmid: int) -> str:
    return f"serial{pmid}"


class Mould:
    """One real record, to be saved under any PMID and date."""

    def __init__(self, article: Article, grade: Grade) -> None:
        self.article = article
        self.grade = grade
        self._precision = len(article.published or "2000-01-01")  # a year, a month or a day
        blank = arrival(self.entry(Numbered(0, _FIRST_DAY)))
        assert blank.content is not None
        self._blank = blank
        self._content = blank.content
        self._grade_bytes = documents.grade_bytes(grade)
        # Words that stand for those to come, and are as long.
        self._word = unique_word(FIRST_PMID)
        keywords = self._content.text.keywords.replace(unique_word(0), self._word)
        self._text = self._content.text._replace(keywords=keywords)
        self._vector = b""

    def entry(self, numbered: Numbered) -> Entry:
        return Entry(self._moved(numbered), self.grade)

    def arrival(self, numbered: Numbered, *, vectors: bool) -> Arrival:
        """The same as `storage.contents.arrival` makes of the entry."""
        article = self._moved(numbered)
        pmid = article.pmid
        article_bytes = documents.article_bytes(article)
        digest = documents.digest(article_bytes)
        first, last = first_and_last_day(article.published)
        text = self._text._replace(
            keywords=self._text.keywords.replace(self._word, unique_word(pmid))
        )
        if vectors:
            text = text._replace(vector=self._vector_of(place(first, pmid), pmid))
        year = ("year", str(first // 10000))
        content = msgspec.structs.replace(
            self._content,
            pmid=pmid,
            place=place(first, pmid),
            digest=digest,
            published=first,
            published_end=last,
            counted=tuple(year if each[0] == "year" else each for each in self._content.counted),
            notices=tuple(notice for notice in self._content.notices if notice[0] != pmid),
            text=text,
            body=documents.pack_document(article_bytes, self._grade_bytes),
        )
        return msgspec.structs.replace(self._blank, pmid=pmid, digest=digest, content=content)

    def _moved(self, numbered: Numbered) -> Article:
        return msgspec.structs.replace(
            self.article,
            pmid=numbered.pmid,
            published=numbered.day.isoformat()[: self._precision],
            keywords=(*self.article.keywords, unique_word(numbered.pmid)),
        )

    def _vector_of(self, place: int, pmid: int) -> bytes:
        """As `storage.tsvector.vector_of`: the word and the periods put into a vector made before."""
        if not self._vector:
            blanks = [facet("blank", length) for length in LENGTHS]
            whole = tsvector(self._text, blanks)
            for blank in blanks:
                whole = whole.replace(_lexeme(blank), b"")
            self._vector = whole
        vector = self._vector.replace(self._word.encode(), unique_word(pmid).encode())
        return vector + b"".join(map(_lexeme, tokens(place)))


def _lexeme(token: str) -> bytes:
    return f"={token}\0\0\0".encode()


def real_records(files: list[str]) -> list[Mould]:
    """All records of `files`, by default those of the data folder; ends the program without any."""
    folder = Path(os.environ.get("PUBGRADE_DATA", "../shared/data")) / "records" / "xml"
    if not files and not folder.is_dir():
        sys.exit(f"no records: name PubMed files, or set PUBGRADE_DATA (no {folder})")
    articles = [
        item.article
        for source in list_sources(files or [str(folder)])
        for item in read_source(source)
        if isinstance(item, ParsedArticle)
    ]
    grades = [
        grade
        for start in range(0, len(articles), _READ_AT_ONCE)
        for grade in grade_many(articles[start : start + _READ_AT_ONCE])
    ]
    return list(map(Mould, articles, grades))


def renumbered(moulds: list[Mould], start: int, end: int) -> Iterator[tuple[int, Numbered]]:
    """The records from number `start` to below `end`, each as the number of its mould, PMID and day.

    The later a PMID the later its date, ever more in a year, as in PubMed.
    """
    chance = random.Random(20261125 + start)
    span = (_LAST_DAY - _FIRST_DAY).days
    order = list(range(len(moulds)))
    for number in range(start, end):
        if (number - start) % len(moulds) == 0:
            chance.shuffle(order)
        after = span * ((number - start) / (end - start)) ** 0.6 + chance.randint(-_JITTER, _JITTER)
        day = _FIRST_DAY + timedelta(days=min(max(after, 0), span))
        yield order[(number - start) % len(moulds)], Numbered(FIRST_PMID + number, day)


def fill(store: Store, files: list[str], count: int) -> None:
    """Save as many records as `count` is more than the store has, and print what that took.

    Another process makes the records ready for this one, which writes them.
    """
    moulds = real_records(files)
    before = store.count(Query())
    start, busy = time.perf_counter(), time.process_time()
    with store.filling():
        _save(store, moulds, before, count, datetime.now(UTC))
        saved = time.perf_counter()
    seconds, cpu = time.perf_counter() - start, time.process_time() - busy
    new = count - before
    print(
        f"saved {new:,} copies of {len(moulds):,} records in {seconds:,.0f} s, of it "
        f"{seconds + start - saved:,.0f} s for the index at the end: {seconds / new * 1e6:.0f} µs "
        f"each, {cpu / new * 1e6:.0f} µs of the writing process's time",
        flush=True,
    )


def _save(store: Store, moulds: list[Mould], start: int, end: int, at: datetime) -> None:
    records = renumbered(moulds, start, end)
    batches = iter(lambda: list(islice(records, _SAVED_AT_ONCE)), [])
    make = partial(_made, vectors=store.keeps_vectors)
    with ProcessPoolExecutor(1, get_context("fork"), _take, (moulds,)) as maker:
        ahead = deque(maker.submit(make, batch) for batch in islice(batches, 2))
        while ahead:
            arrivals = _decoder.decode(ahead.popleft().result())
            ahead.extend(maker.submit(make, batch) for batch in islice(batches, 1))
            run = store.start_run(Run("load", f"from {arrivals[0].pmid}", at))
            with store.loading(run, at=at) as loading:
                loading.save(arrivals)
                loading.close(run)


_decoder: Final = msgspec.msgpack.Decoder(list[Arrival])
_moulds: list[Mould] = []


def _take(moulds: list[Mould]) -> None:
    _moulds[:] = moulds


def _made(batch: list[tuple[int, Numbered]], *, vectors: bool) -> bytes:
    return msgspec.msgpack.encode(
        [_moulds[number].arrival(numbered, vectors=vectors) for number, numbered in batch]
    )


# the same as saved whole


def check(files: list[str], count: int, url: str | None) -> None:
    """Ends the program where a store filled quickly differs from one that records were saved in."""
    moulds = real_records(files)
    at = datetime(2026, 11, 25, tzinfo=UTC)
    with _new_databases(url) as (quick, whole):
        with Store.open(quick) as one, Store.open(whole) as other:
            with one.filling():
                _save(one, moulds, 0, count, at)
            records = renumbered(moulds, 0, count)
            other.save((moulds[number].entry(numbered) for number, numbered in records), at=at)
        names = [table.name for table in tables.metadata.sorted_tables if table is not tables.run]
        for name in (*names, "full_text"):
            rows, expected = (_rows(address, name) for address in (quick, whole))
            if rows != expected:
                sys.exit(f"{name} differs: {next(iter(rows ^ expected))}")
            print(f"{name:20}{len(rows):>12,} rows, equal")


@contextmanager
def _new_databases(url: str | None) -> Iterator[list[str]]:
    """Addresses of two, which are gone afterwards."""
    names = ("pubgrade_quick", "pubgrade_whole")
    if url is None:
        with tempfile.TemporaryDirectory() as folder:
            yield [str(Path(folder) / name) for name in names]
        return
    import psycopg

    address = sa.make_url(url)
    with psycopg.connect(url, autocommit=True) as connection:
        try:
            for name in names:
                connection.execute(f"CREATE DATABASE {name}".encode())
            yield [address.set(database=name).render_as_string(False) for name in names]
        finally:
            for name in names:
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())


def _rows(address: str, name: str) -> set[tuple[Any, ...]]:
    """All rows of a table; of SQLite's full text each word where it stands."""
    if address.startswith("postgresql"):
        import psycopg

        columns = "place, vector::text" if name == "full_text" else "*"
        with psycopg.connect(address) as postgres:
            statement = f'SELECT {columns} FROM "{name}"'  # noqa: S608
            return set(postgres.execute(statement.encode()))
    with closing(sqlite3.connect(address)) as connection:
        if name == "full_text":
            name = "words"
            connection.execute(
                "CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, full_text, instance)"
            )
        return set(connection.execute(f'SELECT * FROM "{name}"'))  # noqa: S608


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("files", nargs="*")
    parser.add_argument("--check", type=int, default=3_000, help="records to compare")
    parser.add_argument("--url", help="a PostgreSQL server, with a database that is there")
    options = parser.parse_args()
    check(options.files, options.check, options.url)


if __name__ == "__main__":
    main()
