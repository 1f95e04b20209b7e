"""The ledger's tables: the truth about every event, delivery and attempt.

Invariant: whatever happened, or may have happened, can be read here; the broker holds nothing that is not here.
Indexes are partial where a worker looks, so that accepting, claiming and sweeping stay flat as the tables grow.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR, UUID

from worker.states import FREE_STATES, OPEN_STATES

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Instant = DateTime(timezone=True)
ID = UUID(as_uuid=True)


def _states(states: tuple[str, ...]) -> str:
    return ", ".join(f"'{state}'" for state in states)


IS_OPEN = text(f"state IN ({_states(OPEN_STATES)})")
HOLDS_ITS_EFFECT = text(f"effect_key IS NOT NULL AND state NOT IN ({_states(FREE_STATES)})")
IS_BACKTEST_UNDER_WAY = text("kind = 'backtest' AND state = 'running'")

events = Table(
    "events",
    metadata,
    Column("id", ID, primary_key=True),
    Column("account", Text, nullable=False),
    Column("dedupe_key", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("handling", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("subject", Text),
    Column("subject_account", Text),  # whose subject it is: a tap at one account may be about an order of another
    Column("parent_id", ID, ForeignKey("events.id")),  # the event a fact was derived from, or the request of a part
    Column("chain", ARRAY(Text)),  # the rules whose own writes led to it
    Column("part", Text),  # where it stands in a body that may hold several events
    Column("trigger", Text),  # which of an account's endpoints it came in by
    Column("secret_index", SmallInteger),  # which of the account's secrets matched
    Column("body", LargeBinary),  # as received; none for facts, and for one of several events in a request
    Column("content_type", Text),
    Column("query", Text),
    Column("headers", JSONB),
    Column("source_ip", Text),
    Column("received_at", Instant, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("processed_at", Instant),
    Column("duplicates", Integer, nullable=False, server_default="0"),
    Column("last_duplicate_at", Instant),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("wake_at", Instant),
    Column("reason", Text),
    Column("last_error", Text),
    Column("note", Text),
    Column("tap", JSONB(none_as_null=True)),  # of a tapped button: what it was found to mean
    Column("trace", Text),  # where a trace of it goes on, as W3C's traceparent
    UniqueConstraint("account", "dedupe_key"),
    Index("ix_events_to_route", "wake_at", postgresql_where=text("state = 'received'")),
    Index("ix_events_waiting", "subject", postgresql_where=text("state = 'waiting'")),
    Index("ix_events_failed", "id", postgresql_where=text("state = 'failed'")),
    Index("ix_events_of_subject", "subject", "id", postgresql_where=text("subject IS NOT NULL")),
    Index("ix_events_ambiguous", "id", postgresql_where=text("(tap ->> 'ambiguous') = 'true'")),
    Index("ix_events_of_parent", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
    Index("ix_events_of_account", "account", "id"),
    Index("ix_events_of_type", "type", "id"),
    Index("ix_events_of_reason", "reason", "id", postgresql_where=text("reason IS NOT NULL")),
)

subjects = Table(
    "subjects",
    metadata,
    Column("account", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("snapshot", JSONB, nullable=False),
    Column("known_at", JSONB, nullable=False),  # per field: the vendor's time of the value that stands
    Column("complete", Boolean, nullable=False),  # seen whole, not only in part
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("words", TSVECTOR),  # by which it is found, see `worker.search_words`
    Index("ix_subjects_of_key", "key"),
    Index("ix_subjects_words", "words", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", ID, primary_key=True),
    Column("event_id", ID, ForeignKey("events.id"), nullable=False),
    Column("rule", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("account", Text, nullable=False),  # the destination
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("effect_key", Text),
    Column("duplicate_of", ID),
    Column("parameters", JSONB),  # only where no rule gives them: ids, nothing personal
    Column("subject", Text),  # of its event, for what runs one at a time
    Column("subject_account", Text),
    Column("event_at", Instant),  # when its event happened: the order of those of one subject and rule
    Column("needs", ARRAY(Text), nullable=False, server_default="{}"),  # the steps of its rule that must succeed first
    Column("released", Boolean, nullable=False, server_default="false"),  # they did
    Column("has_followers", Boolean, nullable=False, server_default="false"),  # its end means something for others
    Column("followed", Text),  # the end that was followed up
    Column("priority", SmallInteger, nullable=False, server_default="5"),  # the lower, the sooner, where many wait
    Column("wrote", Boolean, nullable=False, server_default="false"),  # its answer said what its subject is now
    Column("series_at", Instant),  # when the present series of attempts was due to begin
    Column("due_at", Instant, nullable=False),
    Column("wake_at", Instant),  # when a sweep should wake it, unless somebody did
    Column("attempts", Integer, nullable=False, server_default="0"),  # also the fencing number of the newest claim
    Column("series_start", Integer, nullable=False, server_default="0"),  # attempts made before a person's retry
    Column("lease_owner", Text),
    Column("lease_expires_at", Instant),
    Column("sending_at", Instant),  # written before the request leaves
    Column("sending_to", Text),  # a hash of whom, where only its report will tell the message's id
    Column("held_since", Instant),  # since when it has not been tried because of a hold
    Column("settle_at", Instant),  # of an unknown one: when the vendor is asked what became of it
    Column("settles", Integer, nullable=False, server_default="0"),  # how often it was asked
    Column("turn_at", Instant),  # the turn it waited for, as its account is called no faster than allowed
    Column("last_error", Text),
    Column("result", JSONB),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("event_id", "rule", "step"),
    Index("uq_deliveries_effect", "effect_key", unique=True, postgresql_where=HOLDS_ITS_EFFECT),
    Index(
        "uq_deliveries_in_line",
        "subject_account",
        "subject",
        "rule",
        unique=True,
        postgresql_where=text("state = 'in_flight' AND subject IS NOT NULL"),
    ),
    Index(
        "ix_deliveries_line",
        "subject_account",
        "subject",
        "rule",
        postgresql_where=text("state IN ('waiting', 'ready', 'retrying') AND subject IS NOT NULL"),
    ),
    Index(
        "ix_deliveries_sending_to",
        "sending_to",
        "sending_at",
        postgresql_where=text("state IN ('in_flight', 'unknown') AND sending_to IS NOT NULL"),
    ),
    Index("ix_deliveries_of_subject", "subject", "sending_at", postgresql_where=text("subject IS NOT NULL")),
    Index(
        "ix_deliveries_to_follow",
        "id",
        postgresql_where=text(
            "has_followers AND state IN ('succeeded', 'dead', 'cancelled', 'suppressed')"
            " AND followed IS DISTINCT FROM state"
        ),
    ),
    Index("ix_deliveries_to_wake", "account", "wake_at", postgresql_where=IS_OPEN),
    Index(
        "ix_deliveries_awaiting",
        "wake_at",
        postgresql_where=text("state = 'waiting' AND reason = 'awaiting_delivery'"),
    ),
    Index("ix_deliveries_to_settle", "wake_at", postgresql_where=text("state = 'unknown' AND settle_at IS NOT NULL")),
    Index("ix_deliveries_leased", "lease_expires_at", postgresql_where=text("state = 'in_flight'")),
    Index("ix_deliveries_died", "updated_at", postgresql_where=text("state = 'dead'")),
    Index("ix_deliveries_of_state", "state", "id", postgresql_where=text("state <> 'succeeded'")),
    Index("ix_deliveries_of_reason", "reason", "id", postgresql_where=text("reason IS NOT NULL")),
    Index("ix_deliveries_of_rule", "rule", "id"),
    Index("ix_deliveries_of_action", "action", "id"),
    Index("ix_deliveries_of_account", "account", "id"),
    Index("ix_deliveries_message", text("(result ->> 'message_id')"), postgresql_where=text("result ? 'message_id'")),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", ID, primary_key=True),
    Column("delivery_id", ID, ForeignKey("deliveries.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant, nullable=False),
    Column("worker", Text, nullable=False),
    Column("state", Text, nullable=False),  # what it made of the delivery
    Column("reason", Text),
    Column("error", Text),
    Column("exchanges", JSONB),  # requests and answers, masked and capped
    Column("kind", Text, nullable=False, server_default="attempt"),  # or `settle`: it only asked what became of it
    Column("trace", Text),  # which part of the event's trace it was
    Index("ix_attempts_of_delivery", "delivery_id", "id"),
    Index("ix_attempts_of_reason", "reason", "id", postgresql_where=text("reason IS NOT NULL")),
)

template_lists = Table(
    "template_lists",
    metadata,
    Column("account", Text, primary_key=True),
    Column("shelf", Text, primary_key=True),  # which of its lists, where it has several
    Column("templates", JSONB(none_as_null=True)),  # none: it was never had
    Column("is_whole", Boolean, nullable=False, server_default="false"),
    Column("listed_at", Instant),
    Column("tried_at", Instant, nullable=False),
    Column("failures", Integer, nullable=False, server_default="0"),  # in a row
    Column("error", Text),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", ID, primary_key=True),
    Column("account", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("evidence", JSONB, nullable=False),  # what the sender proved itself with; never a secret, only its hash
    Column("body", LargeBinary, nullable=False),
    Column("content_type", Text),
    Column("query", Text),
    Column("headers", JSONB),
    Column("source_ip", Text),
    Column("received_at", Instant, nullable=False),
    Column("times", BigInteger, nullable=False, server_default="1"),
    Column("released_at", Instant),
    Column("event_id", ID),
    UniqueConstraint("account", "digest"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", ID, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("details", JSONB, nullable=False),
    Index("ix_audit_of_target", "target"),
    Index("ix_audit_of_actor", "actor", "id"),
    Index("ix_audit_of_action", "action", "id"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", ID, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("selection", JSONB, nullable=False),  # what it was narrowed to
    Column("actor", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("total", Integer, nullable=False),
    Column("done", Integer, nullable=False, server_default="0"),
    Column("refused", Integer, nullable=False, server_default="0"),
    Column("reasons", JSONB, nullable=False, server_default="{}"),  # how many were refused, by why
    Column("position", ID),  # the last target that was pressed
    Column("begun_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("ended_by", Text),  # whoever stopped it
    Column("wake_at", Instant),  # when a sweep should look whether anybody is at it
    Column("held_until", Instant),  # of a backtest: until when its process counts as alive; none: it has none yet
    Column("error", Text),  # why it failed
    Index("ix_jobs_running", "wake_at", postgresql_where=text("state = 'running'")),
    Index("ux_jobs_one_backtest", "kind", unique=True, postgresql_where=IS_BACKTEST_UNDER_WAY),
)

backtest_reports = Table(
    "backtest_reports",
    metadata,
    Column("job_id", ID, ForeignKey("jobs.id"), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("report", JSONB, nullable=False),  # counts, ids of events, and errors without what is personal
)

job_targets = Table(
    "job_targets",
    metadata,
    Column("job_id", ID, ForeignKey("jobs.id"), primary_key=True),
    Column("target_id", ID, primary_key=True),  # a delivery, or an event
    Column("state", Text, nullable=False),  # as it was when the job was begun
    Column("attempts", Integer, nullable=False),
    Column("refused", Text),  # why it was
)

memory = Table(
    "memory",
    metadata,
    Column("account", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text),
    Column("remembered_at", Instant),
    Column("holder", Text),  # who is alone inside, and until when nobody else may be
    Column("held_until", Instant),
)

holds = Table(
    "holds",
    metadata,
    Column("account", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),  # a person's hash, a template; empty for the whole account
    Column("reason", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("action", Text, nullable=False),  # the one that met it
    Column("opened_at", Instant),  # none: failures are counted, nothing is held yet
    Column("until", Instant),  # none: until a person lifts it
    Column("failures", Integer, nullable=False),  # in a row, each of another delivery; how often it was met
    Column("failed", ID),  # the delivery that failed last
    Column("probes", Integer, nullable=False),
    Column("probe", ID),  # the delivery that may go through to find out
)

pauses = Table(
    "pauses",
    metadata,
    Column("kind", Text, primary_key=True),  # an account, or a rule
    Column("name", Text, primary_key=True),
    Column("since", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("comment", Text, nullable=False),
)

paces = Table(
    "paces",
    metadata,
    Column("account", Text, primary_key=True),
    Column("key", Text, primary_key=True),  # a person's hash; empty for the whole account
    Column("next_at", Instant),  # before this no call leaves
    Column("turn_at", Instant),  # the turn that is given out next
    Column("minutes", JSONB, nullable=False),  # calls of the last hour by minute, where that is limited
)

messages = Table(
    "messages",
    metadata,
    Column("account", Text, primary_key=True),
    Column("message_id", Text, primary_key=True),  # the vendor's
    Column("delivery_id", ID),  # none: its receipt came before the send was recorded, or it is none of ours
    Column("person", Text),  # a hash
    Column("state", Text, nullable=False),
    Column("accepted_at", Instant),
    Column("sent_at", Instant),
    Column("delivered_at", Instant),
    Column("read_at", Instant),
    Column("failed_at", Instant),
    Column("error_code", Text),
    Column("reason", Text),
    Column("changed_at", Instant, nullable=False),  # when we learned of the state
    Column("asked_at", Instant),  # when the vendor was last asked, as no receipt came
    Index("ix_messages_of_delivery", "delivery_id", postgresql_where=text("delivery_id IS NOT NULL")),
    Index("ix_messages_under_way", "account", "changed_at", postgresql_where=text("state IN ('accepted', 'sent')")),
    Index(
        "ix_messages_unmatched",
        "person",
        "accepted_at",
        postgresql_where=text("person IS NOT NULL AND (message_id LIKE 'unmatched:%' OR delivery_id IS NULL)"),
    ),
    Index("ix_messages_failed", "changed_at", postgresql_where=text("state = 'failed'")),
)

consents = Table(
    "consents",
    metadata,
    Column("person", Text, primary_key=True),  # a hash
    Column("scope", Text, primary_key=True),  # what is not wanted: marketing, or all
    Column("account", Text, primary_key=True),  # empty: every account
    Column("stopped", Boolean, nullable=False),
    Column("since", Instant, nullable=False),
    Column("said_at", Instant, nullable=False),  # when it was last said; an older saying changes nothing
    Column("why", Text, nullable=False),
    Index("ix_consents_stopped", "since", postgresql_where=text("stopped")),
)

windows = Table(
    "windows",
    metadata,
    Column("account", Text, primary_key=True),
    Column("person", Text, primary_key=True),  # a hash
    Column("heard_at", Instant, nullable=False),  # when the person last wrote to this number
)

questions = Table(
    "questions",
    metadata,
    Column("delivery_id", ID, ForeignKey("deliveries.id"), primary_key=True),  # the message that asks
    Column("number", Text, nullable=False),  # the business's, by which it asks
    Column("person", Text, nullable=False),  # a hash
    Column("subject_account", Text, nullable=False),
    Column("subject", Text, nullable=False),  # what it asks about
    Column("name", Text, nullable=False),  # one question, however often it is asked about a subject
    Column("answers", ARRAY(Text), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("answer", Text),  # the first one: it decides
    Column("answered_at", Instant),
    Column("answered_by", ID),  # the event of the tap
    Index("ix_questions_of_person", "person", "number", "asked_at"),
    Index("ix_questions_of_subject", "subject", "subject_account"),
    Index("ix_questions_answered_by", "answered_by", postgresql_where=text("answered_by IS NOT NULL")),
)

watermarks = Table(
    "watermarks",
    metadata,
    Column("account", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("at", Instant, nullable=False),
)

reloads = Table(
    "reloads",
    metadata,
    Column("worker", Text, primary_key=True),
    Column("at", Instant, nullable=False),  # when it was written last: a worker that is gone writes no more
    Column("rules", Integer, nullable=False),
    Column("refused", ARRAY(Text), nullable=False),  # the faults for which changed rules were refused
    Column("accounts_changed", Boolean, nullable=False),  # since its start, which it does not take over
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("name", Text, primary_key=True),
    Column("at", Instant, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("cause", Text, primary_key=True),
    Column("account", Text, primary_key=True),  # empty for what concerns no single one
    Column("value", Double, nullable=False),
    Column("limit", Double, nullable=False),
    Column("since", Instant),  # none: it is over, and only what was told is remembered
    Column("told", JSONB, nullable=False),  # by step: when
    Column("told_step", SmallInteger, nullable=False),  # the highest that was told since then
    Column("calm_since", Instant),
)

alert_messages = Table(
    "alert_messages",
    metadata,
    Column("id", ID, primary_key=True),
    Column("target", Text, nullable=False),
    Column("news", JSONB, nullable=False),  # causes and figures, nothing personal
    Column("created_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", Instant),  # none: sent, or given up
    Column("sent_at", Instant),
    Column("last_error", Text),
    Index("ix_alert_messages_due", "next_at", postgresql_where=text("next_at IS NOT NULL")),
)

figures = Table(
    "figures",
    metadata,
    Column("grain", SmallInteger, primary_key=True),  # seconds of its span; 0: since ever
    Column("name", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("at", Instant, primary_key=True),  # when its span begins
    Column("labels", ARRAY(Text), primary_key=True),
    Column("bucket", SmallInteger, primary_key=True),  # of a measure: between which bounds; -1: it is only counted
    Column("total", BigInteger, nullable=False),
    Column("seconds", Double, nullable=False),  # of a measure: the sum
    Index("ix_figures_minutes", "at", postgresql_where=text("grain = 60")),
)

users = Table(
    "users",
    metadata,
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("password_hash", Text),  # none: a proxy says who it is
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("name", Text, ForeignKey("users.name", ondelete="CASCADE"), nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Index("ix_sessions_name", "name"),
)

login_failures = Table(
    "login_failures",
    metadata,
    Column("id", ID, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("name", Text, nullable=False),  # as typed, shortened: it may be nobody's
    Column("source", Text, nullable=False),  # the address it came from
    Index("ix_login_failures_at", "at"),
)
