"""All of PubMed, measured on a part: loads on one and two cores, reloads, a cluster, Parquet.

    python -m benchmarks.bulk FILE... [--records 12000] [--files 4] [--no-cluster] [--no-postgres]

FILE: whole NLM files. Of their records `--files` files are made, one record of each in turn, with
PMIDs of their own. Everything is told in F, the least that any reader must do with these files
(isal decompresses, expat looks at every byte), and pubmed_parser is run beside it, if it is there.

Each case runs in a fresh process. CPU seconds are those of all its processes, and of the writer
apart; memory is what all of them held together at most (PSS). Where other work disturbs the machine
the wall time is worth nothing: "on idle cores" is what the CPU time allows.
"""

from __future__ import annotations

import argparse
import gzip
import heapq
import multiprocessing
import os
import re
import resource
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

import psutil

from benchmarks.reading import READERS, cost
from grading import grade_many
from storage import Store
from storage.contents import arrival
from storage.parquet import RANGE
from storage.records import Entry, Query
from worker.bulk import Job, load_files
from worker.collector import look_rarely
from worker.files import read_blocks
from worker.known import digest_of
from worker.parquet_export import export_parquet
from worker.parsed import ParsedArticle
from worker.processes import processes
from worker.xml_stream import split_records

ALL = 39_000_000  # records of PubMed
PER_FILE = 30_000  # of NLM
CORES = 2
_PMID = re.compile(rb"(<PMID[^>]*>)\d+(</PMID>)")


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


# --- measuring -----------------------------------------------------------------------------------


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


# --- cases ---------------------------------------------------------------------------------------


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


def load(paths: list[str], address: str, workers: int) -> int:
    with Store.open(address) as store:
        return sum(
            each.run.returned
            for each in load_files(store, map(Job, paths), workers=workers, sources=len(paths))
        )


def load_on_cluster(paths: list[str], address: str, workers: int) -> int:
    from worker.cluster import connected

    with connected("local", workers, lambda _: None) as client, Store.open(address) as store:
        return sum(
            each.run.returned
            for each in load_files(store, map(Job, paths), cluster=client, sources=len(paths))
        )


def export(address: str, folder: Path, workers: int) -> int:
    with Store.open(address) as store, ExitStack() as stack:
        executor = stack.enter_context(processes(workers)) if workers > 1 else None
        pmids = sorted(store.pmids(Query(limit=0)))
        return export_parquet(store, pmids, folder, executor=executor, workers=workers)


# --- what comes out ------------------------------------------------------------------------------


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


def simulated(files: int, workers: int, reading: float, writing: float) -> float:
    """Seconds for so many files of `reading` and `writing` seconds: workers that read, one writer
    that saves in order, two files ahead for each worker."""
    free = [0.0] * workers
    written: list[float] = []
    for number in range(files):
        allowed = written[number - 2 * workers] if number >= 2 * workers else 0.0
        read = max(heapq.heappop(free), allowed) + reading
        heapq.heappush(free, read)
        written.append(max(read, written[-1] if written else 0.0) + writing)
    return written[-1]


def hours(seconds_a_record: float) -> str:
    return f"{ALL * seconds_a_record / 3600:5.1f} h"


def project(report: Report, loads: dict[str, Measured]) -> None:
    print(f"\n{ALL:,} records on {CORES} cores, from the CPU time above, as if the cores were idle")
    for what, found in loads.items():
        each = idle(found, CORES) / report.records
        print(f"  {what:42}{hours(each)}")
    print("  (Full text grows dearer with the store: benchmarks.query measures how much.)")
    both = loads["SQLite"]
    reading, writing = both.others / report.records, both.own / report.records
    print(
        f"\n64 workers, on paper: a file of {PER_FILE:,} records takes a worker "
        f"{reading * PER_FILE:.0f} s and the writer {writing * PER_FILE:.1f} s"
    )
    for workers in (1, 2, 4, 8, 16, 32, 64):
        files = ALL // PER_FILE
        spent = simulated(files, workers, reading * PER_FILE, writing * PER_FILE)
        busy = files * writing * PER_FILE / spent
        print(f"  {workers:3} workers {spent / 3600:6.1f} h, the writer busy {busy:4.0%}")
    print(
        f"  The first bottleneck is the writer, from {reading / writing:.0f} workers on. Parquet has "
        "none: its workers read\n  and write for themselves."
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sources", nargs="+", metavar="FILE")
    parser.add_argument("--records", type=int, default=12_000)
    parser.add_argument("--files", type=int, default=4)
    parser.add_argument("--no-cluster", action="store_true")
    parser.add_argument("--no-postgres", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        run(given, Path(name))


def run(given: argparse.Namespace, folder: Path) -> None:
    from benchmarks.dataset import report_dataset

    paths = make_files(given.sources, folder, given.records, given.files)
    costs = {what: _cost_of_all(read, paths) for what, read in READERS.items()}
    (floor_name, (floor, _)), (_, (ours, memory)), (_, theirs) = costs.items()
    measured = measure(stages, paths)
    steps, records = measured.answer
    report = Report(floor / records, records)
    print(f"{records:,} records in {given.files} files, on {os.cpu_count()} cores")
    report.line(floor_name, floor)
    report.line("parse, all fields of Article", ours, f"{memory:4.0f} MB")
    if theirs is None:
        print("  pubmed_parser is not installed")
    else:
        report.line("pubmed_parser", theirs[0], f"{theirs[0] / ours:.1f} times as long as parsing")
    for what, seconds in list(steps.items())[1:]:
        report.line(what, seconds)

    # What processes take to begin is known from files of one record each.
    (folder / "few").mkdir()
    few = make_files(given.sources, folder / "few", 2, 2)
    begun = partial(_begun, few, folder)
    one, two = str(folder / "one.db"), str(folder / "two.db")
    report.load("SQLite, all in, one process", measure(load, paths, one, 1))
    report.load("  the same files again", measure(load, paths, one, 1))
    found = measure(load, paths, two, CORES)
    loads = {
        "SQLite": report.load(
            f"SQLite, all in, {CORES} processes", found, CORES, begun(load, "plain", CORES)
        )
    }
    size = sum(file.stat().st_size for file in folder.glob("two.db*")) / records
    print(f"  {size:,.0f} bytes a record in SQLite")
    report_dataset(report, paths, few, folder, cluster=not given.no_cluster)
    found = measure(export, two, folder / "parquet", 1)
    report.load("Parquet from that store, one process", found)
    # Ranges have nothing to do with one another.
    loads["Parquet from that store"] = replace(found, own=0.0, others=found.own)
    if not given.no_postgres:
        loads |= _postgres(report, paths, begun(load, "plain", CORES))
    if not given.no_cluster:
        times = []
        for workers in (1, CORES):
            name = f"cluster-{workers}"
            found = measure(load_on_cluster, paths, str(folder / f"{name}.db"), workers)
            start = begun(load_on_cluster, name, workers)
            found = report.load(f"SQLite by a cluster of {workers}", found, workers, start)
            times.append((found.wall, idle(found, workers)))
        here, alone = (before / after for before, after in zip(*times, strict=True))
        print(
            f"  1 to {CORES} workers of a cluster: {here:.2f} times as fast here, "
            f"{alone:.2f} on idle cores"
        )
    project(report, loads)


def _begun(
    few: list[str], folder: Path, work: Callable[..., Any], name: str, workers: int
) -> float:
    address = folder / f"few-{name}.db"
    found = measure(work, few, str(address), workers).others
    address.unlink()
    return found


def floor_of(paths: list[str]) -> tuple[str, float]:
    """What F is, and its CPU seconds for these files."""
    what, read = next(iter(READERS.items()))
    return what, _cost_of_all(read, paths)[0]


def _cost_of_all(read: Callable[[str], None], paths: list[str]) -> Any:
    """CPU seconds of all, MB at most; None where the reader is not installed."""
    found = [cost(read, path) for path in paths]
    if any(isinstance(each, str) for each in found):
        return None
    return sum(each[0] for each in found), max(each[1] for each in found)  # type: ignore[misc]


def _postgres(report: Report, paths: list[str], begun: float) -> dict[str, Measured]:
    """The server's processes work on the same cores."""
    from benchmarks.postgres import server

    with server(None) as running:
        found = measure(load, paths, running.url, CORES)
        found = report.load(f"PostgreSQL, all in, {CORES} processes", found, CORES, begun)
        # Of processes that have ended the server's first one knows.
        server_times = psutil.Process(running.pid).cpu_times()
        spent = server_times.children_user + server_times.children_system + running.seconds()
        report.line("  beside it, the server's processes", spent)
    return {"PostgreSQL": replace(found, others=found.others + spent)}


if __name__ == "__main__":
    main()
