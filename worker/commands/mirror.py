"""`pubgrade mirror` and `pubgrade verify`."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.commands import examples, invocation, leave
from worker.commands.options import Cluster, Email, Spool, Workers

app = typer.Typer()


@app.command(
    epilog=examples("pubgrade mirror --dry-run", "pubgrade mirror --store sqlite:///all.db")
)
def mirror(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say how many files, bytes and hours it takes.")
    ] = False,
    workers: Workers = None,
    cluster: Cluster = None,
    spool: Spool = None,
) -> None:
    """Keep up with NLM's baseline and daily update files: all of PubMed."""
    from worker.tasks import mirror

    leave(
        mirror.mirror(invocation(), dry_run=dry_run, workers=workers, cluster=cluster, spool=spool)
    )


@app.command(epilog=examples("pubgrade verify --email you@example.org --sample 500"))
def verify(
    sample: Annotated[int, typer.Option(help="Records to compare.", min=1)] = 200,
    email: Email = None,
) -> None:
    """Compare a random sample of the store with PubMed; exit 1 where they differ."""
    from worker.tasks import mirror

    leave(mirror.verify(invocation(), sample=sample, email=email))
