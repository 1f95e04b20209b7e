"""`hookyard up`: everything on this machine, supervised: PostgreSQL, Redis, receiver, worker, beat, console, Flower,
sandbox.

Invariant: the configuration is checked and every port is free before anything starts; what the other commands need to
find the servers stands in `<data dir>/up.env`, readable by its owner only.
"""

import base64
import os
import secrets
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from dotenv import dotenv_values

from config.load import load_config
from config.settings import PREFIX, UP_ENV_FILE, Settings, is_loopback, load_settings, read_environment
from console.cli.output import say
from console.cli.sandbox_wiring import webhook_targets
from console.stack.directories import make_data_directory, run_directory
from console.stack.postgres import EmbeddedPostgres
from console.stack.redis import EmbeddedRedis
from console.stack.service import Service
from console.stack.supervisor import Supervisor
from tasks.actions.registry import make_catalog
from worker.clock import system_clock
from worker.states import WORKER_HEARTBEAT

_READY_TIMEOUT_SECONDS = 2
# What the shipped accounts.yaml asks for, so that it can be run against the sandbox: a random value each, kept.
_SANDBOX_SECRETS = (
    "SCALEV_SIGNING_SECRET", "SCALEV_API_KEY",
    "WABOTICK_API_TOKEN", "WABOTICK_INCOMING_SECRET", "WABOTICK_OUTGOING_SECRET", "WABOTICK_STATUS_SECRET",
    "WABOTICK_CONVERSATION_SECRET", "WABOTICK_FLOW_SECRET",
    "META_APP_SECRET", "META_VERIFY_TOKEN", "META_ACCESS_TOKEN",
    "PROTON_API_KEY", "PROTON_WEBHOOK_SECRET",
    "CGB_API_TOKEN", "CGB_WEBHOOK_SECRET",
    "OPEN_MERCATO_API_KEY", "OPEN_MERCATO_WEBHOOK_SECRET",
    "FREIGHTTECH_PUSH_SECRET", "FREIGHTTECH_TRACKING_SECRET",
    "BILLING_WEBHOOK_SECRET",
)  # fmt: skip
_SANDBOX_URLS = {
    "SCALEV_BASE_URL": "/scalev/v3",
    "WABOTICK_BASE_URL": "/wabotick/api/v1",
    "META_BASE_URL": "/meta/v23.0",
    "PROTON_BASE_URL": "/proton",
    "CGB_BASE_URL": "/cgb/api",
    "OPEN_MERCATO_BASE_URL": "/open_mercato/api",
}
_SANDBOX_KEYS = {
    "SANDBOX_SCALEV_KEY": "SCALEV_API_KEY",
    "SANDBOX_WABOTICK_TOKEN": "WABOTICK_API_TOKEN",
    "SANDBOX_META_TOKEN": "META_ACCESS_TOKEN",
    "SANDBOX_PROTON_KEY": "PROTON_API_KEY",
    "SANDBOX_CGB_TOKEN": "CGB_API_TOKEN",
    "SANDBOX_OPEN_MERCATO_KEY": "OPEN_MERCATO_API_KEY",
}


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("up")(up)


def up(
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Start the sandbox vendors too, and call those.")] = False,
) -> None:
    """Start everything on this machine and show the log; Ctrl-C stops it in order."""
    _Up(sandbox=sandbox).run()


@dataclass(frozen=True)
class _Servers:
    """The servers that are ours to start; None where the settings name one that runs already."""

    postgres: EmbeddedPostgres | None
    redis: EmbeddedRedis | None


class _Up:
    def __init__(self, *, sandbox: bool) -> None:
        given = read_environment(of_up=False)
        self._sandbox = sandbox
        self._data_dir = load_settings(given).data_dir.resolve()
        self._written: dict[str, str] = {}
        settings = load_settings(given)
        self._servers = self._embedded(settings)
        self._drawn_login = self._login_of_flower(settings)
        if self._drawn_login:
            self._written[PREFIX + "FLOWER_AUTH"] = self._drawn_login
        if sandbox:
            self._written |= self._sandbox_variables(settings, given)
        self._environ = self._written | given
        self._settings = load_settings(self._environ)
        config = load_config(self._settings.config_dir, self._environ, make_catalog())
        if sandbox:
            own, there = _url(settings, settings.receiver_port), _url(settings, settings.sandbox_port)
            self._environ = {"SANDBOX_WEBHOOKS": webhook_targets(config, own, there)} | self._environ
        self._started_at = system_clock()

    def run(self) -> None:
        make_data_directory(self._data_dir)
        _write_private(self._data_dir / UP_ENV_FILE, self._written)
        Supervisor(self._data_dir, list(self._services()), ports=self._ports()).run(on_ready=self._announce)

    def _embedded(self, settings: Settings) -> _Servers:
        run_dir = run_directory(self._data_dir)
        postgres = None if settings.database_url else EmbeddedPostgres(self._data_dir, run_dir)
        redis = None if settings.redis_url else EmbeddedRedis(self._data_dir, run_dir)
        if postgres:
            self._written[PREFIX + "DATABASE_URL"] = postgres.dsn().replace("postgresql+psycopg://", "postgresql://")
        if redis:
            self._written[PREFIX + "REDIS_URL"] = redis.url
        return _Servers(postgres, redis)

    def _login_of_flower(self, settings: Settings) -> str | None:
        """Return a login that was drawn once for Flower; None where one is configured."""
        if settings.flower_auth is not None:
            return None
        kept = dotenv_values(self._data_dir / UP_ENV_FILE, interpolate=False)
        return kept.get(PREFIX + "FLOWER_AUTH") or f"hookyard:{secrets.token_urlsafe(12)}"

    def _sandbox_variables(self, settings: Settings, given: Mapping[str, str]) -> dict[str, str]:
        kept = dotenv_values(self._data_dir / UP_ENV_FILE, interpolate=False)
        values = {name: kept.get(name) or _new_secret(name) for name in _SANDBOX_SECRETS}
        values |= {name: f"{_url(settings, settings.sandbox_port)}{path}" for name, path in _SANDBOX_URLS.items()}
        known = {**values, **given}
        values |= {name: known[source] for name, source in _SANDBOX_KEYS.items()}
        if is_loopback(settings.bind) and not settings.console_proxy_header:
            values[PREFIX + "CONSOLE_LOGIN"] = "off"  # a demo that only this machine reaches
        return values | {PREFIX + "METRICS_TOKEN": kept.get(PREFIX + "METRICS_TOKEN") or secrets.token_urlsafe(24)}

    def _services(self) -> Iterator[Service]:
        settings, servers = self._settings, self._servers
        if servers.postgres:
            yield servers.postgres.service()
        if servers.redis:
            yield servers.redis.service()
        ledger = (servers.postgres.service().name,) if servers.postgres else ()
        broker = (servers.redis.service().name,) if servers.redis else ()
        yield self._command("migrate", ["db", "migrate"], after=ledger, oneshot=True)
        base = ("migrate", *ledger, *broker)
        yield self._command(
            "receiver", ["receiver"], after=base, url=f"{_url(settings, settings.receiver_port)}/readyz"
        )
        for number in range(1, settings.worker_processes + 1):
            name = f"worker-{number}"
            yield self._command(name, ["worker"], after=base, ready=self._worker_consumes, stop_seconds=30)
        yield self._command("beat", ["beat"], after=base)
        console = f"{_url(settings, settings.console_port)}/healthz"
        yield self._command("console", ["console"], after=base, url=console)
        flower = f"{_url(settings, settings.flower_port)}/healthcheck"
        yield self._command("flower", ["flower"], after=base, url=flower)
        if self._sandbox:
            url = f"{_url(settings, settings.sandbox_port)}/_sandbox"
            yield self._command("sandbox", ["sandbox"], url=url)

    def _command(
        self,
        name: str,
        arguments: list[str],
        *,
        after: tuple[str, ...] = (),
        url: str | None = None,
        ready: Callable[[], bool] | None = None,
        oneshot: bool = False,
        stop_seconds: float = 10,
    ) -> Service:
        environ = self._environ | {"PYTHONUNBUFFERED": "1"}
        if self._settings.log_format == "auto":
            environ |= {PREFIX + "LOG_FORMAT": "console" if sys.stdout.isatty() else "json"}
        return Service(
            name=name,
            argv=[sys.executable, "-m", "console.cli.main", *arguments],
            env={**os.environ, **environ},
            ready=ready or (lambda: url is None or _answers(url)),
            after=after,
            oneshot=oneshot,
            stop_seconds=stop_seconds,
        )

    def _worker_consumes(self) -> bool:
        """Whether a heartbeat of this run came through: beat, broker and worker are all there then."""
        address = self._settings.require_database_url().replace("postgresql+psycopg://", "postgresql://")
        query = "SELECT at >= %s FROM heartbeats WHERE name = %s"
        with psycopg.connect(address, connect_timeout=2) as connection:
            row = connection.execute(query, (self._started_at, WORKER_HEARTBEAT)).fetchone()
        return row is not None and bool(row[0])

    def _ports(self) -> list[tuple[int, str, str, str]]:
        settings = self._settings
        uses = [
            (settings.receiver_port, settings.bind, "the receiver", PREFIX + "RECEIVER_PORT"),
            (settings.console_port, settings.bind, "the console", PREFIX + "CONSOLE_PORT"),
            (settings.flower_port, settings.bind, "Flower", PREFIX + "FLOWER_PORT"),
        ]
        if self._sandbox:
            uses.append((settings.sandbox_port, settings.bind, "the sandbox vendors", PREFIX + "SANDBOX_PORT"))
        return uses

    def _announce(self) -> None:
        settings = self._settings
        command = Path(sys.argv[0])
        shown = os.path.relpath(command) if command.name == "hookyard" else "hookyard"
        say("")
        say("Hookyard is ready.")
        say(f"  receiver  {_url(settings, settings.receiver_port)}/webhooks/<account>")
        say(f"  console   {_url(settings, settings.console_port)}")
        login = f"  (login: {' '.join(self._drawn_login.split(':'))})" if self._drawn_login else ""
        say(f"  Flower    {_url(settings, settings.flower_port)}{login}")
        if self._sandbox:
            say(f"  sandbox   {_url(settings, settings.sandbox_port)}")
        say("Send a first event from a second terminal:")
        say(f"  {shown} send scalev order.created")
        say("Ctrl-C stops everything.")
        say("")


def _new_secret(name: str) -> str:
    """Return a random secret; that of Open Mercato's webhooks has the form that Standard Webhooks wants."""
    if name == "OPEN_MERCATO_WEBHOOK_SECRET":
        return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    return secrets.token_urlsafe(24)


def _url(settings: Settings, port: int) -> str:
    host = f"[{settings.bind}]" if ":" in settings.bind else settings.bind
    return f"http://{host}:{port}"


def _answers(url: str) -> bool:
    with urllib.request.urlopen(url, timeout=_READY_TIMEOUT_SECONDS) as response:  # noqa: S310 - our own servers
        return int(response.status) == 200


def _write_private(path: Path, values: Mapping[str, str]) -> None:
    """Write variables for the commands in other terminals, never readable by others, never half."""
    lines = ["# Written by `hookyard up` at every start: how the other commands find its servers.\n"]
    lines += [f"{name}='{value}'\n" for name, value in sorted(values.items())]
    draft = path.with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(lines)
    draft.replace(path)
