"""Which articles are kept without their abstracts: none of those that are there."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column(
        "article", sa.Column("abridged", sa.Boolean(), nullable=False, server_default=sa.false())
    )
