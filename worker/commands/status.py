"""`pubgrade status`."""

from __future__ import annotations

import typer

from worker.commands import examples, invocation, leave

app = typer.Typer()


@app.command(epilog=examples("pubgrade status", "pubgrade status --json | jq .counts"))
def status() -> None:
    """Store counts; per topic the last sync, lag and failures; the next runs; the daemon."""
    from worker.tasks import status

    leave(status.status(invocation()))
