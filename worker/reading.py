"""What a source reads out of a stored event: the words that the engine understands.

Invariant: reading is pure; the same stored event gives the same understanding, whenever it is read.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from config.accounts import Account
from worker.snapshots import Patch, Snapshot
from worker.states import Handling, MessageState, Reason


class UnreadableError(Exception):
    """A stored event cannot be understood; the text says what is wrong, without personal data."""


@dataclass(frozen=True)
class Stored:
    """An event as the ledger has it."""

    account: str
    type: str
    body: bytes
    content_type: str | None
    query: str | None
    headers: dict[str, str]
    trigger: str | None
    received_at: datetime
    part: str | None = None
    """Where in the body this event stands, when a body may hold several."""


@dataclass(frozen=True)
class OrderReference:
    """How an event says which order it belongs to, in the order of trust."""

    order_id: str | None = None
    """The order's human number, said outright."""
    replied_to: str | None = None
    """The id of our message that the person answered."""
    by_button: str | None = None
    """The order's human number, said by the id of a button of our own."""


@dataclass(frozen=True)
class Receipt:
    """What a vendor says of how far one of our messages came."""

    message_id: str
    """The vendor's id of the message, as the send's `message_id` told it."""
    state: MessageState
    at: datetime
    """When it came so far; the moment of receipt where the vendor does not say it surely."""
    error_code: str | None = None
    """Of a failed one: WhatsApp's code."""
    reason: Reason | None = None
    """Of a failed one: what the code amounts to."""
    reference: str | None = None
    """The mark that we gave the vendor with the message, where it gives it back: the delivery's id. It tells which
    delivery a message is of whose own id was never told."""


@dataclass(frozen=True)
class Heard:
    """What a person said to one of our numbers, or what was done to the conversation with them."""

    phone: str
    """In E.164."""
    text: str | None = None
    """The whole message, or what stood on the button."""
    blocked: bool | None = None
    """That the conversation was blocked, or unblocked again; the person said nothing then."""


@dataclass(frozen=True)
class Completion:
    """The read that would tell what an event leaves out: an action and its parameters (ids only)."""

    action: str
    parameters: dict[str, str]


@dataclass(frozen=True)
class Fact:
    """A fact that needs more words than its type.

    It may be about a subject that the event only touches (an order's event may be the first of its buyer), or be one
    of several of its type.
    """

    type: str
    subject: str
    meaning: str = ""
    """What tells facts of one type and subject apart, where there may be several: which journey, which new date."""


def nothing(_: Snapshot) -> tuple[()]:
    """Say that a snapshot amounts to nothing; a function with a name, so that what was read can be handed about."""
    return ()


@dataclass(frozen=True)
class Understanding:
    """What an event says."""

    type: str
    handling: Handling
    data: dict[str, Any]
    """The event's own data, as the rules see it."""
    occurred_at: datetime
    subject: str | None = None
    patches: tuple[Patch, ...] = ()
    completion: Completion | None = None
    order: OrderReference | None = None
    receipt: Receipt | None = None
    heard: Heard | None = None
    facts: Callable[[Snapshot], tuple[str, ...]] = field(default=nothing)
    """The types of the facts that a snapshot of the subject amounts to, after the patches were taken in."""
    other_facts: Callable[[Snapshot], tuple[Fact, ...]] = field(default=nothing)
    """What that snapshot amounts to in more words than types; a patch of each subject is among `patches`, or came
    before."""
    possible_facts: tuple[str, ...] = ()
    """The types of all facts that could follow, whatever the snapshot turns out to be."""
    same_as: str | None = None
    """Names what is said, where a vendor may say one thing twice under different ids: the same name, one effect."""


Reader = Callable[[Stored, Account, str], Understanding]
"""One vendor's reading of its stored events: (event, account, country of local phone numbers) to what it says.
Raises UnreadableError and nothing else."""
