"""The worker's engine: everything a task needs, put together once per process.

Invariant: here the parts meet (ledger, rules, sources, actions, broker), and nowhere else.
"""

import os
import random
import socket
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from celery import Celery
from sqlalchemy.exc import SQLAlchemyError

from config.accounts import CalledAccount
from config.load import Config
from config.settings import Settings
from tasks.actions.http import Connections
from tasks.actions.registry import ACTIONS
from tasks.alerting.alerter import Alerter
from tasks.alerting.sending import Sender
from tasks.reconciling.messages import TELLERS
from tasks.reconciling.reconciler import Reconciler
from tasks.slots import Slots
from tasks.trying.launching import Launcher
from webhooks.registry import SOURCES
from worker import health
from worker.broker import queue_lengths, redis_client
from worker.celery_app import EVENTS_QUEUE, delivery_queue
from worker.clock import Clock, system_clock
from worker.delivering import Delivered, Deliverer
from worker.errors import WorkerError
from worker.jobs import Runner
from worker.ledger.counting import Counter
from worker.ledger.database import connect, is_away
from worker.ledger.deliveries import DeadLetter
from worker.ledger.tables import events
from worker.messaging.template_book import TemplateBook
from worker.routing import Routed, Router
from worker.sentry import report
from worker.settling import Looked, Settler
from worker.states import WORKER_HEARTBEAT, EventState, JobState, Reason
from worker.sweeping import Sweeper, Swept
from worker.wakeups import Wakeups

MOST_ROUTING_ATTEMPTS = 5
ROUTING_THREADS = 8
MOST_THREADS = 256
# A queue that is this long is being worked on: waking more would only make it longer.
LONG_QUEUE = 1_000
TIDY_SECONDS = 600.0
log = structlog.get_logger()


def worker_threads(settings: Settings, config: Config) -> int:
    """Return how many threads a worker has: room for every vendor at its limit, and some for routing."""
    vendors = {account.vendor for account in config.accounts.values() if isinstance(account, CalledAccount)}
    return min(MOST_THREADS, ROUTING_THREADS + settings.destination_concurrency * len(vendors))


@dataclass(frozen=True)
class _Parts:
    """All that hangs on the configuration, so that it changes at once or not at all."""

    config: Config
    router: Router
    deliverer: Deliverer
    settler: Settler
    reconciler: Reconciler
    sweeper: Sweeper
    alerter: Alerter


class Engine:
    """What the tasks call."""

    def __init__(self, settings: Settings, config: Config, app: Celery, clock: Clock = system_clock) -> None:
        self.settings, self.clock = settings, clock
        self.database = connect(settings.require_database_url(), pool_size=16)
        self.wakeups = Wakeups(app, config.accounts)
        self.slots = Slots(settings.destination_concurrency)
        self._broker = redis_client(settings.require_redis_url(), timeout_seconds=2)
        self._connections = Connections(
            config.accounts, settings.vendor_timeout_seconds, settings.destination_concurrency, clock
        )
        self._templates = TemplateBook(self.database, clock, settings.template_list_seconds)
        self._draw = random.SystemRandom().random
        self._tidy_at = 0.0
        self._runner = Runner(self.database, settings.rewake_seconds, clock, self.wakeups)
        self._launcher = Launcher(self.database, clock)
        self._parts = self._assembled(config)

    @property
    def config(self) -> Config:
        """The configuration in use."""
        return self._parts.config

    def use(self, config: Config) -> None:
        """Go on with other rules: what is under way ends with those it began with. The accounts must be the same."""
        self._parts = self._assembled(config)

    def _assembled(self, config: Config) -> "_Parts":
        settings, clock, draw = self.settings, self.clock, self._draw
        readers = {vendor: source.read for vendor, source in SOURCES.items()}
        worker = f"{socket.gethostname()}:{os.getpid()}"
        return _Parts(
            config=config,
            router=Router(settings, config, readers, clock),
            deliverer=Deliverer(
                engine=self.database, settings=settings, config=config, readers=readers, actions=ACTIONS,
                open_session=self._connections.open, clock=clock, draw=draw, worker=worker,
                templates=self._templates,
            ),
            settler=Settler(
                engine=self.database, config=config, readers=readers, actions=ACTIONS,
                open_session=self._connections.open, clock=clock, draw=draw, worker=worker,
            ),
            reconciler=Reconciler(
                engine=self.database, settings=settings, config=config, actions=ACTIONS,
                open_session=self._connections.open, clock=clock, wake=self.wakeups.events,
            ),
            sweeper=Sweeper(self.database, settings, ACTIONS, clock, draw, config, TELLERS),
            alerter=Alerter(self.database, config, clock, Sender(settings.environment, clock)),
        )  # fmt: skip

    def process_event(self, event_id: UUID) -> None:
        """Route one event and wake what follows."""
        try:
            with self.database.begin() as connection:
                routed = self._parts.router.route(connection, event_id)
        except Exception as error:  # noqa: BLE001 - a bug must end in a visible state, not in a lost task
            if isinstance(error, SQLAlchemyError) and is_away(error):
                # The event is as it was, and a sweep brings it back.
                log.warning("event.postponed", error=type(error).__name__)
            else:
                self._routing_failed(event_id, error)
            return
        if routed is not None:
            self._follow_up(routed)

    def deliver(self, delivery_id: UUID) -> Delivered | None:
        """Run one attempt of a delivery and wake what follows."""
        delivered = self._parts.deliverer.deliver(delivery_id)
        if delivered is not None:
            self.wakeups.events(delivered.woken_events)
            self.wakeups.deliveries(delivered.woken)
        return delivered

    def settle(self, delivery_id: UUID) -> Looked | None:
        """Ask the vendor what became of an unknown outcome, or how far a message came, and wake what follows."""
        looked = self._parts.settler.settle(delivery_id)
        if looked is None:
            self._parts.reconciler.ask_about(delivery_id)
        if looked is not None and looked.woken_events:
            self.wakeups.events(looked.woken_events)
        return looked

    def press(self, job_id: UUID) -> None:
        """Run a job for a while, and let it go on afterwards, as others need the thread too; only start a backtest."""
        if self._launcher.take_up(job_id):
            return
        job = self._runner.run(job_id)
        if job is None:
            return
        log.info("job.run", kind=job.kind, state=job.state, done=job.done, refused=job.refused, left=job.left)
        if job.state is JobState.RUNNING:
            self.wakeups.jobs([job_id])

    def reconcile(self) -> None:
        """Ask every vendor that can tell whether a webhook was missed."""
        reconciler = self._parts.reconciler
        for account in reconciler.accounts():
            done = reconciler.run(account)
            log.info(
                "account.reconciled", account=account, looked_at=done.looked_at, missed=done.missed,
                repaired=done.repaired, last_missed=done.last_missed, error=done.error,
            )  # fmt: skip

    def sweep(self) -> Swept:
        """Wake what is due."""
        lengths = self._queue_lengths()
        busy = [
            name
            for name, account in self.config.accounts.items()
            if lengths.get(delivery_queue(account.vendor), 0) >= LONG_QUEUE
        ]
        if time.monotonic() >= self._tidy_at:
            self._tidy_at = time.monotonic() + TIDY_SECONDS
            self._parts.sweeper.tidy()
        swept = self._parts.sweeper.sweep(busy, events_too=lengths.get(EVENTS_QUEUE, 0) < LONG_QUEUE)
        self.wakeups.events(swept.events)
        self.wakeups.deliveries(swept.deliveries)
        self.wakeups.settling(swept.unknown)
        self.wakeups.jobs(swept.jobs)
        if swept.events or swept.deliveries:
            log.info("sweep.woke", events=len(swept.events), deliveries=len(swept.deliveries))
        for dead in swept.dead:
            report_dead_letter(dead)
        return swept

    def alert(self) -> None:
        """Look whether a failure nears its limit, and tell people."""
        self._parts.alerter.run()

    def heartbeat(self) -> None:
        """Write down that a message came through the queue."""
        with self.database.begin() as connection:
            health.beat(connection, WORKER_HEARTBEAT, self.clock())

    def count_figures(self) -> None:
        """Count what happened since it was last counted, for plots and metrics."""
        Counter(self.database).count(self.clock())

    def queued_messages(self) -> int:
        """Return how many messages wait in all queues."""
        return sum(self._queue_lengths().values())

    def _queue_lengths(self) -> dict[str, int]:
        vendors = {account.vendor for account in self.config.accounts.values()}
        return queue_lengths(self._broker, [EVENTS_QUEUE, *map(delivery_queue, vendors)])

    def _follow_up(self, routed: Routed) -> None:
        log.info(
            "event.routed", event_id=str(routed.event_id), type=routed.type, state=routed.state,
            deliveries=len(routed.deliveries),
        )  # fmt: skip
        for dead in routed.dead:
            report_dead_letter(dead)
        if routed.failure:
            reason, what = routed.failure
            tags = {"event_id": str(routed.event_id), "reason": reason}
            report(DeadLetterError(reason, what), tags, ["failed-event", routed.type, reason])
        self.wakeups.deliveries(routed.deliveries)
        self.wakeups.events(routed.events)

    def _routing_failed(self, event_id: UUID, error: Exception) -> None:
        # Without the exception's text: it may hold what the event said of a person.
        trace = "".join(traceback.format_tb(error.__traceback__))
        log.error("event.routing_bug", event_id=str(event_id), error=type(error).__name__, trace=trace)
        report(error, {"event_id": str(event_id)})
        try:
            self._count_failure(event_id, error)
        except SQLAlchemyError as away:
            log.warning("event.postponed", error=type(away).__name__)

    def _count_failure(self, event_id: UUID, error: Exception) -> None:
        mine = (events.c.id == event_id) & (events.c.state == EventState.RECEIVED)
        now = self.clock()
        with self.database.begin() as connection:
            counted = events.update().where(mine).values(attempts=events.c.attempts + 1).returning(events.c.attempts)
            attempts = connection.scalar(counted)
            if attempts is None:
                return
            what = f"{type(error).__name__}, a fault of Hookyard: the log has more"
            values = {"reason": Reason.BUG, "last_error": what, "wake_at": now + timedelta(seconds=2.0**attempts)}
            if attempts >= MOST_ROUTING_ATTEMPTS:
                values |= {"state": EventState.FAILED, "wake_at": None, "processed_at": now}
            connection.execute(events.update().where(mine).values(values))

    def close(self) -> None:
        """Give back every connection."""
        self._launcher.close()
        self._connections.close()
        self.database.dispose()


class DeadLetterError(WorkerError):
    """A delivery nobody retries by itself: `hookyard dead` lists it, `hookyard retry` begins again."""


class UnknownOutcomeError(WorkerError):
    """A delivery that may have had its effect: `hookyard resolve` settles it."""


def report_dead_letter(dead: DeadLetter, bug: Exception | None = None) -> None:
    """Tell Sentry of a dead letter, or of the bug behind it."""
    tags = {
        "event_id": str(dead.event_id), "delivery_id": str(dead.id), "action": dead.action, "account": dead.account,
        "reason": dead.reason,
    }  # fmt: skip
    error = bug or DeadLetterError(dead.reason, f"{dead.action}: {dead.error}")
    report(error, tags, ["dead-letter", dead.action, dead.reason])


class AccountHeldError(WorkerError):
    """An account's circuit opened: `hookyard circuits` shows why and until when; its deliveries wait."""


def report_circuit(delivered: Delivered) -> None:
    """Tell the log and Sentry, once, that an account's circuit opened; the log that it closed."""
    if closed := delivered.closed:
        log.info("circuit.closed", account=closed.account, reason=closed.reason, probes=closed.probes)
    if opened := delivered.opened:
        log.warning(
            "circuit.opened", account=opened.account, reason=opened.reason, error=opened.error, action=opened.action,
            failures=opened.failures, until=opened.until and opened.until.isoformat(timespec="seconds"),
        )  # fmt: skip
        error = AccountHeldError(opened.reason, f"{opened.account}: {opened.error}")
        tags = {"account": opened.account, "action": opened.action, "reason": opened.reason}
        report(error, tags, ["circuit", opened.account, opened.reason])


def process_events(engine: Engine, event_ids: Sequence[str]) -> None:
    """Route events one by one; one that cannot be routed does not hold up the others."""
    for event_id in event_ids:
        with structlog.contextvars.bound_contextvars(event_id=event_id):
            engine.process_event(UUID(event_id))
