"""The one way into the store: parsed records are graded and saved, whatever they came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from grading import Grade, grade, grade_many
from grading.article import Correction
from grading.warnings import warned
from storage import Store
from storage.records import Entry
from worker.known import digest_of, known_to
from worker.notices import notices_with
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
                    outcome += self._delete(item.pmids)
        outcome += self._save(articles)
        outcome += IntakeOutcome(failed=tuple(failed))
        for record in outcome.failed:
            self._store.quarantine(
                raw=record.raw, error=record.error, source=self._source, pmid=record.pmid
            )
        return outcome

    def _delete(self, pmids: tuple[int, ...]) -> IntakeOutcome:
        noticed = self._store.noticed_by(pmids)
        deleted = self._store.mark_deleted(pmids, source=self._source)
        told = self._store.notices_about(noticed)
        return IntakeOutcome(deleted=deleted, regraded=self._warn(told, noticed))

    def _save(self, batch: list[ParsedArticle]) -> IntakeOutcome:
        if not batch:
            return IntakeOutcome()
        digests = [digest_of(item.raw) for item in batch]
        known = self._unchanged(batch, digests)
        changed = [item for item in batch if item.article.pmid not in known]
        told = notices_with((item.article for item in changed), self._store)
        known -= told.keys()
        todo = [item for item in batch if item.article.pmid not in known]
        pmids = {item.article.pmid for item in todo}

        entries: list[Entry] = []
        failed: list[MalformedRecord] = []
        grades = iter(grades_of(todo, told))
        for item, digest in zip(batch, digests, strict=True):
            graded = next(grades) if item.article.pmid in pmids else None
            if isinstance(graded, Exception):
                failed.append(
                    MalformedRecord(
                        item.raw,
                        f"could not be graded: {type(graded).__name__}: {graded}",
                        item.article.pmid,
                    )
                )
            else:
                entries.append(
                    Entry(item.article, graded, item.raw, item.format, PARSER_VERSION, digest)
                )

        # Grades of articles that a new notice names are told before the notice itself is saved: a
        # crash in between then warns too early, never too late.
        regraded = self._warn(told, told.keys() - pmids)
        saved = self._store.save(entries, topic=self._topic)
        outcome = IntakeOutcome(
            new=saved.new,
            revised=saved.revised,
            unchanged=saved.unchanged,
            stale=saved.stale,
            regraded=saved.regraded + regraded + self._warn(told, told.keys() & saved.stale),
            failed=tuple(failed),
        )
        if saved.ungraded:  # another process has changed them since
            again = [item for item in batch if item.article.pmid in saved.ungraded]
            outcome += self._save(again)
        return outcome

    def _unchanged(self, batch: list[ParsedArticle], digests: list[int]) -> set[int]:
        """PMIDs that need not be graded again; none that comes more than once."""
        times = Counter(item.article.pmid for item in batch)
        once = {
            item.article.pmid: digest
            for item, digest in zip(batch, digests, strict=True)
            if times[item.article.pmid] == 1
        }
        return known_to(self._store)(once)

    def _warn(self, told: Mapping[int, tuple[Correction, ...]], pmids: set[int]) -> tuple[int, ...]:
        """Grades of stored articles, as notices tell now. Answers those that have become others."""
        if not pmids:
            return ()
        return self._store.regrade(
            (pmid, warned(record.grade, record.article, told.get(pmid, ())))
            for pmid, record in self._store.get_many(pmids).items()
        ).regraded


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
