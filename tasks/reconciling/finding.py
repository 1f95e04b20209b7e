"""What looking for missed webhooks needs, and what it finds: the words that the vendors' finders share.

Invariant: what is found is an event as its webhook would have brought it, and goes the way of every event.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from worker.acting import Action, Call


@dataclass(frozen=True)
class Found:
    """A body that the vendor's source reads as it reads a webhook."""

    body: dict[str, Any]


@dataclass(frozen=True)
class Search:
    """One look at one account."""

    engine: Engine
    account: str
    since: datetime
    until: datetime
    now: datetime
    call: Callable[[Any], Call]
    """Make a call with these parameters; its requests keep to the account's limits."""
    actions: dict[str, Action]
    looked_at: Callable[[], None]
    """Told of each order or message that was looked at."""
    missed: Callable[[str], None]
    """Told of what could not be looked at, and why."""


Finder = Callable[[Search], Iterator[Found]]
"""Raises the errors of `worker.errors`; what was found until then stands."""
