"""Which rules each worker has in use."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.get_bind().exec_driver_sql(
        """
        CREATE TABLE reloads (
            worker TEXT NOT NULL,
            at TIMESTAMP WITH TIME ZONE NOT NULL,
            rules INTEGER NOT NULL,
            refused TEXT[] NOT NULL,
            accounts_changed BOOLEAN NOT NULL,
            CONSTRAINT pk_reloads PRIMARY KEY (worker)
        )
        """
    )
