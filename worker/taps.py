"""Which order a tapped button is about, in the order of trust: said outright, the answered message, the button's id.

Invariant: nothing is guessed; what does not say its order in one of these ways is about none, and the note says why.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from config.load import Config
from worker.context import Subject
from worker.ledger import deliveries, subjects
from worker.reading import Completion, OrderReference


@dataclass(frozen=True)
class Found:
    """What was found out of a tap."""

    subject: Subject | None = None
    """What it is about; None: it does not say."""
    completion: Completion | None = None
    note: str | None = None


def find(connection: Connection, config: Config, order: OrderReference) -> Found:
    """Find what a tap is about."""
    if order.order_id:
        return _named_order(connection, config, order.order_id)
    message_id = order.replied_to
    if message_id and (found := deliveries.subject_of_message(connection, message_id)):
        return Found(Subject(*found))
    if order.by_button:
        return _named_order(connection, config, order.by_button)
    nothing = "the message that was answered is none of ours" if message_id else None
    return Found(note=nothing or "nothing says which order this is about")


def _named_order(connection: Connection, config: Config, order_id: str) -> Found:
    key = f"order:{order_id}"
    shops = [name for name, account in config.accounts.items() if account.vendor == "scalev"]
    knowing = subjects.accounts_that_know(connection, key) or shops
    if len(knowing) != 1:
        return Found(note=f"order {order_id} could be of {' or '.join(knowing) or 'no account'}")
    return Found(Subject(knowing[0], key), Completion("scalev.get_order", {"order_id": order_id}))
