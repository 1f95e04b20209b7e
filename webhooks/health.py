"""Whether the receiver can do its work, and figures about the work that waits.

Invariant: readiness depends on the ledger alone; the broker's absence is said and fails nothing.
"""

import hmac
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import redis
from flask import Response, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from config.load import Config
from config.settings import Settings
from webhooks import metrics
from worker.broker import queue_lengths, redis_client
from worker.celery_app import all_queues
from worker.clock import Clock
from worker.ledger.database import is_away

_BROKER_LOOK_SECONDS = 2.0


class Health:
    """Answers /readyz and /metrics."""

    def __init__(self, engine: Engine, settings: Settings, config: Config, clock: Clock) -> None:
        self._engine, self._settings, self._config, self._clock = engine, settings, config, clock
        self._queues = all_queues(config)
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
        """Read the figures from the ledger, so that any number of processes tell the same; while it is away, say so."""
        found: list[Metric] = []
        try:
            with self._engine.connect() as connection:
                found = list(metrics.read(connection, self._config, self._clock()))
        except SQLAlchemyError as error:
            if not is_away(error):
                raise
        yield from found
        yield GaugeMetricFamily("hookyard_ledger_up", "Whether PostgreSQL answers", float(bool(found)))
        is_up = self.broker_lives()
        yield GaugeMetricFamily("hookyard_broker_up", "Whether Redis answers", float(is_up))
        yield self._queued(is_up=is_up)

    def _queued(self, *, is_up: bool) -> Metric:
        family = GaugeMetricFamily("hookyard_queue_messages", "Wake-ups that wait in the broker", labels=["queue"])
        with suppress(redis.RedisError, OSError):
            for name, length in queue_lengths(self._broker, self._queues).items() if is_up else ():
                family.add_metric([name], length)
        return family
