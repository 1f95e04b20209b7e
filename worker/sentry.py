"""Report bugs and dead letters to Sentry, when a DSN is given; check in its regular jobs, count its work.

Invariant: what is sent holds ids, reasons and places in the code; no body, no header, no local variable, no phone
number. A retry is not an error and is not reported. Without a DSN nothing of this costs anything.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar, cast

import sentry_sdk
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.threading import ThreadingIntegration
from sentry_sdk.types import Event, Hint, MonitorConfig

from config.settings import Settings
from worker.errors import WorkerError
from worker.masking import mask_message

Given = ParamSpec("Given")
Result = TypeVar("Result")
MOST_OFTEN_SECONDS = 60.0
"""Of a job that runs every second Sentry hears once a minute, from each process."""


def start_sentry(settings: Settings, program: str) -> None:
    """Begin reporting; does nothing without a DSN."""
    if settings.sentry_dsn is None:
        return
    sentry_sdk.init(
        dsn=settings.sentry_dsn.get_secret_value(),
        release=settings.release,
        environment=settings.environment,
        send_default_pii=False,
        include_local_variables=False,
        include_source_context=True,
        max_request_body_size="never",
        max_breadcrumbs=0,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            AtexitIntegration(callback=lambda _pending, _timeout: None),
            DedupeIntegration(),
            ExcepthookIntegration(),
            ThreadingIntegration(),
        ],
        before_send=_without_personal_data,
    )
    sentry_sdk.set_tag("program", program)


def report(error: BaseException, tags: Mapping[str, str], fingerprint: list[str] | None = None) -> None:
    """Report an error with tags that lead to the ledger (event_id, delivery_id, reason, account …)."""
    with sentry_sdk.new_scope() as scope:
        for name, value in tags.items():
            scope.set_tag(name, value)
        if fingerprint:
            scope.fingerprint = fingerprint
        sentry_sdk.capture_exception(error)


def counted(work: Callable[Given, Result]) -> Callable[Given, Result]:
    """Count each call for the release's health: a session, errored when something was reported meanwhile."""

    @wraps(work)
    def run(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        if not sentry_sdk.is_initialized():
            return work(*args, **kwargs)
        with sentry_sdk.isolation_scope() as scope:
            scope.start_session(session_mode="request")
            try:
                return work(*args, **kwargs)
            finally:
                scope.end_session()

    return run


class CheckIns:
    """Tells Sentry that a regular job was done, so that it notices when none is."""

    def __init__(self, job: str, every_seconds: float) -> None:
        minutes = max(1, math.ceil(every_seconds / 60))
        self._slug, self._told_at, self._lock = job.replace(".", "-"), -math.inf, threading.Lock()
        self._monitor: MonitorConfig = {
            "schedule": {"type": "interval", "value": minutes, "unit": "minute"},
            "checkin_margin": 2,
            "max_runtime": 10,
        }

    @contextmanager
    def around(self) -> Iterator[None]:
        """Tell how a run ended; a run that failed is told whenever it does."""
        if not sentry_sdk.is_initialized():
            yield
            return
        began, status = time.monotonic(), "error"
        try:
            yield
            status = "ok"
        finally:
            if self._is_time(began) or status == "error":
                duration = time.monotonic() - began
                sentry_sdk.crons.capture_checkin(self._slug, None, status, duration, self._monitor)

    def _is_time(self, now: float) -> bool:
        with self._lock:
            if now - self._told_at < MOST_OFTEN_SECONDS:
                return False
            self._told_at = now
            return True


def _without_personal_data(event: Event, hint: Hint) -> Event:
    for part in ("request", "user", "extra", "breadcrumbs", "server_name", "modules"):
        cast("dict[str, object]", event).pop(part, None)
    known = isinstance((hint.get("exc_info") or (None, None))[1], WorkerError)
    for value in (event.get("exception") or {}).get("values", []):
        text = str(value.get("value") or "")
        # The text of an exception that is not ours may quote the data it stumbled over.
        value["value"] = mask_message(text) if known else "(text withheld, it may hold personal data)"
    return event
