"""`hookyard dead`: deliveries nobody retries by itself; list them, retry all that match."""

from typing import Annotated
from uuid import UUID

import typer
from rich.progress import track

from console.cli import options
from console.cli.context import Context, open_context, since_moment
from console.cli.ledger_lists import as_delivery, print_deliveries
from console.cli.output import print_json, say
from worker.ids import FIRST_ID
from worker.ledger.lists import Filter, list_deliveries
from worker.people import RefusedError
from worker.states import DeliveryState

_SEARCH_SECONDS = 60.0

dead = typer.Typer(help="Dead letters: list them, retry all that match.")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(dead, name="dead")


@dead.callback(invoke_without_command=True)
def alone(context: typer.Context, account: options.Account = None, json_: options.Json = False) -> None:
    """Dead letters: list them, retry all that match. Alone it lists them."""
    if context.invoked_subcommand is None:
        list_(account=account, json_=json_)


@dead.command("list")
def list_(
    account: options.Account = None,
    type_: options.ActionName = None,
    reason: options.ReasonName = None,
    subject: options.Subject = None,
    since: options.Since = None,
    limit: options.Limit = 50,
    json_: options.Json = False,
) -> None:
    """List dead deliveries, newest first."""
    wanted = Filter(account, type_, DeliveryState.DEAD, reason, subject, since_moment(since), limit)
    with open_context().ledger() as connection:
        found = [as_delivery(row) for row in list_deliveries(connection, wanted).rows]
    if json_:
        print_json(found)
    else:
        print_deliveries(found)


@dead.command("retry")
def retry(
    account: options.Account = None,
    type_: options.ActionName = None,
    reason: options.ReasonName = None,
    subject: options.Subject = None,
    since: options.Since = None,
    limit: options.Limit = 1_000,
    comment: options.Comment = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    json_: options.Json = False,
) -> None:
    """Retry every dead delivery that matches, oldest first; one that would do something twice is refused and told."""
    context = open_context()
    wanted = Filter(account, type_, DeliveryState.DEAD, reason, subject, since_moment(since), limit, after=FIRST_ID)
    with context.ledger() as connection:
        found = list_deliveries(connection, wanted, _SEARCH_SECONDS).rows[::-1]
    if found and not yes and not json_:
        typer.confirm(f"Retry {len(found)} deliveries?", abort=True)
    refused: dict[str, str] = {}
    rows = found if json_ else track(found, "retrying", disable=len(found) < 20, transient=True)
    for row in rows:
        if why := _retried(context, row.id, comment):
            refused[str(row.id)] = why
    if json_:
        print_json({"retried": len(found) - len(refused), "refused": refused})
        return
    say(f"{len(found) - len(refused)} retried, {len(refused)} refused")
    for why in refused.values():
        say(f"  {why}")


def _retried(context: Context, delivery_id: UUID, comment: str) -> str | None:
    """Retry one delivery, in a transaction of its own; return why it was refused."""
    try:
        with context.ledger() as connection:
            wake = context.people(connection, comment).retry(delivery_id)
    except RefusedError as error:
        return str(error)
    context.wakeups.deliveries([wake])
    return None
