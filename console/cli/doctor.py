"""`hookyard doctor`: looks at everything a support engineer would ask about.

Invariant: each finding is one line with its own verdict, and says what to do when it is bad.
"""

from collections.abc import Iterator
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from config.accounts import Business
from config.faults import ConfigError
from config.load import Config
from console.cli import options
from console.cli.context import Context, open_context
from console.cli.output import CommandError, print_json, print_table
from console.health import checks, surroundings
from console.health.finding import Finding, Level
from webhooks.receiving import Receiving, make_endpoints
from webhooks.registry import SOURCES
from worker.clock import system_clock
from worker.ledger import quarantine
from worker.ledger.migrating import current_revision, newest_revision


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(
    only: Annotated[str | None, typer.Option("--only", help="Only this check, like worker: for health checks.")] = None,
    vendors: Annotated[
        bool,
        typer.Option(
            "--vendors", help="Also connect to each vendor and to the public address: reached? is the certificate good?"
        ),
    ] = False,
    json_: options.Json = False,
) -> None:
    """Look at configuration, ledger, broker, worker and what waits for a person; exit 1 when something is wrong."""
    findings = [finding for finding in _findings(open_context(), vendors_too=vendors) if only in {None, finding.check}]
    if not findings:
        raise CommandError(f'there is no check "{only}"')
    rows = [{"check": one.check, "ok": one.ok, "what": one.what, "since": one.since} for one in findings]
    if json_:
        print_json({"ok": all(finding.ok for finding in findings), "findings": rows})
    else:
        print_table(("", "check", "what"), [row | {"": "ok" if row["ok"] else "BAD"} for row in rows], "")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def _findings(context: Context, *, vendors_too: bool) -> Iterator[Finding]:
    yield surroundings.versions()
    yield from surroundings.settings_in_use(context.settings)
    yield _configuration(context)
    yield checks.disk(context.settings)
    yield checks.broker(context.settings)
    yield surroundings.broker_setup(context.settings)
    yield surroundings.queues(context.settings, _config_or_none(context))
    yield surroundings.receiver(context.settings)
    yield from _ledger(context)
    if vendors_too:
        yield from surroundings.public_address(context.settings, system_clock())
        yield from surroundings.vendors(_config_or_none(context), system_clock())


def _configuration(context: Context) -> Finding:
    try:
        config = context.config
    except ConfigError as error:
        return Finding("configuration", Level.BAD, f"{len(error.faults)} faults, see `hookyard check`")
    fact = f"{len(config.accounts)} accounts, {len(config.rules)} rules"
    return Finding("configuration", Level.GOOD, fact)


def _ledger(context: Context) -> Iterator[Finding]:
    try:
        revision, newest = current_revision(context.engine), newest_revision()
        level = Level.GOOD if revision == newest else Level.BAD
        yield Finding("ledger", level, f"tables at {revision}, the program wants {newest}")
        if revision != newest:
            return
        config = _config_or_none(context)
        for check in (surroundings.clock, surroundings.size, *checks.CHECKS, surroundings.told, *checks.SLOWER):
            with context.ledger() as connection:
                yield from check(checks.Look(connection, config, system_clock()))
        yield _quarantine(context)
    except ConfigError as error:
        yield Finding("ledger", Level.BAD, str(error))
    except SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or "").strip().splitlines()
        yield Finding("ledger", Level.BAD, f"cannot be reached: {said[0] if said else type(error).__name__}")


def _config_or_none(context: Context) -> Config:
    """Return the configuration; an empty one when it has faults, which are told already."""
    try:
        return context.config
    except ConfigError:
        return Config({}, Business(), ())


def _quarantine(context: Context) -> Finding:
    """Judge only what was refused by our own fault: anybody may send what was never a vendor's."""
    with context.ledger() as connection:
        held = quarantine.held(connection)
    try:
        endpoints = make_endpoints(context.config, SOURCES)
    except ConfigError:
        return Finding("quarantine", Level.GOOD, f"{len(held)} held, not verified: the configuration has faults")
    receiving = Receiving(context.engine, context.settings, endpoints)
    good = sum(receiving.verify_again(row) is None for row in held)
    fact, how = f"{len(held)} held, {good} of them would be accepted now", "hookyard quarantine release" if good else ""
    return Finding("quarantine", Level.BAD if good else Level.GOOD, fact, how)
