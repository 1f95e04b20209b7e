"""Open Mercato: Standard Webhooks."""

import base64
import hashlib
import hmac
from datetime import datetime

from tests.conformance.sources.vendors.case import SECRETS, Proof, SourceCase


def whsec(secret: str) -> str:
    """Return a secret as Open Mercato shows it, once: 24 bytes in Base64."""
    return "whsec_" + base64.b64encode(_key(secret)).decode()


def _key(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()[:24]


def _prove(body: bytes, secret: str, _trigger: str, at: datetime) -> Proof:
    message, timestamp = f"msg_{hashlib.sha256(body).hexdigest()[:32]}", str(int(at.timestamp()))
    digest = hmac.digest(_key(secret), f"{message}.{timestamp}.".encode() + body, "sha256")
    signature = "v1," + base64.b64encode(digest).decode()
    return {"webhook-id": message, "webhook-timestamp": timestamp, "webhook-signature": signature}, None


CASE = SourceCase(
    account={
        "base_url": "https://erp.example/api", "api_key": "k", "organization_id": "o", "tenant_id": "t",
        "webhook_auth": {"scheme": "standard_webhooks", "secrets": [whsec(secret) for secret in SECRETS]},
    },
    prove=_prove,
)  # fmt: skip
