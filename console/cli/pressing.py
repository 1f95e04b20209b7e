"""`hookyard retry`, `replay`, `cancel`, `resolve`: what people press, each written to the audit table."""

from typing import Annotated, Any

import typer

from console.cli import options
from console.cli.context import open_context, wanted_id
from console.cli.output import print_json, say
from worker.ledger.deliveries import Wake

DeliveryId = Annotated[str, typer.Argument(metavar="DELIVERY", help="The delivery's id.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (retry, replay, cancel, resolve):
        app.command(command.__name__)(command)


def retry(delivery: DeliveryId, comment: options.Comment = "", json_: options.Json = False) -> None:
    """Try a delivery again, now: a dead or cancelled one, or one that waits for its next attempt."""
    context = open_context()
    with context.ledger() as connection:
        wake = context.people(connection, comment).retry(wanted_id(delivery))
    context.wakeups.deliveries([wake])
    _done({"delivery": delivery, "state": "ready"}, f"delivery {delivery} is tried again now", json_=json_)


def replay(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="The event's id.")],
    comment: options.Comment = "",
    json_: options.Json = False,
) -> None:
    """Route an event again: rules are asked anew, and what was planned or sent already is not sent again."""
    context = open_context()
    with context.ledger() as connection:
        routed = context.people(connection, comment).replay(wanted_id(event))
    context.wakeups.events(routed)
    ids = [str(event_id) for event_id in routed]
    document = {"event": ids[0], "events": ids, "state": "received"}
    _done(document, f"event {', '.join(ids)} is routed again now", json_=json_)


def cancel(delivery: DeliveryId, comment: options.Comment = "", json_: options.Json = False) -> None:
    """Give up a delivery that has not been sent."""
    context = open_context()
    with context.ledger() as connection:
        context.people(connection, comment).cancel(wanted_id(delivery))
    _done({"delivery": delivery, "state": "cancelled"}, f"delivery {delivery} is cancelled", json_=json_)


def resolve(
    delivery: DeliveryId,
    sent: Annotated[bool, typer.Option("--sent", help="It was sent: it counts as succeeded.")] = False,
    not_sent: Annotated[bool, typer.Option("--not-sent", help="It was not sent: it is sent now.")] = False,
    comment: options.Comment = "",
    json_: options.Json = False,
) -> None:
    """Settle a delivery whose outcome is unknown, after a look at the vendor: it was sent, or it was not."""
    if sent == not_sent:
        raise typer.BadParameter("say either --sent or --not-sent")
    context = open_context()
    wake: Wake | None
    with context.ledger() as connection:
        wake = context.people(connection, comment).resolve(wanted_id(delivery), sent=sent)
    if wake:
        context.wakeups.deliveries([wake])
    state = "succeeded" if sent else "ready"
    _done({"delivery": delivery, "state": state}, f"delivery {delivery} is {state}", json_=json_)


def _done(document: dict[str, Any], text: str, *, json_: bool) -> None:
    if json_:
        print_json(document)
    else:
        say(text)
