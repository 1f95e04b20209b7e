"""What lists for people are looked through by: account, type, action, rule, state, reason; each with the id."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE INDEX ix_events_of_account ON events (account, id);
CREATE INDEX ix_events_of_type ON events (type, id);
CREATE INDEX ix_events_of_reason ON events (reason, id) WHERE reason IS NOT NULL;
CREATE INDEX ix_deliveries_of_account ON deliveries (account, id);
CREATE INDEX ix_deliveries_of_action ON deliveries (action, id);
CREATE INDEX ix_deliveries_of_rule ON deliveries (rule, id);
CREATE INDEX ix_deliveries_of_reason ON deliveries (reason, id) WHERE reason IS NOT NULL;
CREATE INDEX ix_deliveries_of_state ON deliveries (state, id) WHERE state <> 'succeeded';
DROP INDEX ix_deliveries_for_people;
CREATE INDEX ix_attempts_of_reason ON attempts (reason, id) WHERE reason IS NOT NULL
"""


def upgrade() -> None:
    """Add the indexes; the one by state takes the place of one for the dead and unknown only."""
    for statement in STATEMENTS.split(";"):
        op.get_bind().exec_driver_sql(statement)
