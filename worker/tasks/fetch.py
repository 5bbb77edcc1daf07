"""`pubgrade fetch`."""

from __future__ import annotations

from storage import Store
from worker import pages
from worker.invocation import EXIT_DONE, EXIT_SOME_FAILED, EXIT_USAGE, Invocation
from worker.tasks.output import emit, list_failures, progress, say
from worker.tasks.pmids import read_pmids
from worker.tasks.session import (
    BATCH,
    counted,
    ledger_row,
    open_client,
    open_config,
    open_store,
    task,
)


@task
def fetch(invocation: Invocation, *, pmids: list[str], file: str | None, email: str | None) -> int:
    from worker.fetch import fetch_articles
    from worker.intake import Intake

    asked, bad = read_pmids(pmids, file)
    for word in bad:
        say(f"not a PMID: {word}. A PMID is a number such as 33301246.")
    if not asked:
        if not bad:
            say("pubgrade: no PMIDs given. Name some, or use --file with one PMID a line.")
        return EXIT_USAGE
    config = open_config(invocation, email)
    client = open_client(config)
    missing: list[int] = []
    failures: list[tuple[int | None, str]] = []
    stored: list[int] = []
    with client, open_store(config) as store:
        intake = Intake(store, source="fetch")
        with (
            ledger_row(store, "fetch", f"{len(asked)} PMIDs") as row,
            progress(invocation, "Fetching", len(asked)) as show_done,
        ):
            for batch in fetch_articles(client, asked):
                outcome = intake.take([*batch.parsed, *batch.failed])
                row[0] = counted(
                    row[0],
                    outcome,
                    asked=len(batch.asked),
                    returned=len(batch.asked) - len(batch.missing) - len(batch.failed),
                    missing=len(batch.missing),
                    requests=client.requests - row[0].requests,
                )
                missing += batch.missing
                failures += [(item.pmid, item.error) for item in outcome.failed]
                stored += [p for p in batch.asked if p not in batch.missing]
                show_done(row[0].asked)
        _show_stored(invocation, store, stored)
        known = store.get_many(missing) if missing else {}
        for pmid in missing:
            record = known.get(pmid)
            if record is None:
                say(f"not found: PMID {pmid} is not in PubMed. Check the number.")
            elif record.deleted_at:
                say(f"not found: PMID {pmid} was deleted by NLM; the store keeps what it was.")
            else:
                say(f"not found: PMID {pmid} is no longer in PubMed; the store keeps what it was.")
    list_failures(failures)
    return EXIT_SOME_FAILED if bad or missing or failures else EXIT_DONE


def _show_stored(invocation: Invocation, store: Store, pmids: list[int]) -> None:
    if invocation.json:
        for start in range(0, len(pmids), BATCH):
            part = pmids[start : start + BATCH]
            records = store.get_many(part)
            for pmid in part:
                if pmid in records:
                    emit(records[pmid].to_json())
    elif pmids and not invocation.quiet:
        shown = store.get_many(pmids[:50])
        pages.console().print(pages.record_table([shown[p] for p in pmids[:50] if p in shown]))
        if len(pmids) > 50:
            say(f"… and {len(pmids) - 50} more. `pubgrade query` searches them.")
