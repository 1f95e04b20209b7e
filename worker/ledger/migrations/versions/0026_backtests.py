"""Backtests as jobs: whether a process is at one, why one failed, and what came of the newest."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE jobs ADD COLUMN held_until timestamptz, ADD COLUMN error text",
    "CREATE UNIQUE INDEX ux_jobs_one_backtest ON jobs (kind) WHERE kind = 'backtest' AND state = 'running'",
    """
    CREATE TABLE backtest_reports (
        job_id uuid CONSTRAINT pk_backtest_reports PRIMARY KEY
            CONSTRAINT fk_backtest_reports_job_id_jobs REFERENCES jobs (id),
        at timestamptz NOT NULL, report jsonb NOT NULL
    )
    """,
)


def upgrade() -> None:
    """Add the columns and the table."""
    for statement in _STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
