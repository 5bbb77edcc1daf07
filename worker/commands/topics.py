"""`pubgrade sync` and `pubgrade run`."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.commands import examples, invocation, leave
from worker.commands.options import Email

app = typer.Typer()


@app.command(epilog=examples("pubgrade sync", "pubgrade sync gout sepsis"))
def sync(
    topics: Annotated[
        list[str] | None,
        typer.Argument(help="Names from config.toml; all without.", metavar="TOPIC"),
    ] = None,
    email: Email = None,
) -> None:
    """One incremental pass over the topics in config.toml."""
    from worker.tasks import topics as tasks

    leave(tasks.sync(invocation(), topics=topics or [], email=email))


@app.command(epilog=examples("pubgrade run --config /etc/pubgrade/config.toml"))
def run() -> None:
    """The daemon: sync the topics on schedule until SIGTERM."""
    from worker.tasks import topics

    leave(topics.run(invocation()))
