"""What actions remember between runs: the vendor's ids of what we know by another name."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE memory (
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT,
    remembered_at TIMESTAMP WITH TIME ZONE,
    holder TEXT,
    held_until TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_memory PRIMARY KEY (account, key)
)
"""


def upgrade() -> None:
    """Create the table."""
    op.get_bind().exec_driver_sql(TABLE)
