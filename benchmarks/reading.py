"""Reading PubMed files, measured.

    python -m benchmarks.reading [FILE...]           speed and memory of the reader
    python -m benchmarks.reading --count [FILE...]   what is read and what is malformed, and why

FILE: PubMed XML, gzipped or not; `--count` takes MEDLINE text too. Without files, those of the data
folder ($PUBGRADE_DATA, else ../shared/data). The floor F is what any reader must at least do:
decompress (isal) and check the XML (expat without handlers). Every case runs in a process of its
own; time is its CPU time, memory the most it held.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from xml.parsers import expat

from isal import igzip

from worker.errors import SourceError
from worker.files import list_sources, read_source
from worker.parsed import DeletedCitations, MalformedRecord, ParsedArticle

CHUNK = 1 << 18


def data_folder() -> Path:
    return Path(os.environ.get("PUBGRADE_DATA", "../shared/data"))


# --- reading -------------------------------------------------------------------------------------


def pass_of_expat(path: str) -> None:
    """The floor: every byte decompressed and looked at by an XML parser, nothing kept."""
    parser = expat.ParserCreate()
    with igzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb") as stream:
        while chunk := stream.read(CHUNK):
            parser.Parse(chunk)
        parser.Parse(b"", True)


def parse(path: str) -> None:
    for _ in read_source(path):
        pass


def parse_by_pubmed_parser(path: str) -> None:
    import pubmed_parser

    for _ in pubmed_parser.parse_medline_xml(path):
        pass


READERS: dict[str, Callable[[str], None]] = {
    "F: isal + expat, nothing kept": pass_of_expat,
    "pubgrade, all fields of Article": parse,
    "pubmed_parser.parse_medline_xml": parse_by_pubmed_parser,
}


def _cost(reader: Callable[[str], None], path: str) -> tuple[float, float] | str:
    """CPU seconds and MB at most, or why there are none."""
    try:
        started = time.process_time()
        reader(path)
        seconds = time.process_time() - started
    except ImportError as error:
        return f"skipped: {error.name} is not installed"
    return seconds, most_memory()


def most_memory() -> float:
    """MB at most. Not `ru_maxrss`: that one outlives exec, so a child shows its parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cost(reader: Callable[[str], None], path: str) -> tuple[float, float] | str:
    """As measured in a fresh process, which holds nothing that the reader does not need."""
    measures = f"b._cost(b.{reader.__name__}, {path!r})"
    code = f"import json, benchmarks.reading as b; print(json.dumps({measures}))"
    measured = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    answer: tuple[float, float] | str = json.loads(measured.stdout)
    return answer


def count_records(path: str) -> int:
    return sum(isinstance(item, ParsedArticle) for item in read_source(path))


def compare_readers(paths: Iterable[str], repeat: int) -> None:
    """One table a file; rounds go through all readers in turn, so that noise meets all of them."""
    for path in paths:
        records = count_records(path)
        size = Path(path).stat().st_size / 1e6
        print(f"\n{path}: {records:,} records, {size:.1f} MB; median of {repeat}")
        if not records:
            print("  nothing to measure")
            continue
        rounds = [{name: cost(read, path) for name, read in READERS.items()} for _ in range(repeat)]
        floor = ours = 0.0
        for name in READERS:
            measured = [found for one in rounds if not isinstance(found := one[name], str)]
            if not measured:
                print(f"  {name:34} {rounds[0][name]}")
                continue
            each = median(seconds for seconds, _ in measured) / records * 1e6
            memory = max(most for _, most in measured)
            floor = floor or each
            line = f"  {name:34} {each:7.1f} µs a record {each / floor:6.2f} F {memory:6.0f} MB"
            if name.startswith("pubgrade"):
                ours = each
            elif ours:
                line += f"   pubgrade is {each / ours:.2f} times as fast"
            print(line)


# --- counting ------------------------------------------------------------------------------------


def count(paths: Iterable[str]) -> None:
    """What each file gives, and every reason why a record gave nothing."""
    total: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for path in paths:
        found: Counter[str] = Counter()
        try:
            for item in read_source(path):
                match item:
                    case ParsedArticle():
                        found["articles"] += 1
                    case DeletedCitations(pmids):
                        found["deletions"] += len(pmids)
                    case MalformedRecord(_, error):
                        found["malformed"] += 1
                        reasons[error] += 1
        except SourceError as error:
            found["faults"] += 1
            reasons[str(error)] += 1
        print(f"{path}: {_listed(found)}")
        total += found
    print(f"all: {_listed(total)}")
    for reason, times in reasons.most_common():
        print(f"  {times} × {reason}")


def _listed(found: Counter[str]) -> str:
    return ", ".join(f"{number:,} {what}" for what, number in found.items()) or "nothing"


# --- command line --------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", help="files or folders")
    parser.add_argument("--count", action="store_true", help="count records instead of timing")
    parser.add_argument("--repeat", type=int, default=3, help="rounds (default 3)")
    given = parser.parse_args()
    records = data_folder() / "records"
    folders = ("xml", "nlm", "odd", "medline") if given.count else ("xml", "nlm")
    sources = given.files or [str(records / name) for name in folders if (records / name).is_dir()]
    if not sources:
        sys.exit(f"No files given and no data folder at {data_folder()}: set PUBGRADE_DATA.")
    files = list_sources(sources)
    if given.count:
        count(files)
    else:
        compare_readers(files, given.repeat)


if __name__ == "__main__":
    main()
