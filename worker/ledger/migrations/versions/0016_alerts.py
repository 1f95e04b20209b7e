"""Failures that near their limits, and what people are told of them."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    run = op.get_bind().exec_driver_sql
    run(
        """
        CREATE TABLE alerts (
            cause TEXT NOT NULL,
            account TEXT NOT NULL,
            value DOUBLE PRECISION NOT NULL,
            "limit" DOUBLE PRECISION NOT NULL,
            since TIMESTAMP WITH TIME ZONE,
            told JSONB NOT NULL,
            told_step SMALLINT NOT NULL,
            calm_since TIMESTAMP WITH TIME ZONE,
            CONSTRAINT pk_alerts PRIMARY KEY (cause, account)
        )
        """
    )
    run(
        """
        CREATE TABLE alert_messages (
            id UUID NOT NULL,
            target TEXT NOT NULL,
            news JSONB NOT NULL,
            created_at TIMESTAMP WITH TIME ZONE NOT NULL,
            attempts INTEGER DEFAULT '0' NOT NULL,
            next_at TIMESTAMP WITH TIME ZONE,
            sent_at TIMESTAMP WITH TIME ZONE,
            last_error TEXT,
            CONSTRAINT pk_alert_messages PRIMARY KEY (id)
        )
        """
    )
    run("CREATE INDEX ix_alert_messages_due ON alert_messages (next_at) WHERE next_at IS NOT NULL")
