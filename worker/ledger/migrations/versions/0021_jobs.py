"""Jobs: what is done to many at once, and how far it is."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE jobs (
        id uuid CONSTRAINT pk_jobs PRIMARY KEY, kind text NOT NULL, selection jsonb NOT NULL, actor text NOT NULL,
        comment text NOT NULL, state text NOT NULL, total integer NOT NULL, done integer NOT NULL DEFAULT 0,
        refused integer NOT NULL DEFAULT 0, reasons jsonb NOT NULL DEFAULT '{}', position uuid,
        begun_at timestamptz NOT NULL, ended_at timestamptz, ended_by text, wake_at timestamptz
    )
    """,
    "CREATE INDEX ix_jobs_running ON jobs (wake_at) WHERE state = 'running'",
    """
    CREATE TABLE job_targets (
        job_id uuid CONSTRAINT fk_job_targets_job_id_jobs REFERENCES jobs (id), target_id uuid, state text NOT NULL,
        attempts integer NOT NULL, refused text, CONSTRAINT pk_job_targets PRIMARY KEY (job_id, target_id)
    )
    """,
)


def upgrade() -> None:
    """Add the tables."""
    for statement in _STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
