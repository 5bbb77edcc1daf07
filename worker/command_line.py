"""The command line: the commands of `worker.commands` put together under `pubgrade`."""

from __future__ import annotations

import sys
from typing import Annotated, NoReturn

import typer

from worker.commands import (
    called_as,
    exports,
    fetch,
    files,
    grades,
    mirror,
    searches,
    setup,
    status,
    topics,
)
from worker.invocation import EXIT_INTERRUPTED, split_global_options

app = typer.Typer(
    name="pubgrade",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="[bold]Try it[/bold]\n\n"
    "[cyan]pubgrade fetch --email you@example.org 33301246[/cyan]\n\n"
    "[cyan]pubgrade query colchicine --level 1-2[/cyan]\n\n"
    "[cyan]pubgrade show 33301246[/cyan]\n\n"
    "[dim]The options above count everywhere, before or after the command.[/dim]",
)
for commands in (setup, fetch, topics, files, mirror, searches, exports, grades, status):
    app.add_typer(commands.app)


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


def main() -> NoReturn:
    """The `pubgrade` command: global options count wherever they stand."""
    arguments, invocation = split_global_options(sys.argv[1:])
    called_as(invocation)
    try:
        app(args=arguments, prog_name="pubgrade")
    except KeyboardInterrupt:
        print("interrupted; the work so far is kept", file=sys.stderr)  # noqa: T201
        sys.exit(EXIT_INTERRUPTED)
    sys.exit(0)
