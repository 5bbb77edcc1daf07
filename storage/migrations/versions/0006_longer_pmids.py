"""Places with room for PMIDs of nine digits: from 27 bits to 30."""

from alembic import op
from sqlalchemy import text

from storage.copying import index_again
from storage.sqlite import Sqlite

revision = "0006"
down_revision = "0005"

SHORT = 27
LONGER = 30
WIDENED = f"((place >> {SHORT}) << {LONGER}) | (place & {(1 << SHORT) - 1})"


def upgrade() -> None:
    connection = op.get_bind()
    # The largest of before are below the least of now, so none meets another on the way.
    op.execute(f"UPDATE article SET place = {WIDENED}")  # noqa: S608
    if connection.dialect.name != "sqlite":
        op.execute(f"UPDATE full_text SET place = {WIDENED}")  # noqa: S608
        return
    if connection.execute(text("SELECT 1 FROM article LIMIT 1")).first():
        op.execute("INSERT INTO full_text(full_text) VALUES ('delete-all')")
        index_again(connection, Sqlite.among, connection, Sqlite.index)
