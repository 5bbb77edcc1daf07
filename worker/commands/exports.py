"""`pubgrade export`."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.commands import examples, invocation, leave
from worker.commands.options import (
    Added,
    After,
    Author,
    Cluster,
    Design,
    Flag,
    Journal,
    Level,
    Mesh,
    MinN,
    NotFlag,
    Question,
    Scheme,
    Since,
    Sort,
    Topic,
    Until,
    Words,
    filters,
)

app = typer.Typer()


@app.command(
    epilog=examples(
        "pubgrade export trials.csv --design randomized_controlled_trial",
        "pubgrade export found.ris --topic gout --not-flag retracted",
        "pubgrade export graded --format parquet",
        "pubgrade export - --format jsonl --level 1 | wc -l",
    )
)
def export(
    file: Annotated[
        str,
        typer.Argument(
            help="Where to write: .jsonl, .csv, .ris, .bib (BibTeX), .json (CSL-JSON); - for stdout; "
            "a folder for Parquet.",
            metavar="FILE",
        ),
    ],
    words: Words = None,
    format: Annotated[
        str | None,
        typer.Option(
            help="jsonl, csv, ris, bibtex, csl-json or parquet, where the name does not tell.",
            metavar="FORMAT",
        ),
    ] = None,
    level: Level = None,
    scheme: Scheme = "ocebm_2011",
    design: Design = None,
    question: Question = None,
    topic: Topic = None,
    journal: Journal = None,
    author: Author = None,
    mesh: Mesh = None,
    since: Since = None,
    until: Until = None,
    added_since: Added = None,
    flag: Flag = None,
    not_flag: NotFlag = None,
    min_n: MinN = None,
    sort: Sort = "relevance",
    limit: Annotated[int, typer.Option(help="At most so many; 0 = all.", min=0, metavar="N")] = 0,
    after: After = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Processes that write Parquet.",
            min=1,
            metavar="N",
            show_default="one for each core where there is much to do",
        ),
    ] = None,
    cluster: Cluster = None,
) -> None:
    """Write what a query finds to a file."""
    from worker.tasks import exports

    leave(exports.export(invocation(), file=file, format=format, workers=workers, cluster=cluster, filters=filters(
        words, level, scheme, design, question, topic, journal, author, mesh, since, until,
        added_since, flag, not_flag, min_n, sort, limit, after,
    )))  # fmt: skip
