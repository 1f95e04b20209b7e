"""`hookyard send`: post a signed example to a running receiver, as the vendor would.

Invariant: what is sent goes through the real endpoint, with a real signature; nothing is put into the ledger directly.
"""

import json
from typing import Annotated, Any

import typer

from config.accounts import Account
from config.faults import suggest
from console.cli import completing, options
from console.cli.context import Context, open_context
from console.cli.output import CommandError, print_json, say
from console.pressing import examples
from console.pressing.examples import Answer
from webhooks.registry import SOURCES
from worker.states import Press


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("send")(send)


def send(
    vendor: Annotated[
        str, typer.Argument(help="Whose event: " + ", ".join(SOURCES) + ".", autocompletion=completing.vendors)
    ],
    event: Annotated[
        str,
        typer.Argument(
            help="Which event, in the vendor's words, like order.created.", autocompletion=completing.examples
        ),
    ],
    set_: Annotated[list[str] | None, typer.Option("--set", help="Change a value: data.status=shipped.")] = None,
    query: Annotated[list[str] | None, typer.Option("--query", help="Add to the URL: order_id=250804QWERTY.")] = None,
    account: Annotated[
        str | None,
        typer.Option("--account", help="To which account, when several fit.", autocompletion=completing.accounts),
    ] = None,
    variant: Annotated[str | None, typer.Option("--variant", help="Another example of the same event.")] = None,
    times: Annotated[int, typer.Option("--times", min=1, max=1000, help="Send the very same request so often.")] = 1,
    url: Annotated[str | None, typer.Option("--url", help="The receiver, when it is not the local one.")] = None,
    comment: options.Comment = "",
    json_: options.Json = False,
) -> None:
    """Send a signed example event to a running receiver."""
    context = open_context()
    name, target = _account(context, vendor, account)
    body = examples.example(vendor, f"{event}__{variant}" if variant else event)
    for change in set_ or []:
        _set(body, *_pair(change, "--set"))
    pairs = [_pair(text, "--query") for text in query or []]
    answers = examples.send(context.settings, name, target, event, body, query=pairs, times=times, url=url)
    if url is None:
        _note(context, name, event, answers, comment)
    if json_:
        print_json(vars(answers[0]) if times == 1 else [vars(answer) for answer in answers])
    else:
        for one in answers:
            what = one.answer.get("status") or one.answer.get("error")
            say(f"{one.status} {what}  event {one.answer.get('id', '-')}")
    if any(one.status != 200 for one in answers):
        raise typer.Exit(1)
    if not json_:
        say(f"its story: hookyard show {answers[0].event_id}")


def _note(context: Context, name: str, event: str, answers: list[Answer], comment: str) -> None:
    sent = dict.fromkeys(one.event_id for one in answers if one.event_id)
    if not sent:
        return
    with context.ledger() as connection:
        for event_id in sent:
            context.people(connection, comment).note(Press.SEND, str(event_id), {"account": name, "example": event})


def _account(context: Context, vendor: str, wanted: str | None) -> tuple[str, Account]:
    if vendor not in SOURCES:
        raise CommandError(
            f'unknown vendor "{vendor}"' + (suggest(vendor, SOURCES) or f" (there are {', '.join(SOURCES)})")
        )
    accounts = context.config.accounts
    fitting = {name: account for name, account in accounts.items() if account.vendor == vendor}
    if wanted is not None:
        if wanted not in fitting:
            raise CommandError(f'there is no account "{wanted}" of {vendor}')
        return wanted, fitting[wanted]
    if len(fitting) != 1:
        raise CommandError(f"which account of {vendor}? --account {' | '.join(fitting) or '(none is configured)'}")
    return next(iter(fitting.items()))


def _pair(text: str, option: str) -> tuple[str, str]:
    path, separator, value = text.partition("=")
    if not separator or not path:
        raise typer.BadParameter(f'{option} wants path=value, not "{text}"')
    return path, value


def _set(body: Any, path: str, text: str) -> None:
    """Set the value at a dotted path; it is read as JSON where it is JSON, as text otherwise."""
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    *parents, last = path.split(".")
    node: Any = body
    for key in parents:
        node = node[int(key)] if isinstance(node, list) and key.isdecimal() else _child(node, key, path)
    if isinstance(node, list) and last.isdecimal() and int(last) < len(node):
        node[int(last)] = value
    elif isinstance(node, dict):
        node[last] = value if not isinstance(node.get(last), str) else text
    else:
        raise CommandError(f"--set {path}: there is nothing to set there")


def _child(node: Any, key: str, path: str) -> Any:
    if not isinstance(node, dict):
        raise CommandError(f"--set {path}: {key} is not within an object")
    return node.setdefault(key, {})
