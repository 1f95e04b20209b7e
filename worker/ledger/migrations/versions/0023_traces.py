"""Where the trace of an event goes on, and which part of it each attempt was."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.get_bind().exec_driver_sql("ALTER TABLE events ADD COLUMN trace TEXT")
    op.get_bind().exec_driver_sql("ALTER TABLE attempts ADD COLUMN trace TEXT")
