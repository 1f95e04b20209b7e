"""Messages whose id was not told, and reports of which nothing is known, found by the person."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what finds them."""
    op.get_bind().exec_driver_sql(
        "CREATE INDEX ix_messages_unmatched ON messages (person, accepted_at)"
        " WHERE person IS NOT NULL AND (message_id LIKE 'unmatched:%%' OR delivery_id IS NULL)"
    )
