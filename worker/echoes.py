"""Our own writes come back as events: which rules' writes an event may be the echo of.

Invariant: a rule is not asked about what its own write led to, however many rules and vendors lie between, so no two
rules set each other off for ever. Other rules are asked as about any event.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from worker.context import Subject

ECHO_SECONDS = 600.0
"""How long after a write an event about its subject, that says nothing new, is taken for its echo."""
LONGEST_CHAIN = 20

_WRITES = text(
    """
    SELECT d.rule, event.chain FROM deliveries d JOIN events event ON event.id = d.event_id
    WHERE d.subject_account = :account AND d.subject = :subject AND d.account = :account
          AND d.state IN ('succeeded', 'unknown', 'in_flight') AND d.sending_at >= :since
    """
)


def chain_of(connection: Connection, subject: Subject, now: datetime) -> list[str]:
    """Return the rules that wrote to a subject, at its own account, a moment ago, and those that had led to them."""
    since = now - timedelta(seconds=ECHO_SECONDS)
    rows = connection.execute(_WRITES, {"account": subject.account, "subject": subject.key, "since": since})
    found = {rule for row in rows for rule in (row.rule, *(row.chain or ()))}
    return sorted(found)[:LONGEST_CHAIN]
