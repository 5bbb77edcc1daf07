"""The ledger of runs, and where each topic stands."""

from __future__ import annotations

import dataclasses
import os
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from storage import processes, tables
from storage.errors import StoreError
from storage.records import Run, TopicState

_runs = tables.run.c
_topics = tables.topic.c
_RUN_FIELDS: Final = tuple(field.name for field in dataclasses.fields(Run))


# runs


def start_run(connection: sa.Connection, run: Run) -> Run:
    values = {name: getattr(run, name) for name in _RUN_FIELDS if name != "id"}
    process = {
        "host": processes.this_host(),
        "pid": os.getpid(),
        "process": processes.identity(os.getpid()),
    }
    made = sa.insert(tables.run).values(**values, **process).returning(tables.run)
    return _run(connection.execute(made).one())


def update_run(connection: sa.Connection, run: Run) -> None:
    values = {name: getattr(run, name) for name in _RUN_FIELDS if name != "id"}
    done = connection.execute(sa.update(tables.run).where(_runs.id == run.id).values(**values))
    if done.rowcount != 1:
        raise StoreError(f"the ledger has no run {run.id}: start it with start_run first")


def runs(
    connection: sa.Connection, *, subject: str | None, kind: str | None, limit: int
) -> list[Run]:
    statement = sa.select(tables.run).order_by(_runs.id.desc()).limit(limit)
    if subject is not None:
        statement = statement.where(_runs.subject == subject)
    if kind is not None:
        statement = statement.where(_runs.kind == kind)
    return [_run(row) for row in connection.execute(statement)]


def interrupt_runs(connection: sa.Connection, at: datetime) -> int:
    """Close the runs that a process of this host left open when it died."""
    rows = connection.execute(
        sa.select(_runs.id, _runs.pid, _runs.process).where(
            _runs.state == "running", _runs.host == processes.this_host()
        )
    )
    dead = [row.id for row in rows if not processes.lives(row.pid, row.process)]
    if dead:
        connection.execute(
            sa.update(tables.run)
            .where(_runs.id.in_(dead))
            .values(
                state="interrupted",
                finished_at=at,
                error="the process ended before the run did; the next run goes on from there",
            )
        )
    return len(dead)


def _run(row: sa.Row[Any]) -> Run:
    return Run(**{name: getattr(row, name) for name in _RUN_FIELDS})


# topics


def topic(connection: sa.Connection, name: str, query: str) -> TopicState:
    """The state of a topic, made if absent; a changed query starts it anew."""
    row = connection.execute(sa.select(tables.topic).where(_topics.name == name)).first()
    if row is None:
        connection.execute(sa.insert(tables.topic).values(name=name, query=query, failures=0))
    elif row.query != query:
        connection.execute(
            sa.update(tables.topic)
            .where(_topics.id == row.id)
            .values(query=query, created_through=None, revised_through=None)
        )
    return next(state for state in topics(connection) if state.name == name)


def topic_id(connection: sa.Connection, name: str) -> int:
    """The number of a topic, made without a query if absent."""
    found = connection.execute(sa.select(_topics.id).where(_topics.name == name)).scalar()
    if found is None:
        made = sa.insert(tables.topic).values(name=name, query="", failures=0)
        found = connection.execute(made.returning(_topics.id)).scalar_one()
    return int(found)


def topics(connection: sa.Connection) -> list[TopicState]:
    links, articles = tables.topic_article.c, tables.article.c
    linked = (
        sa.select(sa.func.count())
        .select_from(tables.topic_article.join(tables.article, articles.pmid == links.pmid))
        .where(links.topic_id == _topics.id, articles.deleted_at.is_(None))
        .scalar_subquery()
    )
    rows = connection.execute(
        sa.select(tables.topic, linked.label("articles")).order_by(_topics.name)
    )
    return [
        TopicState(
            **{field.name: getattr(row, field.name) for field in dataclasses.fields(TopicState)}
        )
        for row in rows
    ]


def advance(
    connection: sa.Connection,
    name: str,
    *,
    created_through: str | None,
    revised_through: str | None,
) -> None:
    """Move the watermarks of a topic on, never back."""
    row = _known_topic(connection, name)
    marks = {"created_through": created_through, "revised_through": revised_through}
    values = {
        key: day
        for key, day in marks.items()
        if day is not None and day > (getattr(row, key) or "")
    }
    if values:
        connection.execute(sa.update(tables.topic).where(_topics.id == row.id).values(**values))


def note_attempt(
    connection: sa.Connection,
    name: str,
    *,
    error: str | None,
    at: datetime,
    next_run: datetime | None,
) -> None:
    row = _known_topic(connection, name)
    values: dict[str, Any] = {"last_attempt": at, "last_error": error}
    if error is None:
        values |= {"last_success": at, "failures": 0}
    else:
        values |= {"failures": row.failures + 1}
    if next_run is not None:
        values |= {"next_run": next_run}
    connection.execute(sa.update(tables.topic).where(_topics.id == row.id).values(**values))


def plan(connection: sa.Connection, name: str, next_run: datetime | None) -> None:
    changed = sa.update(tables.topic).where(_topics.name == name).values(next_run=next_run)
    connection.execute(changed)


def _known_topic(connection: sa.Connection, name: str) -> sa.Row[Any]:
    row = connection.execute(sa.select(tables.topic).where(_topics.name == name)).first()
    if row is None:
        raise StoreError(f"the store has no topic {name!r}")
    return row
