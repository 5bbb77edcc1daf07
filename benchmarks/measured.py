"""What the benchmarks of bulk loads have in common: files like NLM's, processes measured, lines printed."""

from __future__ import annotations

import argparse
import gzip
import multiprocessing
import re
import resource
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

import psutil

from benchmarks.reading import READERS, cost
from grading import grade_many
from storage.contents import arrival
from storage.parquet import RANGE
from storage.records import Entry
from worker.collector import look_rarely
from worker.files import read_blocks
from worker.known import digest_of
from worker.parsed import ParsedArticle
from worker.xml_stream import split_records

ALL = 39_000_000  # records of PubMed
PER_FILE = 30_000  # of NLM
CORES = 2
_PMID = re.compile(rb"(<PMID[^>]*>)\d+(</PMID>)")


def parser_of(description: str | None) -> argparse.ArgumentParser:
    """What every benchmark of bulk loads is told."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sources", nargs="+", metavar="FILE")
    parser.add_argument("--records", type=int, default=12_000)
    parser.add_argument("--files", type=int, default=4)
    parser.add_argument("--no-cluster", action="store_true")
    return parser


def make_files(sources: list[str], folder: Path, records: int, files: int) -> list[str]:
    """Gzipped files of records of `sources` in turn, renumbered."""
    with ExitStack() as opened:
        streams = [
            split_records(cast(BinaryIO, opened.enter_context(gzip.open(source))), name=source)
            for source in sources
        ]
        mixed = (raw for turn in zip(*streams, strict=False) for raw in turn)
        paths = []
        for number in range(files):
            path = folder / f"{number}.xml.gz"
            with gzip.open(path, "wb", compresslevel=6) as made:
                made.write(b'<?xml version="1.0" encoding="utf-8"?>\n<PubmedArticleSet>\n')
                first = 1 + number * RANGE
                for pmid, raw in enumerate(islice(mixed, records // files), first):
                    made.write(_PMID.sub(rb"\g<1>%d\g<2>" % pmid, raw, count=1) + b"\n")
                made.write(b"</PubmedArticleSet>\n")
            paths.append(str(path))
        return paths


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds, and MB at most."""

    wall: float
    own: float  # CPU of the process that writes
    others: float  # CPU of those it started
    memory: float
    answer: Any

    @property
    def cpu(self) -> float:
        return self.own + self.others


def measure(work: Callable[..., Any], *arguments: object) -> Measured:
    """`work` in a fresh process."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_measured, args=(there, work, arguments))
    process.start()
    most = 0.0
    while not here.poll(0.5):
        most = max(most, _held(process.pid))
    found = here.recv()
    process.join()
    if isinstance(found, Exception):
        raise found
    assert isinstance(found, Measured)
    return replace(found, memory=most)


def _measured(answers: Any, work: Callable[..., Any], arguments: tuple[object, ...]) -> None:
    look_rarely()
    wall, own = time.perf_counter(), time.process_time()
    try:
        answer = work(*arguments)
    except Exception as error:
        answers.send(error)
        return
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    others = children.ru_utime + children.ru_stime
    spent = time.process_time() - own
    answers.send(Measured(time.perf_counter() - wall, spent, others, 0.0, answer))


def _held(pid: int | None) -> float:
    """MB that a process and all that it started hold together."""
    held = 0
    with suppress(psutil.Error):
        measured = psutil.Process(pid)
        for process in (measured, *measured.children(recursive=True)):
            with suppress(psutil.Error):  # it has just ended
                held += process.memory_full_info().pss
    return held / 1e6


def stages(paths: list[str]) -> tuple[dict[str, float], int]:
    """CPU seconds of each step of a worker, and the number of records."""
    look_rarely()
    spent = dict.fromkeys(("parse", "grade with details", "make ready for the store"), 0.0)
    records = 0
    for path in paths:
        blocks = read_blocks(path, size=500)
        while True:
            marks = [time.process_time()]
            block = next(blocks, None)
            if block is None:
                break
            marks.append(time.process_time())
            items = [item for item in block if isinstance(item, ParsedArticle)]
            grades = grade_many([item.article for item in items])
            marks.append(time.process_time())
            for item, grade in zip(items, grades, strict=True):
                arrival(Entry(item.article, grade, item.raw, "xml", "1", digest_of(item.raw)))
            marks.append(time.process_time())
            records += len(items)
            for name, start, end in zip(spent, marks, marks[1:], strict=False):
                spent[name] += end - start
    return spent, records


class Report:
    """Prints lines. `floor`: F in seconds a record."""

    def __init__(self, floor: float, records: int) -> None:
        self.floor = floor
        self.records = records

    def line(self, what: str, seconds: float, more: str = "") -> None:
        each = seconds / self.records
        print(f"  {what:42}{each * 1e6:8.0f} µs{each / self.floor:7.1f} F  {more}", flush=True)

    def load(self, what: str, found: Measured, workers: int = 0, begun: float = 0.0) -> Measured:
        """`workers`: processes beside the one that writes, which take `begun` seconds of CPU before
        they can work; none where that one does all."""
        found = replace(found, others=max(0.0, found.others - begun))
        writer = f"; writer {found.own / found.cpu:.0%} of it" if workers else ""
        self.line(
            what,
            found.cpu,
            f"{self.records / found.wall:6,.0f}/s here, {self.records / idle(found, workers):6,.0f}"
            f"/s on idle cores; {found.memory:4.0f} MB{writer}",
        )
        return found


def idle(found: Measured, workers: int) -> float:
    """Seconds that it would take at least if the cores had nothing else to do: the writer and the
    workers go on at the same time, but on no more cores than there are."""
    if not workers:
        return found.cpu
    return max(found.own, found.others / workers, found.cpu / CORES)


def hours(seconds_a_record: float) -> str:
    return f"{ALL * seconds_a_record / 3600:5.1f} h"


def floor_of(paths: list[str]) -> tuple[str, float]:
    """What F is, and its CPU seconds for these files."""
    what, read = next(iter(READERS.items()))
    return what, cost_of_all(read, paths)[0]


def cost_of_all(read: Callable[[str], None], paths: list[str]) -> Any:
    """CPU seconds of all, MB at most; None where the reader is not installed."""
    found = [cost(read, path) for path in paths]
    if any(isinstance(each, str) for each in found):
        return None
    return sum(each[0] for each in found), max(each[1] for each in found)  # type: ignore[misc]
