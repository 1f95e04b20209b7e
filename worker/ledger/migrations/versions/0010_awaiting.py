"""Messages that are waited for until they arrived, found when their time is over."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what finds them."""
    op.get_bind().exec_driver_sql(
        "CREATE INDEX ix_deliveries_awaiting ON deliveries (wake_at)"
        " WHERE state = 'waiting' AND reason = 'awaiting_delivery'"
    )
