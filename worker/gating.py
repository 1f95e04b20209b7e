"""What stands between a delivery that is ready to be sent and the vendor: holds of its person and its template.

Invariant: nothing is sent past a hold; what waits is put back unspent, and for a day at most.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from worker.holding import LONGEST_WAIT, Hold, person_key
from worker.ledger import holds
from worker.ledger.deliveries import Deferral
from worker.states import DeliveryState, HoldKind, Reason

Refusal = tuple[Reason, str, DeliveryState]
"""Why a delivery is not sent at all, in words, and what becomes of it."""


@dataclass(frozen=True)
class Gate:
    """Asks what is held, for one delivery that was claimed."""

    connection: Connection
    row: Row[Any]
    now: datetime

    def held(self, recipient: str | None, template: str | None) -> Deferral | Refusal | None:
        """Return until when a message waits, or why it is not sent; None when nothing holds it."""
        wanted = [(HoldKind.RECIPIENT, person_key(recipient))] if recipient else []
        wanted += [(HoldKind.TEMPLATE, template)] if template else []
        found = [hold for hold in holds.all_of(self.connection, self.row.account, wanted) if hold.applies(self.now)]
        # One that a person has to lift first: it decides.
        found.sort(key=lambda hold: (hold.until is not None, hold.until))
        return self._because_of(found[0] if found[0].until is None else found[-1]) if found else None

    def _because_of(self, hold: Hold) -> Deferral | Refusal:
        what = f"messages {_WHOSE[hold.kind]} are held: {hold.error}"
        if hold.until is None:
            opted_out = hold.kind is HoldKind.RECIPIENT
            return hold.reason, what, DeliveryState.SUPPRESSED if opted_out else DeliveryState.DEAD
        if self.row.held_since is not None and self.now - self.row.held_since >= LONGEST_WAIT:
            return hold.reason, f"held for a day: {what}", DeliveryState.DEAD
        return Deferral(hold.until, hold.reason, what, held=True)


_WHOSE = {HoldKind.RECIPIENT: "to this person", HoldKind.TEMPLATE: "made from this template"}
