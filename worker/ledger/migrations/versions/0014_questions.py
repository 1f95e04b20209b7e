"""Questions: what people were asked by a message, until when, and which tap decided; what a tap was found to mean."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE questions (
    delivery_id UUID NOT NULL,
    number TEXT NOT NULL,
    person TEXT NOT NULL,
    subject_account TEXT NOT NULL,
    subject TEXT NOT NULL,
    name TEXT NOT NULL,
    answers TEXT[] NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    until TIMESTAMP WITH TIME ZONE NOT NULL,
    answer TEXT,
    answered_at TIMESTAMP WITH TIME ZONE,
    answered_by UUID,
    CONSTRAINT pk_questions PRIMARY KEY (delivery_id),
    CONSTRAINT fk_questions_delivery_id_deliveries FOREIGN KEY(delivery_id) REFERENCES deliveries (id)
);
CREATE INDEX ix_questions_of_person ON questions (person, number, asked_at);
CREATE INDEX ix_questions_of_subject ON questions (subject, subject_account);
CREATE INDEX ix_questions_answered_by ON questions (answered_by) WHERE answered_by IS NOT NULL;
ALTER TABLE events ADD COLUMN tap JSONB;
CREATE INDEX ix_events_ambiguous ON events (id) WHERE (tap ->> 'ambiguous') = 'true'
"""


def upgrade() -> None:
    """Add the table, the column and what finds them."""
    for statement in STATEMENTS.split(";"):
        op.get_bind().exec_driver_sql(statement)
