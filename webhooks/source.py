"""What every vendor's inbound side provides: how its requests are verified, what identifies an event, what it says.

Invariant: `identify` and `read` are pure functions of what was received.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from config.accounts import Account
from webhooks.inbound import Inbound
from webhooks.verification import Match, Scheme, schemes_of
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
    part: str | None = None
    """Where in the body it stands, as a path, when a body may hold several events; None: it is the whole body."""


@dataclass(frozen=True)
class Source:
    """A vendor's inbound side."""

    vendor: str
    documentation: str
    """Where the vendor describes its webhooks."""
    event_types: Mapping[str, Handling]
    """Every type that can come in or be derived, and what we do with it."""
    identify: Callable[[Inbound, Any, Match, Account], Sequence[Identity]]
    """Name the events in a parsed body: at least one, whatever the body is."""
    read: Reader
    schemes: Callable[[Any], Sequence[Scheme]] = schemes_of
    """How the requests of an account are verified: one way for URLs that carry a secret, one for those that do not."""
    triggers: Mapping[str, str] = field(default_factory=dict)
    """By which of an account's endpoints an event comes in, by its name, where there are several."""
    kept_headers: tuple[str, ...] = ()
    """Headers worth keeping with an event, beside the usual ones; none of them a secret."""
    accepts_forms: bool = False
    """Whether form-encoded bodies come in beside JSON."""
    mismatch_status: int = 401
    """What a request with a wrong credential is answered: 404 where the URL is the credential."""
    challenge: Callable[[Any, Mapping[str, str]], str | None] | None = None
    """What to answer when the vendor asks, by GET, whether the endpoint is ours; None when it does not prove itself."""
    reply: Callable[[Any, Any], dict[str, Any]] | None = None
    """What to answer beside the usual, from the account and the parsed body, where the vendor shows it to somebody."""
