"""Paces: how fast accounts are called and persons are written to; and the turn that a delivery waits for."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE paces (
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    next_at TIMESTAMP WITH TIME ZONE,
    turn_at TIMESTAMP WITH TIME ZONE,
    minutes JSONB NOT NULL,
    CONSTRAINT pk_paces PRIMARY KEY (account, key)
);
ALTER TABLE deliveries ADD COLUMN turn_at TIMESTAMP WITH TIME ZONE
"""


def upgrade() -> None:
    """Create the table."""
    for statement in STATEMENTS.split(";"):
        op.get_bind().exec_driver_sql(statement)
