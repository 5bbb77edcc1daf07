"""Which database a store stands in, by its address.

There is one class for each, `Sqlite` and `Postgres`, with the same methods: all that one database
does in its own way. Everything above them speaks SQLAlchemy Core.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import sqlalchemy as sa

from storage.errors import StoreUnavailable

if TYPE_CHECKING:
    from storage.postgres import Postgres
    from storage.sqlite import Sqlite

Database: TypeAlias = "Sqlite | Postgres"
Where = sa.ColumnElement[bool]


def connect(url: str, *, wait: float, create: bool) -> Database:
    """The database at an address; nothing is read yet.

    `wait`: seconds to wait for another process's lock. Raises StoreUnavailable for an address that
    names no store, and for a SQLite file that is not there and may not or cannot be made.
    """
    scheme, separator, rest = url.partition("://")
    if separator and scheme.partition("+")[0] in ("postgresql", "postgres"):
        from storage.postgres import Postgres

        return Postgres(url, wait=wait)
    from storage.sqlite import Sqlite

    if not separator:
        path = url
    elif scheme == "sqlite" and rest.startswith("/"):
        path = rest[1:]
    else:
        raise StoreUnavailable(
            f"a store cannot be opened at {scheme}://…: use sqlite:///FOLDER/FILE.db, "
            "the path of a file, or postgresql://USER@HOST/DATABASE"
        )
    if path in ("", ":memory:"):
        raise StoreUnavailable("a store is a file: use sqlite:///FOLDER/FILE.db or a path")
    return Sqlite(Path(path).expanduser(), wait=wait, create=create)
