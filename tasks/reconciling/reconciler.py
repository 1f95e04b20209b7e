"""Look for what webhooks did not tell, account by account, and make events of it.

Invariant: it may be run at any time, by anybody, and be killed at any point: what was found stands once, what was not
is looked for again; and an account is asked by one process at a time, within its limits.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text

from config.accounts import Account
from config.load import Config
from config.settings import Settings
from tasks.reconciling.finding import Finder, Found, Search
from tasks.reconciling.messages import TELLERS, silent_messages, told_of
from tasks.reconciling.orders import missed_orders
from webhooks.inbound import Inbound
from webhooks.registry import SOURCES
from webhooks.verification import Match
from worker import awaiting
from worker.acting import Action, Call, Session
from worker.clock import Clock
from worker.errors import WorkerError
from worker.ledger import holds, inbox, watermarks
from worker.ledger.inbox import Arrival, NewEvent
from worker.ledger.memory import Memory
from worker.limits import allowed_for
from worker.pacing import Pacer
from worker.states import RECONCILED, HoldKind

FINDERS: Mapping[str, Finder] = {"scalev": missed_orders, "wabotick": silent_messages}
"""By vendor: how what was missed is found."""
LAG = timedelta(minutes=5)
"""What happened just now may still be told by its webhook."""
OVERLAP = timedelta(minutes=15)
FIRST_TIME = timedelta(days=1)
_BACKLOG = text("SELECT EXISTS (SELECT FROM events WHERE account = :account AND state = 'received' AND wake_at < :at)")


@dataclass
class Summary:
    """What came of one account."""

    account: str
    since: datetime
    until: datetime
    looked_at: int = 0
    repaired: int = 0
    """What had been missed and is an event now."""
    missed: int = 0
    """What could not be looked at, and is looked for again the next time."""
    last_missed: str | None = None
    """Why the last of those could not be."""
    error: str | None = None
    """Why it ended early, or did not begin."""
    events: list[UUID] = field(default_factory=list)


Progress = Callable[[Summary], None]


@dataclass(frozen=True)
class Reconciler:
    """Reconciles accounts with their vendors."""

    engine: Engine
    settings: Settings
    config: Config
    actions: Mapping[str, Action]
    open_session: Callable[[str, Account], Session]
    clock: Clock
    wake: Callable[[Sequence[UUID]], None]
    wait: Callable[[float], None] = time.sleep
    finders: Mapping[str, Finder] = field(default_factory=lambda: FINDERS)

    def accounts(self) -> list[str]:
        """Return the accounts that can be reconciled."""
        return [name for name, account in self.config.accounts.items() if account.vendor in self.finders]

    def run(self, account: str, since: datetime | None = None, progress: Progress = lambda _: None) -> Summary:
        """Reconcile one account, since a moment or since the last time."""
        now = self.clock()
        until = now - LAG
        with self.engine.connect() as connection:
            last = watermarks.read(connection, account, RECONCILED)
        begin = since or (last - OVERLAP if last else until - FIRST_TIME)
        summary = Summary(account, begin, until)
        with watermarks.alone(self.engine, f"reconcile {account}") as is_alone:
            summary.error = self._hindrance(account, now) if is_alone else "somebody else is at it"
            if summary.error is None:
                self._search(summary, now, progress)
        return summary

    def _hindrance(self, account: str, now: datetime) -> str | None:
        with self.engine.connect() as connection:
            circuit = holds.read(connection, account, HoldKind.ACCOUNT)
            patience = timedelta(seconds=self.settings.rewake_seconds)
            if connection.scalar(_BACKLOG, {"account": account, "at": now - patience}):
                return "events of it wait to be routed: what they tell is not missed"
        is_held = circuit is not None and circuit.opened_at is not None
        return f"it is held: {circuit.reason}" if circuit and is_held else None

    def ask_about(self, delivery_id: UUID) -> Summary | None:
        """Ask how far the message came whose receipt a delivery waits for; None when it waits for none."""
        now = self.clock()
        with self.engine.connect() as connection:
            row = awaiting.awaited(connection, delivery_id)
        if row is None or row.account not in self.config.accounts:
            return None
        if self.config.accounts[row.account].vendor not in TELLERS:
            return None
        summary = Summary(row.account, now, now)
        try:
            for found in told_of(self._made(summary, now, lambda _: None), row.message_id, row.state):
                self._take_in(summary, found)
        except WorkerError as error:
            summary.error = f"{error.reason}: {error}"
        return summary

    def _made(self, summary: Summary, now: datetime, progress: Progress) -> Search:
        def looked_at() -> None:
            summary.looked_at += 1
            progress(summary)

        def missed(why: str) -> None:
            summary.missed += 1
            summary.last_missed = why

        return Search(
            engine=self.engine, account=summary.account, since=summary.since, until=summary.until, now=now,
            call=lambda parameters: self._call(summary.account, parameters), actions=dict(self.actions),
            looked_at=looked_at, missed=missed,
        )  # fmt: skip

    def _search(self, summary: Summary, now: datetime, progress: Progress) -> None:
        search = self._made(summary, now, progress)
        finder = self.finders[self.config.accounts[summary.account].vendor]
        try:
            for found in finder(search):
                self._take_in(summary, found)
                progress(summary)
        except WorkerError as error:
            summary.error = f"{error.reason}: {error}"
            return
        with self.engine.begin() as connection:
            watermarks.move(connection, summary.account, RECONCILED, summary.until)

    def _call(self, name: str, parameters: Any) -> Call:
        account = self.config.accounts[name]
        session = self.open_session(name, account)
        allowed = allowed_for(self.config.limits_of(name), 0)
        Pacer(self.engine, self.clock, self.wait).follow(session, name, allowed, first_is_reserved=False)
        memory = Memory(self.engine, name, self.clock)
        return Call(name, account, self.config.country(name), parameters, session, memory)

    def _take_in(self, summary: Summary, found: Found) -> None:
        """Store what was found as its webhook would have been, and wake its routing."""
        account, now = self.config.accounts[summary.account], self.clock()
        body = json.dumps(found.body, ensure_ascii=False).encode()
        inbound = Inbound(summary.account, body, {}, "", None, None, now)
        for identity in SOURCES[account.vendor].identify(inbound, found.body, Match(0, RECONCILED), account):
            event = NewEvent(
                account=summary.account, dedupe_key=identity.dedupe_key, type=identity.type,
                handling=identity.handling, body=body, content_type="application/json", query=None, headers={},
                source_ip=None, trigger=RECONCILED, secret_index=None, received_at=now,
                occurred_at=identity.occurred_at or now,
            )  # fmt: skip
            with self.engine.begin() as connection:
                accepted = inbox.accept(connection, Arrival((event,)), self.settings.rewake_seconds)
            summary.repaired += len(accepted.new)
            summary.events += accepted.new
            self.wake(accepted.new)
