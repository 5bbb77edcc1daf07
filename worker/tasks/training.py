"""`pubgrade train`: a text model from the stored records, with figures of how good it is."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grading.combination import GROUPS
from grading.vocabulary import DESIGNS as RUBRIC
from storage import Store
from worker.errors import WorkerError
from worker.filters import nearest
from worker.invocation import EXIT_DONE, EXIT_SOME_FAILED, Invocation
from worker.tasks.output import emit, say
from worker.tasks.session import BATCH, open_config, open_store, task
from worker.training import Training, summary, tagged
from worker.training import train as fit


@task
def train(invocation: Invocation, *, labels: list[Path], out: Path, seed: int) -> int:
    wanted = dict(pair for path in labels for pair in _labels(path))
    with open_store(open_config(invocation), create=False) as store:
        records = list(_records(store, wanted))
    missing = sorted(set(wanted) - {record.article.pmid for record in records})
    report = fit(records, out, seed)
    found = summary(records, report)
    if invocation.json:
        emit({"model": str(out / "text.npz"), **found, "labels_not_stored": missing})
    else:
        _show(found)
        sys.stdout.write(
            f"Written: {out / 'text.npz'}. `pubgrade regrade --model {out}` grades with it.\n"
        )
    if missing:
        some = ", ".join(map(str, missing[:10])) + (" …" if len(missing) > 10 else "")
        say(f"{len(missing)} labelled records are not in the store and did not count: {some}")
        return EXIT_SOME_FAILED
    return EXIT_DONE


def _labels(path: Path) -> Iterator[tuple[int, str]]:
    """(PMID, one of the eight designs); any design of the rubric is folded to its one of eight."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise WorkerError(f"--labels {path}: cannot be read: {error}") from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            said = json.loads(line)
            pmid, design = int(said["pmid"]), str(said["design"])
        except (ValueError, KeyError, TypeError):
            raise WorkerError(
                f"{where}: not a label.\n"
                'Write one JSON object a line: {"pmid": 33301246, "design": "cohort_study"}'
            ) from None
        if design not in RUBRIC:
            raise WorkerError(f"{where}: design {design}: unknown{nearest(design, RUBRIC)}")
        yield pmid, GROUPS[design]


def _records(store: Store, wanted: dict[int, str]) -> Iterator[Training]:
    """The stored records with labels, in the order of their PMIDs."""
    after = 0
    while batch := store.articles(after=after, limit=BATCH):
        for article, _ in batch:
            if article.abridged:
                continue
            record = tagged(article)
            if article.pmid in wanted:
                record = dataclasses.replace(
                    record or Training(article=article, group=str(article.pmid)),
                    designs=frozenset({wanted[article.pmid]}),
                )
            if record is not None:
                yield record
        after = batch[-1][0].pmid


def _show(found: dict[str, Any]) -> None:
    from rich import box
    from rich.table import Table

    from worker import pages

    accuracy = found["design_accuracy"]
    sys.stdout.write(
        f"{found['records']:,} records: {found['tagged']:,} with an indexer's tags, "
        f"{found['designed']:,} with a design. {found['features']:,} features.\n"
        "All figures are of models that did not see the record.\n"
    )
    if isinstance(accuracy, float):
        sys.stdout.write(f"Design right: {accuracy:.1%} of those with one known design.\n")
    for key, title in (("designs", "Designs"), ("tags", "Tags of an indexer")):
        rows = found[key]
        shown = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
        shown.add_column("")
        for column in ("Records", "Precision", "Recall", "F1"):
            shown.add_column(column, justify="right")
        for name, figures in rows.items():
            shown.add_row(
                name,
                f"{figures['records']:,}",
                *(f"{figures[figure]:.3f}" for figure in ("precision", "recall", "f1")),
            )
        pages.console().print(shown)
