"""PostgreSQL's index by place, with lexemes of periods; articles by moment of saving and PMID."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from storage.periods import LENGTHS

revision = "0003"
down_revision = "0002"

SHOWN = sa.text("deleted_at IS NULL")
PLACES_A_DAY = 1 << 27


def upgrade() -> None:
    op.drop_index("ix_article_added_at", "article")
    op.create_index(
        "ix_article_added_at_pmid",
        "article",
        ["added_at", "pmid"],
        unique=False,
        sqlite_where=SHOWN,
        postgresql_where=SHOWN,
    )
    if op.get_bind().dialect.name == "sqlite":
        return
    op.rename_table("full_text", "full_text_by_pmid")
    op.execute("ALTER INDEX pk_full_text RENAME TO pk_full_text_by_pmid")
    op.drop_index("ix_full_text_vector", "full_text_by_pmid")
    op.create_table(
        "full_text",
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("vector", postgresql.TSVECTOR(), nullable=False),
    )
    periods = ", ".join(
        f"'=days{length}x' || (place / {PLACES_A_DAY * length}) || 'x0'" for length in LENGTHS
    )
    op.execute(
        f"INSERT INTO full_text SELECT place, vector || array_to_tsvector(ARRAY[{periods}]) "  # noqa: S608
        "FROM full_text_by_pmid JOIN article USING (pmid) ORDER BY place"
    )
    op.drop_table("full_text_by_pmid")
    op.create_primary_key("pk_full_text", "full_text", ["place"])
    op.create_index("ix_full_text_vector", "full_text", ["vector"], postgresql_using="gin")
