"""Alembic's entry: the database of the running application, SQLite in batch mode."""

from alembic import context
from flask import current_app

from quizsvc.db import Base, UtcDateTime

database = current_app.extensions["migrate"].db


def render_item(kind, item, _context):
    """Write our own column types as plain SQLAlchemy ones: a migration imports nothing of ours."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run() -> None:
    """Run the migrations in one transaction on the application's engine."""
    with database.engine.connect() as connection:
        # Beginning to write at once: a transaction that has read first cannot write after somebody else has.
        connection.execution_options(sqlite_begin="IMMEDIATE")
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            # Batch mode copies tables. On the driver's own connection: inside a transaction SQLite ignores it.
            connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=True,
            render_item=render_item,
            compare_type=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
        if sqlite:
            connection.connection.driver_connection.execute("PRAGMA foreign_keys=ON")


run()
