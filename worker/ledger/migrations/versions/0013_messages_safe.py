"""Safe messages: who wants no more of them, and when each person last wrote."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE consents (
    person TEXT NOT NULL,
    scope TEXT NOT NULL,
    account TEXT NOT NULL,
    stopped BOOLEAN NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    said_at TIMESTAMP WITH TIME ZONE NOT NULL,
    why TEXT NOT NULL,
    CONSTRAINT pk_consents PRIMARY KEY (person, scope, account)
);
CREATE INDEX ix_consents_stopped ON consents (since) WHERE stopped;
CREATE TABLE windows (
    account TEXT NOT NULL,
    person TEXT NOT NULL,
    heard_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_windows PRIMARY KEY (account, person)
);
INSERT INTO consents (person, scope, account, stopped, since, said_at, why)
    SELECT key, 'marketing', '', true, min(opened_at), max(opened_at), 'code 131050' FROM holds
    WHERE kind = 'recipient' AND reason = 'opted_out' AND opened_at IS NOT NULL GROUP BY key;
DELETE FROM holds WHERE kind = 'recipient' AND reason = 'opted_out'
"""


def upgrade() -> None:
    """Add the tables; who opted out already stays so, on every account."""
    for statement in STATEMENTS.split(";"):
        op.get_bind().exec_driver_sql(statement)
