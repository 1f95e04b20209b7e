"""Ask a vendor what became of an outcome that is unknown, a few times with growing patience.

Invariant: asking has no effect of its own, and a delivery is repeated only where the vendor leaves no doubt that it did
not happen.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError

from worker import completing, receipts
from worker.acting import Settled, Settlement
from worker.awaiting import accepted
from worker.delivering import message_of
from worker.errors import PermanentError, RetryableError, WorkerError
from worker.ledger import settling
from worker.ledger.attempting import Conclusion
from worker.ledger.database import by_statement
from worker.ledger.settling import Asked
from worker.limits import allowed_for
from worker.masking import mask_message
from worker.pacing import Pacer
from worker.preparing import Preparation, SuppressedError, Workshop
from worker.retry import decide, policy_of
from worker.states import DeliveryState, Reason

NOT_KNOWN = Settlement(Settled.NOT_KNOWN)
log = structlog.get_logger()


@dataclass(frozen=True)
class Looked:
    """What one look at the vendor led to."""

    id: UUID
    event_id: UUID
    action: str
    account: str
    settled: Settled
    conclusion: Conclusion
    woken_events: tuple[UUID, ...] = ()


@dataclass(frozen=True)
class Settler(Workshop):
    """Settles unknown outcomes where the vendor offers a way."""

    draw: Callable[[], float]
    worker: str
    wait: Callable[[float], None] = time.sleep

    def settle(self, delivery_id: UUID) -> Looked | None:
        """Ask once; None when it is not the time, or the delivery is not unknown any more."""
        with by_statement(self.engine).begin() as connection:
            row = settling.claim(connection, delivery_id, self.clock())
        return None if row is None else _Look(self, row).run()


class _Look:
    """One look at what became of one delivery."""

    def __init__(self, settler: Settler, row: Row[Any]) -> None:
        self._of, self._row, self._now = settler, row, settler.clock()
        self._ready = Preparation(settler, row, self._now)
        self._recipient: str | None = None

    def run(self) -> Looked:
        found, error = NOT_KNOWN, None
        try:
            found = self._ask()
        except SQLAlchemyError:
            raise  # the ledger is away: the next time stands in it already
        except SuppressedError as suppressed:
            error = f"it cannot be made again: {suppressed}"
        except WorkerError as failed:
            error = mask_message(self._ready.masked(str(failed)))
        except Exception as bug:  # noqa: BLE001 - the outcome stays unknown, for a person
            # Without the exception's text: it may hold what the answer said of a person.
            log.error("delivery.settling_bug", delivery_id=str(self._row.id), error=type(bug).__name__)
            error = f"{type(bug).__name__}, a fault of Hookyard"
        return self._record(found, self._conclusion(found, error))

    def _ask(self) -> Settlement:
        call, action = self._ready.make(ask_again=False)
        self._recipient = action.recipient(call.parameters)
        if action.settle is None:
            raise PermanentError(Reason.RULE_MISSING, f"{action.name} cannot be asked about any more")
        allowed = allowed_for(self._of.config.limits_of(self._row.account), self._row.slowing)
        pacer = Pacer(self._of.engine, self._of.clock, self._of.wait)
        pacer.follow(call.session, self._row.account, allowed, first_is_reserved=False)
        return action.settle(call, self._row.sending_at or self._row.created_at)

    def _conclusion(self, found: Settlement, error: str | None) -> Conclusion:
        row = self._row
        if found.settled is Settled.HAPPENED:
            sent = message_of(row, found.outcome, self._recipient, self._now)
            return replace(accepted(self._ready.step, sent, found.outcome, self._now), wrote=False)
        if found.settled is Settled.DID_NOT_HAPPEN:
            again = RetryableError(Reason(row.reason), "the vendor says that it did not happen")
            attempt = row.attempts - row.series_start
            policy = policy_of(self._ready.step, row.series_at)
            decision = decide(again, attempt, self._now, idempotent=False, draw=self._of.draw, policy=policy)
            return Conclusion(decision.state, decision.reason, str(again), decision.due_at)
        return Conclusion(DeliveryState.UNKNOWN, Reason(row.reason), error or row.last_error)

    def _record(self, found: Settlement, conclusion: Conclusion) -> Looked:
        row, now = self._row, self._of.clock()
        exchanges = self._ready.masked(self._ready.exchanges, found.outcome)
        asked = Asked(row, self._now, now, self._of.worker, exchanges)
        with self._of.engine.begin() as connection:
            stands = settling.conclude(connection, asked, conclusion)
            if stands and conclusion.sent:
                conclusion = receipts.look_back(connection, self._of.config, conclusion, self._now, now)
            patches = found.outcome.patches if stands else ()
            woken = completing.take_in(connection, row.account, patches, now)
        if not stands:
            log.warning("delivery.settled_late", delivery_id=str(row.id), settled=found.settled)
        return Looked(row.id, row.event_id, row.action, row.account, found.settled, conclusion, tuple(woken))
