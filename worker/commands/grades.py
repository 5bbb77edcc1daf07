"""`pubgrade regrade`, `pubgrade explain` and `pubgrade schemes`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from worker.commands import examples, invocation, leave
from worker.commands.options import Cluster, Scheme, Workers

app = typer.Typer()


@app.command(
    epilog=examples("pubgrade explain 33301246", "pubgrade explain 33301246 --scheme nhmrc")
)
def explain(
    pmid: Annotated[str, typer.Argument(help="A stored PMID.", metavar="PMID")],
    scheme: Scheme = "ocebm_2011",
) -> None:
    """Walk from the words to the level, in plain words."""
    from worker.tasks import grades

    leave(grades.explain(invocation(), pmid=pmid, scheme=scheme))


@app.command(epilog=examples("pubgrade schemes", "pubgrade schemes ocebm_2011"))
def schemes(
    scheme: Annotated[
        str | None, typer.Argument(help="One scheme; all without.", metavar="SCHEME")
    ] = None,
) -> None:
    """Print the level tables and their sources."""
    from worker.tasks import grades

    leave(grades.schemes(invocation(), scheme=scheme))


@app.command(
    epilog=examples(
        "pubgrade regrade",
        "pubgrade regrade --all",
        "pubgrade regrade --model my-model",
        "pubgrade regrade --cluster tcp://scheduler:8786",
    )
)
def regrade(
    all: Annotated[
        bool, typer.Option("--all", help="Also what the present grader graded.", metavar="")
    ] = False,
    model: Annotated[
        Path | None,
        typer.Option(help="A text model that `pubgrade train` wrote.", metavar="FOLDER"),
    ] = None,
    workers: Workers = None,
    cluster: Cluster = None,
) -> None:
    """Grade stored records again with the present grader."""
    from worker.tasks import grades

    leave(
        grades.regrade(invocation(), everything=all, model=model, workers=workers, cluster=cluster)
    )
