"""Bodies that failed verification: judged again with the secrets as they are now, released, thrown away.

Invariant: what is released passed the verification that a webhook passes, and a body becomes an event once.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Row

from config.load import Config
from config.settings import Settings
from webhooks.receiving import Receiving, make_endpoints
from webhooks.registry import SOURCES
from worker.clock import Clock
from worker.errors import ReceiveError
from worker.ledger import quarantine
from worker.people import People, RefusedError
from worker.states import Press


@dataclass(frozen=True)
class Released:
    """What came of one body."""

    id: UUID
    event_id: UUID | None = None
    """The event it became; none where it is still refused, or somebody else was faster."""
    still_refused: str | None = None


@dataclass(frozen=True)
class Releasing:
    """Releases and throws away, each body in a transaction of its own, so that a fault stops nothing else."""

    receiving: Receiving
    people: Callable[[Connection], People]
    transaction: Callable[[], AbstractContextManager[Connection]]
    clock: Clock

    def release(self, row: Row[Any]) -> Released:
        """Make an event of a body, if it passes now."""
        try:
            with self.transaction() as connection:
                accepted = self.receiving.release(connection, row)
                if quarantine.mark_released(connection, row.id, accepted.id, self.clock()):
                    details = {"event_id": str(accepted.id), "duplicate": accepted.duplicate}
                    self.people(connection).note(Press.RELEASE, row.id, details)
        except ReceiveError as error:
            return Released(row.id, still_refused=error.reason)
        return Released(row.id, accepted.id)

    def discard(self, row: Row[Any]) -> None:
        """Throw a body away for good; RefusedError when it would be accepted now, or is not held any more."""
        if self.receiving.verify_again(row) is None:
            raise RefusedError(f"{row.id} would be accepted now: release it")
        with self.transaction() as connection:
            if not quarantine.discard(connection, row.id):
                raise RefusedError(f"{row.id} is not held any more")
            self.people(connection).note(Press.DISCARD, row.id, {"account": row.account, "reason": row.reason})


def receiving_of(engine: Engine, settings: Settings, config: Config) -> Receiving:
    """Return what verifies bodies with the configuration as it is."""
    return Receiving(engine, settings, make_endpoints(config, SOURCES))
