"""Several events in one request: each is a row of its own, the request that has the body is another."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the place of an event within its request's body."""
    op.get_bind().exec_driver_sql("ALTER TABLE events ADD COLUMN part TEXT")
