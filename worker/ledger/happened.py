"""What has happened to a subject, whatever the order in which it was heard of."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

_TYPES = text(
    """
    SELECT DISTINCT type FROM events
    WHERE subject = :subject AND subject_account = :account AND state = 'processed'
          AND (occurred_at >= :since OR parent_id IS NOT NULL AND part IS NULL)
          AND id IS DISTINCT FROM CAST(:own AS uuid)
          AND id IS DISTINCT FROM (SELECT parent_id FROM events WHERE id = CAST(:own AS uuid))
    """
)


def types_since(
    connection: Connection, account: str, subject: str, since: datetime, own: UUID | None = None
) -> Sequence[str]:
    """Return the types of events of a subject since a moment, and of all its facts: those are true once and for all.

    `own`: the event, or the fact, that is asked for; neither it nor what it came from overtakes itself.
    """
    return list(connection.scalars(_TYPES, {"account": account, "subject": subject, "since": since, "own": own}))
