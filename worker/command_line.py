"""The command line: the commands of `worker.commands` put together under `pubgrade`."""

from __future__ import annotations

import sys
from typing import Annotated, NoReturn

import typer

from worker.commands import (
    called_as,
    copying,
    exports,
    fetch,
    files,
    grades,
    mirror,
    searches,
    setup,
    status,
    topics,
    training,
)
from worker.invocation import EXIT_INTERRUPTED, EXIT_USAGE, split_global_options

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
for commands in (
    setup,
    fetch,
    topics,
    files,
    mirror,
    searches,
    exports,
    grades,
    training,
    status,
    copying,
):
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
        str | None,
        typer.Option(
            help="Store: sqlite:///pubgrade.db, postgresql://user@host/db.", metavar="URL"
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line on stdout.", metavar="")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log more; tracebacks.", metavar="")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only errors.", metavar="")] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version.", metavar=""
        ),
    ] = False,
) -> None:
    """Pull PubMed abstracts, grade their evidence, and say why.

    The store is one SQLite file in this folder unless the configuration says otherwise.
    """


def main() -> NoReturn:
    """The `pubgrade` command: global options count wherever they stand."""
    try:
        arguments, invocation = split_global_options(sys.argv[1:])
    except ValueError as error:
        _complain(str(error))
        sys.exit(EXIT_USAGE)
    called_as(invocation)
    try:
        status = app(args=arguments or ["--help"], prog_name="pubgrade", standalone_mode=False)
    except KeyboardInterrupt:
        _complain("interrupted; the work so far is kept")
        status = EXIT_INTERRUPTED
    except Exception as error:
        # What is wrong with the words of a command. Typer does not export the class of these.
        if not hasattr(error, "format_message"):
            raise
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "pubgrade"
        _complain(f"{error.format_message()}\n`{command} --help` shows how it is used.")
        status = EXIT_USAGE
    sys.exit(status or 0)


def _complain(message: str) -> None:
    print(f"pubgrade: {message}", file=sys.stderr)  # noqa: T201
