"""`hookyard send`: post a signed example to a running receiver, as the vendor would.

Invariant: what is sent goes through the real endpoint, with a real signature; nothing is put into the ledger directly.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from config.accounts import Account, CalledAccount
from config.faults import suggest
from config.settings import Settings
from console.cli import completing, options
from console.cli.context import Context, open_context
from console.cli.freshening import freshen
from console.cli.output import CommandError, print_json, say
from console.cli.signing import prove
from webhooks.examples import example_names, load_example
from webhooks.registry import SOURCES
from worker.clock import system_clock

_TIMEOUT_SECONDS = 15


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("send")(send)


def send(
    vendor: Annotated[
        str, typer.Argument(help="Whose event: " + ", ".join(SOURCES) + ".", autocompletion=completing.vendors)
    ],
    event: Annotated[str, typer.Argument(help="Which event, in the vendor's words, like order.created.")],
    set_: Annotated[list[str] | None, typer.Option("--set", help="Change a value: data.status=shipped.")] = None,
    query: Annotated[list[str] | None, typer.Option("--query", help="Add to the URL: order_id=250804QWERTY.")] = None,
    account: Annotated[
        str | None,
        typer.Option("--account", help="To which account, when several fit.", autocompletion=completing.accounts),
    ] = None,
    variant: Annotated[str | None, typer.Option("--variant", help="Another example of the same event.")] = None,
    times: Annotated[int, typer.Option("--times", min=1, max=1000, help="Send the very same request so often.")] = 1,
    url: Annotated[str | None, typer.Option("--url", help="The receiver, when it is not the local one.")] = None,
    json_: options.Json = False,
) -> None:
    """Send a signed example event to a running receiver."""
    context = open_context()
    name, target = _account(context, vendor, account)
    body = _example(vendor, event, variant)
    freshen(vendor, body, system_clock())
    for change in set_ or []:
        _set(body, *_pair(change, "--set"))
    if isinstance(target, CalledAccount) and target.base_url.startswith(
        f"http://{context.settings.bind}:{context.settings.sandbox_port}/"
    ):
        _tell_sandbox(context.settings, vendor, body)
    raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    answers = [_post(context, name, target, event, raw, query or [], url) for _ in range(times)]
    if json_:
        print_json(answers[0] if times == 1 else answers)
    for status, answer in ((answer["status"], answer["answer"]) for answer in answers):
        if not json_:
            say(f"{status} {answer.get('status') or answer.get('error')}  event {answer.get('id', '-')}")
    if any(answer["status"] != 200 for answer in answers):
        raise typer.Exit(1)
    if not json_:
        say(f"its story: hookyard show {answers[0]['answer']['id']}")


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


def _example(vendor: str, event: str, variant: str | None) -> Any:
    names = example_names(vendor)
    wanted = f"{event}__{variant}" if variant else event
    if wanted not in names:
        raise CommandError(f'there is no example "{wanted}" of {vendor}: {", ".join(names)}')
    return load_example(vendor, wanted)


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


def _post(
    context: Context, name: str, account: Account, event: str, body: bytes, query: list[str], url: str | None
) -> dict[str, Any]:
    proof = prove(account, body, SOURCES[account.vendor].triggers.get(event), system_clock())
    settings = context.settings
    base = url or f"http://{settings.bind}:{settings.receiver_port}"
    address = "/".join(part for part in (base.rstrip("/"), "webhooks", name, proof.path) if part)
    if query:
        address += "?" + urlencode([_pair(text, "--query") for text in query])
    headers = {"Content-Type": "application/json", "User-Agent": "hookyard-send", **proof.headers}
    request = urllib.request.Request(address, body, headers, method="POST")  # noqa: S310 - the operator's own address
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310 - as above
            return {"status": response.status, "answer": _json(response.read())}
    except urllib.error.HTTPError as error:
        return {"status": error.code, "answer": _json(error.read())}
    except OSError as error:
        raise CommandError(f"no receiver at {base} (is `hookyard up` running?): {error}") from None


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"error": "not an answer of the receiver"}


def _tell_sandbox(settings: Settings, vendor: str, body: Any) -> None:
    """Bring the sandbox's vendor to the state that the event tells of, as it would be at the real one."""
    tell = _SANDBOX.get(vendor)
    for method, path, document in tell(body) if tell else ():
        _put_in_place(settings, method, path, document)


def _put_in_place(settings: Settings, method: str, path: str, document: Any) -> None:
    address = f"http://{settings.bind}:{settings.sandbox_port}{path}"
    raw = json.dumps(document).encode()
    request = urllib.request.Request(address, raw, {"Content-Type": "application/json"}, method=method)
    try:
        urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS).close()  # noqa: S310 - as above
    except OSError as error:
        typer.echo(f"the sandbox was not told of it: {error}", err=True)


def _scalev_state(body: Any) -> Iterator[tuple[str, str, Any]]:
    yield "POST", "/_sandbox/state/scalev/event", body


def _proton_state(body: Any) -> Iterator[tuple[str, str, Any]]:
    for event in body if isinstance(body, list) else [body]:
        if not str(event.get("event") or event.get("type")).startswith("customer."):
            continue
        customer = event["data"] if isinstance(event.get("data"), dict) else event
        document = {"company": event["company"], **customer} if "company" in event else customer
        yield "PUT", f"/_sandbox/state/proton/customers/{customer.get('customer_id', 'unknown')}", document


_SANDBOX: Mapping[str, Callable[[Any], Iterator[tuple[str, str, Any]]]] = {
    "scalev": _scalev_state,
    "proton": _proton_state,
}
