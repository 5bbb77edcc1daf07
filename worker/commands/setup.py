"""`pubgrade init`."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.commands import examples, invocation, leave

app = typer.Typer()


@app.command(epilog=examples("pubgrade init", "pubgrade init /etc/pubgrade/config.toml"))
def init(
    path: Annotated[str, typer.Argument(help="Where to write it.", metavar="FILE")] = "config.toml",
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that is there.", metavar="")
    ] = False,
) -> None:
    """Write a commented config.toml and say what to fill in."""
    from worker.tasks import setup

    leave(setup.init(invocation(), path=path, force=force))
