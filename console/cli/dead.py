"""`hookyard dead`: deliveries nobody retries by itself."""

import typer

from console.cli import options
from console.cli.context import open_context, since_moment
from console.cli.ledger_lists import as_delivery, print_deliveries
from console.cli.output import print_json
from worker.ledger.lists import Filter, list_deliveries
from worker.states import DeliveryState

dead = typer.Typer(help="Dead letters: what nobody retries by itself.")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(dead, name="dead")


@dead.callback(invoke_without_command=True)
def alone(context: typer.Context, account: options.Account = None, json_: options.Json = False) -> None:
    """Dead letters: what nobody retries by itself. Alone it lists them."""
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
