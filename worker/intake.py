"""The one way into the store: parsed records are graded and saved, whatever they came from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from grading import Grade, grade, grade_many
from grading.article import Correction
from grading.notices import notices_in
from storage import Store
from storage.records import Entry, SaveOutcome
from worker.parsed import (
    PARSER_VERSION,
    DeletedCitations,
    MalformedRecord,
    Parsed,
    ParsedArticle,
)


@dataclass(frozen=True, slots=True)
class IntakeOutcome:
    """What became of the records of one batch, by PMID."""

    new: tuple[int, ...] = ()
    revised: tuple[int, ...] = ()
    unchanged: tuple[int, ...] = ()
    stale: tuple[int, ...] = ()
    regraded: tuple[int, ...] = ()
    deleted: tuple[int, ...] = ()
    failed: tuple[MalformedRecord, ...] = ()

    def __add__(self, other: IntakeOutcome) -> IntakeOutcome:
        return IntakeOutcome(
            new=self.new + other.new,
            revised=self.revised + other.revised,
            unchanged=self.unchanged + other.unchanged,
            stale=self.stale + other.stale,
            regraded=self.regraded + other.regraded,
            deleted=self.deleted + other.deleted,
            failed=self.failed + other.failed,
        )

    @property
    def stored(self) -> tuple[int, ...]:
        """PMIDs that the store holds now because of this batch, or held already."""
        return self.new + self.revised + self.unchanged + self.stale + self.regraded


class Intake:
    """Grades and saves batches of parsed records into one store.

    `source` is said of records that go to quarantine (a file name, "EFetch", …); `topic` is linked
    to every article that comes in.
    """

    def __init__(self, store: Store, *, source: str, topic: str | None = None) -> None:
        self._store = store
        self._source = source
        self._topic = topic

    def take(self, parsed: Iterable[Parsed]) -> IntakeOutcome:
        """Grade and save one batch (a few hundred records) in the order in which it came.

        Malformed records go to quarantine, deletions are marked. All else is saved in one
        transaction, so a batch is either stored whole or, after a crash, not at all.

        Raises storage.errors.StoreError when the store cannot be written.
        """
        outcome = IntakeOutcome()
        articles: list[ParsedArticle] = []
        failed: list[MalformedRecord] = []
        for item in parsed:
            match item:
                case ParsedArticle():
                    articles.append(item)
                case MalformedRecord():
                    failed.append(item)
                case DeletedCitations():
                    outcome += self._save(articles)
                    articles = []
                    outcome += IntakeOutcome(
                        deleted=self._store.mark_deleted(item.pmids, source=self._source)
                    )
        outcome += self._save(articles)
        outcome += IntakeOutcome(failed=tuple(failed))
        for record in outcome.failed:
            self._store.quarantine(
                raw=record.raw, error=record.error, source=self._source, pmid=record.pmid
            )
        return outcome

    def _save(self, batch: list[ParsedArticle]) -> IntakeOutcome:
        if not batch:
            return IntakeOutcome()
        pmids = {item.article.pmid for item in batch}
        notices: dict[int, list[Correction]] = defaultdict(list)
        for item in batch:
            for target, notice in notices_in(item.article):
                notices[target].append(notice)
        for pmid, stored in self._store.notices_about(pmids | notices.keys()).items():
            notices[pmid].extend(notice for notice in stored if notice not in notices[pmid])

        entries: list[Entry] = []
        failed: list[MalformedRecord] = []
        told = {pmid: tuple(said) for pmid, said in notices.items()}
        for item, graded in zip(batch, grades_of(batch, told), strict=True):
            if isinstance(graded, Exception):
                failed.append(
                    MalformedRecord(
                        item.raw,
                        f"could not be graded: {type(graded).__name__}: {graded}",
                        item.article.pmid,
                    )
                )
            else:
                entries.append(Entry(item.article, graded, item.raw, item.format, PARSER_VERSION))

        # Articles named by a new notice are regraded before the notice itself is saved: a crash in
        # between then warns too early, never too late.
        regraded = self._regrade(notices, notices.keys() - pmids)
        saved = self._store.save(entries, topic=self._topic)
        return IntakeOutcome(
            new=saved.new,
            revised=saved.revised,
            unchanged=saved.unchanged,
            stale=saved.stale,
            regraded=saved.regraded + regraded.regraded,
            failed=tuple(failed),
        )

    def _regrade(self, notices: dict[int, list[Correction]], targets: set[int]) -> SaveOutcome:
        if not targets:
            return SaveOutcome()
        records = self._store.get_many(targets).values()
        told = {pmid: tuple(notices[pmid]) for pmid in targets}
        grades = grade_many([record.article for record in records], notices=told)
        return self._store.regrade(
            (record.article.pmid, given) for record, given in zip(records, grades, strict=True)
        )


def grades_of(
    batch: Sequence[ParsedArticle], notices: Mapping[int, tuple[Correction, ...]]
) -> list[Grade | Exception]:
    """The grade of each; a record that breaks the grader costs only itself."""
    try:
        return list(grade_many([item.article for item in batch], notices=notices))
    except Exception:
        return [_grade_or_error(item, notices.get(item.article.pmid, ())) for item in batch]


def _grade_or_error(item: ParsedArticle, notices: tuple[Correction, ...]) -> Grade | Exception:
    try:
        return grade(item.article, notices=notices)
    except Exception as error:
        return error
