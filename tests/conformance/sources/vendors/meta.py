"""Meta: HMAC of the body in hexadecimal."""

from datetime import datetime

from tests.conformance.sources.vendors.case import SECRETS, Proof, SourceCase, hex_hmac


def _prove(body: bytes, secret: str, _trigger: str, _at: datetime) -> Proof:
    return {"x-hub-signature-256": f"sha256={hex_hmac(secret, body)}"}, None


CASE = SourceCase(
    account={
        "app_secrets": SECRETS,
        "verify_token": "the-verify-token",
        "access_token": "t",
        "phone_number_id": "100000000000001",
    },
    prove=_prove,
)
