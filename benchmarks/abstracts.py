"""What `pubgrade mirror --no-abstracts` saves: bytes a record by table, with abstracts and without.

    python -m benchmarks.abstracts [FILE...]

FILE: PubMed files; by default those of `$PUBGRADE_DATA/records/xml` (../shared/data). They are loaded
into SQLite as the mirror loads them.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from benchmarks.query import sizes
from storage import Store
from storage.records import Query
from worker.bulk import Job, load_files
from worker.files import list_sources
from worker.selection import Selection


def loaded(path: Path, files: list[str], *, abstracts: bool, keep_raw: bool) -> dict[str, float]:
    selection = Selection.of("", abstracts=abstracts)
    with Store.open(str(path)) as store:
        for each in load_files(store, map(Job, files), selection=selection, keep_raw=keep_raw):
            if each.fault:
                sys.exit(each.fault)
        records = store.count(Query())
        print(f"{records:,} records, {store.counts('').abridged:,} without their abstracts")
    found = dict(sizes(path, records))
    return found | {"all": sum(found.values())}


def main() -> None:
    folder = Path(os.environ.get("PUBGRADE_DATA", "../shared/data")) / "records" / "xml"
    if not sys.argv[1:] and not folder.is_dir():
        sys.exit(f"no records: name PubMed files, or set PUBGRADE_DATA (no {folder})")
    files = list_sources(sys.argv[1:] or [str(folder)])
    with tempfile.TemporaryDirectory() as place:
        ways = [
            loaded(Path(place) / f"{number}.db", files, abstracts=abstracts, keep_raw=keep_raw)
            for number, (abstracts, keep_raw) in enumerate(
                [(True, True), (True, False), (False, False)]
            )
        ]
    print(f"\n{'bytes a record':28}{'whole':>10}{'not raw':>10}{'no abstract':>12}{'less':>8}")
    for name in sorted(ways[0], key=lambda name: -ways[0][name]):
        whole, without_raw, without = (way.get(name, 0.0) for way in ways)
        if whole >= 1:
            less = 1 - without / without_raw if without_raw >= 1 else 0.0
            print(f"{name:28}{whole:10,.0f}{without_raw:10,.0f}{without:12,.0f}{less:8.0%}")


if __name__ == "__main__":
    main()
