"""`pubgrade fetch`."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.commands import examples, invocation, leave
from worker.commands.options import Email

app = typer.Typer()


@app.command(
    epilog=examples(
        "pubgrade fetch --email you@example.org 33301246 32865377",
        "pubgrade fetch --file pmids.txt",
        "cut -f1 hits.tsv | pubgrade fetch --file - --json > records.jsonl",
    )
)
def fetch(
    pmids: Annotated[list[str] | None, typer.Argument(help="PMIDs.", metavar="PMID")] = None,
    file: Annotated[
        str | None,
        typer.Option("--file", "-f", help="One PMID a line; - for stdin.", metavar="FILE"),
    ] = None,
    email: Email = None,
) -> None:
    """Fetch, grade and store these records now."""
    from worker.tasks import fetch

    leave(fetch.fetch(invocation(), pmids=pmids or [], file=file, email=email))
