"""The tables that the code speaks of are those that the migrations make."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine

from worker.ledger.tables import metadata


def test_migrations_make_what_the_code_speaks_of(ledger: Engine) -> None:
    """No table, column, type, default or index differs."""
    with ledger.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})

        assert compare_metadata(context, metadata) == []
