"""The schema of a store: which revision a file has, and how it comes to the present one.

Revisions are Alembic migrations in `storage/migrations/versions`, applied in one transaction.
Alembic itself is loaded only when there is something to migrate.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import sqlalchemy as sa

from storage.database import Database
from storage.errors import StoreUnavailable, StoreVersionError

REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005", "0006")  # oldest first
HEAD: Final = REVISIONS[-1]

_MIGRATIONS: Final = Path(__file__).parent / "migrations"


def bring_up(database: Database, *, create: bool) -> None:
    """Make a new store, or migrate an old one to the present schema.

    Raises StoreVersionError for the store of a newer pubgrade and for what is no pubgrade store;
    StoreUnavailable where there is nothing yet and `create` is False.
    """
    with database.reading() as connection:
        found = _revision(connection, database)
    if found == HEAD:
        return
    if found is None and not create:
        raise StoreUnavailable(
            f"the store {database.place} is empty: fetch, sync or load records first"
        )
    with database.rebuilding() as connection:
        if _revision(connection, database) != HEAD:  # another process may have come first
            upgrade(connection)


def _revision(connection: sa.Connection, database: Database) -> str | None:
    """The revision of the store, None where the database is empty."""
    match database.contents(connection):
        case "nothing":
            return None
        case "other":
            raise StoreVersionError(
                f"{database.place} is a database of another program, not a pubgrade store: "
                "choose another one with --store"
            )
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    if found not in REVISIONS:
        raise StoreVersionError(
            f"the store {database.place} was made by a newer pubgrade (schema {found}, this one "
            f"knows up to {HEAD}): upgrade pubgrade, or choose another store with --store"
        )
    return str(found)


def upgrade(connection: sa.Connection, revision: str = "head") -> None:
    """Apply the migrations up to `revision` in the transaction of `connection`."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
