"""Holds: what is held back at an account, why and until when; and due deliveries found account by account."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE holds (
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    reason TEXT NOT NULL,
    error TEXT NOT NULL,
    action TEXT NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE,
    until TIMESTAMP WITH TIME ZONE,
    failures INTEGER NOT NULL,
    failed UUID,
    probes INTEGER NOT NULL,
    probe UUID,
    CONSTRAINT pk_holds PRIMARY KEY (account, kind, key)
);
ALTER TABLE deliveries ADD COLUMN held_since TIMESTAMP WITH TIME ZONE;
DROP INDEX ix_deliveries_to_wake;
CREATE INDEX ix_deliveries_to_wake ON deliveries (account, wake_at)
    WHERE state IN ('waiting', 'ready', 'retrying')
"""


def upgrade() -> None:
    """Create the table; an account's backlog no longer stands in the way of finding what others have to do."""
    for statement in STATEMENTS.split(";"):
        op.get_bind().exec_driver_sql(statement)
