"""Test events: a vendor's example, made fresh, signed with the account's own secret, posted to the real endpoint.

Invariant: what is sent goes through the receiver as a vendor's request does; nothing is put into the ledger directly.
"""

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from config.accounts import Account, CalledAccount
from config.load import Config
from config.settings import Settings, is_loopback
from console.cli.freshening import freshen
from console.cli.output import CommandError
from console.cli.signing import prove
from webhooks.examples import example_names, load_example
from webhooks.registry import SOURCES
from worker.clock import system_clock

_TIMEOUT_SECONDS = 15


@dataclass(frozen=True)
class Answer:
    """What the receiver answered."""

    status: int
    answer: dict[str, Any]

    @property
    def event_id(self) -> str | None:
        """The event that it became."""
        found = self.answer.get("id")
        return found if self.status == 200 and isinstance(found, str) else None


def examples_of(config: Config) -> dict[str, list[str]]:
    """Return the names of the examples that can be sent, by account."""
    return {name: example_names(account.vendor) for name, account in sorted(config.accounts.items())
            if account.vendor in SOURCES}  # fmt: skip


def is_rehearsal(config: Config) -> bool:
    """Whether nothing that a rule does can leave this machine: every vendor that is called is a sandbox on it."""
    called = [account for account in config.accounts.values() if isinstance(account, CalledAccount)]
    return all(is_loopback(urlsplit(account.base_url).hostname or "") for account in called)


def example(vendor: str, name: str) -> Any:
    """Return an example's body with the times of now; CommandError when there is none."""
    names = example_names(vendor)
    if name not in names:
        raise CommandError(f'there is no example "{name}" of {vendor}: {", ".join(names)}')
    body = load_example(vendor, name)
    freshen(vendor, body, system_clock())
    return body


def send(
    settings: Settings, name: str, account: Account, event: str, body: Any, *, query: Sequence[tuple[str, str]] = (),
    times: int = 1, url: str | None = None,
) -> list[Answer]:  # fmt: skip
    """Post a body so often; `event`, in the vendor's words, says by which endpoint. CommandError: nobody answers."""
    if isinstance(account, CalledAccount) and account.base_url.startswith(
        f"http://{settings.bind}:{settings.sandbox_port}/"
    ):
        _tell_sandbox(settings, account.vendor, body)
    raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return [_post(settings, name, account, event, raw, query, url) for _ in range(times)]


def _post(
    settings: Settings, name: str, account: Account, event: str, body: bytes, query: Sequence[tuple[str, str]],
    url: str | None,
) -> Answer:  # fmt: skip
    proof = prove(account, body, SOURCES[account.vendor].triggers.get(event), system_clock())
    base = url or f"http://{settings.bind}:{settings.receiver_port}"
    address = "/".join(part for part in (base.rstrip("/"), "webhooks", name, proof.path) if part)
    if query:
        address += "?" + urlencode(query)
    headers = {"Content-Type": "application/json", "User-Agent": "hookyard-send", **proof.headers}
    request = urllib.request.Request(address, body, headers, method="POST")  # noqa: S310 - the operator's own address
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310 - as above
            return Answer(response.status, _json(response.read()))
    except urllib.error.HTTPError as error:
        return Answer(error.code, _json(error.read()))
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
        sys.stderr.write(f"the sandbox was not told of it: {error}\n")


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
