"""What an article was read from, so that the same bytes need not be read again; who loaded a file,
and its MD5, in columns of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("article", sa.Column("source_digest", sa.BigInteger(), nullable=True))
    op.add_column("run", sa.Column("worker", sa.String(), nullable=True))
    op.add_column("run", sa.Column("md5", sa.String(), nullable=True))
    op.execute("UPDATE run SET md5 = window_end, window_end = NULL WHERE kind = 'mirror'")
    op.create_index("ix_relation_pmid", "relation", ["pmid"], unique=False)
