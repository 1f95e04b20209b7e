"""Who goes first, where many deliveries wait."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what is there already is like any."""
    op.get_bind().exec_driver_sql("ALTER TABLE deliveries ADD COLUMN priority SMALLINT DEFAULT 5 NOT NULL")
