"""`pubgrade copy`."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.commands import examples, invocation, leave

app = typer.Typer()


@app.command(
    epilog=examples(
        "pubgrade copy --from sqlite:///pubgrade.db --to postgresql://me@server/pubgrade",
        "pubgrade copy --from postgresql://me@server/pubgrade --to sqlite:///backup.db",
    )
)
def copy(
    source: Annotated[str, typer.Option("--from", help="The store to read.", metavar="URL")],
    target: Annotated[
        str, typer.Option("--to", help="A new or empty store to fill.", metavar="URL")
    ],
) -> None:
    """Copy a whole store into another database, and count every table in both."""
    from worker.tasks import copying

    leave(copying.copy(invocation(), source=source, target=target))
