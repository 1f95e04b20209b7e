"""Whether the receiver can do its work, and figures about the work that waits.

Invariant: readiness depends on the ledger alone; the broker's absence is said and fails nothing.
"""

import hmac
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import redis
from flask import Response, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from config.settings import Settings
from worker.broker import redis_client
from worker.clock import Clock
from worker.health import last_beat
from worker.ids import first_id
from worker.ledger import reloads
from worker.states import WORKER_HEARTBEAT

_BROKER_LOOK_SECONDS = 2.0

_WAITING = text(
    """
    SELECT 'events_to_route' AS name, count(*) AS total, min(wake_at) AS oldest FROM events WHERE state = 'received'
    UNION ALL
    SELECT 'deliveries_open', count(*), min(due_at) FROM deliveries WHERE state IN ('waiting', 'ready', 'retrying')
    UNION ALL
    SELECT 'deliveries_in_flight', count(*), NULL FROM deliveries WHERE state = 'in_flight'
    UNION ALL
    SELECT 'deliveries_' || state, count(*), NULL FROM deliveries WHERE state IN ('dead', 'unknown') GROUP BY state
    UNION ALL
    SELECT 'quarantined', count(*), NULL FROM quarantine WHERE released_at IS NULL
    """
)


# Which secret of an account is in use: the old one of a rotation may go once it counts nothing here.
_BY_SECRET = text(
    """
    SELECT account, trigger, secret_index, count(*) AS total FROM events
    WHERE id >= CAST(:since AS uuid) AND secret_index IS NOT NULL GROUP BY account, trigger, secret_index
    """
)
_BY_HANDLING = text(
    """
    SELECT account, handling, count(*) AS total FROM events
    WHERE id >= CAST(:since AS uuid) AND secret_index IS NOT NULL GROUP BY account, handling
    """
)
_SEEN = timedelta(hours=1)


_HELD = text(
    """
    SELECT account, kind, reason, count(*) AS total FROM holds
    WHERE opened_at IS NOT NULL AND (kind = 'account' OR until IS NULL OR until > :now) GROUP BY account, kind, reason
    """
)


_FAILED_MESSAGES = text(
    """
    SELECT account, coalesce(reason, '') AS reason, count(*) AS total FROM messages
    WHERE state = 'failed' AND changed_at >= :since GROUP BY account, reason
    """
)


class Health:
    """Answers /readyz and /metrics."""

    def __init__(self, engine: Engine, settings: Settings, clock: Clock) -> None:
        self._engine, self._settings, self._clock = engine, settings, clock
        self._broker = redis_client(settings.require_redis_url(), timeout_seconds=0.5)
        self._broker_looked_at, self._broker_lives = 0.0, False
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def ready(self) -> tuple[int, dict[str, Any]]:
        """Return the status and body of /readyz."""
        broker = "ok" if self.broker_lives() else "away"
        try:
            with self._engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            return 503, {"status": "unavailable", "ledger": "away", "broker": broker}
        return 200, {"status": "ok", "ledger": "ok", "broker": broker}

    def broker_lives(self) -> bool:
        """Whether Redis answers; looked up at most every two seconds."""
        if time.monotonic() - self._broker_looked_at > _BROKER_LOOK_SECONDS:
            try:
                self._broker_lives = bool(self._broker.ping())
            except (redis.RedisError, OSError):
                self._broker_lives = False
            self._broker_looked_at = time.monotonic()
        return self._broker_lives

    def metrics(self) -> Response:
        """Answer a scrape that knows the token; without a token configured there is no such page."""
        wanted = self._settings.metrics_token
        if wanted is None:
            return Response("", 404)
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), wanted.get_secret_value().encode()):
            return Response("", 401)
        return Response(generate_latest(self._registry), mimetype="text/plain; version=0.0.4")

    def describe(self) -> list[Metric]:
        """Name no metrics ahead of a scrape: they are read from the ledger then."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Read the figures from the ledger, so that any number of processes tell the same."""
        now = self._clock()
        with self._engine.connect() as connection:
            beat = last_beat(connection, WORKER_HEARTBEAT)
            rows = connection.execute(_WAITING).all()
            since = {"since": first_id(now - _SEEN)}
            matched = connection.execute(_BY_SECRET, since).all()
            handled = connection.execute(_BY_HANDLING, since).all()
            failed = connection.execute(_FAILED_MESSAGES, {"since": now - _SEEN}).all()
            held = connection.execute(_HELD, {"now": now}).all()
            in_use = reloads.read(connection, now)
        age = (now - beat).total_seconds() if beat else float("inf")
        yield GaugeMetricFamily("hookyard_worker_heartbeat_age_seconds", "Since a worker consumed a heartbeat", age)
        yield GaugeMetricFamily("hookyard_broker_up", "Whether Redis answers", float(self.broker_lives()))
        totals = GaugeMetricFamily("hookyard_backlog", "Rows that wait, by kind", labels=["kind"])
        ages = GaugeMetricFamily("hookyard_backlog_oldest_seconds", "How long the oldest is overdue", labels=["kind"])
        for row in rows:
            totals.add_metric([row.name], row.total)
            if row.oldest is not None:
                ages.add_metric([row.name], max(0.0, (now - row.oldest).total_seconds()))
        yield totals
        yield ages
        messages = GaugeMetricFamily(
            "hookyard_messages_failed", "Messages that failed in the last hour", labels=["account", "reason"]
        )
        for row in failed:
            messages.add_metric([row.account, row.reason], row.total)
        yield messages
        holds = GaugeMetricFamily(
            "hookyard_holds", "What is held back: accounts, persons, templates", labels=["account", "kind", "reason"]
        )
        for row in held:
            holds.add_metric([row.account, row.kind, row.reason], row.total)
        yield holds
        refused = sum(bool(worker.refused) for worker in in_use)
        yield GaugeMetricFamily("hookyard_rules_refused", "Workers that refused changed rules, for faults", refused)
        secrets = GaugeMetricFamily(
            "hookyard_events_by_secret",
            "Events of the last hour, by the secret that matched",
            labels=["account", "secret"],
        )
        for row in matched:
            secret = f"{row.trigger}:{row.secret_index}" if row.trigger else str(row.secret_index)
            secrets.add_metric([row.account, secret], row.total)
        yield secrets
        handling = GaugeMetricFamily(
            "hookyard_events_by_handling",
            "Events of the last hour: handled, ignored on purpose, of an unknown type",
            labels=["account", "handling"],
        )
        for row in handled:
            handling.add_metric([row.account, row.handling], row.total)
        yield handling
