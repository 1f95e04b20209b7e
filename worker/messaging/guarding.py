"""What a message to a person has to pass before it is sent: its step's own wishes and the person's, judged at sending.

Invariant: every message is judged at the moment when it would leave, however long it waited before.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from config.load import Config
from config.rules import Step
from worker.ledger.deliveries import Deferral
from worker.messaging.quieting import Night
from worker.messaging.refusing import Refusal


@dataclass(frozen=True)
class Guard:
    """What stands before one message."""

    config: Config
    delivery_id: UUID
    account: str
    step: Step

    def ask(self, _connection: Connection, now: datetime) -> Deferral | Refusal | None:
        """Return what keeps the message from being sent now; None when nothing does."""
        quiet = self.config.quiet_hours(self.account)
        if quiet is None:
            return None
        return Night(quiet, self.config.business.zone).ask(self.delivery_id, self.step.quiet_hours, now)
