"""What the conformance suite has to know of a vendor: how an account is configured, how a request proves itself."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from worker.states import Handling

NOW = datetime(2026, 3, 5, 12, 0, 30, tzinfo=UTC)
SECRETS = ["the-new-secret", "the-old-secret"]

Proof = tuple[dict[str, str], str | None]
"""Headers by lower-case name, and the secret that the URL carries."""


@dataclass(frozen=True)
class SourceCase:
    """One vendor's row."""

    account: Mapping[str, Any]
    """What `accounts.yaml` says of it, beside `vendor`; `SECRETS` are its secrets."""
    prove: Callable[[bytes, str, str, datetime], Proof]
    """Prove a body with a secret, for a trigger, at a moment."""
    triggers: Mapping[str, str] = field(default_factory=dict)
    """By which of the account's endpoints an event comes in, by the event's name, where that matters."""
    trigger: str = ""
    """The trigger of all others."""
    without_example: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Types that no example exists for, by the reason why."""
    event_types: Mapping[str, Handling] = field(default_factory=dict)
    """Types that exist because the account says so, beside those of the source."""
    signs_the_body: bool = True
    """Whether a changed body is noticed."""


def hex_hmac(secret: str, content: bytes) -> str:
    """Return an HMAC-SHA256 in hexadecimal."""
    return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
