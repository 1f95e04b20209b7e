"""Who may use the console: users, their sessions, and the logins that failed."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE users (
    name text NOT NULL CONSTRAINT pk_users PRIMARY KEY,
    role text NOT NULL,
    password_hash text,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE TABLE sessions (
    token_hash bytea NOT NULL CONSTRAINT pk_sessions PRIMARY KEY,
    name text NOT NULL CONSTRAINT fk_sessions_name REFERENCES users ON DELETE CASCADE,
    begun_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL
);
CREATE INDEX ix_sessions_name ON sessions (name);
CREATE TABLE login_failures (
    id uuid NOT NULL CONSTRAINT pk_login_failures PRIMARY KEY,
    at timestamptz NOT NULL,
    name text NOT NULL,
    source text NOT NULL
);
CREATE INDEX ix_login_failures_at ON login_failures (at);
"""


def upgrade() -> None:
    """Add the tables."""
    op.get_bind().exec_driver_sql(_TABLES)
