"""Every command and option is documented, has help, and teaches by example."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from worker.command_line import app

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
MANUAL = (Path(__file__).parents[1] / "docs" / "commands.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    section = re.search(rf"^## pubgrade {name}\n(.*?)(?=^## |\Z)", MANUAL, re.S | re.M)
    assert section, f"docs/commands.md has no section for {name}"
    assert f"pubgrade {name}" in section[1], f"{name} has no example"
    for parameter in COMMANDS[name].params:
        for option in parameter.opts:
            if option.startswith("--") and option != "--help":
                assert f"{option}`" in section[1] or f"{option} " in section[1], (
                    f"docs/commands.md does not name {option} of {name}"
                )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    assert f"pubgrade {name}" in (command.epilog or "")
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{name} {parameter.name} has no help"


def test_the_manual_names_no_command_that_is_not_there() -> None:
    assert set(re.findall(r"^## pubgrade (\w+)", MANUAL, re.M)) == set(COMMANDS)
