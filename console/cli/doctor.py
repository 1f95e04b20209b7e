"""`hookyard doctor`: looks at everything a support engineer would ask about.

Invariant: each finding is one line with its own verdict, and says what to do when it is bad.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Annotated, Any

import redis
import typer
from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError

from config.faults import ConfigError
from console.cli import options
from console.cli.context import Context, open_context
from console.cli.output import CommandError, print_json, print_table
from webhooks.receiving import Receiving, make_endpoints
from webhooks.registry import SOURCES
from worker import health
from worker.broker import redis_client
from worker.clock import system_clock
from worker.ledger import holds, pauses, quarantine, queries, reloads
from worker.ledger.migrating import current_revision, newest_revision
from worker.states import WORKER_HEARTBEAT, HoldKind

LEAST_FREE_BYTES = 500_000_000
SECRETS_SINCE = timedelta(days=30)
FORGOTTEN_AFTER = timedelta(days=1)
"""A pause that is older than this may have been forgotten."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    check: str
    ok: bool
    what: str


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(
    only: Annotated[str | None, typer.Option("--only", help="Only this check, like worker: for health checks.")] = None,
    json_: options.Json = False,
) -> None:
    """Look at configuration, ledger, broker, worker and what waits for a person; exit 1 when something is wrong."""
    findings = [finding for finding in _findings(open_context()) if only in {None, finding.check}]
    if not findings:
        raise CommandError(f'there is no check "{only}"')
    rows = [asdict(finding) for finding in findings]
    if json_:
        print_json({"ok": all(finding.ok for finding in findings), "findings": rows})
    else:
        print_table(("", "check", "what"), [row | {"": "ok" if row["ok"] else "BAD"} for row in rows], "")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def _findings(context: Context) -> Iterator[Finding]:
    for look in (_configuration, _disk, _broker, _ledger):
        yield from look(context)


def _configuration(context: Context) -> Iterator[Finding]:
    try:
        config = context.config
    except ConfigError as error:
        yield Finding("configuration", ok=False, what=f"{len(error.faults)} faults, see `hookyard check`")
    else:
        yield Finding("configuration", ok=True, what=f"{len(config.accounts)} accounts, {len(config.rules)} rules")


def _disk(context: Context) -> Iterator[Finding]:
    folder = context.settings.data_dir
    free = shutil.disk_usage(folder if folder.exists() else ".").free
    yield Finding("disk", ok=free > LEAST_FREE_BYTES, what=f"{free // 1_000_000} MB free")


def _broker(context: Context) -> Iterator[Finding]:
    try:
        redis_client(context.settings.require_redis_url(), timeout_seconds=2).ping()
    except (redis.RedisError, OSError, ConfigError) as error:
        what = f"{type(error).__name__}: events are still taken in, work goes on when it is back"
        yield Finding("broker", ok=False, what=what)
    else:
        yield Finding("broker", ok=True, what="answers")


def _ledger(context: Context) -> Iterator[Finding]:
    try:
        revision, newest = current_revision(context.engine), newest_revision()
        yield Finding("ledger", ok=revision == newest, what=f"tables at {revision}, the program wants {newest}")
        looks: tuple[Callable[[Context], Iterator[Finding]], ...] = (
            _worker, _rules, _circuits, _pauses, _waiting, _secrets,
        )  # fmt: skip
        for look in looks if revision == newest else ():
            yield from look(context)
    except (SQLAlchemyError, ConfigError) as error:
        yield Finding("ledger", ok=False, what=f"cannot be reached: {type(error).__name__}")


def _worker(context: Context) -> Iterator[Finding]:
    with context.ledger() as connection:
        beat = health.last_beat(connection, WORKER_HEARTBEAT)
    if beat is None:
        yield Finding("worker", ok=False, what="no worker has ever consumed a heartbeat: start worker and beat")
        return
    age = (system_clock() - beat).total_seconds()
    what = f"consumed a heartbeat {age:.0f} s ago"
    if age >= health.STALE_SECONDS:
        what += ": worker, beat or broker is down"
    yield Finding("worker", ok=age < health.STALE_SECONDS, what=what)


def _rules(context: Context) -> Iterator[Finding]:
    """Tell whose worker refused changed rules, or did not take changed accounts over."""
    with context.ledger() as connection:
        in_use = reloads.read(connection, system_clock())
    for worker in in_use:
        what = f"{worker.rules} in use"
        if worker.refused:
            what += (
                f"; changed ones are refused, {len(worker.refused)} faults, see `hookyard check`: {worker.refused[0]}"
            )
        if worker.accounts_changed:
            what += "; accounts.yaml changed, which a restart takes over"
        is_ok = not worker.refused and not worker.accounts_changed
        yield Finding(f"rules of {worker.worker}", ok=is_ok, what=what)


def _waiting(context: Context) -> Iterator[Finding]:
    with context.ledger() as connection:
        counts = queries.count_by_state(connection)
        failed = queries.count_failed_events(connection)
        held = quarantine.held(connection)
    how = ": hookyard events --state failed, then hookyard replay" if failed else ""
    yield Finding("failed events", ok=not failed, what=f"{failed}{how}")
    advice = {"dead": "hookyard dead list", "unknown": "hookyard deliveries --state unknown, then hookyard resolve"}
    for state, how in advice.items():
        count = counts.get(state, 0)
        yield Finding(f"{state} deliveries", ok=count == 0, what=f"{count}" + (f": {how}" if count else ""))
    yield _quarantine(context, held)
    open_ = sum(counts.get(state, 0) for state in ("ready", "waiting", "retrying", "in_flight"))
    yield Finding("open deliveries", ok=True, what=f"{open_}, {counts.get('retrying', 0)} of them for another attempt")


def _quarantine(context: Context, held: list[Row[Any]]) -> Finding:
    """Judge only what was refused by our own fault: anybody may send what was never a vendor's."""
    try:
        endpoints = make_endpoints(context.config, SOURCES)
    except ConfigError:
        return Finding("quarantine", ok=True, what=f"{len(held)} held, not verified: the configuration has faults")
    receiving = Receiving(context.engine, context.settings, endpoints)
    good = sum(receiving.verify_again(row) is None for row in held)
    what = f"{len(held)} held, {good} of them would be accepted now" + (": hookyard quarantine release" if good else "")
    return Finding("quarantine", ok=good == 0, what=what)


def _circuits(context: Context) -> Iterator[Finding]:
    """Tell which accounts are held, and what a person has to lift."""
    with context.ledger() as connection:
        found = holds.in_force(connection, system_clock())
    for hold in found:
        if hold.kind is HoldKind.ACCOUNT and hold.until is not None:
            what = f"held since {hold.opened_at:%Y-%m-%d %H:%M} ({hold.reason}), tried at {hold.until:%H:%M:%S} UTC"
            yield Finding(f"circuit {hold.account}", ok=False, what=f"{what}: {hold.error}")
        elif hold.kind is HoldKind.TEMPLATE and hold.until is None:
            what = f"template {hold.key} is stopped ({hold.reason}): hookyard circuits close once it works again"
            yield Finding(f"circuit {hold.account}", ok=False, what=what)


def _pauses(context: Context) -> Iterator[Finding]:
    """Tell what is paused; what has been so for more than a day may have been forgotten."""
    with context.ledger() as connection:
        found = pauses.in_force(connection)
    for pause in found:
        is_new = system_clock() - pause.since < FORGOTTEN_AFTER
        what = pause.said + ("" if is_new else f": hookyard resume {pause.kind} {pause.name}")
        yield Finding(f"paused {pause.kind}", ok=is_new, what=what)


def _secrets(context: Context) -> Iterator[Finding]:
    """Tell which secrets are in use, so that an old one can be taken away when nothing comes by it any more."""
    with context.ledger() as connection:
        rows = queries.secrets_used(connection, system_clock() - SECRETS_SINCE)
    for row in rows:
        where = f"{row.account}{'/' + row.trigger if row.trigger else ''}"
        what = f"verified {row.events} events in 30 days, the last at {row.last_received_at:%Y-%m-%d %H:%M}"
        yield Finding(f"secret {(row.secret_index or 0) + 1} of {where}", ok=True, what=what)
