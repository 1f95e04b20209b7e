"""What every vendor's inbound side provides: how its requests are verified, what identifies an event, what it says.

Invariant: `identify` and `read` are pure functions of what was received.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from config.accounts import Account
from webhooks.inbound import Inbound
from webhooks.verification import Match, Scheme
from worker.reading import Reader
from worker.states import Handling


@dataclass(frozen=True)
class Identity:
    """What has to be known of an event to store it: once, under its name."""

    type: str
    handling: Handling
    dedupe_key: str
    occurred_at: datetime | None = None
    """None: the moment of receipt."""


@dataclass(frozen=True)
class Source:
    """A vendor's inbound side."""

    vendor: str
    documentation: str
    """Where the vendor describes its webhooks."""
    event_types: Mapping[str, Handling]
    """Every type that can come in or be derived, and what we do with it."""
    scheme: Callable[[Any], Scheme]
    """How the requests of an account are verified."""
    identify: Callable[[Inbound, Any, Match, Account], Identity]
    """Name an event from its parsed body."""
    read: Reader
    kept_headers: tuple[str, ...] = ()
    """Headers worth keeping with an event, beside the usual ones; none of them a secret."""
    accepts_forms: bool = False
    """Whether form-encoded bodies come in beside JSON."""
    mismatch_status: int = 401
    """What a request with a wrong credential is answered: 404 where the URL is the credential."""
