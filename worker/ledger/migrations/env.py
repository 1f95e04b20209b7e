"""What Alembic runs: the connection is given by `worker.ledger.database.migrate`, never opened here."""

from alembic import context

from worker.ledger.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
