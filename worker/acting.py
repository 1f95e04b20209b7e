"""What the engine knows of an action: a name, its parameters, whether repeating it changes anything, and how to run it.

Invariant: an action raises nothing but the errors of `worker.errors`, and says `sent` before it can have an effect.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from pydantic import BaseModel

from config.accounts import Account
from worker.snapshots import Patch
from worker.templates import TemplateSource


@dataclass(frozen=True)
class Outcome:
    """What came of an action: `result` is kept and shown, so it holds ids and nothing personal."""

    result: dict[str, Any] = field(default_factory=dict)
    patches: tuple[Patch, ...] = ()
    """What the vendor's answer says of its own subjects."""


class Session(Protocol):
    """The way to one account's vendor, for one attempt; it remembers what went over the wire."""

    before_request: Callable[[], None] | None
    """Called before each request leaves; it keeps to the account's limits."""

    @property
    def sent(self) -> bool:
        """Whether a request may have reached the vendor."""

    @property
    def exchanges(self) -> list[dict[str, Any]]:
        """Requests and answers so far, unmasked."""


class Remembering(Protocol):
    """What an account's actions remember between runs; see `worker.ledger.memory`."""

    def recall(self, key: str) -> str | None:
        """Return what was remembered under a key."""

    def remember(self, key: str, value: str) -> None:
        """Remember a value under a key."""

    def forget(self, key: str) -> None:
        """Forget what turned out to be wrong."""

    def alone(self, key: str) -> AbstractContextManager[None]:
        """Be the only one, of all workers, inside for this key; RetryableError when somebody else is."""


@dataclass(frozen=True)
class Call:
    """One run of an action."""

    account_name: str
    account: Account
    country: str
    parameters: Any
    """The action's own parameter model, validated."""
    session: Any
    """The transport that `tasks.actions.http` makes; the engine sees it as a `Session`."""
    memory: Remembering
    delivery_id: str | None = None
    """What this is done for, for vendors that give such a mark back in what they tell later."""


class Settled(StrEnum):
    """What a look at the vendor says of an effect that may have happened."""

    HAPPENED = "happened"
    DID_NOT_HAPPEN = "did_not_happen"  # only where the vendor's answer leaves no doubt, so that it may be repeated
    NOT_KNOWN = "not_known"


@dataclass(frozen=True)
class Settlement:
    """What was found when the vendor was asked about an unknown outcome."""

    settled: Settled
    outcome: Outcome = Outcome()


def nobody(_parameters: Any) -> str | None:
    """Say that an action is about no person and uses no template."""
    return None


@dataclass(frozen=True)
class Audience:
    """The many that one message goes to."""

    persons: Callable[[Any], Sequence[str]]
    """Their phones (E.164), from the action's parameters; none where only the vendor knows them."""
    without: Callable[[Any, Collection[str]], Any]
    """The parameters without some of them."""


@dataclass(frozen=True)
class Action:
    """One thing that can be done at a vendor."""

    name: str
    """`vendor.verb_noun`."""
    parameters: type[BaseModel]
    run: Callable[[Call], Outcome]
    idempotent: bool
    """Whether doing it twice leaves the world as doing it once does."""
    summary: str
    endpoint: str = ""
    """The vendor's own name of it, for people: `POST /orders/change-status`."""
    is_read: bool = False
    """Whether it only looks, and so has no effect."""
    recipient: Callable[[Any], str | None] = nobody
    """The person (E.164) that a message made from these parameters goes to; None when it is no message."""
    audience: Audience | None = None
    """Of a message that goes to many at once."""
    template: Callable[[Any], str | None] = nobody
    """The template that such a message is made from."""
    templates: TemplateSource | None = None
    """Where the vendor lists its templates, so that such a message is judged before it is sent."""
    in_session: bool | Callable[[Any], bool] = False
    """Whether such a message, or one of these parameters, can only be sent within 24 hours of the person's last one."""
    settle: Callable[[Call, datetime], Settlement] | None = None
    """Ask the vendor whether it happened: the same call, and the moment from which on it may have."""
    settled_by: str = "a person"
    """How an unknown outcome is settled, in words."""

    @property
    def is_message(self) -> bool:
        """Whether it sends something to people."""
        return self.recipient is not nobody or self.audience is not None

    def is_in_session(self, parameters: Any) -> bool:
        """Whether a message made from these parameters can only be sent within the 24 hours."""
        return self.in_session(parameters) if callable(self.in_session) else self.in_session
