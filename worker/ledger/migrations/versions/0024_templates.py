"""The templates of each account, as the vendor listed them last."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add where they are kept."""
    op.create_table(
        "template_lists",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("shelf", sa.Text, primary_key=True),
        sa.Column("templates", JSONB),
        sa.Column("is_whole", sa.Boolean, nullable=False, server_default="false"),
        sa.Column("listed_at", sa.DateTime(timezone=True)),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
        sa.Column("error", sa.Text),
    )
