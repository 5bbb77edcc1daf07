"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Email = Annotated[
    str | None, typer.Option(help="Your address: NCBI asks for it.", metavar="ADDRESS")
]

Workers = Annotated[
    int | None,
    typer.Option(
        help="Processes that read and grade.",
        show_default="one for each core where there is much to do",
        min=1,
        metavar="N",
    ),
]

Cluster = Annotated[
    str | None,
    typer.Option(
        help="Work on this Dask scheduler's workers; local starts one here.",
        metavar="ADDRESS|local",
    ),
]
Spool = Annotated[
    str | None,
    typer.Option(
        help="Folder that all workers of the cluster share, for what waits to be written.",
        metavar="FOLDER",
    ),
]
Parquet = Annotated[
    str | None,
    typer.Option(
        help="Write a Parquet dataset into this folder, without a store (docs/parquet.md).",
        metavar="DIR",
    ),
]


def filters(
    words: list[str] | None,
    level: str | None,
    scheme: str,
    design: list[str] | None,
    question: str | None,
    topic: str | None,
    journal: str | None,
    author: str | None,
    mesh: str | None,
    since: str | None,
    until: str | None,
    added_since: str | None,
    flag: list[str] | None,
    not_flag: list[str] | None,
    min_n: int | None,
    sort: str,
    limit: int,
    after: str | None,
) -> dict[str, object]:
    return {
        "words": " ".join(words or []),
        "level": level,
        "scheme": scheme,
        "design": design or [],
        "question": question,
        "topic": topic,
        "journal": journal,
        "author": author,
        "mesh": mesh,
        "since": since,
        "until": until,
        "added_since": added_since,
        "flag": flag or [],
        "not_flag": not_flag or [],
        "min_n": min_n,
        "sort": sort,
        "limit": limit,
        "after": after,
    }


def complete(vocabulary: str) -> object:
    def complete(incomplete: str) -> list[str]:
        from grading import vocabulary as words

        return [name for name in getattr(words, vocabulary) if name.startswith(incomplete)]

    return complete


Level = Annotated[
    str | None, typer.Option(help="Level or range in --scheme: 1-2, 2b, III-1.", metavar="LEVEL")
]
Scheme = Annotated[
    str, typer.Option(help="ocebm_2011, ocebm_2009, grade_start, sort or nhmrc.", metavar="SCHEME")
]
Design = Annotated[
    list[str] | None,
    typer.Option(
        help="Design id; may stand more than once.",
        autocompletion=complete("DESIGNS"),
        metavar="DESIGN",
    ),
]
Question = Annotated[
    str | None,
    typer.Option(
        help="therapy, harm, diagnosis, prognosis, …",
        autocompletion=complete("QUESTIONS"),
        metavar="QUESTION",
    ),
]
Topic = Annotated[str | None, typer.Option(help="Articles of this topic.", metavar="TOPIC")]
Journal = Annotated[str | None, typer.Option(help="Name, abbreviation or ISSN.", metavar="JOURNAL")]
Author = Annotated[
    str | None,
    typer.Option(help="Last name, alone or with initials or forename.", metavar="AUTHOR"),
]
Mesh = Annotated[str | None, typer.Option(help="MeSH heading.", metavar="HEADING")]
Since = Annotated[
    str | None,
    typer.Option(help="Published on or after: 2020, 2020-12, 2020-12-14.", metavar="DATE"),
]
Until = Annotated[str | None, typer.Option(help="Published on or before.", metavar="DATE")]
Added = Annotated[str | None, typer.Option(help="Stored on or after this day.", metavar="DAY")]
Flag = Annotated[
    list[str] | None,
    typer.Option(
        help="Has this flag (retracted, preprint, …).",
        autocompletion=complete("FLAGS"),
        metavar="FLAG",
    ),
]
NotFlag = Annotated[
    list[str] | None,
    typer.Option(help="Has it not.", autocompletion=complete("FLAGS"), metavar="FLAG"),
]
MinN = Annotated[
    int | None, typer.Option("--min-n", help="Reported sample size at least.", metavar="N")
]
Sort = Annotated[str, typer.Option(help="relevance, level, date or added.", metavar="ORDER")]
After = Annotated[str | None, typer.Option(help="Cursor of the page before.", metavar="CURSOR")]
Words = Annotated[
    list[str] | None,
    typer.Argument(help='Words; "a phrase", prefix*, AND, OR, NOT.', metavar="WORDS"),
]
