"""The tables of the store.

Narrow columns that filters and sorts use stand in `article`, apart from the wide compressed values
in `document` and `raw_record`: a search reads few pages, and only the records shown are unpacked.
The primary key of `article` is the PMID (in SQLite also its rowid). The full-text index is no table
of the model: see `storage.sqlite` and `storage.postgres`. It holds what searches filter by as well as the text: levels,
designs, flags, people, headings, journals, topics, each a token of its facets. That is cheaper to
write than a row and an index entry for each of them, and answers without a look at any other table.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Moment(TypeDecorator[datetime]):
    """A moment in UTC, kept as whole seconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value.timestamp())

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromtimestamp(value, UTC)


# Text in the order of code points, whatever the collation of a PostgreSQL database.
Ordered: Any = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


class Row(SQLModel, registry=registry(metadata=metadata)):
    """Base of all tables."""

    metadata = metadata


def _pmid(*, article: bool = True) -> Any:
    reference = (ForeignKey("article.pmid"),) if article else ()
    return Column(Integer, *reference, primary_key=True, autoincrement=False)


SHOWN = "deleted_at IS NULL"  # what searches see; their indexes hold no deleted article


def _shown_index(*columns: str) -> Index:
    return Index(None, *columns, sqlite_where=text(SHOWN), postgresql_where=text(SHOWN))


class ArticleRow(Row, table=True):
    """What filters, sorts and the order of revisions need to know of an article and its grade."""

    __tablename__ = "article"
    __table_args__ = (_shown_index("place"), _shown_index("added_at", "pmid"))

    pmid: int = Field(sa_column=_pmid(article=False))
    place: int = Field(sa_type=BigInteger)  # in the order of publication (storage.indexing)
    version: int = Field(sa_type=SmallInteger)
    revised: str | None = Field(sa_type=String)
    digest: int = Field(sa_type=BigInteger)
    design_id: int = Field(foreign_key="term.id", sa_type=SmallInteger)
    question_id: int = Field(foreign_key="term.id", sa_type=SmallInteger)
    # Ranks: 0 no level, greater is stronger (storage.levels).
    rank_ocebm_2011: int = Field(sa_type=SmallInteger)
    rank_ocebm_2009: int = Field(sa_type=SmallInteger)
    rank_grade_start: int = Field(sa_type=SmallInteger)
    rank_sort: int = Field(sa_type=SmallInteger)
    rank_nhmrc: int = Field(sa_type=SmallInteger)
    confidence: float
    # First and last day that the publication date can mean, as YYYYMMDD; 0 where unknown.
    published: int = Field(sa_type=Integer)
    published_end: int = Field(sa_type=Integer)
    journal_id: int | None = Field(foreign_key="journal.id", sa_type=Integer)
    sample_size: int | None = Field(sa_type=BigInteger)
    grade_digest: int = Field(sa_type=BigInteger)
    grader_version: str = Field(sa_type=String)
    added_at: datetime = Field(sa_type=Moment)
    updated_at: datetime = Field(sa_type=Moment)
    graded_at: datetime = Field(sa_type=Moment)
    confirmed_at: datetime = Field(sa_type=Moment)
    deleted_at: datetime | None = Field(sa_type=Moment)
    # Of the bytes that were last read as this article (storage.documents.source_digest).
    source_digest: int | None = Field(sa_type=BigInteger)
    abridged: bool = Field(sa_type=Boolean)  # its abstract is not kept (grading.abridgement)


class DocumentRow(Row, table=True):
    """The whole article and its present grade, compressed together (storage.documents)."""

    __tablename__ = "document"

    pmid: int = Field(sa_column=_pmid())
    body: bytes = Field(sa_type=LargeBinary)


class RawRow(Row, table=True):
    """The bytes that the present article was read from, compressed."""

    __tablename__ = "raw_record"

    pmid: int = Field(sa_column=_pmid())
    format: str | None = Field(sa_type=String)
    parser_version: str | None = Field(sa_type=String)
    body: bytes = Field(sa_type=LargeBinary)


class TermRow(Row, table=True):
    """Ids of the vocabulary: kind "design" or "question"."""

    __tablename__ = "term"
    __table_args__ = (UniqueConstraint("kind", "name"),)

    id: int | None = Field(primary_key=True, default=None)
    kind: str = Field(sa_type=String)
    name: str = Field(sa_type=String)


class JournalRow(Row, table=True):
    """A journal as records name it. `identity` joins all that tells two apart."""

    __tablename__ = "journal"

    id: int | None = Field(primary_key=True, default=None)
    identity: str = Field(unique=True, sa_type=Text)
    name: str = Field(sa_type=Text)
    name_key: str = Field(index=True, sa_type=Text)
    abbreviation_key: str | None = Field(index=True, sa_type=Text)
    issn_key: str | None = Field(index=True, sa_type=Text)
    nlm_id: str | None = Field(index=True, sa_type=Text)


class HeadingRow(Row, table=True):
    """Unique identifiers of MeSH descriptors, with the folded names that articles are found by."""

    __tablename__ = "heading"
    __table_args__ = {"sqlite_with_rowid": False}

    ui: str = Field(primary_key=True, sa_type=String)
    key: str = Field(primary_key=True, sa_type=Text)


class TotalRow(Row, table=True):
    """How many articles there are of a kind, kept by the writer: counting them takes long.

    Kind "design", "year", "journal", "flag" or a scheme of levels, `key` its value; "grader" of those
    that can be graded again, "abridged" of the others. Kind "deleted" counts the deleted articles, all
    others those that are shown.
    """

    __tablename__ = "total"
    __table_args__ = {"sqlite_with_rowid": False}

    kind: str = Field(primary_key=True, sa_type=String)
    key: str = Field(primary_key=True, sa_type=Text)
    count: int = Field(sa_type=BigInteger)


class RelationRow(Row, table=True):
    """Article `pmid` is a notice about article `target`, which may not be stored.

    Only what `grading.notices` reads: comments and mentions are in the documents alone.
    """

    __tablename__ = "relation"
    __table_args__ = (Index(None, "pmid"), {"sqlite_with_rowid": False})

    target: int = Field(primary_key=True)
    pmid: int = Field(sa_column=_pmid())
    kind: str = Field(primary_key=True, sa_type=String)  # RefType: "RetractionOf" …


class ChangeRow(Row, table=True):
    """What an article or grade was before a change."""

    __tablename__ = "change"

    id: int | None = Field(primary_key=True, default=None)
    pmid: int = Field(foreign_key="article.pmid", index=True)
    at: datetime = Field(sa_type=Moment)
    what: str = Field(sa_type=String)
    version: int = Field(sa_type=SmallInteger)
    revised: str | None = Field(sa_type=String)
    summary: str = Field(sa_type=Text)
    digest: int | None = Field(sa_type=BigInteger)  # of the article kept here
    article: bytes | None = Field(sa_type=LargeBinary)
    grade: bytes | None = Field(sa_type=LargeBinary)
    grader_version: str | None = Field(sa_type=String)


class TopicRow(Row, table=True):
    """Where the syncs of a topic stand."""

    __tablename__ = "topic"

    id: int | None = Field(primary_key=True, default=None)
    name: str = Field(unique=True, sa_type=Ordered)
    query: str = Field(sa_type=Text)
    created_through: str | None = Field(sa_type=String)
    revised_through: str | None = Field(sa_type=String)
    last_success: datetime | None = Field(sa_type=Moment)
    last_attempt: datetime | None = Field(sa_type=Moment)
    failures: int
    last_error: str | None = Field(sa_type=Text)
    next_run: datetime | None = Field(sa_type=Moment)


class TopicArticleRow(Row, table=True):
    __tablename__ = "topic_article"
    __table_args__ = (Index(None, "pmid"), {"sqlite_with_rowid": False})

    topic_id: int = Field(primary_key=True, foreign_key="topic.id")
    pmid: int = Field(sa_column=_pmid())


class RunRow(Row, table=True):
    """The ledger. `host`, `pid` and `process` tell which process a running row belongs to."""

    __tablename__ = "run"
    __table_args__ = (Index(None, "subject"), Index(None, "state"))

    id: int | None = Field(primary_key=True, default=None)
    kind: str = Field(sa_type=String)
    subject: str = Field(sa_type=Text)
    started_at: datetime = Field(sa_type=Moment)
    window_start: str | None = Field(sa_type=String)
    window_end: str | None = Field(sa_type=String)
    finished_at: datetime | None = Field(sa_type=Moment)
    state: str = Field(sa_type=String)
    asked: int
    returned: int
    new: int
    revised: int
    unchanged: int
    stale: int
    missing: int
    failed: int
    deleted: int
    requests: int
    seconds: float
    error: str | None = Field(sa_type=Text)
    host: str = Field(sa_type=String)
    pid: int
    process: str | None = Field(sa_type=String)
    worker: str | None = Field(sa_type=String)
    md5: str | None = Field(sa_type=String)


class QuarantineRow(Row, table=True):
    """Records that could not be read; the bytes are compressed."""

    __tablename__ = "quarantine"
    __table_args__ = (Index(None, "digest"),)

    id: int | None = Field(primary_key=True, default=None)
    pmid: int | None = Field(index=True)
    digest: int = Field(sa_type=BigInteger)
    source: str = Field(sa_type=Text)
    error: str = Field(sa_type=Text)
    raw: bytes = Field(sa_type=LargeBinary)
    first_seen: datetime = Field(sa_type=Moment)
    last_seen: datetime = Field(sa_type=Moment)
    attempts: int


class DaemonRow(Row, table=True):
    """The one daemon of the store: a single row with id 1."""

    __tablename__ = "daemon"

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    host: str = Field(sa_type=String)
    pid: int
    process: str | None = Field(sa_type=String)
    started_at: datetime = Field(sa_type=Moment)
    beat_at: datetime = Field(sa_type=Moment)
    state: str = Field(sa_type=String)


def _table(row: type[Row]) -> Table:
    return metadata.tables[str(row.__tablename__)]


article = _table(ArticleRow)
document = _table(DocumentRow)
raw_record = _table(RawRow)
term = _table(TermRow)
journal = _table(JournalRow)
heading = _table(HeadingRow)
total = _table(TotalRow)
relation = _table(RelationRow)
change = _table(ChangeRow)
topic = _table(TopicRow)
topic_article = _table(TopicArticleRow)
run = _table(RunRow)
quarantine = _table(QuarantineRow)
daemon = _table(DaemonRow)
