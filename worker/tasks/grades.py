"""`pubgrade regrade`, `explain` and `schemes`."""

from __future__ import annotations

import dataclasses
import sys
import time
import zipfile
from contextlib import closing
from pathlib import Path

import msgspec

from grading.levels import SCHEMES
from worker import pages
from worker.errors import ConfigError
from worker.filters import nearest
from worker.invocation import EXIT_DONE, EXIT_SOME_FAILED, Invocation
from worker.processes import cores
from worker.regrading import regrade_store, version_of
from worker.tasks.output import emit, progress, say
from worker.tasks.pmids import one_pmid
from worker.tasks.session import ledger_row, open_config, open_store, task
from worker.tasks.workers import MANY, executor_for


@task
def regrade(
    invocation: Invocation,
    *,
    everything: bool,
    model: Path | None = None,
    workers: int | None = None,
    cluster: str | None = None,
) -> int:
    started = time.monotonic()
    model = _own_model(model) if model else None
    version = version_of(model)
    with open_store(open_config(invocation), create=False) as store:
        counts = store.counts(version)
        total = counts.articles - counts.abridged if everything else counts.outdated_grades
        workers = workers or (cores() if total >= MANY else 1)
        changed = done = 0
        with (
            executor_for(cluster, workers) as (executor, able),
            ledger_row(store, "regrade", f"grader {version}") as row,
            progress(invocation, "Regrading", total) as show_done,
            closing(
                regrade_store(
                    store, everything=everything, model=model, executor=executor, workers=able
                )
            ) as batches,
        ):
            for so_far in batches:
                done, changed = so_far.done, so_far.changed
                row[0] = dataclasses.replace(
                    row[0], asked=done, returned=done, revised=changed, unchanged=done - changed
                )
                show_done(done)
    seconds = time.monotonic() - started
    if invocation.json:
        emit(
            {
                "regraded": done,
                "changed": changed,
                "left": counts.abridged,
                "seconds": round(seconds, 3),
            }
        )
    else:
        sys.stdout.write(
            f"{done:,} records graded again, {changed:,} grades changed ({seconds:.0f} s)\n"
        )
        if counts.abridged:
            sys.stdout.write(
                f"{counts.abridged:,} records keep the grades that were made from the whole of them: "
                "their abstracts are not kept here\n"
            )
    return EXIT_DONE


def _own_model(folder: Path) -> Path:
    """The file of the model, which has been read once."""
    path = (folder / "text.npz").absolute()
    try:
        version_of(path)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ConfigError(
            f"--model {folder}: {path} cannot be read as a text model: "
            f"{getattr(error, 'strerror', None) or error}\n"
            "`pubgrade train` writes one."
        ) from None
    return path


# Of the grade, what `explain --json` has beside the level and its steps.
_EXPLAINED = (
    "design",
    "design_label",
    "confidence",
    "design_confidence",
    "question",
    "attributes",
    "flags",
    "stated_level",
    "reasons",
)


@task
def explain(invocation: Invocation, *, pmid: str, scheme: str) -> int:
    if scheme not in SCHEMES:
        raise ConfigError(f"--scheme {scheme}: unknown{nearest(scheme, SCHEMES)}")
    number = one_pmid(pmid)
    with open_store(open_config(invocation), create=False) as store:
        record = store.get(number)
    if record is None:
        say(f"PMID {number} is not in the store. `pubgrade fetch {number}` gets it from PubMed.")
        return EXIT_SOME_FAILED
    if invocation.json:
        grade_json = msgspec.to_builtins(record.grade)
        emit(
            {
                "pmid": number,
                "title": record.article.title,
                "scheme": scheme,
                "level": grade_json["levels"][scheme],
                "steps": [s for s in grade_json["level_steps"] if s["scheme"] == scheme],
            }
            | {name: grade_json[name] for name in _EXPLAINED}
        )
    else:
        pages.console().print(pages.explanation(record, scheme))
    return EXIT_DONE


@task
def schemes(invocation: Invocation, *, scheme: str | None) -> int:
    from grading.levels import schemes as tables

    if scheme is not None and scheme not in SCHEMES:
        raise ConfigError(f"{scheme}: unknown{nearest(scheme, SCHEMES)}")
    for table in tables().values():
        if scheme is not None and table.id != scheme:
            continue
        if invocation.json:
            emit(
                {
                    "scheme": table.id,
                    "title": table.title,
                    "source": table.source,
                    "rows": [
                        {
                            "id": row.id,
                            "level": row.level,
                            "text": row.text,
                            "designs": sorted(row.designs),
                            "questions": sorted(row.questions),
                            "with": sorted(row.attributes),
                            "without": sorted(row.without),
                        }
                        | ({"jbjs": row.jbjs} if row.jbjs else {})
                        for row in table.rows
                    ],
                }
            )
            continue
        pages.console().print(pages.scheme_table(table))
    return EXIT_DONE
