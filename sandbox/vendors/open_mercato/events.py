"""The webhooks of Open Mercato: which events a command raises, what they hold, and how they are signed.

Invariant: `data` holds ids and little more; who wants the record must fetch it.
"""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime

from sandbox.vendors.open_mercato.kinds import Kind
from sandbox.vendors.open_mercato.state import SCOPE, USER_ID
from sandbox.vendors.open_mercato.words import Record

OUTCOMES = ("won", "lost")
# What the older spelling calls the same things.
PLURALS = {
    "customers.person": "customers.people",
    "customers.company": "customers.companies",
    "customers.activity": "customers.activities",
    "customers.address": "customers.addresses",
}
# Sent beside the others to who subscribed to everything.
INTERNAL_EVENTS = ("search.index_record", "customers.customer_person_profile.updated")


def events_of(kind: Kind, before: Record | None, after: Record) -> list[tuple[str, Record]]:
    """Return the events of one command, in the order they are sent: one change of a deal may raise two."""
    found = []
    status = after.get("status")
    if kind.event == "customers.deal" and status in OUTCOMES and (before or {}).get("status") != status:
        names = ("ownerUserId", "title", "valueAmount", "valueCurrency")
        more = {name: after.get(name) for name in names}
        if more["valueAmount"] is not None:
            more["valueAmount"] = f"{float(more['valueAmount']):.2f}"  # text, as it was captured
        found.append((f"customers.deal.{status}", {"id": after["id"], **SCOPE, **more}))
    if kind.event:
        found.append((f"{kind.event}.{'created' if before is None else 'updated'}", data_of(kind, after)))
    return found


def data_of(kind: Kind, record: Record) -> Record:
    """Return what an event says of a record: of people and companies `id` is the profile's."""
    if kind.second_id in ("personId", "companyId"):
        return {"id": record[kind.second_id], "entityId": record["id"], **SCOPE}
    if kind.event in ("sales.order", "sales.quote"):
        return {"id": record["id"], "userId": USER_ID, **SCOPE}
    return {"id": record["id"], **SCOPE}


def spelled(name: str, spelling: str) -> str:
    """Return an event's name in the newer or the older spelling."""
    thing, _, verb = name.rpartition(".")
    if spelling == "singular" or thing.count(".") != 1:
        return name
    return f"{PLURALS.get(thing, thing + 's')}.{verb}"


def signature_headers(secrets: str | None, body: bytes, now: datetime) -> dict[str, str]:
    """Sign a body after Standard Webhooks.

    The id is made from the body, so it stays the same over repetitions; timestamp and signature are each attempt's own.

    Args:
        secrets: one or several separated by blanks, newest first: after a rotation each signs.
    """
    identity, timestamp = f"msg_{hashlib.sha256(body).hexdigest()[:32]}", str(int(now.timestamp()))
    signed = f"{identity}.{timestamp}.".encode() + body
    signatures = [
        "v1," + base64.b64encode(hmac.digest(_key(secret), signed, "sha256")).decode()
        for secret in (secrets or "").split()
    ]
    headers = {"webhook-id": identity, "webhook-timestamp": timestamp}
    return {**headers, "webhook-signature": " ".join(signatures)} if signatures else headers


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        return secret.encode()
