"""`mirror --parquet`: keeps a Parquet dataset equal to NLM's bulk files, without a store.

As `worker.mirror`, but for what becomes of the files: they are parts of a dataset (worker.dataset),
whose ledger tells which are done. What a new baseline dropped goes with the files of the old one.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import Any, Final

from worker.dataset import Added, Dataset
from worker.mirror import Plan, alone_in, load_in_order, plan
from worker.nlm_site import NAME, Site

DELETED: Final = "deleted.pmids.gz"


def mirror_dataset(
    dataset: Dataset,
    site: Site,
    folder: Path,
    *,
    keep: bool = False,
    stop: threading.Event | None = None,
    **options: Any,
) -> Generator[Added, None, None]:
    """Add what the site has and the dataset lacks, file by file, in order; `Dataset.write` is left
    to whoever calls, and is right also after an error.

    `folder`, `keep`, and the errors are those of `worker.mirror.mirror`, the other options those of
    `Dataset.add`.
    """
    stop = stop or threading.Event()
    folder.mkdir(parents=True, exist_ok=True)
    with alone_in(folder):
        work = plan_of(dataset, site)
        add = partial(dataset.add, stop=stop, **options)
        yield from load_in_order(site, folder, work, add, keep=keep, stop=stop)
        if stop.is_set():
            return
        if work.complete:
            dataset.remove(_files_before(dataset, work.year))
        if work.todo and (listed := site.deleted()) is not None:
            yield dataset.delete(DELETED, listed)


def plan_of(dataset: Dataset, site: Site) -> Plan:
    return plan(site.files(), {Path(entry.source).name for entry in dataset.entries})


def _files_before(dataset: Dataset, year: int) -> list[str]:
    """Sources that are files of an earlier baseline."""
    return [
        entry.source
        for entry in dataset.entries
        if (found := NAME.fullmatch(Path(entry.source).name)) and int(found[1]) < year
    ]
