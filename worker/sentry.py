"""Report bugs and dead letters to Sentry, when a DSN is given.

Invariant: what is sent holds ids, reasons and places in the code; no body, no header, no local variable, no phone
number. A retry is not an error and is not reported.
"""

from collections.abc import Mapping
from typing import cast

import sentry_sdk
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.threading import ThreadingIntegration
from sentry_sdk.types import Event, Hint

from config.settings import Settings
from worker.errors import WorkerError
from worker.masking import mask_message


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


def _without_personal_data(event: Event, hint: Hint) -> Event:
    for part in ("request", "user", "extra", "breadcrumbs", "server_name", "modules"):
        cast("dict[str, object]", event).pop(part, None)
    known = isinstance((hint.get("exc_info") or (None, None))[1], WorkerError)
    for value in (event.get("exception") or {}).get("values", []):
        text = str(value.get("value") or "")
        # The text of an exception that is not ours may quote the data it stumbled over.
        value["value"] = mask_message(text) if known else "(text withheld, it may hold personal data)"
    return event
