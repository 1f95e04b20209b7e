"""What is known of a subject: its snapshot, merged from everything that was said of it.

Invariant: snapshots move forward only. Each field keeps the vendor's time of the value that stands; an older
statement fills what is missing and changes nothing else, and nothing erases what is known.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Patch:
    """What one event or answer says of a subject. `values` are JSON; a None in it says nothing."""

    subject: str
    values: dict[str, Any]
    as_of: datetime
    complete: bool
    """Whether it speaks of the subject whole, as the vendor's full record does."""


@dataclass(frozen=True)
class Snapshot:
    """The newest known state of a subject; empty when it was never seen."""

    values: dict[str, Any] = field(default_factory=dict)
    known_at: dict[str, str] = field(default_factory=dict)
    complete: bool = False

    def merged(self, patch: Patch) -> "Snapshot":
        """Return the snapshot with a patch taken in."""
        at = patch.as_of.astimezone(UTC).isoformat(timespec="microseconds")
        values, known_at = dict(self.values), dict(self.known_at)
        for name, value in patch.values.items():
            if value is not None and at >= known_at.get(name, ""):
                values[name], known_at[name] = value, at
        return Snapshot(values, known_at, self.complete or patch.complete)
