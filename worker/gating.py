"""What stands between a delivery that is ready to be sent and the vendor: holds, what guards messages, limits.

Invariant: nothing is sent past a hold or faster than is allowed; what waits is put back unspent, by a hold for a day at
most.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from config.accounts import Limits
from worker.holding import LONGEST_WAIT, Hold, person_key
from worker.ledger import holds, paces
from worker.ledger.attempting import Deferral
from worker.limits import Allowed, allowed_for
from worker.messaging.guarding import Guard
from worker.messaging.refusing import Refusal
from worker.states import DeliveryState, HoldKind, Reason


@dataclass(frozen=True)
class Gate:
    """What one delivery, which was claimed, has to pass."""

    row: Row[Any]
    limits: Limits
    recipient: str | None
    template: str | None
    guard: Guard | None = None
    """Of a message."""

    @property
    def is_open(self) -> bool:
        """Whether there is nothing to ask."""
        return self.guard is None and not self.row.has_holds and not self._paces()

    def ask(self, connection: Connection, now: datetime) -> Deferral | Refusal | datetime:
        """Return when it may be sent, which is soon; or until when it waits; or why it is not sent."""
        if self.row.has_holds and (held := self._held(connection, now)):
            return held
        if self.guard and (guarded := self.guard.ask(connection, now)):
            return _for_a_day_at_most(guarded, self.row, now)
        wanted = self._paces()
        if not wanted:
            return now
        had_turn = self.row.turn_at is not None
        turn = paces.reserve(connection, self.row.account, wanted, now, had_turn=had_turn)
        if turn.leaves:
            return turn.at
        return Deferral(turn.at, Reason.PACED, "its turn comes by the account's limits", turn_at=turn.at)

    def _paces(self) -> dict[str, Allowed]:
        account = allowed_for(self.limits, self.row.slowing)
        found = {"": account} if account else {}
        if self.recipient and self.limits.per_recipient_seconds:
            found[person_key(self.recipient)] = Allowed(self.limits.per_recipient_seconds)
        return found

    def _held(self, connection: Connection, now: datetime) -> Deferral | Refusal | None:
        wanted = [(HoldKind.RECIPIENT, person_key(self.recipient))] if self.recipient else []
        wanted += [(HoldKind.TEMPLATE, self.template)] if self.template else []
        found = [hold for hold in holds.all_of(connection, self.row.account, wanted) if hold.applies(now)]
        # One that a person has to lift decides, else the one that lasts longest.
        lasting = [hold for hold in found if hold.until is None]
        ending = sorted((hold for hold in found if hold.until), key=lambda hold: hold.until or now)
        return _because_of([*ending, *lasting][-1], self.row, now) if found else None


def _because_of(hold: Hold, row: Row[Any], now: datetime) -> Deferral | Refusal:
    what = f"messages {_WHOSE[hold.kind]} are held: {hold.error}"
    if hold.until is None:
        opted_out = hold.kind is HoldKind.RECIPIENT
        return Refusal(hold.reason, what, DeliveryState.SUPPRESSED if opted_out else DeliveryState.DEAD)
    return _for_a_day_at_most(Deferral(hold.until, hold.reason, what, held=True), row, now)


def _for_a_day_at_most(found: Deferral | Refusal, row: Row[Any], now: datetime) -> Deferral | Refusal:
    """Give up what was held for a day."""
    if not isinstance(found, Deferral) or not found.held:
        return found
    if row.held_since is None or now - row.held_since < LONGEST_WAIT:
        return found
    return Refusal(found.reason, f"held for a day: {found.error}", DeliveryState.DEAD)


_WHOSE = {HoldKind.RECIPIENT: "to this person", HoldKind.TEMPLATE: "made from this template"}
