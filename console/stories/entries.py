"""The lines of a story: what happened, when, how it is to be taken, and where more of it is found.

Invariant: lines hold nobody's name or number.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from console.stories.wording import plain
from worker.masking import mask_message


class Tone(StrEnum):
    """How a line is to be taken."""

    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    PLAIN = "plain"
    MUTED = "muted"


@dataclass(frozen=True)
class Entry:
    """One line of the time line."""

    at: datetime
    text: str
    tone: Tone = Tone.PLAIN
    details: tuple[str, ...] = ()
    account: str = ""
    """Where it happened; empty: with us."""
    event_id: UUID | None = None
    delivery_id: UUID | None = None
    order: int = 0
    """Of what happened in one moment, what comes first."""


@dataclass(frozen=True)
class Plan:
    """Something that is still to be done."""

    text: str
    due_at: datetime
    state: str
    account: str
    rule: str
    delivery_id: UUID
    event_id: UUID
    is_due: bool
    reason: str
    attempts: int
    """With the state: what somebody saw who presses a button."""
    unless: tuple[str, ...] = ()
    """What would make it superfluous."""
    notes: tuple[str, ...] = ()
    """What it waits for, beside the time."""

    @property
    def unless_text(self) -> str:
        """What would make it superfluous, as one clause."""
        return ", or ".join(self.unless)


@dataclass(frozen=True)
class Problem:
    """Something that needs a person."""

    at: datetime
    text: str
    state: str
    reason: str
    meaning: str
    to_do: str
    said: str
    """The vendor's words, or ours."""
    account: str
    event_id: UUID
    attempts: int
    """With the state: what somebody saw who presses a button."""
    delivery_id: UUID | None = None
    """None: it is the event that failed."""


def safe_words(text: Any, most: int = 400) -> str:
    """Return a vendor's or a person's words as one short line without numbers or addresses of people."""
    return plain(mask_message(plain(text, most)), most) if text else ""
