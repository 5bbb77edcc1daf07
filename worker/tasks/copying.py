"""`pubgrade copy`."""

from __future__ import annotations

import time

from storage import Store
from worker import pages
from worker.invocation import EXIT_DONE, Invocation
from worker.tasks.output import emit, progress, say
from worker.tasks.session import open_config, task


@task
def copy(invocation: Invocation, *, source: str, target: str) -> int:
    open_config(invocation)
    started = time.monotonic()
    with Store.open(source, create=False) as old, Store.open(target) as new:
        with progress(invocation, "rows", old.count_rows()) as watch:
            counts = old.copy_to(new, watch)
        places = old.url, new.url
    seconds = time.monotonic() - started
    if invocation.json:
        emit({"from": places[0], "to": places[1], "rows": counts, "seconds": round(seconds, 1)})
        return EXIT_DONE
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("Table")
    table.add_column("Rows", justify="right")
    for name, count in counts.items():
        table.add_row(name.replace("_", " "), f"{count:,}")
    pages.console().print(table)
    say(f"copied {places[0]} to {places[1]} in {seconds:,.1f} s; both hold the same number of rows")
    return EXIT_DONE
