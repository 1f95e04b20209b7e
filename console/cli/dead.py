"""`hookyard dead`: deliveries nobody retries by itself."""

import typer

from console.cli import options
from console.cli.ledger_lists import deliveries
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
    rule: options.RuleName = None,
    subject: options.Subject = None,
    text: options.TextInside = None,
    since: options.Since = None,
    until: options.Until = None,
    before: options.Before = None,
    limit: options.Limit = 50,
    json_: options.Json = False,
) -> None:
    """List dead deliveries, newest first."""
    deliveries(
        account, type_, DeliveryState.DEAD, reason, rule, subject, text, None, since, until, before, limit, json_=json_
    )
