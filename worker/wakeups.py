"""Publish wake-ups, best effort.

Invariant: a failure to publish never fails the work it follows; a sweep finds in the ledger what was not announced.
"""

import queue
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import structlog
from celery import Celery

from config.accounts import Account
from worker.celery_app import CONTROL_QUEUE, DELIVER, EVENTS_QUEUE, PRESS, PROCESS_EVENTS, SETTLE, delivery_queue
from worker.ledger.deliveries import NORMAL, Wake

PAUSE_SECONDS = 1.0
MOST_IDS_A_MESSAGE = 50
log = structlog.get_logger()


class Wakeups:
    """Tells the workers what to look at."""

    def __init__(self, app: Celery, accounts: Mapping[str, Account]) -> None:
        self._app, self._accounts = app, accounts
        self._silent_until = 0.0

    def events(self, ids: Sequence[UUID]) -> None:
        """Wake the routing of these events."""
        for start in range(0, len(ids), MOST_IDS_A_MESSAGE):
            batch = [str(event_id) for event_id in ids[start : start + MOST_IDS_A_MESSAGE]]
            self._publish(PROCESS_EVENTS, [batch], EVENTS_QUEUE, None, NORMAL)

    def deliveries(self, wakes: Iterable[Wake]) -> None:
        """Wake these deliveries; the id of each task is the delivery's."""
        for wake in wakes:
            account = self._accounts.get(wake.account)
            # For an account that is no longer configured: its delivery has to learn that it is a dead letter.
            to = delivery_queue(account.vendor) if account else CONTROL_QUEUE
            self._publish(DELIVER, [str(wake.id)], to, str(wake.id), wake.priority)

    def settling(self, wakes: Iterable[Wake]) -> None:
        """Let the vendors of these deliveries be asked what became of them."""
        for wake in wakes:
            if account := self._accounts.get(wake.account):
                self._publish(SETTLE, [str(wake.id)], delivery_queue(account.vendor), str(wake.id), wake.priority)

    def jobs(self, ids: Iterable[UUID]) -> None:
        """Let these jobs go on."""
        for job_id in ids:
            self._publish(PRESS, [str(job_id)], CONTROL_QUEUE, None, NORMAL)

    def again(self, delivery_id: UUID, to: str, priority: int) -> None:
        """Wake a delivery that was turned away, by the queue it came from."""
        self._publish(DELIVER, [str(delivery_id)], to, str(delivery_id), priority)

    def _publish(self, task: str, arguments: list[object], to: str, task_id: str | None, priority: int) -> None:
        if time.monotonic() < self._silent_until:
            return
        try:
            self._app.send_task(task, arguments, queue=to, task_id=task_id, priority=priority, retry=False)
        except Exception as error:  # noqa: BLE001 - whatever a broker library throws, the work before it is done
            self._silent_until = time.monotonic() + PAUSE_SECONDS
            log.warning("wakeup.failed", error=type(error).__name__, pause_seconds=PAUSE_SECONDS)


class BackgroundWakeups:
    """Publishes from a thread of its own, so that acknowledging a webhook never waits for the broker."""

    def __init__(self, wakeups: Wakeups, gather_seconds: float = 0.02, most_waiting: int = 10_000) -> None:
        self._wakeups, self._gather_seconds = wakeups, gather_seconds
        self._ids: queue.Queue[UUID] = queue.Queue(maxsize=most_waiting)
        threading.Thread(target=self._run, name="wakeups", daemon=True).start()

    def event(self, event_id: UUID) -> None:
        """Announce an event; dropped when too many wait, for a sweep to find."""
        try:
            self._ids.put_nowait(event_id)
        except queue.Full:
            log.warning("wakeup.dropped")

    def _run(self) -> None:
        published_at = 0.0
        while True:
            ids = [self._ids.get()]
            # One message costs as much as a request. The first after a pause leaves at once; those that follow gather.
            time.sleep(max(0.0, published_at + self._gather_seconds - time.monotonic()))
            published_at = time.monotonic()
            while len(ids) < MOST_IDS_A_MESSAGE and not self._ids.empty():
                ids.append(self._ids.get_nowait())
            self._wakeups.events(ids)
