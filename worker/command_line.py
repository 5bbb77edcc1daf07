"""The command line. Heavy imports stay inside the commands: `--help` must answer at once."""

from __future__ import annotations

import sys
from typing import Annotated, NoReturn

import typer

from worker.invocation import EXIT_INTERRUPTED, Invocation, split_global_options

EVERYWHERE = "Everywhere, before or after the command: --config PATH, --store URL, --json, -v, -q."

app = typer.Typer(
    name="pubgrade",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="[bold]Try it:[/bold] pubgrade fetch --email you@example.org 33301246 · "
    f"pubgrade query colchicine --level 1-2 · pubgrade show 33301246\n\n{EVERYWHERE}",
)

_invocation = Invocation()


def _run(name: str, **arguments: object) -> None:
    """Call the command of that name in `worker.tasks` and leave with its exit status."""
    import worker.tasks as tasks

    raise typer.Exit(getattr(tasks, name)(_invocation, **arguments))


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"pubgrade {version('pubgrade')}")  # noqa: T201
        raise typer.Exit


@app.callback()
def _main(
    config: Annotated[str | None, typer.Option(help="Configuration file.", metavar="PATH")] = None,
    store: Annotated[
        str | None, typer.Option(help="Store, e.g. sqlite:///pubgrade.db.", metavar="URL")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more; tracebacks.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only errors.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Pull PubMed abstracts, grade their evidence, and say why.

    The store is one SQLite file in this folder unless the configuration says otherwise.
    """


@app.command(epilog=f"[bold]Example:[/bold] pubgrade init\n\n{EVERYWHERE}")
def init(
    path: Annotated[str, typer.Argument(help="Where to write it.")] = "config.toml",
    force: Annotated[bool, typer.Option(help="Replace a file that is there.")] = False,
) -> None:
    """Write a commented config.toml and say what to fill in."""
    _run("init", path=path, force=force)


@app.command(
    epilog="[bold]Examples:[/bold] pubgrade fetch --email you@example.org 33301246 32865377 · "
    f"pubgrade fetch --file pmids.txt · cut -f1 hits.tsv | pubgrade fetch --file -\n\n{EVERYWHERE}"
)
def fetch(
    pmids: Annotated[list[str] | None, typer.Argument(help="PMIDs.", metavar="PMID...")] = None,
    file: Annotated[
        str | None, typer.Option("--file", "-f", help="One PMID a line; - for stdin.")
    ] = None,
    email: Annotated[str | None, typer.Option(help="Your address: NCBI asks for it.")] = None,
) -> None:
    """Fetch, grade and store these records now."""
    _run("fetch", pmids=pmids or [], file=file, email=email)


@app.command(
    epilog=f"[bold]Examples:[/bold] pubgrade sync · pubgrade sync gout sepsis\n\n{EVERYWHERE}"
)
def sync(
    topics: Annotated[
        list[str] | None,
        typer.Argument(help="Names from config.toml; all without.", metavar="TOPIC..."),
    ] = None,
    email: Annotated[str | None, typer.Option(help="Your address: NCBI asks for it.")] = None,
) -> None:
    """One incremental pass over the topics in config.toml."""
    _run("sync", topics=topics or [], email=email)


@app.command(
    epilog=f"[bold]Example:[/bold] pubgrade run --config /etc/pubgrade/config.toml\n\n{EVERYWHERE}"
)
def run() -> None:
    """The daemon: sync the topics on schedule until SIGTERM."""
    _run("run")


@app.command(
    epilog="[bold]Examples:[/bold] pubgrade load pubmed26n0001.xml.gz · pubgrade load exports/ search.nbib"
    f"\n\n{EVERYWHERE}"
)
def load(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="PubMed XML, MEDLINE text, JSON lines (each also .gz), folders, addresses, - for stdin.",
            metavar="SOURCE...",
        ),
    ],
) -> None:
    """Load, grade and store files of records."""
    _run("load", sources=sources)


@app.command(
    epilog=f"[bold]Example:[/bold] pubgrade grade search.nbib | jq .design\n\n{EVERYWHERE}"
)
def grade(
    source: Annotated[
        str, typer.Argument(help="A file, folder, address, or - for stdin.", metavar="SOURCE|-")
    ],
) -> None:
    """Grade without a store: one JSON object a line on stdout."""
    _run("grade", source=source)


def _filters(
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


def _complete(vocabulary: str) -> object:
    def complete(incomplete: str) -> list[str]:
        from grading import vocabulary as words

        return [name for name in getattr(words, vocabulary) if name.startswith(incomplete)]

    return complete


_Level = Annotated[str | None, typer.Option(help="Level or range in --scheme: 1-2, 2b, III-1.")]
_Scheme = Annotated[str, typer.Option(help="ocebm_2011, ocebm_2009, grade_start, sort or nhmrc.")]
_Design = Annotated[
    list[str] | None,
    typer.Option(help="Design id; may stand more than once.", autocompletion=_complete("DESIGNS")),
]
_Question = Annotated[
    str | None,
    typer.Option(
        help="therapy, harm, diagnosis, prognosis, …", autocompletion=_complete("QUESTIONS")
    ),
]
_Topic = Annotated[str | None, typer.Option(help="Articles of this topic.")]
_Journal = Annotated[str | None, typer.Option(help="Name, abbreviation or ISSN.")]
_Author = Annotated[str | None, typer.Option(help="Last name, or last name and initials.")]
_Mesh = Annotated[str | None, typer.Option(help="MeSH heading.")]
_Since = Annotated[
    str | None, typer.Option(help="Published on or after: 2020, 2020-12, 2020-12-14.")
]
_Until = Annotated[str | None, typer.Option(help="Published on or before.")]
_Added = Annotated[str | None, typer.Option(help="Stored on or after this day.")]
_Flag = Annotated[
    list[str] | None,
    typer.Option(help="Has this flag (retracted, preprint, …).", autocompletion=_complete("FLAGS")),
]
_NotFlag = Annotated[
    list[str] | None, typer.Option(help="Has it not.", autocompletion=_complete("FLAGS"))
]
_MinN = Annotated[int | None, typer.Option("--min-n", help="Reported sample size at least.")]
_Sort = Annotated[str, typer.Option(help="relevance, level, date or added.")]
_After = Annotated[str | None, typer.Option(help="Cursor of the page before.")]
_Words = Annotated[
    list[str] | None,
    typer.Argument(help='Words; "a phrase", prefix*, AND, OR, NOT.', metavar="[WORDS]"),
]


@app.command(
    epilog='[bold]Examples:[/bold] pubgrade query "heart failure" --level 1-2 --not-flag retracted · '
    "pubgrade query colchicin* --design randomized_controlled_trial --since 2020 --sort date · "
    f"pubgrade query --count-by design\n\n{EVERYWHERE}"
)
def query(
    words: _Words = None,
    level: _Level = None,
    scheme: _Scheme = "ocebm_2011",
    design: _Design = None,
    question: _Question = None,
    topic: _Topic = None,
    journal: _Journal = None,
    author: _Author = None,
    mesh: _Mesh = None,
    since: _Since = None,
    until: _Until = None,
    added_since: _Added = None,
    flag: _Flag = None,
    not_flag: _NotFlag = None,
    min_n: _MinN = None,
    sort: _Sort = "relevance",
    limit: Annotated[int, typer.Option(help="Records a page.", min=1)] = 20,
    after: _After = None,
    count_by: Annotated[
        str | None, typer.Option(help="Count by design, level, year, journal or topic.")
    ] = None,
) -> None:
    """Search the store."""
    _run("query", count_by=count_by, filters=_filters(
        words, level, scheme, design, question, topic, journal, author, mesh, since, until,
        added_since, flag, not_flag, min_n, sort, limit, after,
    ))  # fmt: skip


@app.command(epilog=f"[bold]Example:[/bold] pubgrade show 33301246 --history\n\n{EVERYWHERE}")
def show(
    pmid: Annotated[str, typer.Argument(help="A stored PMID.")],
    history: Annotated[
        bool, typer.Option("--history", help="What it was before, and when.")
    ] = False,
) -> None:
    """One record: grade, reasons, study details, history."""
    _run("show", pmid=pmid, history=history)


@app.command(
    epilog=f"[bold]Example:[/bold] pubgrade explain 33301246 --scheme nhmrc\n\n{EVERYWHERE}"
)
def explain(
    pmid: Annotated[str, typer.Argument(help="A stored PMID.")],
    scheme: _Scheme = "ocebm_2011",
) -> None:
    """Walk from the words to the level, in plain words."""
    _run("explain", pmid=pmid, scheme=scheme)


@app.command(epilog=f"[bold]Example:[/bold] pubgrade schemes ocebm_2011\n\n{EVERYWHERE}")
def schemes(
    scheme: Annotated[str | None, typer.Argument(help="One scheme; all without.")] = None,
) -> None:
    """Print the level tables and their sources."""
    _run("schemes", scheme=scheme)


@app.command(
    epilog="[bold]Examples:[/bold] pubgrade export trials.csv --design randomized_controlled_trial · "
    f"pubgrade export - --format jsonl --level 1\n\n{EVERYWHERE}"
)
def export(
    file: Annotated[str, typer.Argument(help="Where to write: .jsonl or .csv, - for stdout.")],
    words: _Words = None,
    format: Annotated[
        str | None, typer.Option(help="jsonl or csv, where the name does not tell.")
    ] = None,
    level: _Level = None,
    scheme: _Scheme = "ocebm_2011",
    design: _Design = None,
    question: _Question = None,
    topic: _Topic = None,
    journal: _Journal = None,
    author: _Author = None,
    mesh: _Mesh = None,
    since: _Since = None,
    until: _Until = None,
    added_since: _Added = None,
    flag: _Flag = None,
    not_flag: _NotFlag = None,
    min_n: _MinN = None,
    sort: _Sort = "relevance",
    limit: Annotated[int, typer.Option(help="At most so many; 0 = all.", min=0)] = 0,
    after: _After = None,
) -> None:
    """Write what a query finds to a file."""
    _run("export", file=file, format=format, filters=_filters(
        words, level, scheme, design, question, topic, journal, author, mesh, since, until,
        added_since, flag, not_flag, min_n, sort, limit, after,
    ))  # fmt: skip


@app.command(epilog=f"[bold]Example:[/bold] pubgrade regrade\n\n{EVERYWHERE}")
def regrade(
    all: Annotated[
        bool, typer.Option("--all", help="Also what the present grader graded.")
    ] = False,
) -> None:
    """Grade stored records again with the present grader."""
    _run("regrade", everything=all)


@app.command(epilog=f"[bold]Example:[/bold] pubgrade status --json\n\n{EVERYWHERE}")
def status() -> None:
    """Store counts; per topic the last sync, lag and failures; the next runs; the daemon."""
    _run("status")


def main() -> NoReturn:
    """The `pubgrade` command: global options count wherever they stand."""
    global _invocation
    arguments, _invocation = split_global_options(sys.argv[1:])
    try:
        app(args=arguments, prog_name="pubgrade", standalone_mode=True)
    except KeyboardInterrupt:
        print("interrupted; the work so far is kept", file=sys.stderr)  # noqa: T201
        sys.exit(EXIT_INTERRUPTED)
    sys.exit(0)
