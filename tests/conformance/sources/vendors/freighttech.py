"""Freighttech: a secret URL for the pushes, a timestamped HMAC for shipment_tracking."""

from datetime import datetime

from tests.conformance.sources.vendors.case import SECRETS, Proof, SourceCase, hex_hmac


def _prove(body: bytes, secret: str, trigger: str, at: datetime) -> Proof:
    if trigger == "push":
        return {}, f"{secret}-push"
    timestamp = str(int(at.timestamp()))
    signature = hex_hmac(secret, timestamp.encode() + b"." + body)
    return {"x-webhook-timestamp": timestamp, "x-webhook-signature": signature}, None


CASE = SourceCase(
    account={"url_secrets": {"push": [f"{secret}-push" for secret in SECRETS]}, "tracking_secrets": SECRETS},
    prove=_prove,
    triggers={"container.updated": "push"},
    without_example={
        "facts, derived and never received": frozenset(
            f"freighttech.container.{name}" for name in ("departed", "arrived", "delivered", "eta_changed")
        ),
    },
)
