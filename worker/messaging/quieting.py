"""Quiet hours: what a message does that is ready to go when the shop is quiet.

Invariant: no message whose step does not say `send` leaves while it is quiet, and those that waited do not all go at
the minute when it ends.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID
from zoneinfo import ZoneInfo

from config.quiet_hours import Quiet
from config.rule_sources import QuietHours
from worker.ledger.attempting import Deferral
from worker.messaging.refusing import Refusal
from worker.states import DeliveryState, Reason

SPREAD = timedelta(minutes=10)
"""Over how long what waited goes out, after it is quiet no more."""
ON_THE_WAY = timedelta(seconds=5)
"""How long a message that may go now is on its way: it must not leave when it has become quiet."""


@dataclass(frozen=True)
class Night:
    """The quiet hours of an account, by the shop's clock."""

    quiet: Quiet
    zone: ZoneInfo

    def ask(self, delivery_id: UUID, wanted: QuietHours, now: datetime) -> Deferral | Refusal | None:
        """Return until when a message waits, or that it is dropped; None when it may go."""
        moment = next((at for at in (now, now + ON_THE_WAY) if self.quiet.covers(at, self.zone)), None)
        if wanted == "send" or moment is None:
            return None
        if wanted == "drop":
            return Refusal(Reason.QUIET_HOURS, "it is quiet, and the rule drops it then", DeliveryState.SUPPRESSED)
        ends_at = self.quiet.ends_after(moment, self.zone)
        due_at = ends_at + share_of(delivery_id) * min(SPREAD, self.quiet.open_span / 2)
        return Deferral(due_at, Reason.QUIET_HOURS, f"quiet until {ends_at.astimezone(self.zone):%H:%M}")


def share_of(delivery_id: UUID) -> float:
    """Return a number from 0 to 1 of a delivery's own, the same each time."""
    return int.from_bytes(sha256(delivery_id.bytes).digest()[:4]) / 2**32
