"""Fixtures for the tests of the worker: a loopback E-utilities server in place of NCBI."""

from __future__ import annotations

import importlib.util
import io
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bulk_site import BulkSite
    from distributed import Client, LocalCluster
    from eutils_server import EutilsServer, Library


def _load(name: str) -> ModuleType:
    """A helper module of this folder, importable by its plain name from here on."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


_load("eutils_server")
_load("bulk_site")
_load("killed_runs")


@pytest.fixture(autouse=True)
def _own_machine(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has its own folder of rate limits, and no proxy on the way to its server."""
    folder = tmp_path_factory.mktemp("runtime")
    monkeypatch.setenv("PUBGRADE_RUNTIME_DIR", str(folder))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture
def eutils() -> Iterator[Callable[..., EutilsServer]]:
    """Starts loopback E-utilities servers: `eutils(library, rate=200, ...)` as `EutilsServer`.

    They are stopped after the test. Without a library the server holds 300 invented records,
    created in the first three months of 2024, PMIDs from 30000001 on.
    """
    from eutils_server import EutilsServer, Library

    with ExitStack() as running:

        def start(library: Library | None = None, **options: Any) -> EutilsServer:
            if library is None:
                library = Library.generate(300)
            return running.enter_context(EutilsServer(library, **options))

        yield start


@pytest.fixture
def dask() -> Iterator[tuple[LocalCluster, Client]]:
    """A Dask cluster of two processes on this machine, and a client of it."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield cluster, client


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test works in a folder of its own."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def site() -> Iterator[BulkSite]:
    """An empty loopback bulk site."""
    from bulk_site import BulkSite

    with BulkSite() as running:
        yield running


class Pubgrade:
    """The command as people and scripts call it, in a folder of its own, with a loopback NCBI."""

    command: tuple[str, ...] = (
        sys.executable,
        "-c",
        "from worker.entry_point import main; main()",
    )

    def __init__(self, folder: Path, server: EutilsServer) -> None:
        self.folder = folder
        self.server = server
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PUBGRADE_EMAIL", "PUBGRADE_CONFIG", "NCBI_"))
        } | {
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "HOME": str(folder),
            "PUBGRADE_ENTREZ__BASE_URL": server.base_url,
            "COLUMNS": "100",
        }

    def __call__(
        self, *arguments: str, stdin: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the command to its end in this process, which is much faster than in one of its own."""
        from worker.command_line import main

        out, err = io.StringIO(), io.StringIO()
        status = 0
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name in os.environ.keys() - self.environment.keys():
                patch.delenv(name)
            for name, value in (self.environment | environment).items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["pubgrade", *arguments])
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), "utf-8"))
            patch.chdir(self.folder)
            on_interrupt = signal.getsignal(signal.SIGINT)
            try:
                main()
            except SystemExit as leaving:
                status = int(leaving.code or 0)
            except Exception:
                traceback.print_exc()
                status = 1
            finally:
                signal.signal(signal.SIGINT, on_interrupt)
        return subprocess.CompletedProcess(arguments, status, out.getvalue(), err.getvalue())

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """The same, left running; what it says on stderr is in the file `stderr.txt`."""
        with (self.folder / "stderr.txt").open("w") as stderr:
            return subprocess.Popen(
                [*self.command, *arguments],
                cwd=self.folder,
                env=self.environment | environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                text=True,
            )


@pytest.fixture
def pubgrade(tmp_path: Path, eutils: Callable[..., EutilsServer]) -> Pubgrade:
    return Pubgrade(tmp_path, eutils())
