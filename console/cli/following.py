"""`hookyard tail` and `hookyard listen`: events as they come in, shown, or passed on to a developer's machine.

Invariant: they only read the ledger; what is passed on changes nothing here, whatever the other side answers.
"""

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from sqlalchemy import Row

from config.accounts import Account
from config.faults import suggest
from console.cli import completing, options
from console.cli.context import Context, open_context, since_moment
from console.cli.ledger_lists import as_event
from console.cli.output import CommandError, plain, say, shown
from console.cli.signing import prove
from worker.clock import system_clock
from worker.ledger.arrivals import Arrivals, Wanted

LOOK_SECONDS = 0.5
_TIMEOUT_SECONDS = 30.0
_ADDED = {"content-length", "host", "connection", "transfer-encoding"}

Count = Annotated[int | None, typer.Option("--count", min=1, help="End after so many.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("tail")(tail)
    app.command("listen")(listen)


def tail(
    account: options.Account = None,
    type_: options.Type = None,
    state: options.StateOfEvent = None,
    subject: options.Subject = None,
    since: options.Since = None,
    count: Count = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON document a line.")] = False,
) -> None:
    """Show events as they come in; Ctrl-C ends it."""
    context = open_context()
    arrivals = Arrivals(Wanted(account, type_, state, subject), since_moment(since))

    def show(row: Row[Any]) -> None:
        event = as_event(row)
        if json_:
            _line(event)
            return
        columns = ("received_at", "account", "type", "subject", "state", "reason", "id")
        say("  ".join(shown(event[column]) or "-" for column in columns))

    _follow(context, arrivals, show, count)


def listen(
    to: Annotated[str, typer.Option("--to", help="Where to, like http://127.0.0.1:3000/hook.")],
    account: Annotated[
        str, typer.Option("--account", help="What which account receives.", autocompletion=completing.accounts)
    ],
    type_: options.Type = None,
    since: options.Since = None,
    sign: Annotated[
        bool, typer.Option("--sign", help="Sign anew with the account's secret, as the vendor does.")
    ] = False,
    anywhere: Annotated[
        bool, typer.Option("--anywhere", help="Also to another machine: the bodies hold personal data.")
    ] = False,
    count: Count = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON document a line.")] = False,
) -> None:
    """Pass on what an account receives, with its body and headers, to a program on this machine; Ctrl-C ends it."""
    context = open_context()
    configured = context.config.accounts.get(account)
    if configured is None:
        raise CommandError(f'there is no account "{account}"' + suggest(account, context.config.accounts))
    _check_target(to, anywhere=anywhere)
    sys.stderr.write(f"passing on what {account} receives to {to}: real bodies, with personal data\n")

    def pass_on(row: Row[Any]) -> None:
        began = time.monotonic()
        status, error = _posted(to, row, configured if sign else None)
        seconds = round(time.monotonic() - began, 3)
        done = {"id": row.id, "type": row.type, "status": status, "error": error, "seconds": seconds}
        if json_:
            _line(done)
        else:
            say(f"{shown(row.received_at)}  {row.type}  {status or error}  {seconds:.3f} s  {row.id}")

    _follow(context, Arrivals(Wanted(account, type_, whole=True), since_moment(since)), pass_on, count)


def _follow(context: Context, arrivals: Arrivals, use: Callable[[Row[Any]], None], count: int | None) -> None:
    try:
        for number, row in enumerate(_arriving(context, arrivals), 1):
            use(row)
            if number == count:
                return
    except KeyboardInterrupt:
        return


def _arriving(context: Context, arrivals: Arrivals) -> Iterator[Row[Any]]:
    """Yield events as they come; once it is followed, a ledger that is away is waited for."""
    is_away = has_looked = False
    while True:
        try:
            with context.ledger() as connection:
                found = arrivals.look(connection)
            is_away, has_looked = False, True
        except CommandError as error:
            if not has_looked:
                raise
            if not is_away:
                sys.stderr.write(f"{error}; waiting for it\n")
            found, is_away = [], True
        yield from found
        time.sleep(LOOK_SECONDS)


def _line(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document, default=plain, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _check_target(to: str, *, anywhere: bool) -> None:
    try:
        parts = urlsplit(to)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or parts.scheme not in {"http", "https"}:
        raise CommandError(f'"{to}" is not an address (one like http://127.0.0.1:3000/hook is wanted)')
    if not anywhere and not _is_loopback(host):
        raise CommandError(f"{host} is another machine, and what is passed on holds personal data: --anywhere if meant")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


# Not by a proxy that the environment names, and nowhere else than where it was said.
_OPENER = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))


def _posted(to: str, row: Row[Any], signing: Account | None) -> tuple[int | None, str | None]:
    """Return the status of the answer, or why there was none."""
    body, headers = bytes(row.body), {name: value for name, value in (row.headers or {}).items() if name not in _ADDED}
    headers["X-Hookyard-Event"] = str(row.id)
    if row.content_type:
        headers["Content-Type"] = row.content_type
    if signing is not None:
        proof = prove(signing, body, row.trigger, system_clock())
        headers |= proof.headers
        to = "/".join(part for part in (to.rstrip("/"), proof.path) if part)
    address = to + (("&" if "?" in to else "?") + row.query if row.query else "")
    request = urllib.request.Request(address, body, headers, method="POST")  # noqa: S310 - the operator's own address
    try:
        with _OPENER.open(request, timeout=_TIMEOUT_SECONDS) as response:
            return response.status, None
    except urllib.error.HTTPError as error:
        return error.code, None
    except OSError as error:
        return None, f"no answer ({type(getattr(error, 'reason', error)).__name__})"
