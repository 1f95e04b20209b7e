"""`hookyard alerts`: which failures near their limits, who was told when; and a test message to every target."""

from typing import Annotated, Any
from uuid import uuid4

import typer

from console.cli import completing, options
from console.cli.context import Context, open_context
from console.cli.output import CommandError, print_json, print_table, say
from tasks.alerting.sending import Sender
from worker.alerting import WORDS, Watch
from worker.clock import system_clock
from worker.errors import WorkerError
from worker.ledger import alerts as ledger

_FIRING = ("cause", "account", "percent", "value", "limit", "since", "told_at", "look")
_TARGETS = ("target", "kind", "last_sent_at", "waiting", "last_error")
alerts = typer.Typer(help="Failures that near their limits, and who is told.")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(alerts, name="alerts")


@alerts.callback(invoke_without_command=True)
def alone(context: typer.Context, json_: options.Json = False) -> None:
    """Failures that near their limits, since when, and who was told when."""
    if context.invoked_subcommand is not None:
        return
    opened = open_context()
    with opened.ledger() as connection:
        firing = [_shown(watch) for watch in ledger.watches(connection) if watch.since is not None]
        last = ledger.last_of_targets(connection)
    targets = []
    for name, target in opened.config.alerts.targets.items():
        row = last.get(name)
        told = {key: getattr(row, key, None) for key in ("last_sent_at", "last_error")}
        targets.append({"target": name, "kind": target.kind, "waiting": row.waiting if row else 0, **told})
    if json_:
        print_json({"firing": firing, "targets": targets})
        return
    print_table(_FIRING, firing, "Nothing nears its limit.")
    say("")
    print_table(_TARGETS, targets, "Nobody is told: accounts.yaml has no alerts.targets.")


@alerts.command("test")
def send_test(
    target: Annotated[
        list[str] | None,
        typer.Option("--target", help="Only this one, by its name.", autocompletion=completing.alert_targets),
    ] = None,
    json_: options.Json = False,
) -> None:
    """Send a test message to every target at once; exit 1 when one could not be told."""
    context = open_context()
    names = target or list(context.config.alerts.targets)
    if not names:
        raise CommandError("nobody would be told: accounts.yaml has no alerts.targets")
    results = [_tested(context, name) for name in names]
    if json_:
        print_json(results)
    else:
        print_table(("target", "kind", "ok", "error"), results, "")
    if not all(result["ok"] for result in results):
        raise typer.Exit(1)


def _tested(context: Context, name: str) -> dict[str, Any]:
    target = context.config.alerts.targets.get(name)
    if target is None:
        known = ", ".join(context.config.alerts.targets)
        raise CommandError(f'there is no target "{name}" (there are {known})')
    try:
        Sender(context.settings.environment, system_clock).send(target, (), str(uuid4()))
    except WorkerError as error:
        return {"target": name, "kind": target.kind, "ok": False, "error": str(error)}
    return {"target": name, "kind": target.kind, "ok": True, "error": None}


def _shown(watch: Watch) -> dict[str, Any]:
    found = watch.measure
    return {
        "cause": found.cause, "account": found.account or None, "percent": found.percent,
        "value": round(found.value, 1), "limit": found.limit, "since": watch.since,
        "told_at": max(watch.told.values(), default=None),
        "look": WORDS[found.cause].look,
    }  # fmt: skip
