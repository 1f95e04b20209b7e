"""What lies around: versions, settings, clocks, how Redis is set up, who was not told, whether vendors are reached.

Invariant: no secret is shown, only that it is set; to a vendor a connection is opened and closed, nothing is sent.
"""

import platform
import socket
import ssl
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from http.client import HTTPException
from importlib.metadata import version
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

import redis
from pydantic import SecretStr
from sqlalchemy import text

from config.accounts import CalledAccount
from config.faults import ConfigError
from config.load import Config
from config.settings import PREFIX, Settings
from console.health.checks import Look
from console.health.finding import Finding, Level
from tasks.actions.addresses import open_socket
from worker.alerting import WORDS
from worker.broker import queue_lengths, redis_client
from worker.celery_app import all_queues
from worker.errors import WorkerError
from worker.ledger import alerts

MOST_SKEW_SECONDS = 2.0
SOON_DAYS = 14
"""A certificate that ends within so many days is worth a word to the vendor."""
_CONNECT_SECONDS = 5.0
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""For what is on this machine: no proxy is in between."""


def versions() -> Finding:
    """Tell what runs here."""
    return Finding("versions", Level.GOOD, f"hookyard {version('hookyard')}, Python {platform.python_version()}")


def settings_in_use(settings: Settings) -> Iterator[Finding]:
    """Tell which settings are not as they are shipped; of secrets only that they are set."""
    for name, field in sorted(type(settings).model_fields.items()):
        value = getattr(settings, name)
        if name == "release" or value is None or value == field.default:
            continue
        shown = "(set)" if isinstance(value, SecretStr) else value
        yield Finding("settings", Level.GOOD, f"{PREFIX}{name.upper()}={shown}")


def broker_setup(settings: Settings) -> Finding:
    """Tell whether Redis may throw messages away, and whether it keeps them over a restart."""
    try:
        client = redis_client(settings.require_redis_url(), timeout_seconds=2)
        found: dict[str, Any] = dict(client.info())
    except (redis.RedisError, OSError, ConfigError):
        return Finding("broker setup", Level.GOOD, "cannot be asked")  # that it is away, another check tells
    policy, most = found.get("maxmemory_policy", "unknown"), int(found.get("maxmemory", 0))
    kept = "kept over a restart" if found.get("aof_enabled") else "not kept over a restart, which costs seconds only"
    fact = f"Redis {found.get('redis_version')}, {policy}, {kept}"
    if most and policy not in {"noeviction", "unknown"}:
        means = "When its memory is full, Redis throws wake-ups away; sweeps repeat them, late. Set noeviction."
        return Finding("broker setup", Level.BAD, fact, "maxmemory-policy noeviction", means)
    return Finding("broker setup", Level.GOOD, fact)


def queues(settings: Settings, config: Config) -> Finding:
    """Tell how many wake-ups wait in the broker; what is due and not done, other checks tell."""
    try:
        client = redis_client(settings.require_redis_url(), timeout_seconds=2)
        found = queue_lengths(client, all_queues(config))
    except (redis.RedisError, OSError, ConfigError):
        return Finding("queues", Level.GOOD, "cannot be asked")
    waiting = ", ".join(f"{name} {count}" for name, count in found.items() if count)
    return Finding("queues", Level.GOOD, f"wake-ups that wait: {waiting or 'none'}")


def receiver(settings: Settings) -> Finding:
    """Tell whether the receiver of this machine is ready for webhooks; there may be none here."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.bind, settings.bind)  # noqa: S104 - where it listens
    place = f"{f'[{host}]' if ':' in host else host}:{settings.receiver_port}"
    try:
        with _OPENER.open(f"http://{place}/readyz", timeout=_CONNECT_SECONDS) as answer:
            status = answer.status
    except HTTPError as error:
        status = error.code
    except (OSError, HTTPException):
        means = "Without a receiver vendors get no answer, and send again. It may run on another machine: ask there."
        return Finding("receiver", Level.LOOK, f"nobody answers at {place}", means=means)
    level = Level.GOOD if status == HTTPStatus.OK else Level.BAD
    means = "It answers vendors 503, which they take as “send it again”. Can it reach PostgreSQL?"
    return Finding("receiver", level, f"{place} answers {status}", means=means)


def size(look: Look) -> Iterator[Finding]:
    """Tell how much room the ledger takes, which the server of PostgreSQL has to have."""
    taken = look.connection.scalar(text("SELECT pg_database_size(current_database())"))
    yield Finding("ledger size", Level.GOOD, f"{int(taken or 0) // 1_000_000} MB")


def clock(look: Look) -> Iterator[Finding]:
    """Tell how far this machine's clock is from the database's."""
    before = datetime.now(UTC)
    row = look.connection.execute(text("SELECT clock_timestamp() AS at, current_setting('server_version') AS version"))
    there, server = row.one()
    after = datetime.now(UTC)
    # Between two moments there is none that is surely the same: what lies within them is no difference.
    skew = max((before - there).total_seconds(), (there - after).total_seconds(), 0.0)
    fact = f"PostgreSQL {server}, its clock differs by {skew:.1f} s"
    means = "Leases, retries and signatures with a time go wrong when clocks differ. Use a time server."
    yield Finding("clock", Level.BAD if skew > MOST_SKEW_SECONDS else Level.GOOD, fact, means=means)


def told(look: Look) -> Iterator[Finding]:
    """Tell which failures near their limits, and which target could not be told."""
    firing = [watch for watch in alerts.watches(look.connection) if watch.since is not None]
    for watch in firing:
        found = watch.measure
        where = f"{found.account}: " if found.account else ""
        fact = f"{where}{found.cause} at {found.percent} % of its limit"
        means = "Failures near the limit that accounts.yaml sets for them; those whom `alerts` names were told."
        yield Finding("alerts", Level.LOOK, fact, WORDS[found.cause].look, means, watch.since)
    if not firing:
        who = len(look.config.alerts.targets)
        yield Finding("alerts", Level.GOOD, f"nothing nears its limit; {who} are told" if who else "nobody is told")
    for name, row in alerts.last_of_targets(look.connection).items():
        if row.waiting and row.last_error and name in look.config.alerts.targets:
            fact = f"{name} could not be told: {row.last_error}"
            means = "It is tried again for six hours. Look whether its address still takes messages."
            yield Finding("alerts", Level.BAD, fact, f"hookyard alerts test --target {name}", means)


def public_address(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Tell whether the address that vendors were given answers, and how long its certificate is good."""
    if settings.public_url:
        yield _reached("public address", settings.public_url, socket.create_connection, now)


def vendors(config: Config, now: datetime) -> Iterator[Finding]:
    """Tell whether each vendor's API can be reached, and how long its certificate is good."""
    for name, account in config.accounts.items():
        if isinstance(account, CalledAccount):
            yield _reached(f"vendor of {name}", account.base_url, partial(_connected, account), now)


def _connected(account: CalledAccount, address: tuple[str, int], timeout_seconds: float) -> socket.socket:
    return open_socket(account, *address, timeout_seconds)


def _reached(
    check: str, url: str, connect: Callable[[tuple[str, int], float], socket.socket], now: datetime
) -> Finding:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        with connect((host, port), _CONNECT_SECONDS) as connection:
            if parts.scheme != "https":
                return Finding(check, Level.GOOD, f"{host} answers, without TLS")
            with ssl.create_default_context().wrap_socket(connection, server_hostname=host) as secured:
                return _judged(check, host, secured, now)
    except (OSError, ValueError, WorkerError) as error:
        what = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else type(error).__name__
        means = "Nobody gets through there now. Is it the vendor, the network, or the address?"
        return Finding(check, Level.BAD, f"{host} cannot be reached: {what}", means=means)


def _judged(check: str, host: str, secured: ssl.SSLSocket, now: datetime) -> Finding:
    certificate = secured.getpeercert() or {}
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    level = Level.LOOK if (until - now).days < SOON_DAYS else Level.GOOD
    return Finding(check, level, f"{host} answers by {secured.version()}, its certificate ends on {until:%Y-%m-%d}")
