"""Figures over time: what was received, done and refused, and how long it took, by minute, by hour and since ever."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE figures (
    grain SMALLINT NOT NULL,
    name TEXT NOT NULL,
    account TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    labels TEXT[] NOT NULL,
    bucket SMALLINT NOT NULL,
    total BIGINT NOT NULL,
    seconds DOUBLE PRECISION NOT NULL,
    CONSTRAINT pk_figures PRIMARY KEY (grain, name, account, at, labels, bucket)
);
CREATE INDEX ix_figures_minutes ON figures (at) WHERE grain = 60;
CREATE INDEX ix_deliveries_died ON deliveries (updated_at) WHERE state = 'dead'
"""


def upgrade() -> None:
    """Add the table, and what finds dead letters by when they became one."""
    for statement in STATEMENTS.split(";"):
        op.get_bind().exec_driver_sql(statement)
