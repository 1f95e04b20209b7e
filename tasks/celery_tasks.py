"""The Celery tasks: thin shells over the engine, so that Flower shows what the ledger knows.

Invariant: arguments are ids; the id of a `deliver` task is the delivery's; RETRY is raised only after the next moment
stands in the ledger, so nothing is published for it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID

import structlog
from celery import Celery, Task
from celery.exceptions import Retry
from sqlalchemy.exc import SQLAlchemyError

from tasks.engine import (
    DeadLetterError,
    Engine,
    UnknownOutcomeError,
    process_events,
    report_circuit,
    report_dead_letter,
)
from tasks.watchdog import Watchdog
from worker.celery_app import ALERT, DELIVER, FIGURES, HEARTBEAT, PRESS, PROCESS_EVENTS, RECONCILE, SETTLE, SWEEP
from worker.delivering import Delivered
from worker.errors import RetryableError
from worker.ledger.database import is_away
from worker.ledger.deliveries import DeadLetter
from worker.sentry import CheckIns, counted, report
from worker.settling import Looked
from worker.states import DeliveryState, Reason

log = structlog.get_logger()


def register_tasks(app: Celery, engine: Engine, watchdog: Watchdog) -> None:
    """Give the application its tasks."""

    @app.task(name=PROCESS_EVENTS)
    @counted
    def _process_events(event_ids: list[str]) -> None:
        watchdog.consumed()
        process_events(engine, event_ids)

    @app.task(name=DELIVER, bind=True, throws=(DeadLetterError, UnknownOutcomeError))
    @counted
    def _deliver(self: Task, delivery_id: str) -> str | None:
        watchdog.consumed()
        with _room(engine, self, delivery_id):
            return _shown(engine.deliver(UUID(delivery_id)))

    @app.task(name=SETTLE, bind=True, throws=(DeadLetterError, UnknownOutcomeError))
    def _settle(self: Task, delivery_id: str) -> str | None:
        watchdog.consumed()
        with _room(engine, self, delivery_id, may_come_again=False):
            return _settled(engine.settle(UUID(delivery_id)))

    @app.task(name=PRESS)
    def _press(job_id: str) -> None:
        watchdog.consumed()
        try:
            with structlog.contextvars.bound_contextvars(job_id=job_id):
                engine.press(UUID(job_id))
        except SQLAlchemyError as error:
            raise _postponed(error) from None

    for name, job in _jobs(engine).items():
        # Those of every second or two would crowd out everything else in Flower.
        app.task(name=name, send_events=name == RECONCILE)(_regular(watchdog, job, _check_ins(app, name)))


def _jobs(engine: Engine) -> Mapping[str, Callable[[], object]]:
    """Return what beat asks for, by the task's name."""
    return {
        SWEEP: engine.sweep,
        RECONCILE: engine.reconcile,
        HEARTBEAT: engine.heartbeat,
        FIGURES: engine.count_figures,
        ALERT: engine.alert,
    }


def _check_ins(app: Celery, name: str) -> CheckIns:
    """Return what tells of a job's runs, as often as beat asks for it."""
    entries = [entry for entry in app.conf.beat_schedule.values() if entry["task"] == name]
    return CheckIns(name, entries[0]["schedule"] if entries else 0)


def _regular(watchdog: Watchdog, job: Callable[[], object], check_ins: CheckIns) -> Callable[[], None]:
    """Return a task that does a job of beat's; while the ledger is away the next one does it."""

    def run() -> None:
        watchdog.consumed()
        try:
            with check_ins.around():
                job()
        except SQLAlchemyError as error:
            raise _postponed(error) from None

    return run


@contextmanager
def _room(engine: Engine, task: Task, delivery_id: str, *, may_come_again: bool = True) -> Iterator[None]:
    """Take one of the calls that may be under way at a vendor; turned away, a delivery is woken when there is room."""
    came = task.request.delivery_info
    queue, priority = came.get("routing_key") or "", int(came.get("priority") or 0)
    if not engine.slots.enter(queue, UUID(delivery_id) if may_come_again else None, priority):
        if first := engine.slots.overtaking(queue):
            engine.wakeups.again(first.id, queue, first.priority)
        raise Retry("all calls to this vendor are under way", exc=RetryableError(Reason.NOT_YET, "no room yet"))
    try:
        with structlog.contextvars.bound_contextvars(delivery_id=delivery_id):
            yield
    except SQLAlchemyError as error:
        raise _postponed(error) from None
    finally:
        if turned_away := engine.slots.leave(queue):
            engine.wakeups.again(turned_away.id, queue, turned_away.priority)


def _settled(looked: Looked | None) -> str | None:
    """Log what a look at the vendor found and return, or raise, what Flower shows of it."""
    if looked is None:
        return None
    done = looked.conclusion
    log.info(
        "delivery.settled", event_id=str(looked.event_id), action=looked.action, account=looked.account,
        settled=looked.settled, state=done.state, reason=done.reason, error=done.error,
    )  # fmt: skip
    reason, what = done.reason or Reason.BUG, f"{looked.settled}: {done.error}"
    if done.state == DeliveryState.DEAD:
        report_dead_letter(DeadLetter(looked.id, looked.event_id, looked.action, looked.account, reason, what))
        raise DeadLetterError(reason, what)
    if done.state == DeliveryState.UNKNOWN:
        raise UnknownOutcomeError(reason, what)
    return str(done.state)


def _postponed(error: SQLAlchemyError) -> Retry:
    """Say in one line that the ledger could not be used; what was not done stands there, and is done once it can be.

    Never the error itself: the database's words may quote the data of a person.
    """
    if not is_away(error):
        report(error, {"reason": Reason.BUG})
    log.warning("ledger.failed", error=type(error).__name__, away=is_away(error))
    return Retry("the ledger cannot be used now", exc=RetryableError(Reason.UNAVAILABLE, "the ledger is away"))


def _shown(delivered: Delivered | None) -> str | None:
    """Log how an attempt ended and return, or raise, what Flower shows of it."""
    if delivered is None:
        return None
    done = delivered.conclusion
    report_circuit(delivered)
    due_at = None if done.is_success else done.due_at or done.held_until
    log.info(
        "delivery.deferred" if delivered.deferred else "delivery.attempted",
        event_id=str(delivered.event_id), rule=delivered.rule, action=delivered.action, account=delivered.account,
        attempt=delivered.attempt, state=done.state, reason=done.reason, error=done.error,
        due_at=due_at and due_at.isoformat(timespec="seconds"),
    )  # fmt: skip
    reason = done.reason or Reason.BUG
    if due_at:
        nth = delivered.attempt + (not delivered.deferred)
        what = f"{reason}: {done.error}; attempt {nth} at {due_at:%Y-%m-%d %H:%M:%S} UTC"
        raise Retry(what, exc=RetryableError(reason, what), when=due_at)
    if done.state == DeliveryState.DEAD or delivered.bug is not None:
        dead = DeadLetter(
            delivered.id, delivered.event_id, delivered.action, delivered.account, reason, done.error or ""
        )
        report_dead_letter(dead, delivered.bug)
    if done.state == DeliveryState.DEAD:
        raise DeadLetterError(reason, f"{reason}: {done.error}")
    if done.state == DeliveryState.UNKNOWN:
        raise UnknownOutcomeError(reason, f"{reason}: {done.error}")
    return str(done.state)
