"""`pubgrade regrade`, `explain` and `schemes`."""

from __future__ import annotations

import dataclasses
import sys
import time
import zipfile
from pathlib import Path

import msgspec

from grading import GRADER_VERSION, grade_many
from grading.levels import SCHEMES
from grading.text_model import TextModel
from worker import pages
from worker.errors import ConfigError
from worker.invocation import EXIT_DONE, EXIT_SOME_FAILED, Invocation
from worker.tasks.filters import nearest
from worker.tasks.output import emit, progress, say
from worker.tasks.pmids import one_pmid
from worker.tasks.session import BATCH, ledger_row, open_config, open_store, task


@task
def regrade(invocation: Invocation, *, everything: bool, model: Path | None = None) -> int:
    started = time.monotonic()
    text_model = _own_model(model) if model else None
    version = f"{GRADER_VERSION}+{text_model.digest}" if text_model else GRADER_VERSION
    with open_store(open_config(invocation), create=False) as store:
        counts = store.counts(version)
        total = counts.articles if everything else counts.outdated_grades
        changed = done = 0
        with (
            ledger_row(store, "regrade", f"grader {version}") as row,
            progress(invocation, "Regrading", total) as show_done,
        ):
            after = 0
            while batch := store.articles(
                after=after, limit=BATCH, outdated_for=None if everything else version
            ):
                notices = store.notices_about([article.pmid for article, _ in batch])
                grades = grade_many(
                    [article for article, _ in batch], notices=notices, model=text_model
                )
                grades = [msgspec.structs.replace(g, grader_version=version) for g in grades]
                outcome = store.regrade(
                    (article.pmid, given) for (article, _), given in zip(batch, grades, strict=True)
                )
                changed += len(outcome.regraded)
                done += len(batch)
                after = batch[-1][0].pmid
                row[0] = dataclasses.replace(
                    row[0], asked=done, returned=done, revised=changed, unchanged=done - changed
                )
                show_done(done)
    seconds = time.monotonic() - started
    if invocation.json:
        emit({"regraded": done, "changed": changed, "seconds": round(seconds, 3)})
    else:
        sys.stdout.write(
            f"{done:,} records graded again, {changed:,} grades changed ({seconds:.0f} s)\n"
        )
    return EXIT_DONE


def _own_model(folder: Path) -> TextModel:
    path = folder / "text.npz"
    try:
        return TextModel.load(path)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ConfigError(
            f"--model {folder}: {path} cannot be read as a text model: {error}\n"
            "`pubgrade train` writes one."
        ) from None


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
                "scheme": scheme,
                "level": grade_json["levels"][scheme],
                "steps": [s for s in grade_json["level_steps"] if s["scheme"] == scheme],
                "reasons": grade_json["reasons"],
            }
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
