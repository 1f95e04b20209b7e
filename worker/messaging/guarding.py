"""What a message to a person has to pass before it is sent: the person's wishes and the step's own, judged at sending.

Invariant: every message is judged at the moment when it would leave, however long it waited before.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from config.load import Config
from config.rules import Step
from worker.holding import person_key
from worker.ledger import consents
from worker.ledger.attempting import Deferral
from worker.messaging import windowing
from worker.messaging.quieting import Night
from worker.messaging.refusing import Refusal
from worker.states import ConsentScope, DeliveryState, Reason


@dataclass(frozen=True)
class Guard:
    """What stands before one message."""

    config: Config
    delivery_id: UUID
    account: str
    step: Step
    recipient: str | None
    in_session: bool = False
    """Whether it can only be sent within the 24 hours."""
    template: Deferral | Refusal | None = None
    """What the vendor's list of templates has against it."""

    def ask(self, connection: Connection, now: datetime) -> Deferral | Refusal | None:
        """Return what keeps the message from being sent now; None when nothing does."""
        return self._opted_out(connection) or self._quiet(now) or self._outside_window(connection, now) or self.template

    def _opted_out(self, connection: Connection) -> Refusal | None:
        if self.recipient is None:
            return None
        return opted_out(consents.stops(connection, person_key(self.recipient), self.account), self.step)

    def _quiet(self, now: datetime) -> Deferral | Refusal | None:
        quiet = self.config.quiet_hours(self.account)
        if quiet is None:
            return None
        return Night(quiet, self.config.business.zone).ask(self.delivery_id, self.step.quiet_hours, now)

    def _outside_window(self, connection: Connection, now: datetime) -> Refusal | None:
        if not self.in_session or self.recipient is None:
            return None
        return windowing.ask(connection, self.account, self.config.accounts[self.account], self.recipient, now)


def scopes_of(step: Step) -> tuple[ConsentScope, ...]:
    """Return the wishes that keep a step's message from a person who has one of them."""
    return (ConsentScope.ALL,) if step.category == "utility" else tuple(ConsentScope)


def opted_out(stops: Iterable[Any], step: Step) -> Refusal | None:
    """Return why a step's message is not wanted; `stops`: what its person wants no more, as the ledger has it."""
    for stop in stops:
        if stop.scope in scopes_of(step):
            wants = "messages" if stop.scope == ConsentScope.ALL else "marketing"
            what = f"the person wants no more {wants} since {stop.since:%Y-%m-%d %H:%M} UTC: {stop.why}"
            return Refusal(Reason.OPTED_OUT, what, DeliveryState.SUPPRESSED)
    return None
