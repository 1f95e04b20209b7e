"""`hookyard events`, `deliveries` and `attempts`: what came in, what follows from it, and each try of that."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from sqlalchemy import Connection, Row

from console.cli import options
from console.cli.context import open_context, since_moment, wanted_id
from console.cli.output import print_json, print_table, shown
from worker.ledger.lists import Filter, Page, list_attempts, list_deliveries, list_events
from worker.states import Reason

_EVENT_KEYS = (
    "id", "account", "type", "handling", "subject", "state", "received_at", "occurred_at", "processed_at", "duplicates",
    "parent_id", "trigger", "secret_index", "source_ip", "reason", "last_error", "note", "tap",
)  # fmt: skip
_DELIVERY_KEYS = (
    "id", "event_id", "rule", "step", "action", "account", "subject", "state", "reason", "effect_key", "duplicate_of",
    "due_at", "attempts", "last_error", "result", "created_at", "updated_at",
)  # fmt: skip
_ATTEMPT_KEYS = (
    "id", "delivery_id", "number", "kind", "action", "account", "rule", "subject", "started_at", "finished_at",
    "worker", "state", "reason", "error", "exchanges",
)  # fmt: skip


_EVENT_COLUMNS = ("id", "received_at", "account", "type", "subject", "state", "duplicates")
_DELIVERY_COLUMNS = ("id", "subject", "rule", "action", "account", "state", "reason", "attempts", "due_at")
_ATTEMPT_COLUMNS = (
    "delivery_id", "number", "started_at", "action", "account", "subject", "state", "reason", "error",
)  # fmt: skip


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("events")(events)
    app.command("deliveries")(deliveries)
    app.command("attempts")(attempts)


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
    handling: options.HandlingOfEvent = None,
    reason: options.ReasonName = None,
    subject: options.Subject = None,
    text: options.TextInside = None,
    event: options.EventId = None,
    since: options.Since = None,
    until: options.Until = None,
    before: options.Before = None,
    limit: options.Limit = 50,
    ambiguous: Annotated[bool, typer.Option("--ambiguous", help="Only taps that could mean several things.")] = False,
    json_: options.Json = False,
) -> None:
    """List events, newest first."""
    wanted = _filter(
        account=account, type=type_, state=state, handling=handling, reason=reason, subject=subject, text=text,
        event=event, since=since, until=until, before=before, limit=limit, ambiguous=ambiguous,
    )  # fmt: skip
    is_narrowed = wanted != Filter(limit=limit)
    empty = "No events match." if is_narrowed else "No events yet. Send one: hookyard send scalev order.created"
    _list(list_events, wanted, as_event, _EVENT_COLUMNS, empty, json_=json_)


def deliveries(
    account: options.Account = None,
    type_: options.ActionName = None,
    state: options.StateOfDelivery = None,
    reason: options.ReasonName = None,
    rule: options.RuleName = None,
    subject: options.Subject = None,
    text: options.TextInside = None,
    event: options.EventId = None,
    since: options.Since = None,
    until: options.Until = None,
    before: options.Before = None,
    limit: options.Limit = 50,
    json_: options.Json = False,
) -> None:
    """List deliveries, newest first."""
    wanted = _filter(
        account=account, type=type_, state=state, reason=reason, rule=rule, subject=subject, text=text,
        event=event, since=since, until=until, before=before, limit=limit,
    )  # fmt: skip
    _list(list_deliveries, wanted, as_delivery, _DELIVERY_COLUMNS, "No deliveries match.", json_=json_)


def attempts(
    account: options.Account = None,
    type_: options.ActionName = None,
    state: options.StateOfDelivery = None,
    reason: options.ReasonName = None,
    rule: options.RuleName = None,
    subject: options.Subject = None,
    since: options.Since = None,
    until: options.Until = None,
    before: options.Before = None,
    limit: options.Limit = 50,
    json_: options.Json = False,
) -> None:
    """List attempts of deliveries, newest first: what each made of its delivery."""
    wanted = _filter(
        account=account, type=type_, state=state, reason=reason, rule=rule, subject=subject, since=since,
        until=until, before=before, limit=limit,
    )  # fmt: skip
    _list(list_attempts, wanted, _as_attempt, _ATTEMPT_COLUMNS, "No attempts match.", json_=json_)


def _as_attempt(row: Row[Any]) -> dict[str, Any]:
    return {key: row._mapping[key] for key in _ATTEMPT_KEYS}


def _filter(
    *, since: str | None, until: str | None, before: str | None, event: str | None = None, **given: Any
) -> Filter:
    """Return what was typed as a filter; CommandError where a time or an id is none."""
    return Filter(
        **given, since=since_moment(since), until=since_moment(until), before=wanted_id(before) if before else None,
        event=wanted_id(event) if event else None,
    )  # fmt: skip


def _list(
    read: Callable[[Connection, Filter, float], Page], wanted: Filter, as_told: Callable[[Row[Any]], dict[str, Any]],
    columns: Sequence[str], empty: str, *, json_: bool,
) -> None:  # fmt: skip
    """Print a page, and say beside it how far it goes."""
    with open_context().ledger() as connection:
        page = read(connection, wanted, options.SEARCH_SECONDS)
    found = [as_told(row) for row in page.rows]
    if json_:
        print_json(found)
    else:
        print_table(columns, found, empty)
    _say_how_far(page)


def _say_how_far(page: Page) -> None:
    """Say, beside the list, that it goes on: behind its last row, or where the time for looking was up."""
    if page.searched_to is not None:
        typer.echo(f"looked back to {shown(page.searched_to)}; go on with --before {page.older}", err=True)
    elif page.older is not None:
        typer.echo(f"there are older ones: --before {page.older}", err=True)
