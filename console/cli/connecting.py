"""`hookyard connect`: the URL of each account, the steps in its vendor's dashboard, and whether it reaches us."""

from typing import Annotated

import typer

from config.faults import suggest
from console.cli import completing, options
from console.cli.context import open_context
from console.cli.output import CommandError, print_json, print_table, say, shown
from console.connecting.endpoints import UNSET, base_url, endpoints_of, verify_token
from console.connecting.standing import Standing, standing_of, standings
from worker.states import Press

_COLUMNS = ("account", "vendor", "state", "last_received_at", "last_type", "last_refused_at", "last_refused_because")


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("connect")(connect)


def connect(
    account: Annotated[
        str | None,
        typer.Argument(metavar="[ACCOUNT]", help="Only this one, with what to do.", autocompletion=completing.accounts),
    ] = None,
    secrets: Annotated[
        bool, typer.Option("--show-secrets", help="Show the URLs whole; that it was done is written down.")
    ] = False,
    comment: options.Comment = "",
    json_: options.Json = False,
) -> None:
    """Show where each vendor has to post, what to do in its dashboard, and what came in last."""
    context = open_context()
    config, settings = context.config, context.settings
    if account is not None and account not in config.accounts:
        raise CommandError(f'there is no account "{account}"' + suggest(account, config.accounts))
    if secrets and account is None:
        raise CommandError("--show-secrets wants an ACCOUNT")
    with context.ledger() as connection:
        if account is None:
            found = standings(connection, config, settings)
        else:
            found = [standing_of(connection, account, config.accounts[account], settings)]
        if secrets:
            context.people(connection, comment).note(Press.REVEAL, f"connect/{account}", {})
    documents = [standing.as_json() for standing in found]
    if account is not None and secrets:
        known = endpoints_of(account, config.accounts[account], settings)
        for shown_, endpoint in zip(documents[0]["endpoints"], known, strict=True):
            shown_["url"] = endpoint.url
        documents[0]["verify_token"] = verify_token(config.accounts[account])
    if json_:
        print_json(documents if account is None else documents[0])
    elif account is None:
        print_table(_COLUMNS, documents, "There is no account.")
    else:
        _tell(found[0], documents[0], has_address=base_url(settings) != UNSET)


def _tell(standing: Standing, document: dict[str, object], *, has_address: bool) -> None:
    print_table(("label", "url", "proof", "events", "last_received_at"), document["endpoints"], "Nothing comes in.")  # type: ignore[arg-type]
    if token := document.get("verify_token"):
        say(f"verify token: {token}")
    if not has_address:
        say("set HOOKYARD_PUBLIC_URL to the address that vendors reach the receiver by")
    say("")
    say(f"In the vendor's dashboard: {standing.guide.place}")
    for number, step in enumerate(standing.guide.steps, start=1):
        say(f"{number}. {step}")
    say("")
    say(f"last received: {shown(document['last_received_at']) or 'never'} {document['last_type'] or ''}".rstrip())
    if standing.refused_because:
        say(f"last refused: {shown(document['last_refused_at'])}, because {standing.refused_because}")
    if standing.guide.is_asked:
        say(f"asked whether the URL is ours: {standing.challenges} times")
