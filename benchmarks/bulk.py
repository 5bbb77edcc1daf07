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
import heapq
import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from benchmarks.dataset import report_dataset
from benchmarks.measured import (
    ALL,
    CORES,
    PER_FILE,
    Measured,
    Report,
    cost_of_all,
    hours,
    idle,
    make_files,
    measure,
    parser_of,
    stages,
)
from benchmarks.reading import READERS
from storage import Store
from storage.records import Query
from worker.bulk import Job, load_files
from worker.parquet_export import export_parquet
from worker.processes import processes

# --- cases ---------------------------------------------------------------------------------------


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
    parser = parser_of(__doc__)
    parser.add_argument("--no-postgres", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        run(given, Path(name))


def run(given: argparse.Namespace, folder: Path) -> None:
    paths = make_files(given.sources, folder, given.records, given.files)
    costs = {what: cost_of_all(read, paths) for what, read in READERS.items()}
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
