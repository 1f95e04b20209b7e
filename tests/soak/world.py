"""A world in which histories are played: the engine's own parts, workers that die or overtake each other, lost wakes.

Everything runs in one thread: whenever a worker looks at the clock, or a vendor is at work, another worker may be let
in between. Invariant: what happens follows from the seed alone, so it can be played again.
"""

import heapq
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text

from config.load import Config
from config.settings import Settings
from tests.soak.faults import Crashed
from tests.soak.histories import BEGIN, History
from tests.soak.knowledge import Fault
from tests.soak.scenario import Scenario
from tests.soak.vendors import FakeSession, Vendors
from tests.soak.wire import Arriving, Wish
from webhooks.registry import SOURCES
from worker.delivering import Deliverer
from worker.ids import ids_from
from worker.ledger import inbox
from worker.ledger.database import by_statement
from worker.ledger.inbox import Arrival, NewEvent
from worker.ledger.tables import metadata
from worker.people import People, RefusedError
from worker.routing import Router
from worker.settling import Settler
from worker.states import Handling, HoldKind
from worker.sweeping import Sweeper

MOST_DEPTH = 3
MOST_STEPS_OF_A_HISTORY = 2_000
_NEXT_DUE = text(
    """
    SELECT min(at) FROM (
        SELECT min(wake_at) AS at FROM deliveries
        WHERE state IN ('waiting', 'ready', 'retrying') AND NOT EXISTS (
            SELECT FROM holds WHERE holds.account = deliveries.account AND kind = 'account' AND opened_at IS NOT NULL
        )
        UNION ALL SELECT min(wake_at) FROM deliveries WHERE state = 'unknown' AND settle_at IS NOT NULL
        UNION ALL SELECT min(lease_expires_at) FROM deliveries WHERE state = 'in_flight'
        UNION ALL SELECT min(wake_at) FROM events WHERE state = 'received'
        UNION ALL SELECT min(until) FROM holds WHERE kind = 'account' AND opened_at IS NOT NULL AND EXISTS (
            SELECT FROM deliveries
            WHERE deliveries.account = holds.account AND state IN ('waiting', 'ready', 'retrying')
        )
    ) AS moments
    """
)

_OPTED_OUT = text(
    "SELECT message_id FROM messages WHERE message_id = ANY(:ids) AND reason = 'opted_out' AND person IS NOT NULL"
)
LIFTED_AFTER = timedelta(hours=2)
"""How long it takes until a person has mended a template."""


class World:
    """One round of histories on an empty ledger."""

    def __init__(self, engine: Engine, settings: Settings, config: Config, scenario: Scenario) -> None:
        self.engine, self.settings, self.config, seed = engine, settings, config, scenario.seed
        self.rng, self._ids = (Random(f"{seed}/{what}/{scenario.draw}") for what in ("world", "ids"))
        self.now, self._depth, self._frozen, self._seq = BEGIN, 0, False, 0
        self.histories = {index: History(seed, index) for index in scenario.chosen}
        orders = {history.order.number: history.order for history in self.histories.values()}
        self.vendors = Vendors(self.rng, lambda: self.now, orders, self._meanwhile, self._send, self._is_quiet)
        self._coming: list[tuple[datetime, int, Arriving]] = []
        self._queue: list[tuple[str, UUID]] = []
        self.arrived: dict[UUID, tuple[Arriving, datetime]] = {}
        """What came in, by its event, and when it first did."""
        self._opting_out: dict[str, Arriving] = {}
        """Reports that a person wants nothing more, on messages of which it is not known yet whose they were."""
        self.told: list[str] = []
        """What happened, for people."""
        for index, history in self.histories.items():
            for place, arriving in enumerate(history.arrivals):
                if (index, place) not in scenario.dropped:
                    self._send(arriving)
        self._empty()
        self._begin()

    def play(self, most_steps: int = 0) -> None:
        """Play everything to its end, or so many steps."""
        with ids_from(self._new_id):
            patience = most_steps or MOST_STEPS_OF_A_HISTORY * max(5, len(self.histories))
            while self._advance():
                patience -= 1
                if patience < 0:
                    self.vendors.wrong.append(Fault("no end", ""))
                    return

    def _new_id(self) -> UUID:
        """Return an id as the engine makes them, by the world's clock: nobody else's chance is in it."""
        stamp = int(self.now.timestamp() * 1000) << 80
        return UUID(int=stamp | 7 << 76 | self._ids.getrandbits(12) << 64 | 0b10 << 62 | self._ids.getrandbits(62))

    def route(self, event_id: UUID, *, may_crash: bool = True) -> Any:
        """Route an event, and wake what follows, as the task does."""
        with self.engine.begin() as connection:
            routed = self._router.route(connection, event_id)
            if may_crash and self.rng.random() < 0.02:
                raise Crashed
        if routed is None:
            return None
        self._learn(event_id)
        self._wake("event", routed.events)
        self._wake("deliver", [wake.id for wake in routed.deliveries])
        return routed

    def story_of(self, subject: str) -> list[str]:
        """Return what happened to an order, in the order in which it did."""
        number = subject.removeprefix("order:")
        query = text("SELECT id, rule, step, state, reason FROM deliveries WHERE subject = :subject ORDER BY id")
        with by_statement(self.engine).connect() as connection:
            rows = connection.execute(query, {"subject": f"order:{number}"}).all()
        names = [number, *(str(row.id) for row in rows)]
        ends = [f"{row.id} {row.rule}/{row.step} ended {row.state} {row.reason or ''}" for row in rows]
        return [line for line in self.told if any(name in line for name in names)] + ends

    # One worker at a time, or between each other.

    def _advance(self) -> bool:
        """Do one thing; False when nothing is left to do, today or later."""
        if self._queue and self.rng.random() < 0.97:
            self._work()
            return True
        if not self._queue and not self._pass():
            return False
        if self.rng.random() < 0.003:
            self._restart()
        return True

    def _pass(self) -> bool:
        """Let time pass until something comes or is due."""
        coming = self._coming[0][0] if self._coming else None
        if coming is not None and (coming - self.now).total_seconds() < 60:
            self._arrive()
            return True
        with by_statement(self.engine).connect() as connection:
            due = connection.scalar(_NEXT_DUE)
        if due is not None and (coming is None or due < coming):
            # A beat that comes late finds much at once.
            self.now = max(self.now, due) + timedelta(seconds=self.rng.choice((1, 60, 600)) * self.rng.random())
            self._sweep()
        elif coming is not None:
            self._arrive()
        else:
            return False
        return True

    def _work(self) -> None:
        what, found = self._queue.pop(self.rng.randrange(len(self._queue)))
        do = {"event": self.route, "deliver": self._deliver, "settle": self._settle}[what]
        self._depth += 1
        try:
            do(found)
        except Crashed:
            self._note(f"crashed at {what} {found}")
        finally:
            self._depth -= 1

    def _deliver(self, delivery_id: UUID) -> None:
        vendors = self.vendors
        vendors.knowledge.beginnings += 1
        vendors.begun[str(delivery_id)] = vendors.knowledge.beginnings
        vendors.refused.pop(str(delivery_id), None)
        delivered = self._deliverer.deliver(delivery_id)
        self._learn_answer(delivery_id)
        if delivered is not None:
            how = delivered.conclusion
            self._note(f"{delivered.rule} {delivery_id} attempt {delivered.attempt}: {how.state} {how.reason or ''}")
            self._wake("event", delivered.woken_events)
            self._wake("deliver", [wake.id for wake in delivered.woken])

    def _settle(self, delivery_id: UUID) -> None:
        looked = self._settler.settle(delivery_id)
        if looked is not None:
            self._note(f"looked at {delivery_id}: {looked.settled}")
            self._wake("event", looked.woken_events)
        self._learn_opting_out()

    def _sweep(self) -> None:
        swept = self._sweeper.sweep([], events_too=True)
        self._wake("event", swept.events)
        self._wake("deliver", [wake.id for wake in swept.deliveries])
        self._wake("settle", [wake.id for wake in swept.unknown])
        self._mend_templates()

    def _wake(self, what: str, found: Sequence[UUID]) -> None:
        """Put on the queue: once, at times twice, at times it is lost."""
        for each in sorted(found):
            self._queue += [(what, each)] * self.rng.choice((0, 1, 1, 1, 1, 1, 1, 1, 1, 2))

    # What a worker is interrupted by.

    def _clock(self) -> datetime:
        """Tell the time to a worker, after which it may be overtaken, or be no more."""
        if self._depth > 0:
            if self.rng.random() < 0.06:
                self._between()
            if self.rng.random() < 0.004:
                raise Crashed
        return self.now

    def _meanwhile(self, frozen: bool) -> None:
        before, self._frozen = self._frozen, self._frozen or frozen
        try:
            if not frozen:  # a late answer: later than the lease lasts, at times
                self.now += timedelta(seconds=0 if before else self.rng.choice((5, 50, 200)))
            if not frozen or self.rng.random() < 0.15:
                self._between()
        finally:
            self._frozen = before

    def _between(self) -> None:
        if self._depth >= MOST_DEPTH:
            return
        for _ in range(self.rng.choice((1, 2, 4))):
            if self._queue and self.rng.random() < 0.7:
                self._work()
            elif self._coming and self._coming[0][0] <= self.now + timedelta(seconds=0 if self._frozen else 30):
                self._arrive()
            elif self.rng.random() < 0.3:
                self._sweep()

    def _wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=max(0.0, seconds))

    def _is_quiet(self, moment: datetime) -> bool:
        hour = moment.astimezone(self.config.business.zone).hour
        return hour >= 21 or hour < 6

    def _note(self, what: str) -> None:
        self.told.append(f"{self.now:%d %H:%M:%S} {what}")

    # What comes in.

    def _send(self, arriving: Arriving) -> None:
        self._seq += 1
        heapq.heappush(self._coming, (arriving.at, self._seq, arriving))

    def _arrive(self) -> None:
        at, _, arriving = heapq.heappop(self._coming)
        self.now = max(self.now, at)
        event = NewEvent(
            account=arriving.account, dedupe_key=arriving.dedupe_key, type="not yet read", handling=Handling.UNKNOWN,
            body=arriving.body, content_type="application/json", query=None, headers={}, source_ip=None,
            trigger=arriving.trigger, secret_index=0, received_at=self.now, occurred_at=self.now, part=arriving.part,
        )  # fmt: skip
        with self.engine.begin() as connection:
            accepted = inbox.accept(connection, Arrival((event,)), self.settings.rewake_seconds)
        self.arrived.setdefault(accepted.id, (arriving, self.now))
        self._wake("event", accepted.new)

    # What the shop learns.

    def _learn(self, event_id: UUID) -> None:
        """Note what the shop knows from now on."""
        if event_id not in self.arrived:
            return
        arriving, received_at = self.arrived[event_id]
        self._note(f"routed {arriving.dedupe_key} for {arriving.number}")
        self.vendors.knowledge.learn(arriving, received_at, self.now)
        if arriving.reports and arriving.opted_out:
            self._opting_out[arriving.reports[0]] = arriving
            self._learn_opting_out()

    def _learn_opting_out(self) -> None:
        """Note who opted out by a report: it tells so as soon as it is known whose message it is on."""
        if not self._opting_out:
            return
        with by_statement(self.engine).connect() as connection:
            known = connection.scalars(_OPTED_OUT, {"ids": list(self._opting_out)}).all()
        for message_id in known:
            arriving = self._opting_out.pop(message_id)
            phone = self.vendors.phone_of(arriving.number)
            self.vendors.knowledge.wish(phone, Wish(stopped=True), min(arriving.said_at or self.now, self.now))

    def _learn_answer(self, delivery_id: UUID) -> None:
        """Note what an answer says for others, too, now that it is written down."""
        knowledge = self.vendors.knowledge
        if found := self.vendors.refused.pop(str(delivery_id), None):
            fault, account, name, at = found
            if fault == "opted_out":
                knowledge.wish(name, Wish(stopped=True), at)
            else:
                knowledge.stopped.setdefault((account, name), (knowledge.beginnings, self.now))
                self._note(f"template {name} of {account} is stopped")
        self._learn_opting_out()

    def _mend_templates(self) -> None:
        """Be the person who mends a template and lifts its hold."""
        stopped = self.vendors.knowledge.stopped
        for (account, name), (_, since) in list(stopped.items()):
            if self.now - since > LIFTED_AFTER:
                with suppress(RefusedError), self.engine.begin() as connection:
                    People(connection, "soak", self.now, self.settings.rewake_seconds).close(
                        account, HoldKind.TEMPLATE, name
                    )
                del stopped[account, name]
                self._note(f"template {name} of {account} goes again")

    # Beginnings.

    def _empty(self) -> None:
        with self.engine.begin() as connection:
            names = ", ".join(table.name for table in metadata.sorted_tables)
            connection.execute(text(f"TRUNCATE {names}"))

    def _restart(self) -> None:
        """Begin with new objects, and with a broker that lost everything."""
        self._queue.clear()
        self._begin()

    def _begin(self) -> None:
        readers = {vendor: source.read for vendor, source in SOURCES.items()}
        actions = self.vendors.actions()
        common: dict[str, Any] = {
            "engine": self.engine, "config": self.config, "readers": readers, "actions": actions,
            "open_session": lambda _name, _account: FakeSession(), "clock": self._clock,
            "draw": self.rng.random, "worker": "soak", "wait": self._wait,
        }  # fmt: skip
        # A router looks at the clock within its transaction: nobody comes between.
        self._router = Router(self.settings, self.config, readers, lambda: self.now)
        self._deliverer = Deliverer(settings=self.settings, **common)
        self._settler = Settler(**common)
        self._sweeper = Sweeper(self.engine, self.settings, actions, lambda: self.now, self.rng.random, self.config)
