"""Settling: when a vendor is asked about an unknown outcome, how often it was, and the entries of it."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

STATEMENTS = """
ALTER TABLE deliveries ADD COLUMN settle_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN settles INTEGER DEFAULT '0' NOT NULL;
CREATE INDEX ix_deliveries_to_settle ON deliveries (wake_at) WHERE state = 'unknown' AND settle_at IS NOT NULL;
ALTER TABLE attempts ADD COLUMN kind TEXT DEFAULT 'attempt' NOT NULL
"""


def upgrade() -> None:
    """Add the columns."""
    for statement in STATEMENTS.split(";"):
        op.get_bind().exec_driver_sql(statement)
