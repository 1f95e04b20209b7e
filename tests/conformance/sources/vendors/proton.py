"""Proton: the scheme is chosen; here an HMAC of the body in hexadecimal."""

from datetime import datetime

from tests.conformance.sources.vendors.case import SECRETS, Proof, SourceCase, hex_hmac


def _prove(body: bytes, secret: str, _trigger: str, _at: datetime) -> Proof:
    return {"x-proton-signature": hex_hmac(secret, body)}, None


CASE = SourceCase(
    account={
        "company": "harborline", "user_id": "u", "api_key": "k",
        "webhook_auth": {"scheme": "hmac", "header": "X-Proton-Signature", "secrets": SECRETS},
    },
    prove=_prove,
)  # fmt: skip
