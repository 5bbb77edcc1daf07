"""`pubgrade query` and `pubgrade show`."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.commands import examples, invocation, leave
from worker.commands.options import (
    Added,
    After,
    Author,
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
        'pubgrade query "heart failure" --level 1-2 --not-flag retracted',
        "pubgrade query colchicin* --design randomized_controlled_trial --since 2020 --sort date",
        "pubgrade query --count-by design",
    )
)
def query(
    words: Words = None,
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
    limit: Annotated[int, typer.Option(help="Records a page.", min=1, metavar="N")] = 20,
    after: After = None,
    count_by: Annotated[
        str | None,
        typer.Option(help="Count by design, level, year, journal or topic.", metavar="WHAT"),
    ] = None,
) -> None:
    """Search the store."""
    from worker.tasks import searches

    leave(searches.query(invocation(), count_by=count_by, filters=filters(
        words, level, scheme, design, question, topic, journal, author, mesh, since, until,
        added_since, flag, not_flag, min_n, sort, limit, after,
    )))  # fmt: skip


@app.command(epilog=examples("pubgrade show 33301246", "pubgrade show 33301246 --history"))
def show(
    pmid: Annotated[str, typer.Argument(help="A stored PMID.", metavar="PMID")],
    history: Annotated[
        bool, typer.Option("--history", help="What it was before, and when.", metavar="")
    ] = False,
) -> None:
    """One record: grade, reasons, study details, history."""
    from worker.tasks import searches

    leave(searches.show(invocation(), pmid=pmid, history=history))
