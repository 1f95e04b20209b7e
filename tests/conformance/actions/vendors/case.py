"""What the conformance suite has to know of a vendor: how an account is configured, what parameters work."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.sandbox import Sandbox


def as_seeded(_sandbox: Sandbox) -> None:
    """Leave the sandbox as it begins."""


@dataclass(frozen=True)
class ActionCase:
    """One vendor's row."""

    account: Mapping[str, Any]
    """What `accounts.yaml` says of it, beside `vendor` and `base_url`."""
    mount: str
    """Where the sandbox has its API."""
    secrets: tuple[str, ...]
    """The credentials in `account` that must never be written down."""
    parameters: Mapping[str, Mapping[str, Any]]
    """One set of parameters that works, for every action there is."""
    on_the_wire: tuple[str, ...]
    """The actions that are tried with every way a connection can fail: one for each way requests are made."""
    looks_first: frozenset[str] = frozenset()
    """Actions whose first request only looks: an answer that does not come has changed nothing."""
    prepare: Callable[[Sandbox], None] = as_seeded
    """Bring the sandbox to the state that the parameters speak of."""
    without_effect: frozenset[str] = frozenset()
    """Actions that are no reads and yet change nothing that the sandbox would record."""
