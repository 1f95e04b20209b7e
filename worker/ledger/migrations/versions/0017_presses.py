"""What people pause and press by the many, and an audit that is found by who and what."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE pauses (
        kind text, name text, since timestamptz NOT NULL, actor text NOT NULL, comment text NOT NULL,
        CONSTRAINT pk_pauses PRIMARY KEY (kind, name)
    )
    """,
    "CREATE INDEX ix_audit_of_actor ON audit (actor, id)",
    "CREATE INDEX ix_audit_of_action ON audit (action, id)",
)


def upgrade() -> None:
    """Add the tables."""
    for statement in _STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
