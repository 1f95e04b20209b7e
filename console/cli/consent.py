"""`hookyard consent`: who wants no more messages; a person writes down what somebody asked for by another way."""

from typing import Annotated, Any

import typer

from config.phones import to_e164
from console.cli import completing, options
from console.cli.context import open_context
from console.cli.output import CommandError, print_json, print_table, say
from worker.ledger import consents
from worker.states import ConsentScope

_COLUMNS = ("person", "scope", "account", "since", "why")
Phone = Annotated[str, typer.Argument(metavar="PHONE", help="The person, like +628123456789 or 08123456789.")]
Scope = Annotated[ConsentScope, typer.Option("--scope", help="Of which messages.")]
Only = Annotated[
    str | None,
    typer.Option("--account", help="Only of this account; else of every one.", autocompletion=completing.accounts),
]
consent = typer.Typer(help="Who wants no more messages: list them, write it down, take it back.")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(consent, name="consent")


@consent.command("list")
def list_(limit: options.Limit = 200, json_: options.Json = False) -> None:
    """List the persons who want no more messages, by their keys: phones are not kept."""
    with open_context().ledger() as connection:
        found = [{name: row._mapping[name] for name in _COLUMNS} for row in consents.all_stops(connection, limit)]
    if json_:
        print_json(found)
    else:
        print_table(_COLUMNS, found, "Everybody wants messages.")


@consent.command("stop")
def stop(
    phone: Phone,
    scope: Scope = ConsentScope.MARKETING,
    account: Only = None,
    comment: options.Comment = "",
    json_: options.Json = False,
) -> None:
    """Send a person no more messages."""
    _say(phone, scope, account, comment, stopped=True, json_=json_)


@consent.command("start")
def start(
    phone: Phone,
    scope: Scope = ConsentScope.MARKETING,
    account: Only = None,
    comment: options.Comment = "",
    json_: options.Json = False,
) -> None:
    """Send a person messages again."""
    _say(phone, scope, account, comment, stopped=False, json_=json_)


def _say(phone: str, scope: ConsentScope, account: str | None, comment: str, *, stopped: bool, json_: bool) -> None:
    context = open_context()
    if account is not None and account not in context.config.accounts:
        raise CommandError(f'unknown account "{account}"')
    country = context.config.country(account) if account else context.config.business.country
    person = to_e164(phone, country)
    if person is None:
        raise CommandError("that is no phone number (one like +628123456789 is wanted)")
    with context.ledger() as connection:
        facts = context.people(connection, comment).consent(person, scope, account, stopped=stopped)
    context.wakeups.events(list(facts))
    state = "stopped" if stopped else "started"
    document: dict[str, Any] = {"state": state, "scope": scope, "account": account, "changed": bool(facts)}
    if json_:
        print_json(document)
    else:
        say(f"{state}: {scope} messages of {account or 'every account'}" + ("" if facts else " (it was so already)"))
