"""Messages: how far each one came that was sent, as the vendors' receipts tell."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE messages (
    account TEXT NOT NULL,
    message_id TEXT NOT NULL,
    delivery_id UUID,
    person TEXT,
    state TEXT NOT NULL,
    accepted_at TIMESTAMP WITH TIME ZONE,
    sent_at TIMESTAMP WITH TIME ZONE,
    delivered_at TIMESTAMP WITH TIME ZONE,
    read_at TIMESTAMP WITH TIME ZONE,
    failed_at TIMESTAMP WITH TIME ZONE,
    error_code TEXT,
    reason TEXT,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_messages PRIMARY KEY (account, message_id)
);
CREATE INDEX ix_messages_of_delivery ON messages (delivery_id) WHERE delivery_id IS NOT NULL;
CREATE INDEX ix_messages_under_way ON messages (account, changed_at) WHERE state IN ('accepted', 'sent');
CREATE INDEX ix_messages_failed ON messages (changed_at) WHERE state = 'failed'
"""


def upgrade() -> None:
    """Create the table."""
    for statement in STATEMENTS.split(";"):
        op.get_bind().exec_driver_sql(statement)
