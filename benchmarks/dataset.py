"""Bulk files straight to Parquet, measured on a part of PubMed: both steps, a cluster, a whole range.

    python -m benchmarks.dataset FILE... [--records 12000] [--files 4] [--no-cluster]

FILE: whole NLM files, made into others as `benchmarks.bulk` does, which prints these figures too; what
its columns mean stands there. The second step is also measured on a whole range of PMIDs, as dense as
PubMed's: the same rows again and again, under PMIDs of their own.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.measured import (
    ALL,
    CORES,
    PER_FILE,
    Measured,
    Report,
    floor_of,
    hours,
    idle,
    make_files,
    measure,
    parser_of,
    stages,
)
from storage.parquet import RANGE
from worker.bulk import Job
from worker.dataset import Entry, opened
from worker.parts import Part, key_of, part_schema, rows_of
from worker.processes import processes


def make_parts(paths: list[str], folder: Path, workers: int, cluster: bool = False) -> int:
    """The first step: a part of each file."""
    from worker.cluster import connected

    with opened(folder) as dataset, ExitStack() as stack:
        client = (
            stack.enter_context(connected("local", workers, lambda _: None)) if cluster else None
        )
        added = list(
            dataset.add(map(Job, paths), workers=workers, sources=len(paths), cluster=client)
        )
        return sum(each.entry.records for each in added if each.entry)


def write(folder: Path, workers: int) -> int:
    """The second step: the dataset of all parts."""
    with opened(folder) as dataset, ExitStack() as stack:
        executor = stack.enter_context(processes(workers)) if workers > 1 else None
        return dataset.write(executor=executor, workers=workers) or 0


def fill_range(parts: Path, folder: Path) -> int:
    """Parts that fill one range of PMIDs with the rows of these. Answers how many rows."""
    import pyarrow as pa

    tables = []
    for part in sorted(parts.iterdir()):
        if part.is_dir():
            with rows_of(part) as rows:
                tables.append(rows.read_all())
    some = pa.concat_tables(tables)
    table = pa.concat_tables([some] * -(-RANGE // len(some))).slice(0, RANGE)
    place = table.schema.get_field_index("pmid")
    table = table.set_column(place, table.schema.field(place), pa.array(range(RANGE), pa.int32()))
    with opened(folder) as dataset:
        for number in range(0, RANGE, PER_FILE):
            (here,) = table.slice(number, PER_FILE).combine_chunks().to_batches()
            made = dataset.parts / key_of(str(number))
            made.mkdir()
            options = pa.ipc.IpcWriteOptions(compression="zstd")
            path = str(made / "rows.arrow")
            with pa.ipc.new_file(path, part_schema(), options=options) as file:
                file.write_batch(here)
            np.save(made / "deleted.npy", np.empty((0, 2), dtype=np.int64))
            part = Part(articles=len(here), batches=(0,), ranges={0: ""})
            (made / "part.json").write_bytes(msgspec.json.encode(part))
            dataset.note(Entry(str(number), made.name, len(here)))
    return RANGE


def report_dataset(
    report: Report, paths: list[str], few: list[str], folder: Path, *, cluster: bool
) -> None:
    """Prints the figures. `few`: files of one record each, from which is known what processes take
    to begin."""

    def made(name: str, workers: int, on_cluster: bool = False) -> Measured:
        several = workers > 1 or on_cluster
        begun = measure(make_parts, few, folder / f"few-{name}", workers, on_cluster)
        found = measure(make_parts, paths, folder / name, workers, on_cluster)
        found = replace(found, own=max(0.0, found.own - begun.own))
        return report.load(
            f"Parquet, parts, {name}", found, workers * several, begun.others * several
        )

    made("one process", 1)
    parts = made(f"{CORES} processes", CORES)
    if cluster:
        one, two = (made(f"a cluster of {number}", number, True) for number in (1, CORES))
        print(
            f"  1 to {CORES} workers of a cluster: {one.wall / two.wall:.2f} times as fast here, "
            f"{idle(one, 1) / idle(two, CORES):.2f} on idle cores"
        )
    begun = measure(write, folder / "few-one process", 1)
    written = measure(write, folder / "one process", 1)
    written = replace(written, own=written.own - begun.own)
    report.load("Parquet, the dataset", written)
    size = _bytes_of(folder / "one process" / "_parts") / report.records
    years = (folder / "one process").glob("year=*")
    graded = sum(map(_bytes_of, years)) / report.records
    print(f"  {size:,.0f} bytes a record in parts, {graded:,.0f} in the dataset")
    measure(fill_range, folder / "one process" / "_parts", folder / "range")
    of_range = measure(write, folder / "range", 1)
    print(f"  {RANGE:,} PMIDs, a whole range, hold {of_range.memory:.0f} MB while written")

    reading = idle(parts, CORES) / report.records
    writing = written.cpu / report.records
    print(
        f"\n{ALL:,} records on {CORES} idle cores: parts {hours(reading)}, the dataset "
        f"{hours(writing / CORES)}, together {hours(reading + writing / CORES)}; "
        f"{ALL * size / 1e9:.0f} GB of parts, {ALL * graded / 1e9:.1f} GB of Parquet"
    )
    for workers in (8, 64):
        # Files are many; ranges are few, so some workers have none in the end.
        first = ALL * reading * CORES / workers
        ranges = -(-ALL // RANGE)
        second = -(-ranges // workers) * writing * RANGE
        print(
            f"  {workers} workers, on paper: {(first + second) / 3600:.2f} h, of it "
            f"{second / 60:.1f} min for {ranges} ranges"
        )


def _bytes_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def main() -> None:
    given = parser_of(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = make_files(given.sources, folder, given.records, given.files)
        (folder / "few").mkdir()
        few = make_files(given.sources, folder / "few", 2, 2)
        what, floor = floor_of(paths)
        measured = measure(stages, paths)
        steps, records = measured.answer
        report = Report(floor / records, records)
        report.line(what, floor)
        for step, seconds in steps.items():
            report.line(step, seconds)
        report_dataset(report, paths, few, folder, cluster=not given.no_cluster)


if __name__ == "__main__":
    main()
