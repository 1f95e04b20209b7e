"""The ledger: events, subjects, deliveries, attempts, quarantine, audit, heartbeats."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE audit (
    id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    details JSONB NOT NULL,
    CONSTRAINT pk_audit PRIMARY KEY (id)
);
CREATE INDEX ix_audit_of_target ON audit (target);
CREATE TABLE events (
    id UUID NOT NULL,
    account TEXT NOT NULL,
    dedupe_key TEXT NOT NULL,
    type TEXT NOT NULL,
    handling TEXT NOT NULL,
    state TEXT NOT NULL,
    subject TEXT,
    subject_account TEXT,
    parent_id UUID,
    trigger TEXT,
    secret_index SMALLINT,
    body BYTEA,
    content_type TEXT,
    query TEXT,
    headers JSONB,
    source_ip TEXT,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    processed_at TIMESTAMP WITH TIME ZONE,
    duplicates INTEGER DEFAULT '0' NOT NULL,
    last_duplicate_at TIMESTAMP WITH TIME ZONE,
    attempts INTEGER DEFAULT '0' NOT NULL,
    wake_at TIMESTAMP WITH TIME ZONE,
    reason TEXT,
    last_error TEXT,
    note TEXT,
    CONSTRAINT pk_events PRIMARY KEY (id),
    CONSTRAINT uq_events_account_dedupe_key UNIQUE (account, dedupe_key),
    CONSTRAINT fk_events_parent_id FOREIGN KEY(parent_id) REFERENCES events (id)
);
CREATE INDEX ix_events_failed ON events (id) WHERE state = 'failed';
CREATE INDEX ix_events_of_parent ON events (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX ix_events_of_subject ON events (subject, id) WHERE subject IS NOT NULL;
CREATE INDEX ix_events_to_route ON events (wake_at) WHERE state = 'received';
CREATE INDEX ix_events_waiting ON events (subject) WHERE state = 'waiting';
CREATE TABLE heartbeats (
    name TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_heartbeats PRIMARY KEY (name)
);
CREATE TABLE quarantine (
    id UUID NOT NULL,
    account TEXT NOT NULL,
    digest BYTEA NOT NULL,
    reason TEXT NOT NULL,
    evidence JSONB NOT NULL,
    body BYTEA NOT NULL,
    content_type TEXT,
    query TEXT,
    headers JSONB,
    source_ip TEXT,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    times BIGINT DEFAULT '1' NOT NULL,
    released_at TIMESTAMP WITH TIME ZONE,
    event_id UUID,
    CONSTRAINT pk_quarantine PRIMARY KEY (id),
    CONSTRAINT uq_quarantine_account_digest UNIQUE (account, digest)
);
CREATE TABLE subjects (
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    snapshot JSONB NOT NULL,
    known_at JSONB NOT NULL,
    complete BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_subjects PRIMARY KEY (account, key)
);
CREATE INDEX ix_subjects_of_key ON subjects (key);
CREATE TABLE deliveries (
    id UUID NOT NULL,
    event_id UUID NOT NULL,
    rule TEXT NOT NULL,
    step TEXT NOT NULL,
    action TEXT NOT NULL,
    account TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    effect_key TEXT,
    duplicate_of UUID,
    parameters JSONB,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    wake_at TIMESTAMP WITH TIME ZONE,
    attempts INTEGER DEFAULT '0' NOT NULL,
    series_start INTEGER DEFAULT '0' NOT NULL,
    lease_owner TEXT,
    lease_expires_at TIMESTAMP WITH TIME ZONE,
    sending_at TIMESTAMP WITH TIME ZONE,
    last_error TEXT,
    result JSONB,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_deliveries PRIMARY KEY (id),
    CONSTRAINT uq_deliveries_event_id_rule_step UNIQUE (event_id, rule, step),
    CONSTRAINT fk_deliveries_event_id FOREIGN KEY(event_id) REFERENCES events (id)
);
CREATE INDEX ix_deliveries_for_people ON deliveries (state, id) WHERE state IN ('dead', 'unknown');
CREATE INDEX ix_deliveries_leased ON deliveries (lease_expires_at) WHERE state = 'in_flight';
CREATE INDEX ix_deliveries_message ON deliveries ((result ->> 'message_id')) WHERE result ? 'message_id';
CREATE INDEX ix_deliveries_to_wake ON deliveries (wake_at)
    WHERE state IN ('waiting', 'ready', 'retrying');
CREATE UNIQUE INDEX uq_deliveries_effect ON deliveries (effect_key)
    WHERE effect_key IS NOT NULL AND state NOT IN ('dead', 'cancelled', 'suppressed');
CREATE TABLE attempts (
    id UUID NOT NULL,
    delivery_id UUID NOT NULL,
    number INTEGER NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE NOT NULL,
    worker TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    error TEXT,
    exchanges JSONB,
    CONSTRAINT pk_attempts PRIMARY KEY (id),
    CONSTRAINT fk_attempts_delivery_id FOREIGN KEY(delivery_id) REFERENCES deliveries (id)
);
CREATE INDEX ix_attempts_of_delivery ON attempts (delivery_id, id);
"""


def upgrade() -> None:
    """Create every table and index."""
    for statement in TABLES.split(";"):
        if statement.strip():
            op.get_bind().exec_driver_sql(statement)
