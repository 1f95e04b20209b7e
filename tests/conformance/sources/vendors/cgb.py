"""ChatGPT Builder: the scheme is chosen; here a secret URL. What our own page tells to set is a header, tried apart."""

from datetime import datetime

from tests.conformance.sources.vendors.case import SECRETS, Proof, SourceCase


def _prove(_body: bytes, secret: str, _trigger: str, _at: datetime) -> Proof:
    return {}, secret


CASE = SourceCase(
    account={"api_token": "1000001.token", "webhook_auth": {"scheme": "url_secret", "secrets": SECRETS}},
    prove=_prove,
)
