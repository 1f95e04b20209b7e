"""The processes: receiver, worker, beat, console, Flower, sandbox. Each checks the configuration before it starts.

Invariant: these are the same commands under `hookyard up`, in a container and under systemd.
"""

import os
import sys
from typing import Annotated

import typer

from config.settings import is_loopback
from console.cli.context import Context, open_context
from console.cli.output import CommandError
from worker.logs import configure_logging


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (receiver, worker, beat, console, flower, sandbox):
        app.command(command.__name__, rich_help_panel="Processes")(command)


def _start(program: str) -> Context:
    context = open_context()
    configure_logging(context.settings, program)
    _ = context.config  # every fault is told here, before anything starts
    context.settings.require_database_url()
    context.settings.require_redis_url()
    if context.settings.sentry_dsn:
        from worker.sentry import start_sentry  # noqa: PLC0415 - slow to load, and of no use without a DSN

        start_sentry(context.settings, program)
    if context.settings.otlp_endpoint and program in {"receiver", "worker"}:
        from worker.tracing import start_tracing  # noqa: PLC0415 - as above

        start_tracing(context.settings, program)
    return context


def receiver() -> None:
    """Answer the vendors' webhooks."""
    from console.processes.receiver import serve  # noqa: PLC0415 - a command pays only for what it runs

    serve(_start("receiver").settings)


def worker() -> None:
    """Route events and deliver what follows."""
    from console.processes.worker import work  # noqa: PLC0415 - as above

    context = _start("worker")
    sys.exit(work(context.settings, context.config, context.environ))


def beat() -> None:
    """Wake the sweep every second, and send the heartbeat through the queue."""
    from console.processes.beat import tick  # noqa: PLC0415 - as above

    context = _start("beat")
    tick(context.settings, context.config)


def console() -> None:
    """Show what happens, and let people act, in a browser."""
    from console.processes.console import serve  # noqa: PLC0415 - as above

    serve(_start("console").settings)


def flower() -> None:
    """Show the tasks in a browser."""
    from console.processes.flower import show  # noqa: PLC0415 - as above

    context = _start("flower")
    bind = context.settings.bind
    if context.settings.flower_auth is None and not is_loopback(bind):
        raise CommandError(
            f"Flower can stop workers, so on {bind} it needs a login: set HOOKYARD_FLOWER_AUTH to user:password"
        )
    show(context.settings, context.config)


def sandbox(
    port: Annotated[int | None, typer.Option("--port", help="Default: HOOKYARD_SANDBOX_PORT.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Ids and chances follow from it.")] = 1,
) -> None:
    """Play the vendors, for demos and tests."""
    settings = open_context().settings
    arguments = ["--host", settings.bind, "--port", str(port or settings.sandbox_port), "--seed", str(seed)]
    try:
        import aiohttp  # noqa: F401, PLC0415 - only the sandbox needs it
    except ImportError:
        raise CommandError('the sandbox is not installed: install hookyard with its extra "sandbox"') from None
    os.execv(sys.executable, [sys.executable, "-m", "sandbox", *arguments])  # noqa: S606 - it stands alone, as itself
