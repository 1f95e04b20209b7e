"""Scalev: Base64 HMAC of the body."""

import base64
import hashlib
import hmac
from datetime import datetime

from tests.conformance.sources.vendors.case import SECRETS, Proof, SourceCase


def _prove(body: bytes, secret: str, _trigger: str, _at: datetime) -> Proof:
    digest = hmac.digest(secret.encode(), body, hashlib.sha256)
    return {"x-scalev-hmac-sha256": base64.b64encode(digest).decode()}, None


CASE = SourceCase(
    account={"signing_secrets": SECRETS, "api_key": "k"},
    prove=_prove,
    without_example={
        "known to Scalev's documents by name only": frozenset(
            {
                *(f"scalev.subscription.{name}" for name in (
                    "created", "activated", "renewed", "item_upgraded", "canceled", "expired", "activation_failed",
                    "item_revoked", "item_reactivated",
                )),
                "scalev.whatsapp.message.received", "scalev.whatsapp.message.status.updated",
                "scalev.agent.system_trigger", "scalev.shipment.status.updated",
            }
        ),
        "facts, derived and never received": frozenset(
            {
                *(f"scalev.order.{name}" for name in ("paid", "shipped", "completed", "canceled", "returned")),
                "scalev.customer.first_seen",
            }
        ),
    },
)  # fmt: skip
