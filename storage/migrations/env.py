"""Alembic's entry: runs the migrations on the connection that `storage.schema` hands over.

That connection is in a transaction already, which the caller ends.
"""

from alembic import context

from storage import tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
