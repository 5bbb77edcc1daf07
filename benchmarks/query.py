"""How fast records are saved, and how fast queries are answered.

    python -m benchmarks.query --records 50000 [--store FILE] [--repeat 7]

Titles and abstracts are those of `$PUBGRADE_DATA/records/other` (default ../shared/data) where that
folder is, under new PMIDs and as often as needed, else made up with a vocabulary in which words are
as unevenly common as in real text. All else of a record is made up, from a fixed seed. Prints
microseconds and bytes a record, then the median and the worst of `--repeat` runs of each query in
milliseconds. Grading is no part of it: grades are made up too.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from grading import Article, Grade
from grading.article import Author, MeshHeading, PublicationType
from grading.details.values import Detail, Details
from grading.grades import Levels, Reason
from grading.vocabulary import ATTRIBUTES, DESIGNS, FLAGS, QUESTIONS
from storage import Store
from storage.records import Entry, Query

BATCH = 500
SYLLABLES = [
    "ba",
    "ce",
    "di",
    "fo",
    "gu",
    "la",
    "me",
    "ni",
    "po",
    "ru",
    "sa",
    "te",
    "vi",
    "xo",
    "zu",
    "car",
    "dio",
    "neu",
    "ro",
    "hep",
    "ato",
]


def real_texts() -> Iterator[tuple[str, str]]:
    folder = Path(os.environ.get("PUBGRADE_DATA", "../shared/data")) / "records" / "other"
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                if record.get("abstract"):
                    yield record.get("title") or "", record["abstract"]


def made_up_texts(chance: random.Random) -> Iterator[tuple[str, str]]:
    common = [
        "of",
        "the",
        "in",
        "and",
        "patients",
        "with",
        "was",
        "were",
        "trial",
        "treatment",
        "study",
        "results",
        "group",
    ]
    rare = ["".join(chance.choices(SYLLABLES, k=3)) for _ in range(30_000)]
    words = common + rare
    weights = [1 / (place + 1) for place in range(len(words))]
    while True:
        text = chance.choices(words, weights, k=12 + 220)
        yield " ".join(text[:12]), " ".join(text[12:])


def entries(count: int) -> Iterator[Entry]:
    chance = random.Random(20261124)
    known = list(islice(real_texts(), count))
    texts = cycle(known) if known else made_up_texts(chance)
    print(f"texts: {'real, ' + str(len(known)) + ' different' if known else 'made up'}")
    surnames = ["".join(chance.choices(SYLLABLES, k=2)).title() for _ in range(5_000)]
    headings = [f"Heading {number}" for number in range(5_000)]
    designs, flags, attributes = list(DESIGNS), list(FLAGS), list(ATTRIBUTES)
    for pmid, (title, abstract) in enumerate(islice(texts, count), 20_000_000):
        article = Article(
            pmid=pmid,
            title=title,
            abstract=abstract,
            published=f"{chance.randint(1990, 2026)}-{chance.randint(1, 12):02}-15",
            revised="2026-01-01",
            journal=f"Journal {chance.randint(1, 400)}",
            authors=tuple(
                Author(
                    name=f"Ann {name}",
                    last_name=name,
                    fore_name="Ann",
                    initials=chance.choice("ABCDEFGHJKLM"),
                    affiliations=("Department of Examples, University of Elsewhere, Nowhere.",),
                )
                for name in chance.sample(surnames, 6)
            ),
            mesh=tuple(
                MeshHeading(name=headings[number], ui=f"D{number:06}")
                for number in {min(int(chance.expovariate(1 / 500)), 4_999) for _ in range(12)}
            ),
            publication_types=(PublicationType(name="Journal Article", ui="D016428"),),
            keywords=("example",),
        )
        yield Entry(article, made_up_grade(article, chance, designs, flags, attributes), None)


def made_up_grade(
    article: Article,
    chance: random.Random,
    designs: list[str],
    flags: list[str],
    attributes: list[str],
) -> Grade:
    design = chance.choice(designs)
    spans = [chance.randrange(max(len(article.abstract) - 40, 1)) for _ in range(6)]
    return Grade(
        design=design,
        design_label=DESIGNS[design].label,
        confidence=chance.random(),
        question=chance.choice(list(QUESTIONS)),
        attributes=tuple(sorted(chance.sample(attributes, 3))),
        flags=tuple(sorted(chance.sample(flags, 1))),
        levels=Levels(ocebm_2011=chance.choice([1, 2, 3, 3, 4, 4, 4, 5, 5, None]), sort="2"),
        reasons=tuple(
            Reason(
                kind="text",
                value=article.abstract[start : start + 40],
                field="abstract",
                start=start,
                end=start + 40,
                speaks_for=design,
                weight=1.5,
                signal="benchmark",
            )
            for start in spans
        ),
        details=Details(sample_size=Detail(reported=True, value=chance.randint(5, 5_000))),
        grader_version="benchmark",
    )


def milliseconds(work: Callable[[], Any], repeat: int) -> tuple[float, float, str]:
    taken = []
    for _ in range(repeat):
        start = time.perf_counter()
        answer = work()
        taken.append((time.perf_counter() - start) * 1000)
    shown = len(answer.records) if hasattr(answer, "records") else answer
    return statistics.median(taken), max(taken), str(shown)[:40]


def measure(store: Store, repeat: int) -> None:
    def page(query: Query) -> Callable[[], Any]:
        return lambda: store.search(query)

    def deep(query: Query) -> Query:
        """The query from about its thousandth hit on."""
        first = store.search(replace(query, limit=1000))
        return replace(query, after=first.next_cursor)

    works: dict[str, Callable[[], Any]] = {
        "broad word, by relevance": page(Query(words="patients")),
        "two words, by relevance": page(Query(words="randomised trial")),
        "phrase, by relevance": page(Query(words='"heart failure"')),
        "prefix, by relevance": page(Query(words="diabet*")),
        "broad word, newest first": page(Query(words="patients", sort="date")),
        "broad word, best level first": page(Query(words="patients", sort="level")),
        "broad word, level 1-2": page(Query(words="patients", level=("1", "2"))),
        "broad word, design, flag, years": page(
            Query(
                words="patients",
                designs=("cohort_study", "meta_analysis"),
                not_flags=("retracted",),
                since="2015",
            )
        ),
        "broad word, page behind 1000": page(deep(Query(words="patients"))),
        "no words, newest first": page(Query()),
        "no words, best level first": page(Query(sort="level")),
        "no words, last added first": page(Query(sort="added")),
        "no words, page behind 1000": page(deep(Query())),
        "level 1-2, by level": page(Query(level=("1", "2"), sort="level")),
        "design": page(Query(designs=("cohort_study",))),
        "flag": page(Query(flags=("retracted",))),
        "author": page(Query(author="Bace A")),
        "MeSH": page(Query(mesh="Heading 7")),
        "journal": page(Query(journal="journal 7")),
        "sample size": page(Query(min_n=4_900)),
        "count all": lambda: store.count(Query()),
        "count broad word": lambda: store.count(Query(words="patients")),
        "count by design": lambda: store.count_by(Query(), "design"),
        "count by year, broad word": lambda: store.count_by(Query(words="patients"), "year"),
        "count by journal": lambda: store.count_by(Query(), "journal"),
        "one record": lambda: store.get(20_000_123) is not None,
    }
    print(f"{'query':34}{'median ms':>10}{'worst ms':>10}  answer")
    for name, work in works.items():
        median, worst, answer = milliseconds(work, repeat)
        print(f"{name:34}{median:10.2f}{worst:10.2f}  {answer}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--store", type=Path, help="use or fill this file, and keep it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.store or Path(folder) / "store.db"
        with Store.open(str(path)) as store:
            stored = store.count(Query())
            if stored == 0:
                fill(store, options.records)
                stored = options.records
            size = sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))
            print(f"{stored:,} records, {size / stored:,.0f} bytes each, without raw records")
            measure(store, options.repeat)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def fill(store: Store, count: int) -> None:
    seconds = cpu = 0.0
    for batch in batched_entries(count):
        start, busy = time.perf_counter(), time.process_time()
        store.save(batch)
        seconds += time.perf_counter() - start
        cpu += time.process_time() - busy
    print(
        f"saved {count:,} in batches of {BATCH}: {count / seconds:,.0f} a second "
        f"({seconds / count * 1e6:.0f} us each, of it {cpu / count * 1e6:.0f} us processor)"
    )


def batched_entries(count: int) -> Iterator[list[Entry]]:
    made = entries(count)
    while batch := list(islice(made, BATCH)):
        yield batch


if __name__ == "__main__":
    main()
