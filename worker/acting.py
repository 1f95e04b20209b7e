"""What the engine knows of an action: a name, its parameters, whether repeating it changes anything, and how to run it.

Invariant: an action raises nothing but the errors of `worker.errors`, and says `sent` before it can have an effect.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel

from config.accounts import Account
from worker.snapshots import Patch


@dataclass(frozen=True)
class Outcome:
    """What came of an action: `result` is kept and shown, so it holds ids and nothing personal."""

    result: dict[str, Any] = field(default_factory=dict)
    patches: tuple[Patch, ...] = ()
    """What the vendor's answer says of its own subjects."""


class Session(Protocol):
    """The way to one account's vendor, for one attempt; it remembers what went over the wire."""

    @property
    def sent(self) -> bool:
        """Whether a request may have reached the vendor."""

    @property
    def exchanges(self) -> list[dict[str, Any]]:
        """Requests and answers so far, unmasked."""


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
