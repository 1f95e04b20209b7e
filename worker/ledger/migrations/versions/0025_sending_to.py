"""To whom a message leaves whose id only its report will tell."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it, and find those that are leaving, or may have left, by it."""
    op.execute("ALTER TABLE deliveries ADD COLUMN sending_to TEXT")
    op.execute(
        "CREATE INDEX ix_deliveries_sending_to ON deliveries (sending_to, sending_at)"
        " WHERE state IN ('in_flight', 'unknown') AND sending_to IS NOT NULL"
    )
