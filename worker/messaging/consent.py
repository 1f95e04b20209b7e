"""Opting out and in: what is understood as such, what follows from it, and the facts that rules may listen to.

Invariant: each change is one fact, told once; whatever says the same again changes nothing.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from config.accounts import Consent as Words
from config.consent import whole
from worker.holding import person_key
from worker.ledger import consents, inbox
from worker.ledger.consents import EVERY_ACCOUNT, Consent
from worker.ledger.inbox import Arrival, NewEvent
from worker.messaging.facts import OPTED_IN, OPTED_OUT
from worker.reading import Heard, Stored, Understanding
from worker.states import ConsentScope, Handling

BY_RECEIPT = "code 131050"


@dataclass(frozen=True)
class Wish:
    """What somebody wants of messages to one person."""

    stopped: bool
    why: str
    scope: ConsentScope = ConsentScope.MARKETING
    account: str = EVERY_ACCOUNT


def wish_of(heard: Heard, words: Words) -> Wish | None:
    """Return what a person's message, or what was done to their conversation, asks for."""
    if heard.blocked is not None:
        why = "the conversation was blocked" if heard.blocked else "the conversation was unblocked"
        return Wish(heard.blocked, why, ConsentScope.ALL)
    said = whole(heard.text or "")
    if said and said in map(whole, words.stop_words):
        return Wish(stopped=True, why="a message of the person")
    if said and said in map(whole, words.start_words):
        return Wish(stopped=False, why="a message of the person")
    return None


def follow(
    connection: Connection, wish: Wish, heard_by: str, who: str, at: datetime, now: datetime, *, is_key: bool = False
) -> tuple[UUID, ...]:
    """Write a wish down; return the fact that is to be routed when it is news.

    `heard_by` is the account; `who` a phone in E.164, or with `is_key` what `person_key` makes of one.
    """
    person = who if is_key else person_key(who)
    said = Consent(person, wish.scope, wish.stopped, at, wish.why, wish.account)
    if not consents.change(connection, said, now):
        return ()
    data = {
        "phone": None if is_key else who, "scope": wish.scope, "why": wish.why, "account": wish.account or None,
        "at": at.isoformat(),
    }  # fmt: skip
    type_ = OPTED_OUT if wish.stopped else OPTED_IN
    fact = NewEvent(
        account=heard_by, dedupe_key=f"{type_}:{person}:{wish.scope}:{wish.account}:{at.isoformat()}", type=type_,
        handling=Handling.HANDLED, body=json.dumps(data).encode(), content_type="application/json", query=None,
        headers={}, source_ip=None, trigger=None, secret_index=None, received_at=now, occurred_at=min(at, now),
    )  # fmt: skip
    return inbox.accept(connection, Arrival((fact,)), 0).new


def read_fact(stored: Stored) -> Understanding:
    """Read a fact of consent, which Hookyard wrote itself."""
    data = json.loads(stored.body)
    phone = data["phone"]
    return Understanding(
        stored.type, Handling.HANDLED, data, min(datetime.fromisoformat(data["at"]), stored.received_at),
        subject=f"phone:{phone.lstrip('+')}" if phone else None,
    )  # fmt: skip
