"""How pubgrade was called: the options that count everywhere, and the exit status."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

EXIT_DONE = 0
EXIT_SOME_FAILED = 1
EXIT_USAGE = 2
EXIT_STORE = 3
EXIT_UNAVAILABLE = 4
EXIT_INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Invocation:
    config: str | None = None
    store: str | None = None
    json: bool = False
    verbose: bool = False
    quiet: bool = False


_SWITCHES = {
    "--json": "json",
    "-v": "verbose",
    "--verbose": "verbose",
    "-q": "quiet",
    "--quiet": "quiet",
}
_VALUES = {"--config": "config", "--store": "store"}
_EXAMPLES = {
    "--config": "--config /etc/pubgrade/config.toml",
    "--store": "--store sqlite:///pubgrade.db",
}


def split_global_options(arguments: list[str]) -> tuple[list[str], Invocation]:
    """Take the global options out, wherever they stand before "--"; the rest stays in order.

    Raises ValueError for an option that lacks its value.
    """
    rest: list[str] = []
    found = Invocation()
    left = iter(arguments)
    for argument in left:
        name, equals, value = argument.partition("=")
        if argument == "--":
            rest += [argument, *left]
        elif argument in _SWITCHES:
            found = _with(found, {_SWITCHES[argument]: True})
        elif name in _VALUES:
            given = value if equals else next(left, None)
            if not given or given in _SWITCHES or given in _VALUES:
                raise ValueError(f"{name} needs a value, as in {_EXAMPLES[name]}")
            found = _with(found, {_VALUES[name]: given})
        else:
            rest.append(argument)
    return rest, found


def _with(invocation: Invocation, changes: dict[str, Any]) -> Invocation:
    return replace(invocation, **changes)
