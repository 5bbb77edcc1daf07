"""Fixtures for the tests of the worker: a loopback E-utilities server in place of NCBI."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bulk_site import BulkSite
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
def site() -> Iterator[BulkSite]:
    """An empty loopback bulk site."""
    from bulk_site import BulkSite

    with BulkSite() as running:
        yield running
