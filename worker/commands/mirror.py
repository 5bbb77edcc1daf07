"""`pubgrade mirror` and `pubgrade verify`."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.commands import examples, invocation, leave
from worker.commands.options import (
    Cluster,
    Design,
    Email,
    Flag,
    Language,
    Level,
    Mesh,
    NotFlag,
    Question,
    Scheme,
    Since,
    Spool,
    Until,
    Words,
    Workers,
    filters,
)

app = typer.Typer()


@app.command(
    epilog=examples(
        "pubgrade mirror --dry-run",
        "pubgrade mirror --store sqlite:///all.db",
        "pubgrade mirror --store sqlite:///gout.db --mesh Gout --level 1-3",
        "pubgrade mirror 'gout OR uric*' --language eng --since 2015",
    )
)
def mirror(
    words: Words = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say how many files, bytes and hours it takes.")
    ] = False,
    workers: Workers = None,
    cluster: Cluster = None,
    spool: Spool = None,
    level: Level = None,
    scheme: Scheme = "ocebm_2011",
    design: Design = None,
    question: Question = None,
    mesh: Mesh = None,
    language: Language = None,
    since: Since = None,
    until: Until = None,
    flag: Flag = None,
    not_flag: NotFlag = None,
) -> None:
    """Keep up with NLM's baseline and daily update files: all of PubMed, or what words and filters keep.

    The store remembers its filters: later calls go on with them, and other ones are refused. What
    was kept stays and is kept up to date, though a revision may no longer match; so are notices
    (retractions, concerns, corrections) about it.
    """
    from worker.tasks import mirror

    leave(mirror.mirror(
        invocation(), dry_run=dry_run, workers=workers, cluster=cluster, spool=spool,
        languages=language or [], filters=filters(
            words=words, level=level, scheme=scheme, design=design, question=question, topic=None,
            journal=None, author=None, mesh=mesh, since=since, until=until, added_since=None,
            flag=flag, not_flag=not_flag, min_n=None, sort="relevance", limit=0, after=None,
        ),
    ))  # fmt: skip


@app.command(epilog=examples("pubgrade verify --email you@example.org --sample 500"))
def verify(
    sample: Annotated[int, typer.Option(help="Records to compare.", min=1)] = 200,
    email: Email = None,
) -> None:
    """Compare a random sample of the store with PubMed; exit 1 where they differ."""
    from worker.tasks import mirror

    leave(mirror.verify(invocation(), sample=sample, email=email))
