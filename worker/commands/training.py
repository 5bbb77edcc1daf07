"""`pubgrade train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from worker.commands import examples, invocation, leave

app = typer.Typer()


@app.command(
    epilog=examples(
        "pubgrade train --out my-model",
        "pubgrade train --labels designs.jsonl --out my-model",
        "pubgrade regrade --model my-model",
    )
)
def train(
    labels: Annotated[
        list[Path] | None,
        typer.Option(
            help='JSON lines of your own: {"pmid": 33301246, "design": "cohort_study"}. '
            "May stand more than once.",
            metavar="FILE",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder to write the model to.", metavar="FOLDER")
    ] = Path("model"),
    seed: Annotated[
        int, typer.Option(help="Which records share a fold of the check.", metavar="N")
    ] = 0,
) -> None:
    """Train a text model on the stored records that people at NLM indexed."""
    from worker.tasks import training

    leave(training.train(invocation(), labels=labels or [], out=out, seed=seed))
