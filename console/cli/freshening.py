"""Make an example an event of now, with an identity of its own, so that it is no duplicate of the last one.

Invariant: what an example says is not changed, only when it says so and under which id.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4


def freshen(vendor: str, body: Any, now: datetime) -> None:
    """Give a vendor's example a new identity, at this moment; in place."""
    if fresh := _FRESH.get(vendor):
        fresh(body, now)


def _scalev(body: Any, now: datetime) -> None:
    _replace(body, "unique_id", f"event_{uuid4().hex[:24]}")
    body["timestamp"] = _stamp(now)
    if "last_updated_at" in body["data"]:
        body["data"]["last_updated_at"] = now.strftime("%Y-%m-%dT%H:%M:%SZ")


def _proton(body: Any, now: datetime) -> None:
    for event in body if isinstance(body, list) else [body]:
        _replace(event, "id", f"evt_{uuid4().hex[:12]}")
        event["timestamp"] = _stamp(now)


def _wabotick(body: Any, _now: datetime) -> None:
    if "webhook_type" not in body and body.get("wa_message_id"):  # a status is about a message there was before
        body["wa_message_id"] = _message_id()


def _meta(body: Any, now: datetime) -> None:
    for part in _objects(body):
        if "timestamp" in part:
            part["timestamp"] = str(int(now.timestamp()))
        if "from" in part and str(part.get("id", "")).startswith("wamid."):  # as above: not the id of a status
            part["id"] = _message_id()


def _open_mercato(body: Any, now: datetime) -> None:
    body["timestamp"] = _stamp(now)


def _generic(body: Any, _now: datetime) -> None:
    _replace(body, "id", f"evt-{uuid4().hex[:12]}")


_FRESH: Mapping[str, Callable[[Any, datetime], None]] = {
    "scalev": _scalev,
    "proton": _proton,
    "wabotick": _wabotick,
    "meta": _meta,
    "open_mercato": _open_mercato,
    "generic": _generic,
}


def _stamp(now: datetime) -> str:
    return now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _message_id() -> str:
    return f"wamid.{uuid4().hex.upper()}"


def _replace(body: dict[str, Any], name: str, value: str) -> None:
    if name in body:
        body[name] = value


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(part)
