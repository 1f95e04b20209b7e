"""`hookyard show`: the story of one event or delivery."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from sqlalchemy import Connection, Row

from console.cli import options
from console.cli.context import open_context, wanted_id
from console.cli.ledger_lists import as_delivery, as_event
from console.cli.output import CommandError, print_json, say, shown
from console.stories.press_words import press_words
from worker.ledger import messages, queries
from worker.ledger.settling import SETTLE
from worker.states import MessageState, Press


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("show")(show)


def show(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The id of an event, a fact or a delivery.")],
    raw: Annotated[
        bool,
        typer.Option("--raw", help="With the body as it came in: personal data, so that it was shown is written down."),
    ] = False,
    comment: options.Comment = "",
    json_: options.Json = False,
) -> None:
    """Tell the story of an event: what it was, what followed, every attempt."""
    context = open_context()
    with context.ledger() as connection:
        story = _story(connection, wanted_id(id_), raw=raw)
        if raw:
            context.people(connection, comment).note(Press.REVEAL, story["event"]["id"], {"what": "body"})
    if json_:
        print_json(story)
    else:
        for line in _told(story):
            say(line)


def _story(connection: Connection, wanted: UUID, *, raw: bool) -> dict[str, Any]:
    delivery = queries.get_delivery(connection, wanted)
    event = queries.get_event(connection, delivery.event_id if delivery else wanted)
    if event is None:
        raise CommandError(f"there is no event or delivery {wanted}")
    parent = queries.get_event(connection, event.parent_id) if event.parent_id else None
    root = event if parent is None or event.part else parent
    facts = queries.facts_of(connection, root.id)
    found = queries.deliveries_of(connection, [root.id, *(fact.id for fact in facts)])
    if delivery:
        found = [row for row in found if row.id == delivery.id]
    ids = [row.id for row in found]
    story: dict[str, Any] = {
        "event": as_event(root) | {"headers": root.headers, "query": root.query},
        "facts": [as_event(fact) for fact in facts],
        "deliveries": _with_attempts(
            found, queries.attempts_of(connection, ids), messages.of_deliveries(connection, ids)
        ),
        "audit": [dict(row._mapping) for row in queries.audit_of(connection, [root.id, *ids])],
    }
    if raw:
        story["event"]["body"] = queries.body_of(connection, root)
    return story


def _with_attempts(
    found: Sequence[Row[Any]], attempts: Sequence[Row[Any]], sent: Sequence[Row[Any]]
) -> list[dict[str, Any]]:
    def of(delivery: Row[Any], rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
        return [dict(row._mapping) for row in rows if row.delivery_id == delivery.id]

    return [as_delivery(row) | {"tries": of(row, attempts), "messages": of(row, sent)} for row in found]


def _told(story: dict[str, Any]) -> Iterator[str]:
    event = story["event"]
    yield f"{event['type']}  {event['subject'] or ''}  [{event['state']}]"
    yield f"  event {event['id']} of account {event['account']}, occurred {shown(event['occurred_at'])}"
    if event["trigger"]:
        yield f"  came in by the {event['trigger']} endpoint"
    for moment, line in sorted(_moments(story), key=lambda item: item[0]):
        yield f"{moment.astimezone():%Y-%m-%d %H:%M:%S.%f}"[:-3] + f"  {line}"
    for delivery in story["deliveries"]:
        yield from _delivery_told(delivery)
    if not story["deliveries"]:
        yield "No rule asked for anything." if event["state"] == "processed" else "Nothing has followed yet."
    if "body" in event:
        yield "body:"
        yield shown(event["body"].decode("utf-8", "replace") if event["body"] else "")


def _moments(story: dict[str, Any]) -> Iterator[tuple[datetime, str]]:
    event = story["event"]
    duplicates = f", and {event['duplicates']} times more" if event["duplicates"] else ""
    yield event["received_at"], f"received from {event['source_ip'] or 'unknown'}{duplicates}"
    if event["processed_at"]:
        told = {"failed": f"could not be routed: {event['last_error']}"}.get(event["state"], "rules were asked")
        yield event["processed_at"], told + (f" ({event['note']})" if event["note"] else "")
    for fact in story["facts"]:
        yield fact["processed_at"], f"fact: {fact['type']}"
    for delivery in story["deliveries"]:
        for attempt in delivery["tries"]:
            tried = "the vendor was asked" if attempt["kind"] == SETTLE else f"attempt {attempt['number']}"
            what = f"{delivery['action']} {tried}: {attempt['state']}"
            yield attempt["finished_at"], what + (f" ({attempt['reason']})" if attempt["reason"] else "")
    for entry in story["audit"]:
        yield entry["at"], _pressed(entry)


def _pressed(entry: dict[str, Any]) -> str:
    comment = entry["details"].get("comment")
    return f"{entry['actor']} {press_words(entry['action'])}" + (f": {comment}" if comment else "")


def _delivery_told(delivery: dict[str, Any]) -> Iterator[str]:
    yield ""
    yield f"{delivery['action']} -> {delivery['account']}  [{delivery['state']}]  rule {delivery['rule']}"
    yield f"  delivery {delivery['id']}, {delivery['attempts']} attempts, effect {delivery['effect_key'] or '-'}"
    if delivery["duplicate_of"]:
        yield f"  the same effect as delivery {delivery['duplicate_of']}"
    if delivery["state"] in {"retrying", "waiting", "ready"}:
        yield f"  due {shown(delivery['due_at'])}"
    if delivery["last_error"]:
        yield f"  {delivery['reason']}: {delivery['last_error']}"
    if delivery["result"]:
        yield f"  result {shown(delivery['result'])}"
    for message in delivery["messages"]:
        yield f"  message {message['state']}, {shown(message['changed_at'])}{_why_failed(message)}"
    for attempt in delivery["tries"]:
        for exchange in attempt["exchanges"] or []:
            yield f"  #{attempt['number']} sent     {shown(exchange['request'])}"
            yield f"  #{attempt['number']} answered {shown(exchange.get('answer') or exchange.get('error'))}"


def _why_failed(message: dict[str, Any]) -> str:
    if message["state"] != MessageState.FAILED:
        return ""
    words = str(message["reason"] or "no reason was told").replace("_", " ")
    return f": {words}" + (f" (code {message['error_code']})" if message["error_code"] else "")
