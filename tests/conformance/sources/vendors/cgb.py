"""ChatGPT Builder: a header that the author of the flow sets."""

from datetime import datetime

from tests.conformance.sources.vendors.case import SECRETS, Proof, SourceCase


def _prove(_body: bytes, secret: str, _trigger: str, _at: datetime) -> Proof:
    return {"x-webhook-secret": secret}, None


CASE = SourceCase(
    account={
        "api_token": "1000001.token",
        "webhook_auth": {"scheme": "static", "header": "X-Webhook-Secret", "secrets": SECRETS},
    },
    prove=_prove,
    signs_the_body=False,
)
