"""What is known of a subject: its snapshot, merged from everything that was said of it.

Invariant: snapshots move forward only. Each field keeps the vendor's time of the value that stands; an older
statement fills what is missing and changes nothing else, and nothing erases what is known.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

_WHOLE = "*"
"""Beside the fields, in `known_at`: the time of the newest full record."""


@dataclass(frozen=True)
class Patch:
    """What one event or answer says of a subject. `values` are JSON; a None in it says nothing."""

    subject: str
    values: dict[str, Any]
    as_of: datetime
    complete: bool
    """Whether it speaks of the subject whole, as the vendor's full record does."""
    outdates: bool = False
    """Whether it says that the record changed and not how: what was whole before its time is so no longer."""
    merge: "Callable[[Snapshot, Patch], Snapshot] | None" = None
    """How it is taken in, where keeping the newest value of each field is not enough."""


@dataclass(frozen=True)
class Merge:
    """What came of taking a patch in."""

    snapshot: "Snapshot"
    changed: bool
    """Whether any value is another one than before, apart from when something was."""
    stale: bool
    """Whether something newer was known of everything that the patch says, and not the same."""


@dataclass(frozen=True)
class Snapshot:
    """The newest known state of a subject; empty when it was never seen."""

    values: dict[str, Any] = field(default_factory=dict)
    known_at: dict[str, str] = field(default_factory=dict)
    complete: bool = False

    def taking_in(self, patch: Patch) -> Merge:
        """Take a patch in, and say what that changed."""
        merged, at = self.merged(patch), _instant(patch.as_of)
        said = [name for name, value in patch.values.items() if value is not None]
        differs = any(patch.values[name] != self.values.get(name) for name in said if not _is_time(name))
        stale = differs and all(self.known_at.get(name, "") > at for name in said)
        changed = any(value != self.values.get(name) for name, value in merged.values.items() if not _is_time(name))
        return Merge(merged, changed, stale)

    def merged(self, patch: Patch) -> "Snapshot":
        """Return the snapshot with a patch taken in."""
        return patch.merge(self, patch) if patch.merge else self.with_newest(patch)

    def with_newest(self, patch: Patch) -> "Snapshot":
        """Return the snapshot with the newest value of each field."""
        at = _instant(patch.as_of)
        values, known_at = dict(self.values), dict(self.known_at)
        for name, value in patch.values.items():
            if value is not None and at >= known_at.get(name, ""):
                values[name], known_at[name] = value, at
        if patch.complete:
            known_at[_WHOLE] = max(at, known_at.get(_WHOLE, ""))
        still = self.complete and not (patch.outdates and at > known_at.get(_WHOLE, ""))
        return Snapshot(values, known_at, patch.complete or still)


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _is_time(name: str) -> bool:
    return name.endswith("_at")
