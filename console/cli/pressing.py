"""`hookyard retry`, `replay`, `cancel`, `resolve`: what people press, on one or many, each audited."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

import typer

from console.cli import many, options
from console.cli.context import Context, open_context, wanted_id
from console.cli.output import tell
from worker.ledger.deliveries import Wake
from worker.ledger.selecting import Selection
from worker.states import JobKind

DeliveryId = Annotated[
    str | None, typer.Argument(metavar="[DELIVERY]", help="The delivery's id; none: those that match.")
]
Said = tuple[dict[str, Any], str]
"""What became of one thing that was pressed, for --json and in words."""
PressOne = Callable[[Context, UUID, str], Said]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("retry", help=_retry.__doc__)(_of_deliveries(JobKind.RETRY, _retry))
    app.command("replay")(replay)
    app.command("cancel", help=_cancel.__doc__)(_of_deliveries(JobKind.CANCEL, _cancel))
    app.command("resolve")(resolve)


def _of_deliveries(kind: JobKind, press_one: PressOne) -> Callable[..., None]:
    """Return the command that presses one delivery, or all that its filter selects."""

    def press(
        delivery: DeliveryId = None,
        state: options.StateOfDelivery = None,
        account: options.Account = None,
        type_: options.ActionName = None,
        reason: options.ReasonName = None,
        rule: options.RuleName = None,
        subject: options.Subject = None,
        text: options.TextInside = None,
        since: options.Since = None,
        until: options.Until = None,
        dry_run: many.DryRun = False,
        yes: many.Yes = False,
        comment: options.Comment = "",
        json_: options.Json = False,
    ) -> None:
        chosen = many.selection(
            account=account, type=type_, state=state, reason=reason, subject=subject, rule=rule, text=text,
            since=since, until=until,
        )  # fmt: skip
        how = many.How(comment, dry_run=dry_run, yes=yes, json_=json_)
        _one_or_many(kind, press_one, delivery, chosen, how)

    return press


def replay(
    event: Annotated[
        str | None, typer.Argument(metavar="[EVENT]", help="The event's id; none: those that match.")
    ] = None,
    state: options.StateOfEvent = None,
    account: options.Account = None,
    type_: options.Type = None,
    handling: options.HandlingOfEvent = None,
    reason: options.ReasonName = None,
    subject: options.Subject = None,
    text: options.TextInside = None,
    since: options.Since = None,
    until: options.Until = None,
    dry_run: many.DryRun = False,
    yes: many.Yes = False,
    comment: options.Comment = "",
    json_: options.Json = False,
) -> None:
    """Route again: one event, or all that match (failed ones, unless a state is named). Nothing is sent twice."""
    chosen = many.selection(
        account=account, type=type_, state=state, handling=handling, reason=reason, subject=subject, text=text,
        since=since, until=until,
    )  # fmt: skip
    how = many.How(comment, dry_run=dry_run, yes=yes, json_=json_)
    _one_or_many(JobKind.REPLAY, _replay, event, chosen, how)


def _one_or_many(
    kind: JobKind, press_one: PressOne, wanted: str | None, chosen: Selection | None, how: many.How
) -> None:
    if wanted and (chosen or how.dry_run):
        raise typer.BadParameter("name an id, or say which by options; not both")
    if chosen:
        many.press(open_context(), kind, chosen, how)
    elif wanted:
        tell(*press_one(open_context(), wanted_id(wanted), how.comment), json_=how.json_)
    else:
        raise typer.BadParameter("name an id, or say which: --account, --state, --reason, --since …")


def _retry(context: Context, delivery: UUID, comment: str) -> Said:
    """Try again, now: one delivery, or all that match (dead ones, unless a state is named), each once."""
    with context.ledger() as connection:
        wake = context.people(connection, comment).retry(delivery)
    context.wakeups.deliveries([wake])
    return {"delivery": delivery, "state": "ready"}, f"delivery {delivery} is tried again now"


def _cancel(context: Context, delivery: UUID, comment: str) -> Said:
    """Give up what has not been sent: one delivery, or all that match (open ones, unless a state is named)."""
    with context.ledger() as connection:
        context.people(connection, comment).cancel(delivery)
    return {"delivery": delivery, "state": "cancelled"}, f"delivery {delivery} is cancelled"


def _replay(context: Context, event: UUID, comment: str) -> Said:
    with context.ledger() as connection:
        ids = context.people(connection, comment).replay(event)
    context.wakeups.events(ids)
    document = {"event": ids[0], "events": ids, "state": "received"}
    return document, f"event {', '.join(map(str, ids))} is routed again now"


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
    tell({"delivery": delivery, "state": state}, f"delivery {delivery} is {state}", json_=json_)
