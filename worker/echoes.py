"""Our own writes come back as events: which rules an event may be the echo of.

Invariant: no rules set each other, or themselves, off for ever, however many rules and vendors lie between. Rules that
had no part in it are asked as about any event.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from worker.context import Subject

ECHO_SECONDS = 600.0
"""How long after a write an event about its subject may be its echo."""
LONGEST_CHAIN = 20

_WRITES = text(
    """
    SELECT d.rule, d.wrote, event.chain FROM deliveries d JOIN events event ON event.id = d.event_id
    WHERE d.subject_account = :account AND d.subject = :subject AND d.account = :account
          AND (d.state IN ('succeeded', 'unknown', 'in_flight') OR d.reason = 'awaiting_delivery')
          AND d.sending_at >= :since
    """
)


@dataclass(frozen=True)
class Echo:
    """What led to an event."""

    chain: tuple[str, ...] = ()
    """The rules whose writes about its subject came a moment before, and those that had led to these."""
    blocked: frozenset[str] = frozenset()
    """The rules that are not asked about it."""


def echo_of(connection: Connection, subject: Subject, now: datetime, *, says_something_new: bool) -> Echo:
    """Return what an event about a subject may be the echo of.

    An event that says nothing but what a write's answer said before is its echo. Of a write whose answer says nothing
    of its subject that cannot be told: such a rule is asked about the first event that follows, and not about what
    follows from that.
    """
    since = now - timedelta(seconds=ECHO_SECONDS)
    rows = connection.execute(_WRITES, {"account": subject.account, "subject": subject.key, "since": since}).all()
    before = {rule for row in rows for rule in row.chain or ()}
    direct = {row.rule for row in rows if row.wrote and not says_something_new}
    chain = sorted({row.rule for row in rows} | before)[:LONGEST_CHAIN]
    return Echo(tuple(chain), frozenset(direct | before))
