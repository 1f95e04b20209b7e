"""The receiver as a process: Granian in front of the Flask application.

Invariant: the application is made inside Granian's worker processes, so its connections and threads are theirs.
"""

import structlog
from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from config.load import load_accounts
from config.settings import Settings, load_settings, read_environment
from webhooks.app import make_app
from webhooks.serving import Served
from worker.logs import configure_logging
from worker.sentry import start_sentry
from worker.tracing import start_tracing

HEADER_TIMEOUT_MS = 10_000
MOST_HEADER_BYTES = 64 * 1024
MOST_REQUESTS_UNDER_WAY = 2_048  # those whose bodies are still on their way cost no thread
log = structlog.get_logger()


def serve(settings: Settings, application: str = "console.processes.receiver:make_receiver") -> None:
    """Listen until a signal comes, with the application that a factory makes in each worker process."""
    Granian(
        application,
        factory=True,
        address=settings.bind,
        port=settings.receiver_port,
        interface=Interfaces.RSGI,
        workers=settings.receiver_processes,
        backpressure=MOST_REQUESTS_UNDER_WAY,
        respawn_failed_workers=True,
        websockets=False,
        log_access=False,
        log_level=LogLevels.error,  # what it says of a good start, `receiver.started` says
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT_MS, max_buffer_size=MOST_HEADER_BYTES),
    ).serve()


def make_receiver() -> Served:
    """Make the application of one worker process."""
    environ = read_environment()
    settings = load_settings(environ)
    configure_logging(settings, "receiver")
    start_sentry(settings, "receiver")
    start_tracing(settings, "receiver")
    log.info("receiver.started", address=settings.bind, port=settings.receiver_port)
    app = make_app(settings, load_accounts(settings.config_dir, environ))
    return Served(app, threads=settings.receiver_threads, most_body_bytes=settings.max_body_bytes)
