"""A whole store into another database: every table, row by row, and the full-text index anew.

It is one transaction of the target: after an interruption that is as empty as before. What is
written to the source meanwhile is not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from typing import Any, Final

import sqlalchemy as sa

from storage import documents, tables
from storage.database import Database, Where
from storage.errors import StoreError
from storage.indexing import IndexedText, indexed_text

_ROWS: Final = 1000  # read and written together


def copy(
    source: Database, target: Database, watch: Callable[[int], None] = lambda done: None
) -> dict[str, int]:
    """Copy all but the daemon's claim. Answers the rows of each table, which were counted in both.

    `watch` is called with the number of rows done. Raises StoreError where the target holds
    anything, or where it holds less or more at the end than the source.
    """
    copied = [table for table in tables.metadata.sorted_tables if table is not tables.daemon]
    with source.reading() as reader, target.writing() as writer:
        for table in copied:
            if writer.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
                raise StoreError(
                    f"the store {target.place} is not empty (it has rows in {table.name}): "
                    "copy into a new one"
                )
        done = 0
        for table in copied:
            with closing(_batches(reader, table)) as batches:
                for rows in batches:
                    target.insert(writer, table, rows)
                    done += len(rows)
                    watch(done)
        index_again(reader, source.among, writer, target.index)
        target.go_on_numbering(writer, copied)
        counts = {table.name: _count(reader, table) for table in copied}
        arrived = {table.name: _count(writer, table) for table in copied}
        for name, count in counts.items():
            if arrived[name] != count:
                raise StoreError(
                    f"the copy of {name} has {arrived[name]:,} rows, not {count:,}: nothing is kept"
                )
    return counts


def count_rows(source: Database) -> int:
    """How many rows a copy has to carry."""
    with source.reading() as reader:
        return sum(
            _count(reader, table)
            for table in tables.metadata.sorted_tables
            if table is not tables.daemon
        )


def _batches(
    connection: sa.Connection, table: sa.Table
) -> Generator[list[tuple[Any, ...]], None, None]:
    """All rows by primary key, with values as the driver has them."""
    columns = [
        sa.type_coerce(column, sa.BigInteger) if isinstance(column.type, tables.Moment) else column
        for column in table.c
    ]
    statement = sa.select(*columns).order_by(*table.primary_key)
    with connection.execution_options(yield_per=_ROWS).execute(statement) as found:
        for part in found.partitions():
            yield [tuple(row) for row in part]


def index_again(
    reader: sa.Connection,
    among: Callable[[sa.ColumnElement[Any], list[int]], Where],
    writer: sa.Connection,
    index: Callable[[sa.Connection, list[tuple[int, IndexedText]]], None],
) -> None:
    """Make the full-text index from the documents, in its own order: `among` and `index` are those
    of the database that is read and of the one that is written."""
    article, links = tables.article.c, tables.topic_article.c
    statement = (
        sa.select(article.pmid, article.place, article.deleted_at, tables.document.c.body)
        .join_from(tables.article, tables.document)
        .order_by(article.place)
    )
    with reader.execute(statement.execution_options(yield_per=_ROWS)) as found:
        for rows in found.partitions():
            linked = reader.execute(
                sa.select(links.pmid, links.topic_id).where(
                    among(links.pmid, [row.pmid for row in rows])
                )
            )
            topics: dict[int, list[int]] = {}
            for pmid, topic in linked:
                topics.setdefault(pmid, []).append(topic)
            index(
                writer,
                [
                    (
                        row.place,
                        indexed_text(*documents.read_document(row.body, "")).standing(
                            deleted=row.deleted_at is not None, topics=topics.get(row.pmid, ())
                        ),
                    )
                    for row in rows
                ],
            )


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())
