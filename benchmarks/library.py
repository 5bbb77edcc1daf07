"""Stores as large as wanted, of real records under new PMIDs.

The records of some PubMed files are read and graded once, then saved again and again by the store
itself: each time with another PMID, a date that grows with it, and a keyword that no other record
has, so that the vocabulary grows as it does in PubMed. Everything else stays as it is in the record.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from pathlib import Path

import msgspec

from grading import Article, Grade, grade_many
from storage import Store
from storage.records import Entry
from worker.files import list_sources, read_source
from worker.parsed import ParsedArticle

FIRST_PMID = 1_000_000
_FIRST_DAY = date(1966, 1, 1)
_LAST_DAY = date(2026, 11, 15)
_JITTER = 90  # days that a date may be off the order of PMIDs
_READ_AT_ONCE = 500
_SAVED_AT_ONCE = 20_000  # about a file of NLM's


def real_records(files: list[str]) -> list[tuple[Article, Grade]]:
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
    return list(zip(articles, grades, strict=True))


def renumbered(known: list[tuple[Article, Grade]], count: int) -> Iterator[Entry]:
    """`count` entries. The later a PMID the later its date, ever more in a year, as in PubMed."""
    chance = random.Random(20261125)
    span = (_LAST_DAY - _FIRST_DAY).days
    order = list(range(len(known)))
    for number in range(count):
        if number % len(known) == 0:
            chance.shuffle(order)
        article, grade = known[order[number % len(known)]]
        pmid = FIRST_PMID + number
        after = span * (number / count) ** 0.6 + chance.randint(-_JITTER, _JITTER)
        day = _FIRST_DAY + timedelta(days=min(max(after, 0), span))
        precision = len(article.published or "2000-01-01")  # a year, a month or a day, as it was
        moved = msgspec.structs.replace(
            article,
            pmid=pmid,
            published=day.isoformat()[:precision],
            keywords=(*article.keywords, unique_word(pmid)),
        )
        yield Entry(moved, grade)


def unique_word(pmid: int) -> str:
    return f"serial{pmid}"


def fill(store: Store, files: list[str], count: int) -> None:
    """Save `count` records, and print what that took in this process."""
    entries = renumbered(real_records(files), count)
    seconds = cpu = 0.0
    saved = 0
    while batch := list(islice(entries, _SAVED_AT_ONCE)):
        start, busy = time.perf_counter(), time.process_time()
        store.save(batch)
        seconds += time.perf_counter() - start
        cpu += time.process_time() - busy
        saved += len(batch)
        if sys.stderr.isatty() or saved % (10 * _SAVED_AT_ONCE) == 0:
            print(f"{saved:,} saved, {cpu / saved * 1e6:.0f} µs each (CPU)", file=sys.stderr)
    print(
        f"saved {count:,} in {count / _SAVED_AT_ONCE:,.0f} transactions: {seconds / count * 1e6:.0f} "
        f"µs each, of it {cpu / count * 1e6:.0f} µs of this process's processor time"
    )
