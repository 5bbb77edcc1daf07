"""Records that could not be read, kept with their bytes until they can."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from storage import documents, tables
from storage.database import Database
from storage.records import Quarantined

_columns = tables.quarantine.c


def put(
    connection: sa.Connection,
    *,
    raw: bytes,
    error: str,
    source: str,
    pmid: int | None,
    at: datetime,
) -> int:
    """Keep a record; the same PMID with the same bytes is one more attempt. Answers its number."""
    digest = documents.digest(raw)
    known = connection.execute(
        sa.select(_columns.id).where(
            _columns.digest == digest, _columns.pmid.is_not_distinct_from(pmid)
        )
    ).scalar()
    if known is not None:
        connection.execute(
            sa.update(tables.quarantine)
            .where(_columns.id == known)
            .values(attempts=_columns.attempts + 1, error=error, source=source, last_seen=at)
        )
        return int(known)
    made = (
        sa.insert(tables.quarantine)
        .values(
            pmid=pmid,
            digest=digest,
            source=source,
            error=error,
            raw=documents.pack(raw),
            first_seen=at,
            last_seen=at,
            attempts=1,
        )
        .returning(_columns.id)
    )
    return int(connection.execute(made).scalar_one())


def newest(connection: sa.Connection, limit: int) -> list[Quarantined]:
    rows = connection.execute(
        sa.select(tables.quarantine)
        .order_by(_columns.last_seen.desc(), _columns.id.desc())
        .limit(limit)
    )
    return [
        Quarantined(
            id=row.id,
            pmid=row.pmid,
            source=row.source,
            error=row.error,
            raw=documents.unpack(row.raw),
            first_seen=row.first_seen,
            last_seen=row.last_seen,
            attempts=row.attempts,
        )
        for row in rows
    ]


def release(connection: sa.Connection, database: Database, pmids: Iterable[int]) -> int:
    """Forget the records of these PMIDs. Answers how many there were."""
    done = connection.execute(
        sa.delete(tables.quarantine).where(database.among(_columns.pmid, pmids))
    )
    return done.rowcount
