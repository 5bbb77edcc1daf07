"""A store's records graded again, in this process or in others.

Others get the packed documents and need no way to the store. Whoever calls writes, batch by batch:
after an interruption the next call goes on with what is still graded by another version.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec

from grading import GRADER_VERSION, Grade, grade_many
from grading.article import Correction
from grading.text_model import TextModel
from storage import Store
from storage.documents import Document
from worker.processes import in_order

BATCH: Final = 500  # records of one task and one transaction
_AHEAD: Final = 2  # tasks for each process


@dataclass(frozen=True, slots=True)
class _Batch:
    documents: list[Document]
    notices: dict[int, tuple[Correction, ...]]
    model: Path | None


@dataclass(frozen=True, slots=True)
class Regraded:
    """Records graded again so far, and how many grades of them are others than before."""

    done: int
    changed: int


def version_of(model: Path | None) -> str:
    """What stands as `Grade.grader_version` of whatever is graded with this model (None: ours)."""
    return f"{GRADER_VERSION}+{_model(model).digest}" if model else GRADER_VERSION


def regrade_store(
    store: Store,
    *,
    everything: bool = False,
    model: Path | None = None,
    executor: Executor | None = None,
    workers: int = 1,
) -> Generator[Regraded, None, None]:
    """Grade again what another version graded, or `everything`; tells how far it is after each
    transaction.

    `model`: the file of a text model of one's own; processes elsewhere find it under the same path.
    `executor`: its `workers` processes grade; this one reads and writes.

    Articles whose abstracts are not kept stay as they were graded, from the whole.

    An article that is revised meanwhile is passed over: whoever brought the revision graded it.
    """
    done = changed = 0
    batches = _batches(store, everything=everything, model=model)
    for grades in in_order(executor, _grade, batches, ahead=_AHEAD * workers):
        outcome = store.regrade(
            ((pmid, given) for pmid, _, given in grades),
            articles={pmid: digest for pmid, digest, _ in grades},
        )
        done += len(grades)
        changed += len(outcome.regraded)
        yield Regraded(done, changed)


def _batches(store: Store, *, everything: bool, model: Path | None) -> Iterator[_Batch]:
    outdated_for = None if everything else version_of(model)
    after = 0
    while found := store.documents(
        after=after, limit=BATCH, outdated_for=outdated_for, gradable=True
    ):
        after = found[-1].pmid
        yield _Batch(found, store.notices_about([each.pmid for each in found]), model)


def _grade(batch: _Batch) -> list[tuple[int, int, Grade]]:
    """PMID, digest of the article, its grade."""
    version = version_of(batch.model)
    articles = [document.article for document in batch.documents]
    model = _model(batch.model) if batch.model else None
    grades = grade_many(articles, notices=batch.notices, model=model)
    return [
        (document.pmid, document.digest, msgspec.structs.replace(given, grader_version=version))
        for document, given in zip(batch.documents, grades, strict=True)
    ]


@lru_cache(maxsize=1)
def _model(path: Path) -> TextModel:
    return TextModel.load(path)
