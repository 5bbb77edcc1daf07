"""How each command is called: its name, its options, its help. What it does is in `worker.tasks`.

`pubgrade --help` must answer at once, so these modules import only typer and standard-library
modules; a command imports its task when it is called.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import NoReturn

import typer

from worker.invocation import Invocation

EVERYWHERE = (
    "Everywhere, before or after the command: --config PATH, --store URL, --json, -v, -q. "
    "`pubgrade --help` says what they do."
)


def examples(*lines: str) -> str:
    """The end of a help text: commands to copy, one a line."""
    shown = "\n\n".join(f"[cyan]{line}[/cyan]" for line in lines)
    return f"[bold]Examples[/bold]\n\n{shown}\n\n[dim]{EVERYWHERE}[/dim]"


_present: ContextVar[Invocation] = ContextVar("invocation", default=Invocation())  # noqa: B039


def called_as(invocation: Invocation) -> None:
    """Set what `invocation` answers."""
    _present.set(invocation)


def invocation() -> Invocation:
    """How pubgrade was called this time: the options that count everywhere."""
    return _present.get()


def leave(status: int) -> NoReturn:
    raise typer.Exit(status)
