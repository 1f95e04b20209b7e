"""Rules whole: what a delivery is about, waits for, and who follows it; events in the order they happened."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

STATEMENTS = """
ALTER TABLE deliveries ADD COLUMN subject TEXT;
ALTER TABLE deliveries ADD COLUMN subject_account TEXT;
ALTER TABLE deliveries ADD COLUMN event_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE deliveries ADD COLUMN needs TEXT[] DEFAULT '{}' NOT NULL;
ALTER TABLE deliveries ADD COLUMN released BOOLEAN DEFAULT false NOT NULL;
ALTER TABLE deliveries ADD COLUMN has_followers BOOLEAN DEFAULT false NOT NULL;
ALTER TABLE deliveries ADD COLUMN followed TEXT;
ALTER TABLE deliveries ADD COLUMN series_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE deliveries ADD COLUMN wrote BOOLEAN DEFAULT false NOT NULL;
UPDATE deliveries SET subject = event.subject, subject_account = event.subject_account, event_at = event.occurred_at,
       series_at = deliveries.created_at
FROM events event WHERE event.id = deliveries.event_id AND deliveries.rule <> 'hookyard.complete'
      AND deliveries.state <> 'in_flight';
ALTER TABLE events ADD COLUMN chain TEXT[];
CREATE UNIQUE INDEX uq_deliveries_in_line ON deliveries (subject_account, subject, rule)
    WHERE state = 'in_flight' AND subject IS NOT NULL;
CREATE INDEX ix_deliveries_line ON deliveries (subject_account, subject, rule)
    WHERE state IN ('waiting', 'ready', 'retrying') AND subject IS NOT NULL;
CREATE INDEX ix_deliveries_of_subject ON deliveries (subject, sending_at) WHERE subject IS NOT NULL;
CREATE INDEX ix_deliveries_to_follow ON deliveries (id)
    WHERE has_followers AND state IN ('succeeded', 'dead', 'cancelled', 'suppressed')
          AND followed IS DISTINCT FROM state
"""


def upgrade() -> None:
    """Add the columns and what finds them."""
    for statement in STATEMENTS.split(";"):
        op.get_bind().exec_driver_sql(statement)
