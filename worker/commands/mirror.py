"""`pubgrade mirror` and `pubgrade verify`."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.commands import examples, invocation, leave
from worker.commands.options import Cluster, Email, Parquet, Spool, Workers

app = typer.Typer()


@app.command(
    epilog=examples(
        "pubgrade mirror --dry-run",
        "pubgrade mirror --store sqlite:///all.db",
        "pubgrade mirror --parquet graded",
        "pubgrade mirror --store sqlite:///gout.db --filter '--mesh Gout --level 1-3'",
        "pubgrade mirror --filter 'statin* --level 1-2 --language eng --since 2015'",
        "pubgrade mirror --no-abstracts",
    )
)
def mirror(
    filter: Annotated[
        str | None,
        typer.Option(
            help="Keep only what `pubgrade query QUERY` would find; --language eng may stand in it "
            "too.",
            metavar="QUERY",
        ),
    ] = None,
    no_abstracts: Annotated[
        bool,
        typer.Option(
            "--no-abstracts",
            help="Grade whole records, then keep them without their abstracts.",
            metavar="",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Only say how many files, bytes and hours it takes.", metavar=""
        ),
    ] = False,
    workers: Workers = None,
    cluster: Cluster = None,
    spool: Spool = None,
    parquet: Parquet = None,
) -> None:
    """Keep up with NLM's baseline and daily update files: all of PubMed, or what a filter keeps.

    The store remembers what it keeps: later calls go on with that, and other wishes are refused.
    What was kept stays and is kept up to date, though a revision may no longer match; so are notices
    (retractions, concerns, corrections) about it.
    """
    from worker.tasks import mirror

    leave(mirror.mirror(
        invocation(), filter=filter, abstracts=not no_abstracts, dry_run=dry_run, workers=workers,
        cluster=cluster, spool=spool, parquet=parquet,
    ))  # fmt: skip


@app.command(epilog=examples("pubgrade verify --email you@example.org --sample 500"))
def verify(
    sample: Annotated[int, typer.Option(help="Records to compare.", min=1, metavar="N")] = 200,
    email: Email = None,
) -> None:
    """Compare a random sample of the store with PubMed; exit 1 where they differ."""
    from worker.tasks import mirror

    leave(mirror.verify(invocation(), sample=sample, email=email))
