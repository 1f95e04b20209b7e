"""`hookyard events` and `hookyard deliveries`: what came in, and what follows from it."""

from typing import Annotated, Any

import typer
from sqlalchemy import Row

from console.cli import options
from console.cli.context import open_context, since_moment
from console.cli.output import print_json, print_table
from worker.ledger.queries import Filter, list_deliveries, list_events
from worker.states import Reason

_EVENT_KEYS = (
    "id", "account", "type", "handling", "subject", "state", "received_at", "occurred_at", "processed_at", "duplicates",
    "parent_id", "trigger", "secret_index", "source_ip", "reason", "last_error", "note", "tap",
)  # fmt: skip
_DELIVERY_KEYS = (
    "id", "event_id", "rule", "step", "action", "account", "subject", "state", "reason", "effect_key", "duplicate_of",
    "due_at", "attempts", "last_error", "result", "created_at", "updated_at",
)  # fmt: skip


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("events")(events)
    app.command("deliveries")(deliveries)


def as_event(row: Row[Any]) -> dict[str, Any]:
    """Return an event as --json prints it."""
    return {key: row._mapping[key] for key in _EVENT_KEYS}


def as_delivery(row: Row[Any]) -> dict[str, Any]:
    """Return a delivery as --json prints it; one that is paused or held back says why, and until when at least."""
    found = {key: row._mapping.get(key) for key in _DELIVERY_KEYS}
    if row._mapping.get("held_reason"):
        due_at = max(found["due_at"], row._mapping["held_until"])
        found |= {"reason": row._mapping["held_reason"], "due_at": due_at, "last_error": row._mapping["held_error"]}
    if row._mapping.get("paused"):
        found |= {"reason": Reason.PAUSED, "last_error": row.paused}
    return found


def events(
    account: options.Account = None,
    type_: options.Type = None,
    state: options.StateOfEvent = None,
    subject: options.Subject = None,
    since: options.Since = None,
    limit: options.Limit = 50,
    ambiguous: Annotated[bool, typer.Option("--ambiguous", help="Only taps that could mean several things.")] = False,
    json_: options.Json = False,
) -> None:
    """List events, newest first."""
    wanted = Filter(account, type_, state, None, subject, since_moment(since), limit, ambiguous)
    with open_context().ledger() as connection:
        found = [as_event(row) for row in list_events(connection, wanted)]
    if json_:
        print_json(found)
    else:
        columns = ("id", "received_at", "account", "type", "subject", "state", "duplicates")
        narrowed = any((account, type_, state, subject, since, ambiguous))
        empty = "No events match." if narrowed else "No events yet. Send one: hookyard send scalev order.created"
        print_table(columns, found, empty)


def deliveries(
    account: options.Account = None,
    type_: options.ActionName = None,
    state: options.StateOfDelivery = None,
    reason: options.ReasonName = None,
    subject: options.Subject = None,
    since: options.Since = None,
    limit: options.Limit = 50,
    json_: options.Json = False,
) -> None:
    """List deliveries, newest first."""
    wanted = Filter(account, type_, state, reason, subject, since_moment(since), limit)
    with open_context().ledger() as connection:
        found = [as_delivery(row) for row in list_deliveries(connection, wanted)]
    if json_:
        print_json(found)
    else:
        print_deliveries(found)


def print_deliveries(found: list[dict[str, Any]]) -> None:
    """Print deliveries as a table."""
    columns = ("id", "subject", "rule", "action", "account", "state", "reason", "attempts", "due_at")
    print_table(columns, found, "No deliveries match.")
