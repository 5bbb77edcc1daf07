"""`pubgrade load` and `pubgrade grade`."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.commands import examples, invocation, leave
from worker.commands.options import Cluster, Parquet, Spool, Workers

app = typer.Typer()


@app.command(
    epilog=examples(
        "pubgrade load pubmed26n0001.xml.gz",
        "pubgrade load exports/ search.nbib",
        "pubgrade load baseline/ updatefiles/ --parquet graded",
        "pubgrade load https://ftp.ncbi.nlm.nih.gov/pubmed/updatefiles/pubmed26n1335.xml.gz",
    )
)
def load(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="PubMed XML, MEDLINE text, JSON lines (each also .gz), folders, addresses, - for stdin.",
            metavar="SOURCE",
        ),
    ],
    workers: Workers = None,
    cluster: Cluster = None,
    spool: Spool = None,
    parquet: Parquet = None,
) -> None:
    """Load, grade and store files of records, or with --parquet make a dataset of them without a store.

    A file that is in a dataset already, by its bytes, is passed over: whoever was interrupted calls
    again with the same files, and daily files are added by another call.
    """
    from worker.tasks import files

    leave(files.load(
        invocation(), sources=sources, workers=workers, cluster=cluster, spool=spool, parquet=parquet
    ))  # fmt: skip


@app.command(
    epilog=examples(
        "pubgrade grade search.nbib | jq -r '[.pmid, .design] | @tsv'",
        "zcat records.xml.gz | pubgrade grade -",
    )
)
def grade(
    source: Annotated[
        str, typer.Argument(help="A file, folder, address, or - for stdin.", metavar="SOURCE")
    ],
) -> None:
    """Grade without a store: one JSON object a line on stdout."""
    from worker.tasks import files

    leave(files.grade(invocation(), source=source))
