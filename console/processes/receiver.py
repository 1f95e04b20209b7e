"""The receiver as a process: Granian in front of the Flask application.

Invariant: the application is made inside Granian's worker processes, so its connections and threads are theirs.
"""

import structlog
from flask import Flask
from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from config.load import load_accounts
from config.settings import Settings, load_settings, read_environment
from webhooks.app import make_app
from worker.logs import configure_logging
from worker.sentry import start_sentry

HEADER_TIMEOUT_MS = 10_000
MOST_HEADER_BYTES = 64 * 1024
log = structlog.get_logger()


def serve(settings: Settings) -> None:
    """Listen until a signal comes."""
    Granian(
        "console.processes.receiver:make_receiver",
        factory=True,
        address=settings.bind,
        port=settings.receiver_port,
        interface=Interfaces.WSGI,
        workers=settings.receiver_processes,
        blocking_threads=settings.receiver_threads,
        backpressure=settings.receiver_threads * 8,
        respawn_failed_workers=True,
        websockets=False,
        log_access=False,
        log_level=LogLevels.error,  # what it says of a good start, `receiver.started` says
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT_MS, max_buffer_size=MOST_HEADER_BYTES),
    ).serve()


def make_receiver() -> Flask:
    """Make the application of one worker process."""
    environ = read_environment()
    settings = load_settings(environ)
    configure_logging(settings, "receiver")
    start_sentry(settings, "receiver")
    log.info("receiver.started", address=settings.bind, port=settings.receiver_port)
    return make_app(settings, load_accounts(settings.config_dir, environ))
