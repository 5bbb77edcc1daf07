"""`pubgrade query` and `pubgrade show`."""

from __future__ import annotations

from typing import Any

from storage.records import iso
from worker import pages
from worker.errors import ConfigError
from worker.filters import query_of
from worker.invocation import EXIT_DONE, EXIT_SOME_FAILED, Invocation
from worker.tasks.output import emit, say
from worker.tasks.pmids import one_pmid
from worker.tasks.session import open_config, open_store, task


@task
def query(invocation: Invocation, *, filters: dict[str, Any], count_by: str | None) -> int:
    wanted = query_of(filters)
    axes = ("design", "level", "year", "journal", "topic")
    if count_by is not None and count_by not in axes:
        raise ConfigError(f"--count-by {count_by}: one of {', '.join(axes)}")
    with open_store(open_config(invocation), create=False) as store:
        if count_by is not None:
            counts = store.count_by(wanted, count_by)
            if invocation.json:
                for name, count in counts:
                    emit({count_by: name, "count": count})
            else:
                pages.console().print(pages.counts_table(counts, count_by))
            return EXIT_DONE
        page = store.search(wanted)
        if invocation.json:
            for record in page.records:
                emit(record.to_json())
            if page.next_cursor:
                say(f"next page: --after {page.next_cursor}")
            return EXIT_DONE
        if not page.records:
            say(
                "Nothing found. Fewer words or filters find more; `pubgrade status` counts the store."
            )
            return EXIT_DONE
        pages.console().print(pages.record_table(page.records))
        if page.next_cursor and not invocation.quiet:
            say(f"\nThere is more: --after {page.next_cursor}")
    return EXIT_DONE


@task
def show(invocation: Invocation, *, pmid: str, history: bool) -> int:
    number = one_pmid(pmid)
    with open_store(open_config(invocation), create=False) as store:
        record = store.get(number)
        if record is None:
            say(
                f"PMID {number} is not in the store. `pubgrade fetch {number}` gets it from PubMed."
            )
            return EXIT_SOME_FAILED
        changes = store.history(number) if history or invocation.json else []
        if invocation.json:
            told = [
                {"at": iso(c.at), "what": c.what, "version": c.version, "summary": c.summary}
                for c in changes
            ]
            emit(record.to_json() | {"history": told})
        else:
            pages.console().print(pages.record_page(record, changes))
    return EXIT_DONE
