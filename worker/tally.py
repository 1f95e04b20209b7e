"""What only a receiver knows, counted in memory and written down from a thread of its own.

Acknowledging never waits for it and never fails by it. Invariant: what was counted is written down once, or, when the
process is killed or the answer to a commit is lost, perhaps not at all; a figure is never counted twice.
"""

import threading
import time
from datetime import datetime

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from worker.clock import Clock
from worker.figures import Key, Name, bucket_of, minute_of
from worker.ledger import figures
from worker.ledger.database import is_away
from worker.ledger.figures import Amount

FLUSH_SECONDS = 3.0
MOST_KEYS = 20_000
log = structlog.get_logger()


class Tally:
    """Counts of one process that are not written down yet."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock
        self._lock = threading.Lock()
        self._amounts: dict[Key, Amount] = {}

    def start(self) -> None:
        """Begin writing down, every few seconds."""
        threading.Thread(target=self._run, name="tally", daemon=True).start()

    def count(self, name: Name, account: str, *labels: str) -> None:
        """Count one."""
        self._add(Key(self._minute(), account, name, labels), Amount(1))

    def measure(self, name: Name, account: str, seconds: float) -> None:
        """Count one that took so long."""
        self._add(Key(self._minute(), account, name, (), bucket_of(seconds)), Amount(1, seconds))

    def flush(self) -> None:
        """Write down what was counted; kept for the next time when the ledger surely has not taken it."""
        with self._lock:
            amounts, self._amounts = self._amounts, {}
        if not amounts:
            return
        is_asked = False
        try:
            with self._engine.connect() as connection:
                figures.add(connection, amounts)
                is_asked = True
                connection.commit()
        except SQLAlchemyError as error:
            if is_asked or not is_away(error):
                log.warning("figures.lost", error=type(error).__name__)
                return
            for key, amount in amounts.items():
                self._add(key, amount)

    def _add(self, key: Key, amount: Amount) -> None:
        with self._lock:
            was = self._amounts.get(key)
            if was is None and len(self._amounts) >= MOST_KEYS:
                return  # the ledger has been away for days: the newest minutes are left out
            self._amounts[key] = Amount(was.total + amount.total, was.seconds + amount.seconds) if was else amount

    def _minute(self) -> datetime:
        return minute_of(self._clock())

    def _run(self) -> None:
        while True:
            time.sleep(FLUSH_SECONDS)
            try:
                self.flush()
            except Exception as error:  # noqa: BLE001 - whatever it is, webhooks are taken in without figures
                log.error("figures.bug", error=type(error).__name__)
