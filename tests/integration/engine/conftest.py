"""The engine without its processes: the real ledger, the real sandbox over HTTP, and a clock that tests move."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Row, text

from config.load import Config
from tasks.actions.http import Connections
from tasks.actions.registry import ACTIONS
from tasks.reconciling.messages import TELLERS
from tests.support.shop import Shop
from webhooks.registry import SOURCES
from worker.acting import Action
from worker.delivering import Delivered, Deliverer
from worker.ledger import inbox
from worker.ledger.database import connect
from worker.ledger.deliveries import Wake
from worker.ledger.inbox import Arrival, NewEvent
from worker.messaging.template_book import TemplateBook
from worker.people import People
from worker.routing import Routed, Router
from worker.settling import Settler
from worker.states import Handling
from worker.sweeping import Sweeper, Swept

BEGIN = datetime(2026, 1, 15, 3, 0, tzinfo=UTC)


class FakeClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


class Works:
    """The engine's parts, put together as `tasks.engine` does, with a clock and a random draw of the test's own."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.clock = shop, FakeClock()
        self.engine = connect(shop.database_url, pool_size=10)
        self.settings = shop.settings
        self.actions: dict[str, Action] = dict(ACTIONS)
        self.connections = Connections({}, 1, 1, self.clock)
        self.templates: TemplateBook | None = None
        self.reload()

    def reload(self) -> None:
        """Begin with the configuration as the files have it now, as a restarted worker would."""
        self.use(self.shop.config)

    def use(self, config: Config) -> None:
        """Work with this configuration."""
        readers = {vendor: source.read for vendor, source in SOURCES.items()}
        self.config = config
        self.connections.close()
        self.connections = Connections(config.accounts, self.settings.vendor_timeout_seconds, 8, self.clock)
        self.router = Router(self.settings, config, readers, self.clock)
        self.deliverer = Deliverer(
            engine=self.engine, settings=self.settings, config=config, readers=readers, actions=self.actions,
            open_session=self.connections.open, clock=self.clock, draw=lambda: 0.5, worker="test",
            wait=self.clock.pass_, templates=self.templates,
        )  # fmt: skip
        self.settler = Settler(
            engine=self.engine, config=config, readers=readers, actions=self.actions, clock=self.clock,
            open_session=self.connections.open, draw=lambda: 0.5, worker="test", wait=self.clock.pass_,
        )  # fmt: skip
        self.sweeper = Sweeper(self.engine, self.settings, self.actions, self.clock, lambda: 0.5, config, TELLERS)

    def check_templates(self, lifetime_seconds: float = 3600) -> None:
        """Begin, as a process that just started, to judge messages by the vendors' lists of templates."""
        self.templates = TemplateBook(self.engine, self.clock, lifetime_seconds)
        self.reload()

    def replace_action(self, name: str, **changes: Any) -> None:
        """Let an action be another one."""
        self.actions[name] = replace(self.actions[name], **changes)

    def accept(self, body: dict[str, Any] | bytes, account: str = "toko", **more: Any) -> UUID:
        """Store an event as the receiver does."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        event = NewEvent(
            account=account, dedupe_key=uuid4().hex, type="not yet read", handling=Handling.UNKNOWN, body=raw,
            content_type="application/json", query=None, headers={}, source_ip=None, trigger=None, secret_index=0,
            received_at=self.clock(), occurred_at=self.clock(),
        )  # fmt: skip
        with self.engine.begin() as connection:
            arrival = Arrival((replace(event, **more),))
            return inbox.accept(connection, arrival, self.settings.rewake_seconds).id

    def route(self, event_id: UUID) -> Routed | None:
        """Route one event."""
        with self.engine.begin() as connection:
            return self.router.route(connection, event_id)

    def receive(self, body: dict[str, Any] | bytes, account: str = "toko", **more: Any) -> Routed:
        """Store an event and route it."""
        routed = self.route(self.accept(body, account, **more))
        assert routed is not None
        return routed

    def deliver(self, wake: Wake | UUID) -> Delivered:
        """Run an attempt, which must be possible."""
        delivered = self.deliverer.deliver(wake.id if isinstance(wake, Wake) else wake)
        assert delivered is not None
        return delivered

    def sweep(self) -> Swept:
        """Sweep once."""
        return self.sweeper.sweep([], events_too=True)

    def settle(self, seconds: float = 60) -> None:
        """Let time pass and do all that is due, until nothing is."""
        self.clock.pass_(seconds)
        for _ in range(10):
            swept = self.sweep()
            for event_id in swept.events:
                self.route(event_id)
            for wake in swept.deliveries:
                self.deliverer.deliver(wake.id)
            self.clock.pass_(self.settings.rewake_seconds)
        assert (swept.events, swept.deliveries) == ([], [])

    @contextmanager
    def people(self, actor: str = "ani") -> Iterator[People]:
        """Give what a person can press, in one transaction."""
        with self.engine.begin() as connection:
            yield People(connection, actor, self.clock(), self.settings.rewake_seconds)

    def event(self, event_id: UUID) -> Row[Any]:
        """Return an event's row."""
        [row] = self.shop.rows("SELECT * FROM events WHERE id = :id", id=event_id)
        return row

    def delivery(self, delivery_id: UUID) -> Row[Any]:
        """Return a delivery's row."""
        [row] = self.shop.rows("SELECT * FROM deliveries WHERE id = :id", id=delivery_id)
        return row

    def execute(self, statement: str, **values: Any) -> None:
        """Change the ledger by hand."""
        with self.engine.begin() as connection:
            connection.execute(text(statement), values)

    def close(self) -> None:
        """Give back every connection."""
        self.connections.close()
        self.engine.dispose()


@pytest.fixture
def works(shop: Shop) -> Iterator[Works]:
    """The engine's parts on this test's own ledger."""
    found = Works(shop)
    yield found
    found.close()
