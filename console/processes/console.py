"""The console as a process: Granian in front of the Flask application, one process with a few threads.

Invariant: the application is made inside Granian's worker process, so its connections and threads are its own.
"""

import structlog
from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from config.settings import Settings, load_settings, read_environment
from console.web.app import make_app
from console.web.frame import Console
from console.web.live_config import LiveConfig
from tasks.actions.registry import make_catalog
from webhooks.serving import Served
from worker.celery_app import make_celery
from worker.clock import system_clock
from worker.ledger.database import connect
from worker.logs import configure_logging
from worker.sentry import counted, start_sentry
from worker.wakeups import Wakeups

THREADS = 8
MOST_FORM_BYTES = 2_000_000
HEADER_TIMEOUT_MS = 10_000
MOST_HEADER_BYTES = 64 * 1024
log = structlog.get_logger()


def serve(settings: Settings) -> None:
    """Listen until a signal comes."""
    Granian(
        "console.processes.console:make_console",
        factory=True,
        address=settings.bind,
        port=settings.console_port,
        interface=Interfaces.RSGI,
        workers=1,
        respawn_failed_workers=True,
        websockets=False,
        log_access=False,
        log_level=LogLevels.error,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT_MS, max_buffer_size=MOST_HEADER_BYTES),
    ).serve()


def make_console() -> Served:
    """Make the application of the worker process."""
    environ = read_environment()
    settings = load_settings(environ)
    configure_logging(settings, "console")
    start_sentry(settings, "console")
    live = LiveConfig(settings.config_dir, environ, make_catalog())
    engine = connect(settings.require_database_url(), pool_size=THREADS)
    wakeups = Wakeups(make_celery(settings, live.config), live.config.accounts)
    console = Console(settings=settings, live=live, engine=engine, wakeups=wakeups, clock=system_clock)
    log.info("console.started", address=settings.bind, port=settings.console_port)
    app = make_app(console)
    app.wsgi_app = counted(app.wsgi_app)  # type: ignore[method-assign]
    return Served(app, threads=THREADS, most_body_bytes=MOST_FORM_BYTES)
