"""The templates of each account, asked for rarely and by one worker at a time, known to all.

    the list is younger than its lifetime and finds nothing wrong     no call, no look at the ledger for half a minute
    it is older, or finds something wrong and is over a minute old    the vendor is asked first
    the list cannot be had                                            the message is sent as if nobody had asked

Invariant: nothing is kept back by what was known more than a minute ago, and never because the list cannot be had.
"""

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from worker.acting import Call, Session
from worker.clock import Clock
from worker.errors import WorkerError
from worker.ledger import template_lists
from worker.ledger.attempting import Deferral
from worker.ledger.database import by_statement
from worker.ledger.template_lists import Kept
from worker.messaging.refusing import Refusal
from worker.messaging.templating import judge
from worker.templates import TemplateSource

DOUBTED = timedelta(minutes=1)
"""How old a list may be to keep a message back."""
REMEMBERED = timedelta(seconds=30)
"""How long a process goes by what it read."""
log = structlog.get_logger()

Key = tuple[str, str]


class TemplateBook:
    """What one process knows of templates."""

    def __init__(self, engine: Engine, clock: Clock, lifetime_seconds: float) -> None:
        self._engine, self._clock, self._lifetime = engine, clock, timedelta(seconds=lifetime_seconds)
        self._read: dict[Key, tuple[datetime, Kept | None]] = {}
        self._locks: dict[Key, threading.Lock] = defaultdict(threading.Lock)

    def ask(self, call: Call, source: TemplateSource, open_session: Callable[[], Session]) -> Deferral | Refusal | None:
        """Return what keeps a message from being sent; None when nothing does, or nobody can tell."""
        shelf = source.shelf(call) if self._lifetime else None
        if shelf is None:
            return None
        filling, now = source.filling(call.parameters), self._clock()
        key = (call.account_name, shelf)
        kept = self._remembered(key, now)
        if kept and kept.found and kept.is_newer_than(now - self._lifetime):
            problem = judge(kept.found, filling, now)
            if problem is None or kept.is_newer_than(now - DOUBTED):
                return problem
        kept = self._renewed(key, call, source, open_session)
        return judge(kept.found, filling, now) if kept and kept.found else None

    def _remembered(self, key: Key, now: datetime) -> Kept | None:
        read_at, kept = self._read.get(key, (None, None))
        if read_at is not None and abs(now - read_at) < REMEMBERED:
            return kept
        return self._look(key, now)

    def _look(self, key: Key, now: datetime) -> Kept | None:
        with by_statement(self._engine).begin() as connection:
            kept = template_lists.read(connection, *key)
        self._read[key] = now, kept
        return kept

    def _renewed(
        self, key: Key, call: Call, source: TemplateSource, open_session: Callable[[], Session]
    ) -> Kept | None:
        """Return a list of just now; None when there is none to be had."""
        with self._locks[key]:
            now = self._clock()
            kept = self._look(key, now)
            if kept is not None and kept.is_newer_than(now - DOUBTED):
                return kept
            if kept is not None and not kept.may_be_tried(now):
                return None
            with by_statement(self._engine).begin() as connection:
                if not template_lists.claim(connection, *key, now, kept):
                    return None
            self._fetch(key, replace(call, session=open_session()), source)
            kept = self._look(key, now)
            return kept if kept and kept.is_newer_than(now - DOUBTED) else None

    def _fetch(self, key: Key, call: Call, source: TemplateSource) -> None:
        account, shelf = key
        try:
            found = source.fetch(call)
        except SQLAlchemyError:
            raise  # the ledger is away: so is the delivery that wanted to know
        except Exception as error:  # noqa: BLE001 - whatever went wrong here is no reason to lose a message
            self._failed(key, error)
            return
        with by_statement(self._engine).begin() as connection:
            template_lists.listed(connection, account, shelf, found, self._clock())
        log.info("templates.listed", account=account, shelf=shelf, templates=len(found.templates))

    def _failed(self, key: Key, error: Exception) -> None:
        is_known = isinstance(error, WorkerError)
        # Without the exception's text where it is a fault of ours: it may hold what the answer said.
        said = str(error) if is_known else f"{type(error).__name__}, a fault of Hookyard"
        with by_statement(self._engine).begin() as connection:
            failures = template_lists.failed(connection, *key, said)
        reason = error.reason if isinstance(error, WorkerError) else "bug"
        log.warning("templates.not_listed", account=key[0], shelf=key[1], reason=reason, error=said, failures=failures)
