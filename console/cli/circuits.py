"""`hookyard circuits`: what is held back at which account, why and until when; a person lifts it."""

from typing import Annotated, Any

import typer

from console.cli import completing, options
from console.cli.context import open_context
from console.cli.output import print_json, print_table, tell
from worker.clock import system_clock
from worker.holding import Hold, person_key
from worker.ledger import holds, pauses
from worker.ledger.pauses import Pause
from worker.states import HoldKind, PauseKind, Reason

_COLUMNS = ("account", "kind", "key", "reason", "opened_at", "until", "probes", "error")
circuits = typer.Typer(help="What is held back: list it, lift it.")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(circuits, name="circuits")


@circuits.callback(invoke_without_command=True)
def alone(
    context: typer.Context,
    account: options.Account = None,
    limit: options.Limit = 200,
    json_: options.Json = False,
) -> None:
    """What is held back: what is paused, accounts whose circuit is open, persons, templates. Alone it lists them."""
    if context.invoked_subcommand is not None:
        return
    with open_context().ledger() as connection:
        paused = [pause for pause in pauses.in_force(connection) if account in {None, pause.name}]
        found = [_paused(pause) for pause in paused]
        found += [_shown(hold) for hold in holds.in_force(connection, system_clock(), account, limit)]
    if json_:
        print_json(found)
    else:
        print_table(_COLUMNS, found, "Nothing is held.")


@circuits.command("close")
def close(
    account: Annotated[
        str, typer.Argument(metavar="ACCOUNT", help="The account, like wa.", autocompletion=completing.accounts)
    ],
    kind: Annotated[HoldKind, typer.Option("--kind", help="What is held.")] = HoldKind.ACCOUNT,
    key: Annotated[str, typer.Option("--key", help="The template, or the person's key as listed.")] = "",
    phone: Annotated[
        str | None, typer.Option("--phone", help="The person, as +628123456789, instead of --key.")
    ] = None,
    comment: options.Comment = "",
    json_: options.Json = False,
) -> None:
    """Lift a hold: what waits for it goes on, slowly at first."""
    if phone is not None:
        kind, key = HoldKind.RECIPIENT, person_key(phone)
    context = open_context()
    with context.ledger() as connection:
        hold = context.people(connection, comment).close(account, kind, key)
    tell(_shown(hold) | {"state": "closed"}, f"{account} is no longer held ({hold.reason})", json_=json_)


def _paused(pause: Pause) -> dict[str, Any]:
    """Return a pause as a hold that a person lifts with `hookyard resume`."""
    is_account = pause.kind is PauseKind.ACCOUNT
    return {
        "account": pause.name if is_account else "", "kind": pause.kind, "key": "" if is_account else pause.name,
        "reason": Reason.PAUSED, "opened_at": pause.since, "until": None, "probes": 0, "error": pause.said,
    }  # fmt: skip


def _shown(hold: Hold) -> dict[str, Any]:
    return {column: getattr(hold, column) for column in _COLUMNS}
