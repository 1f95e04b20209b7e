"""The worker as a process: Celery with a pool of threads.

Invariant: every vendor has room for its calls; none can take the threads of the others.
"""

import os
import socket
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime

import structlog
from celery.platforms import SecurityWarning
from celery.signals import worker_ready, worker_shutdown

from config.load import Config
from config.settings import Settings
from tasks.actions.registry import make_catalog
from tasks.celery_tasks import register_tasks
from tasks.engine import Engine, worker_threads
from tasks.reloading import Reloader
from tasks.watchdog import Watchdog
from worker.celery_app import make_celery

log = structlog.get_logger()


def work(settings: Settings, config: Config, environ: Mapping[str, str]) -> int:
    """Consume until a signal comes; return the exit status. `environ`: what the configuration was read with."""
    app = make_celery(settings, config)
    engine = Engine(settings, config, app)
    watchdog = Watchdog(engine.queued_messages)
    register_tasks(app, engine, watchdog)
    threads = worker_threads(settings, config)
    reloader = Reloader(
        folder=settings.config_dir, environ=environ, catalog=make_catalog(), config=config, use=engine.use,
        database=engine.database, worker=f"{socket.gethostname()}:{os.getpid()}",
    )  # fmt: skip

    def ready(**_: object) -> None:
        watchdog.start()
        reloader.start()
        log.info("worker.started", threads=threads, at=datetime.now(UTC).isoformat(timespec="seconds"))

    def stopped(**_: object) -> None:
        reloader.stop()
        engine.close()
        log.info("worker.stopped")

    # Celery warns of root because of pickle; messages here are JSON, and hold ids.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    worker_ready.connect(ready, weak=False)
    worker_shutdown.connect(stopped, weak=False)
    celery_worker = app.Worker(
        hostname=f"worker-{os.getpid()}@{socket.gethostname()}",
        pool="threads",
        concurrency=threads,
        loglevel=settings.log_level.upper(),
        quiet=True,
        without_mingle=True,
        without_gossip=True,
    )
    celery_worker.start()
    return int(celery_worker.exitcode or 0)
