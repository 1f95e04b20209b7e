"""`hookyard quarantine`: bodies that failed verification; verify them again after a secret was mended, release them."""

from typing import Annotated, Any

import typer
from sqlalchemy import Row

from console.cli import options
from console.cli.context import Context, open_context
from console.cli.output import CommandError, print_json, print_table, say
from webhooks.receiving import Receiving, make_endpoints
from webhooks.registry import SOURCES
from worker.clock import system_clock
from worker.errors import ReceiveError
from worker.ledger import quarantine as held_bodies

quarantine = typer.Typer(help="Bodies that failed verification.")
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
    receiving = _receiving(context)
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
    account: options.Account = None, limit: Limit = 10_000, comment: options.Comment = "", json_: options.Json = False
) -> None:
    """Release what verifies now, in the order in which it came in; the rest stays."""
    context = open_context()
    receiving = _receiving(context)
    with context.ledger() as connection:
        held = held_bodies.held(connection, account, limit)
    done = [_released(context, receiving, row, comment) for row in held]
    released = [entry for entry in done if entry["event_id"]]
    if json_:
        print_json(done)
    else:
        say(f"{len(released)} released, {len(done) - len(released)} still refused")


@quarantine.command("discard")
def discard(
    id_: Annotated[str | None, typer.Argument(metavar="[ID]", help="Only this one.")] = None,
    account: options.Account = None,
    comment: options.Comment = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    json_: options.Json = False,
) -> None:
    """Throw away what was never a vendor's; what would verify now stays, it is to be released."""
    context = open_context()
    receiving = _receiving(context)
    with context.ledger() as connection:
        held = [row for row in held_bodies.held(connection, account) if id_ in {None, str(row.id)}]
        if id_ and not held:
            raise CommandError(f"nothing with the id {id_} is held")
        junk = [row for row in held if receiving.verify_again(row)]
        if junk and not yes and not json_:
            typer.confirm(f"Throw {len(junk)} bodies away for good?", abort=True)
        for row in junk:
            held_bodies.discard(connection, row.id)
            context.people(connection, comment).note("discard", row.id, {"account": row.account, "reason": row.reason})
    if json_:
        print_json({"discarded": len(junk), "kept": len(held) - len(junk)})
    else:
        say(f"{len(junk)} thrown away, {len(held) - len(junk)} kept because they would be accepted now")


def _released(context: Context, receiving: Receiving, row: Row[Any], comment: str) -> dict[str, Any]:
    """Release one body, in a transaction of its own, so that the order holds and a fault stops nothing else."""
    try:
        with context.ledger() as connection:
            accepted = receiving.release(connection, row)
            if held_bodies.mark_released(connection, row.id, accepted.id, system_clock()):
                people = context.people(connection, comment)
                people.note("release", row.id, {"event_id": str(accepted.id), "duplicate": accepted.duplicate})
    except ReceiveError as error:
        return {"id": row.id, "event_id": None, "still_refused": error.reason}
    context.wakeups.events([accepted.id])
    return {"id": row.id, "event_id": accepted.id, "still_refused": None}


def _receiving(context: Context) -> Receiving:
    return Receiving(context.engine, context.settings, make_endpoints(context.config, SOURCES))


def _shown(row: Row[Any]) -> dict[str, Any]:
    keys = ("id", "account", "reason", "received_at", "times", "content_type", "source_ip")
    return {key: row._mapping[key] for key in keys} | {"bytes": len(row.body)}
