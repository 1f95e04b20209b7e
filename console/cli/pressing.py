"""`hookyard retry`, `replay`, `cancel`, `resolve`: what people press, on one or many, each audited."""

from typing import Annotated, Any

import typer

from console.cli import many, options
from console.cli.context import open_context, wanted_id
from console.cli.output import print_json, say
from worker.ledger.deliveries import Wake
from worker.states import JobKind

DeliveryId = Annotated[
    str | None, typer.Argument(metavar="[DELIVERY]", help="The delivery's id; none: those that match.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (retry, replay, cancel, resolve):
        app.command(command.__name__)(command)


def retry(
    delivery: DeliveryId = None,
    state: options.StateOfDelivery = None,
    account: options.Account = None,
    type_: options.ActionName = None,
    reason: options.ReasonName = None,
    rule: options.RuleName = None,
    subject: options.Subject = None,
    since: options.Since = None,
    until: options.Until = None,
    dry_run: many.DryRun = False,
    yes: many.Yes = False,
    comment: options.Comment = "",
    json_: options.Json = False,
) -> None:
    """Try again, now: one delivery, or all that match (dead ones, unless a state is named), each once."""
    chosen = many.selection(
        account=account, type=type_, state=state, reason=reason, subject=subject, rule=rule, since=since, until=until
    )
    many.one_or_many(delivery, chosen, dry_run=dry_run)
    context = open_context()
    if chosen:
        many.press(context, JobKind.RETRY, chosen, comment, dry_run=dry_run, yes=yes, json_=json_)
    elif delivery:
        with context.ledger() as connection:
            wake = context.people(connection, comment).retry(wanted_id(delivery))
        context.wakeups.deliveries([wake])
        _done({"delivery": delivery, "state": "ready"}, f"delivery {delivery} is tried again now", json_=json_)


def replay(
    event: Annotated[
        str | None, typer.Argument(metavar="[EVENT]", help="The event's id; none: those that match.")
    ] = None,
    state: options.StateOfEvent = None,
    account: options.Account = None,
    type_: options.Type = None,
    reason: options.ReasonName = None,
    subject: options.Subject = None,
    since: options.Since = None,
    until: options.Until = None,
    dry_run: many.DryRun = False,
    yes: many.Yes = False,
    comment: options.Comment = "",
    json_: options.Json = False,
) -> None:
    """Route again: one event, or all that match (failed ones, unless a state is named). Nothing is sent twice."""
    chosen = many.selection(
        account=account, type=type_, state=state, reason=reason, subject=subject, since=since, until=until
    )
    many.one_or_many(event, chosen, dry_run=dry_run)
    context = open_context()
    if chosen:
        many.press(context, JobKind.REPLAY, chosen, comment, dry_run=dry_run, yes=yes, json_=json_)
    elif event:
        with context.ledger() as connection:
            routed = context.people(connection, comment).replay(wanted_id(event))
        context.wakeups.events(routed)
        ids = [str(event_id) for event_id in routed]
        document = {"event": ids[0], "events": ids, "state": "received"}
        _done(document, f"event {', '.join(ids)} is routed again now", json_=json_)


def cancel(
    delivery: DeliveryId = None,
    state: options.StateOfDelivery = None,
    account: options.Account = None,
    type_: options.ActionName = None,
    reason: options.ReasonName = None,
    rule: options.RuleName = None,
    subject: options.Subject = None,
    since: options.Since = None,
    until: options.Until = None,
    dry_run: many.DryRun = False,
    yes: many.Yes = False,
    comment: options.Comment = "",
    json_: options.Json = False,
) -> None:
    """Give up what has not been sent: one delivery, or all that match (open ones, unless a state is named)."""
    chosen = many.selection(
        account=account, type=type_, state=state, reason=reason, subject=subject, rule=rule, since=since, until=until
    )
    many.one_or_many(delivery, chosen, dry_run=dry_run)
    context = open_context()
    if chosen:
        many.press(context, JobKind.CANCEL, chosen, comment, dry_run=dry_run, yes=yes, json_=json_)
    elif delivery:
        with context.ledger() as connection:
            context.people(connection, comment).cancel(wanted_id(delivery))
        _done({"delivery": delivery, "state": "cancelled"}, f"delivery {delivery} is cancelled", json_=json_)


def resolve(
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="The delivery's id.")],
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
