"""The sweep: wake whatever is due and nobody is holding, resolve leases that ran out.

Invariant: whatever the broker loses, the next sweep finds in the ledger; two sweeps at once do each thing once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, Engine, Row, text

from config.load import Config
from config.settings import Settings
from worker import awaiting, completing, receipts
from worker.acting import Action
from worker.circuits import Circuits
from worker.clock import Clock
from worker.delivering import lease_ran_out
from worker.following import Follower, to_follow
from worker.holding import LONGEST_WAIT
from worker.ledger import attempting, deliveries, figures, holds, jobs, paces, settling
from worker.ledger.attempting import AttemptRecord
from worker.ledger.database import by_statement
from worker.ledger.deliveries import DeadLetter, Wake
from worker.routing import COMPLETION_RULE
from worker.states import DeliveryState, Reason

MOST_AT_ONCE = 500
log = structlog.get_logger()

_EVENTS_DUE = text(
    """
    UPDATE events SET wake_at = :again WHERE id IN (
        SELECT id FROM events WHERE state = 'received' AND wake_at <= :now
        ORDER BY wake_at, id LIMIT :most FOR UPDATE SKIP LOCKED
    ) RETURNING id
    """
)


@dataclass(frozen=True)
class Swept:
    """What is to be woken now."""

    events: list[UUID]
    deliveries: list[Wake]
    dead: list[DeadLetter]
    unknown: list[Wake]
    """Whose vendor is to be asked what became of them, or of their message."""
    jobs: list[UUID]
    """Those that nobody is at."""


@dataclass(frozen=True)
class Sweeper:
    """Looks through the ledger for what is due."""

    engine: Engine
    settings: Settings
    actions: Mapping[str, Action]
    clock: Clock
    draw: Callable[[], float]
    config: Config
    tellers: frozenset[str] = frozenset()
    """The vendors that can be asked how far a message came."""

    def sweep(self, busy: Sequence[str], *, events_too: bool) -> Swept:
        """Resolve leases that ran out, then return what is due (and of events), but for accounts that are `busy`."""
        now = self.clock()
        with self.engine.begin() as connection:
            resolved = [
                self._resolve(connection, row, now) for row in deliveries.expired(connection, now, MOST_AT_ONCE)
            ]
            dead = [letter for letter in resolved if letter] + Circuits(connection, now).give_up()
        with self.engine.begin() as connection:
            vendors = {name: account.vendor for name, account in self.config.accounts.items()}
            ask, given_up = awaiting.end_overdue(connection, vendors, self.tellers, now, MOST_AT_ONCE)
        with self.engine.begin() as connection:
            patience = self.settings.rewake_seconds
            again = {"now": now, "again": now + timedelta(seconds=patience), "most": MOST_AT_ONCE}
            due_events = list(connection.scalars(_EVENTS_DUE, again)) if events_too else []
            due = deliveries.due(connection, now, busy, MOST_AT_ONCE, patience)
            probes = Circuits(connection, now).probe(patience)
            unknown = settling.to_ask(connection, now, busy, MOST_AT_ONCE, patience)
            running = jobs.to_wake(connection, now, MOST_AT_ONCE)
        return Swept(due_events, due + probes + self._follow(now), dead + given_up, unknown + ask, running)

    def _follow(self, now: datetime) -> list[Wake]:
        """Follow up the ends that whoever brought them about did not."""
        with by_statement(self.engine).connect() as connection:
            ids = to_follow(connection)
        follower, wakes = Follower(self.config, self.settings.rewake_seconds), []
        for delivery_id in ids:
            with self.engine.begin() as connection:
                wakes += follower.follow(connection, delivery_id, now)
        return wakes

    def tidy(self) -> None:
        """Forget what nobody asks for any more: paces of persons, holds that ended long ago, figures of long ago."""
        with self.engine.begin() as connection:
            long_ago = self.clock() - LONGEST_WAIT
            figures.forget_old(connection, self.clock())
            paces.forget_old(connection, long_ago)
            holds.forget_old(connection, long_ago)

    def _resolve(self, connection: Connection, row: Row[Any], now: datetime) -> DeadLetter | None:
        rule = self.config.rule(row.rule)
        step = rule.step(row.step) if rule else None
        conclusion = lease_ran_out(row, step, self.actions.get(row.action), now, self.draw)
        record = AttemptRecord(row.id, row.attempts, row.updated_at, now, "sweep", [])
        attempting.conclude(connection, record, row.lease_owner, conclusion)
        if conclusion.state is DeliveryState.UNKNOWN:
            conclusion = receipts.look_back_at_unknown(
                connection, self.config, row, conclusion, row.sending_at or row.updated_at, now
            )
        if row.rule == COMPLETION_RULE and conclusion.state == DeliveryState.DEAD:
            completing.give_up(connection, row.event_id, f"{row.action}: {conclusion.error}", now)
        log.warning(
            "delivery.lease_expired", delivery_id=str(row.id), event_id=str(row.event_id), attempt=row.attempts,
            state=conclusion.state,
        )  # fmt: skip
        if conclusion.state != DeliveryState.DEAD:
            return None
        reason = conclusion.reason or Reason.LEASE_EXPIRED
        return DeadLetter(row.id, row.event_id, row.action, row.account, reason, conclusion.error or "")
