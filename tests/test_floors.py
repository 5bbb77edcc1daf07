"""The house rule: imports go down the floors only, and the bottom floor is pure."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = ("grading", "storage", "worker")

# What the bottom floor must not touch: the network, the clock, processes, databases, configuration.
IMPURE = {
    "asyncio", "datetime", "http", "logging", "loguru", "os", "random", "requests", "secrets",
    "socket", "sqlalchemy", "sqlite3", "sqlmodel", "subprocess", "time", "urllib",
}  # fmt: skip


def modules(floor: str) -> list[Path]:
    return sorted((ROOT / floor).rglob("*.py"))


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("floor", FLOORS)
def test_floor_has_modules(floor: str) -> None:
    assert modules(floor)


@pytest.mark.parametrize(
    "path", [p for floor in FLOORS for p in modules(floor)], ids=lambda p: str(p.relative_to(ROOT))
)
def test_imports_go_down_only(path: Path) -> None:
    floor = path.relative_to(ROOT).parts[0]
    above = set(FLOORS[FLOORS.index(floor) + 1 :])
    assert not imports(path) & above
    assert not imports(path) & {"tests", "benchmarks"}


@pytest.mark.parametrize("path", modules("grading"), ids=lambda p: str(p.relative_to(ROOT)))
def test_grading_is_pure(path: Path) -> None:
    assert not imports(path) & IMPURE
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & {"open", "print", "input"}
