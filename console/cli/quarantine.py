"""`hookyard quarantine`: bodies that failed verification; verify them again after a secret was mended, release them."""

from typing import Annotated, Any

import typer
from rich.progress import track
from sqlalchemy import Connection, Row

from console.cli import options
from console.cli.context import Context, open_context
from console.cli.output import CommandError, print_json, print_table, say
from console.pressing.releasing import Releasing, receiving_of
from worker.clock import system_clock
from worker.ledger import quarantine as held_bodies

quarantine = typer.Typer(help="Bodies that failed verification.")
OneId = Annotated[str | None, typer.Argument(metavar="[ID]", help="Only this one.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many, the oldest.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(quarantine, name="quarantine")


@quarantine.callback(invoke_without_command=True)
def alone(context: typer.Context, account: options.Account = None, json_: options.Json = False) -> None:
    """Bodies that failed verification. Alone it lists them."""
    if context.invoked_subcommand is None:
        list_(account=account, json_=json_)


@quarantine.command("list")
def list_(account: options.Account = None, limit: Limit = 50, json_: options.Json = False) -> None:
    """List what is held, oldest first."""
    with open_context().ledger() as connection:
        found = [_shown(row) for row in held_bodies.held(connection, account, limit)]
    if json_:
        print_json(found)
    else:
        print_table(
            ("id", "received_at", "account", "reason", "bytes", "times", "source_ip"), found, "Nothing is held."
        )


@quarantine.command("verify")
def verify(account: options.Account = None, limit: Limit = 10_000, json_: options.Json = False) -> None:
    """Verify what is held with the secrets as they are now; nothing is released."""
    context = open_context()
    receiving = receiving_of(context.engine, context.settings, context.config)
    with context.ledger() as connection:
        found = [
            _shown(row) | {"still_refused": receiving.verify_again(row)}
            for row in held_bodies.held(connection, account, limit)
        ]
    good = sum(row["still_refused"] is None for row in found)
    if json_:
        print_json(found)
        return
    print_table(("id", "received_at", "account", "reason", "still_refused"), found, "Nothing is held.")
    if good:
        say(f"{good} of {len(found)} would be accepted now: hookyard quarantine release")


@quarantine.command("release")
def release(
    id_: OneId = None,
    account: options.Account = None,
    limit: Limit = 10_000,
    comment: options.Comment = "",
    json_: options.Json = False,
) -> None:
    """Release what verifies now, in the order in which it came in; the rest stays."""
    context = open_context()
    releasing = _releasing(context, comment)
    with context.ledger() as connection:
        held = _chosen(connection, id_, account, limit)
    done = [releasing.release(row) for row in track(held, "releasing", disable=json_ or len(held) < 20, transient=True)]
    released = [one.event_id for one in done if one.event_id]
    context.wakeups.events(released)
    if json_:
        print_json([vars(one) for one in done])
    else:
        say(f"{len(released)} released, {len(done) - len(released)} still refused")


@quarantine.command("discard")
def discard(
    id_: OneId = None,
    account: options.Account = None,
    comment: options.Comment = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    json_: options.Json = False,
) -> None:
    """Throw away what was never a vendor's; what would verify now stays, it is to be released."""
    context = open_context()
    releasing = _releasing(context, comment)
    with context.ledger() as connection:
        held = _chosen(connection, id_, account)
    junk = [row for row in held if releasing.receiving.verify_again(row)]
    if junk and not yes and not json_:
        typer.confirm(f"Throw {len(junk)} bodies away for good?", abort=True)
    for row in junk:
        releasing.discard(row)
    if json_:
        print_json({"discarded": len(junk), "kept": len(held) - len(junk)})
    else:
        say(f"{len(junk)} thrown away, {len(held) - len(junk)} kept because they would be accepted now")


def _chosen(connection: Connection, id_: str | None, account: str | None, limit: int | None = None) -> list[Row[Any]]:
    """Return what is held, or the one that was named; CommandError when that is not."""
    held = [row for row in held_bodies.held(connection, account, limit) if id_ in {None, str(row.id)}]
    if id_ and not held:
        raise CommandError(f"nothing with the id {id_} is held")
    return held


def _releasing(context: Context, comment: str) -> Releasing:
    receiving = receiving_of(context.engine, context.settings, context.config)
    return Releasing(receiving, lambda connection: context.people(connection, comment), context.ledger, system_clock)


def _shown(row: Row[Any]) -> dict[str, Any]:
    keys = ("id", "account", "reason", "received_at", "times", "content_type", "source_ip")
    return {key: row._mapping[key] for key in keys} | {"bytes": len(row.body)}
