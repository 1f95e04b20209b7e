"""The receiver: a Flask application that takes webhooks in.

Invariant: every answer is one of ours. 200 means committed; whatever goes wrong on our side is a 503 that asks the
vendor to send it again, never a 500 and never a stack trace.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import structlog
from flask import Flask, Response, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from config.load import Config
from config.settings import Settings
from webhooks.health import Health
from webhooks.inbound import Inbound
from webhooks.receiving import Receiving, make_endpoints
from webhooks.registry import SOURCES
from webhooks.serving import CAME_AT, HEADERS
from worker import tracing
from worker.celery_app import make_celery
from worker.clock import Clock, system_clock
from worker.errors import ReceiveError
from worker.figures import Name
from worker.ledger.database import connect
from worker.sentry import counted, report
from worker.states import Reason
from worker.tally import Tally
from worker.wakeups import BackgroundWakeups, Wakeups

RETRY_AFTER_SECONDS = 5
log = structlog.get_logger()


def make_app(settings: Settings, config: Config, clock: Clock = system_clock) -> Flask:
    """Return the receiver for one process; its background thread publishes wake-ups."""
    app = Flask("hookyard")
    app.url_map.merge_slashes = False  # a webhook is never answered with a redirect
    engine = connect(settings.require_database_url(), pool_size=settings.receiver_threads + 1, check_first=False)
    receiving = Receiving(engine, settings, make_endpoints(config, SOURCES))
    wakeups = BackgroundWakeups(Wakeups(make_celery(settings, config), config.accounts))
    health = Health(engine, settings, config, clock)
    tally = Tally(engine, clock)
    tally.start()

    def webhook(account: str, secret: str | None = None) -> Response:
        endpoint = receiving.endpoint(account, with_path_secret=secret is not None)
        inbound = Inbound(
            account=account, body=_body(settings.max_body_bytes), headers=_headers(), path_secret=secret,
            query=request.query_string.decode("latin-1"), source_ip=request.remote_addr, received_at=clock(),
        )  # fmt: skip
        with tracing.span("receive", account=account) as part:
            received = receiving.receive(endpoint, inbound)
            first = received.arrival.events[0]
            part.note(event_id=received.accepted.id, type=first.type, events=len(received.arrival.events))
        accepted = received.accepted
        log.info(
            "event.duplicate" if accepted.duplicate else "event.accepted", event_id=str(accepted.id), account=account,
            type=first.type, events=len(received.arrival.events), secret=first.secret_index,
        )  # fmt: skip
        for event_id in accepted.new:
            wakeups.event(event_id)
        if accepted.duplicate:
            tally.count(Name.DUPLICATES, account)
        tally.measure(Name.ACKNOWLEDGEMENT, account, time.perf_counter() - request.environ[CAME_AT])
        status = "duplicate" if accepted.duplicate else "accepted"
        return _answer(200, {"status": status, "id": str(accepted.id), **received.reply})

    def challenge(account: str) -> Response:
        answer = receiving.challenge(account, request.args)
        tally.count(Name.CHALLENGED, account)
        return Response(answer, 200, mimetype="text/plain")

    pages: Sequence[tuple[str, str, Callable[..., Response]]] = (
        ("POST", "/webhooks/<account>", webhook),
        ("POST", "/webhooks/<account>/<secret>", webhook),
        ("GET", "/webhooks/<account>", challenge),
        ("GET", "/healthz", lambda: _answer(200, {"status": "ok"})),
        ("GET", "/readyz", lambda: _answer(*health.ready())),
        ("GET", "/metrics", health.metrics),
    )
    for method, path, view in pages:
        app.add_url_rule(path, f"{method} {path}", view, methods=[method], provide_automatic_options=False)
    _handle_errors(app, receiving, tally)
    if settings.trusted_proxy_hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxy_hops)  # type: ignore[method-assign]
    app.wsgi_app = counted(app.wsgi_app)  # type: ignore[method-assign]
    return app


def _body(most_bytes: int) -> bytes:
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}:
        raise ReceiveError(415, "content_encoding", "compressed bodies are not accepted")
    body: bytes = request.environ["wsgi.input"].read()
    if max(request.content_length or 0, len(body)) > most_bytes:
        raise ReceiveError(413, "body_too_large", f"a body may have {most_bytes} bytes at most")
    if request.content_length is not None and len(body) < request.content_length:
        raise ReceiveError(400, "body_incomplete", "the body ended early")
    return body


def _headers() -> Mapping[str, tuple[str, ...]]:
    """Return the headers as they were sent; `webhooks.serving` has them, Flask would show one value of each."""
    return cast("Mapping[str, tuple[str, ...]]", request.environ[HEADERS])


def _answer(status: int, body: dict[str, Any]) -> Response:
    return Response(json.dumps(body), status, mimetype="application/json")


def _handle_errors(app: Flask, receiving: Receiving, tally: Tally) -> None:
    def account() -> str | None:
        """Name the account of this request; other text in a URL could be anything, a misplaced secret too."""
        named = (request.view_args or {}).get("account")
        return named if receiving.knows(named) else None

    @app.errorhandler(ReceiveError)
    def refused(error: ReceiveError) -> Response:
        tally.count(Name.REFUSED, account() or "", error.reason)
        log.warning("event.refused", status=error.status, reason=error.reason, account=account())
        response = _answer(error.status, {"error": error.reason, "message": str(error)})
        if error.status == 405:
            response.headers["Allow"] = "POST"
        return response

    @app.errorhandler(HTTPException)
    def wrong_call(error: HTTPException) -> Response:
        status = error.code or 400
        response = _answer(status, {"error": error.name.lower().replace(" ", "_"), "message": error.name})
        if status == 405:
            response.headers["Allow"] = "POST" if request.path.startswith("/webhooks/") else "GET"
        return response

    @app.errorhandler(SQLAlchemyError)
    def ledger_away(error: SQLAlchemyError) -> Response:
        tally.count(Name.REFUSED, account() or "", Reason.UNAVAILABLE)
        log.error("ledger.away", error=type(error).__name__)
        return _try_again("the event could not be stored")

    @app.errorhandler(Exception)
    def bug(error: Exception) -> Response:
        tally.count(Name.REFUSED, account() or "", Reason.BUG)
        log.error("receiver.bug", error=type(error).__name__)
        report(error, {"account": str(account())})
        return _try_again("the event could not be stored")


def _try_again(message: str) -> Response:
    response = _answer(503, {"error": "unavailable", "message": message})
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response
