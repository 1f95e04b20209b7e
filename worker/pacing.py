"""Keep to an account's limits with every request of one piece of work.

Invariant: each request has a moment of its own, reserved in the ledger by all workers together.
"""

import time
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from worker.acting import Session
from worker.clock import Clock
from worker.ledger import paces
from worker.limits import Allowed

# What has begun is ended rather than broken off for a limit, which the vendor would tell us.
MOST_WAIT_SECONDS = 5.0


class Pacer:
    """Waits before each request until its moment."""

    def __init__(self, engine: Engine, clock: Clock, wait: Callable[[float], None] = time.sleep) -> None:
        self._engine, self._clock, self._wait = engine, clock, wait

    def follow(self, session: Session, account: str, allowed: Allowed | None, *, first_is_reserved: bool) -> None:
        """Keep to what an account allows with all requests of a session; the first may have its moment already."""
        if allowed is None:
            return

        def before_request() -> None:
            if session.exchanges or not first_is_reserved:
                self._wait_for_next(account, allowed)

        session.before_request = before_request

    def _wait_for_next(self, account: str, allowed: Allowed) -> None:
        at = now = self._clock()
        with suppress(SQLAlchemyError), self._engine.begin() as connection:
            at = paces.reserve_next(connection, account, allowed, now)
        self._wait(min(MOST_WAIT_SECONDS, (at - now).total_seconds()))
