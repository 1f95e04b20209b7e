"""The beat as a process: publishes the sweep and the heartbeat.

Invariant: it keeps nothing; started anew, or twice, it does no harm.
"""

import os
import signal
import sys
import threading
import time
from typing import Any, NoReturn

import structlog
from celery import Celery
from celery.beat import Scheduler, Service
from sqlalchemy.exc import SQLAlchemyError

from config.load import Config
from config.settings import Settings
from worker import health
from worker.celery_app import make_celery
from worker.clock import system_clock
from worker.ledger.database import connect
from worker.states import BEAT_HEARTBEAT

LIVES_EVERY_SECONDS = 5.0
log = structlog.get_logger()


class _Ticking(Scheduler):  # type: ignore[misc]  # Celery ships no types
    """Publishes on time; says in one line that the broker is away, once until it is back."""

    _away = False

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Publish one entry; a failure is followed by the next tick."""
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except Exception as error:  # noqa: BLE001 - whatever the broker library throws, the next tick tries again
            if not self._away:
                log.warning("beat.broker_away", error=type(error).__name__)
            self._away = True
        else:
            if self._away:
                log.info("beat.broker_back")
            self._away = False


class _Beat(Service):  # type: ignore[misc]  # Celery ships no types
    scheduler_cls = _Ticking


def _leave(*_: object) -> NoReturn:
    """End at once, also while Celery waits for a broker that is away: there is nothing to finish.

    Without unwinding: an exception would be raised wherever the main thread happens to be, and is lost in some places.
    """
    sys.stderr.flush()
    os._exit(0)


def _say_that_it_lives(settings: Settings) -> None:
    """Write down now and then that beat lives; while the ledger is away, nobody could read it either."""
    engine = connect(settings.require_database_url(), pool_size=1)
    while True:
        try:
            with engine.begin() as connection:
                health.beat(connection, BEAT_HEARTBEAT, system_clock())
        except SQLAlchemyError as error:
            log.debug("beat.ledger_away", error=type(error).__name__)
        time.sleep(LIVES_EVERY_SECONDS)


def tick(settings: Settings, config: Config) -> None:
    """Publish until a signal comes."""
    app: Celery = make_celery(settings, config)
    service = _Beat(app, max_interval=1)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    threading.Thread(target=_say_that_it_lives, args=(settings,), name="life", daemon=True).start()
    log.info("beat.started")
    service.start(embedded_process=False)
