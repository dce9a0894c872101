"""Alembic's environment: runs the migrations on a connection that is handed to it."""

from alembic import context

from serving.store.base import Base

connection = context.config.attributes["connection"]
# SQLite changes a table by copying it.
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
