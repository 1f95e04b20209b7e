"""What a person's message means for the messages to them.

Invariant: hearing the same message again changes nothing.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from config.accounts import Consent as Words
from worker.holding import person_key
from worker.ledger import windows
from worker.messaging import consent
from worker.reading import Heard


def take_in(
    connection: Connection, words: Words, account: str, heard: Heard, at: datetime, now: datetime
) -> tuple[UUID, ...]:
    """Take in what was heard; return the facts of consent that are to be routed."""
    if heard.blocked is None:
        windows.hear(connection, account, person_key(heard.phone), min(at, now))
    wish = consent.wish_of(heard, words)
    return consent.follow(connection, wish, account, heard.phone, at, now) if wish else ()
