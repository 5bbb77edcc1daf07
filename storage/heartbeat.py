"""The daemon's claim on the store and its signs of life. One row, or none."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from storage import processes, tables
from storage.errors import StoreInUse
from storage.records import Heartbeat, iso

FRESH: Final = timedelta(minutes=3)  # a daemon on another host that beat within this time lives

_daemon = tables.daemon.c


def claim(connection: sa.Connection, *, host: str, pid: int, at: datetime) -> None:
    """Make the process the daemon of this store. Raises StoreInUse where another one lives."""
    row = connection.execute(sa.select(tables.daemon)).first()
    if row is not None and (row.host, row.pid) != (host, pid) and _lives(row, at):
        raise StoreInUse(
            f"the daemon already runs on this store: process {row.pid} on {row.host}, "
            f"last sign of life {iso(row.beat_at)}. Stop it first, or use another store"
        )
    connection.execute(sa.delete(tables.daemon))
    here = host == processes.this_host()
    connection.execute(
        sa.insert(tables.daemon).values(
            id=1,
            host=host,
            pid=pid,
            process=processes.identity(pid) if here else None,
            started_at=at,
            beat_at=at,
            state="running",
        )
    )


def _lives(row: sa.Row[Any], at: datetime) -> bool:
    if row.state == "stopped":
        return False
    if row.host == processes.this_host():
        return processes.lives(row.pid, row.process)
    return bool(at - row.beat_at < FRESH)


def beat(connection: sa.Connection, *, host: str, pid: int, state: str, at: datetime) -> None:
    """A sign of life. Raises StoreInUse where another daemon has taken the store meanwhile."""
    done = connection.execute(
        sa.update(tables.daemon)
        .where(_daemon.host == host, _daemon.pid == pid)
        .values(beat_at=at, state=state)
    )
    if done.rowcount != 1:
        raise StoreInUse("this process is not the daemon of this store (any more)")


def read(connection: sa.Connection, *, at: datetime) -> Heartbeat | None:
    row = connection.execute(sa.select(tables.daemon)).first()
    if row is None:
        return None
    return Heartbeat(row.host, row.pid, row.started_at, row.beat_at, row.state, _lives(row, at))
