"""WhatsApp's 24 hours: after a person wrote, a number may answer freely for a day; later only by a template.

Invariant: it is judged only where an account hears every message of its persons; elsewhere the vendor's answer tells.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from config.accounts import Account, CgbAccount, MetaAccount, WabotickAccount
from worker.holding import person_key
from worker.ledger import windows
from worker.messaging.refusing import Refusal
from worker.states import DeliveryState, Reason

OPEN = timedelta(hours=23, minutes=45)
"""A little less than a day: the message is on its way for a while, and clocks differ."""


def hears_all(account: Account) -> bool:
    """Whether every message of a person to this account comes in here."""
    if isinstance(account, WabotickAccount):
        return "incoming" in account.url_secrets
    if isinstance(account, CgbAccount):
        return account.hears_all
    return isinstance(account, MetaAccount)


def ask(connection: Connection, name: str, account: Account, recipient: str, now: datetime) -> Refusal | None:
    """Return why a message that is no template cannot be sent to a person now; None when it can."""
    if not hears_all(account):
        return None
    return judge(windows.heard_at(connection, name, person_key(recipient)), now)


def judge(heard_at: datetime | None, now: datetime) -> Refusal | None:
    """Return why a message that is no template cannot be sent now to a person who wrote last at a moment."""
    if heard_at is not None and now - heard_at < OPEN:
        return None
    since = "has not written yet" if heard_at is None else f"wrote last at {heard_at:%Y-%m-%d %H:%M} UTC"
    what = f"outside the 24 hours: the person {since}; only a template may be sent"
    return Refusal(Reason.OUTSIDE_WINDOW, what, DeliveryState.DEAD)
