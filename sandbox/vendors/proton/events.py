"""Proton's webhooks. The vendor documents five names and no form, so the form is a setting.

Invariant: every event has an id of its own, also after a restart, and carries the record of its moment.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sandbox.exchange import Json
from sandbox.vendors.proton.state import KEYS, Record, stamp

if TYPE_CHECKING:
    from sandbox.vendors.proton.vendor import Proton

EVENTS = ("customer.created", "customer.updated", "call_note.created", "call_note.updated", "call_note.deleted")

_ID_LENGTH = 12
_KINDS = {"customer": "customers", "call_note": "call_notes"}


def announce(vendor: "Proton", company: str, event: str, data: Mapping[str, Json]) -> None:
    """Send one event in the form that is set; the company also stands in a header."""
    now = vendor.setup.clock()
    body = _shaped(vendor, company, event, deepcopy(dict(data)), now)
    vendor.emit(event, body, headers={"X-Company": company})


def signed(vendor: "Proton", secret: str, body: bytes, now: datetime) -> dict[str, str]:
    """Return the headers of the scheme that is set."""
    header, seconds = vendor.settings.webhook_header, str(int(now.timestamp()))
    match vendor.settings.webhook_auth:
        case "static":
            return {header: secret}
        case "hmac_timestamp":
            return {header: f"t={seconds},v1={_hex(secret.encode(), f'{seconds}.'.encode() + body)}"}
        case "standard_webhooks":
            # The id follows from the body, so that a repetition keeps it.
            identity = "msg_" + hashlib.sha256(body).hexdigest()[:24]
            digest = hmac.digest(_standard_key(secret), f"{identity}.{seconds}.".encode() + body, hashlib.sha256)
            signature = "v1," + base64.b64encode(digest).decode()
            return {"webhook-id": identity, "webhook-timestamp": seconds, "webhook-signature": signature}
        case _:
            return {header: vendor.settings.webhook_prefix + _hex(secret.encode(), body)}


def _shaped(vendor: "Proton", company: str, event: str, data: Record, now: datetime) -> Json:
    timestamp = stamp(now.astimezone(UTC))
    match vendor.settings.webhook_shape:
        case "standard_webhooks":
            return {"type": event, "timestamp": timestamp, "data": data}
        case "thin":
            return {"event": event, "company": company, "timestamp": timestamp, "data": _ids(event, data)}
        case "flat":
            return {"event": event, "company": company, **data}
        case _:
            identity = _event_id(vendor, now)
            return {"event": event, "id": identity, "company": company, "timestamp": timestamp, "data": data}


def _ids(event: str, data: Record) -> Record:
    """Return what the create answers: ids, and that it was created."""
    key = KEYS.get(_KINDS.get(event.partition(".")[0], ""), "id")
    named = {name: data[name] for name in (key, "id") if name in data}
    return {**named, "created": True} if event.endswith(".created") else named


def _event_id(vendor: "Proton", now: datetime) -> str:
    count = vendor.ids.number("event", 0)
    digest = hashlib.sha256(f"{vendor.setup.seed}:{count}:{now.isoformat()}".encode()).digest()
    return "evt_" + base64.b32encode(digest).decode()[:_ID_LENGTH]


def _hex(secret: bytes, content: bytes) -> str:
    return hmac.digest(secret, content, hashlib.sha256).hex()


def _standard_key(secret: str) -> bytes:
    """Return the key bytes: Base64 after `whsec_`, else the text as it is."""
    if not secret.startswith("whsec_"):
        return secret.encode()
    return base64.b64decode(secret.removeprefix("whsec_"))
