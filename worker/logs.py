"""Logging: one wide line per event, readable on a terminal, JSON otherwise.

Invariant: log events are dotted and in the past tense, and carry ids, never what is personal or secret.
"""

import logging
import sys

import structlog
from structlog.typing import Processor

from config.settings import Settings

# Libraries that speak of every connection or task: what matters of it, we say ourselves.
_QUIET = (
    "httpx", "httpcore", "celery.app.trace", "celery.worker.strategy", "celery.redirected", "celery.beat",
    "celery.apps.worker", "celery.worker.consumer.connection",
)  # fmt: skip


def configure_logging(settings: Settings, program: str) -> None:
    """Set up structlog and the standard library's logging for this process; `program` is on every line."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _adds("program", program),
    ]
    structlog.configure(
        processors=[*shared, *_rendering(settings)],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(settings)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _rendering(settings: Settings) -> list[Processor]:
    wants_console = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    if wants_console:
        return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), sort_keys=False)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]


def _adds(name: str, value: str) -> Processor:
    def processor(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event.setdefault(name, value)
        return event

    return processor
