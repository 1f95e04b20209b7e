"""`hookyard send` proves its requests as the vendor would: what it makes, the receiver's own check accepts."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from config.accounts import ProtonAccount
from config.webhook_auth import WebhookAuth
from console.cli.output import CommandError
from console.cli.signing import prove
from webhooks.inbound import Inbound
from webhooks.verification import scheme_for
from worker.clock import system_clock

BODY = '{"name": "Łódź – ☕"}'.encode()
SECRETS = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "another-secret-that-is-valid-too"]


def account(auth: dict[str, Any]) -> ProtonAccount:
    """Return an account whose webhooks prove themselves in this way."""
    return ProtonAccount(
        vendor="proton", company="acme", user_id="ops@acme.example", api_key="proton-key", webhook_auth=auth
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "auth",
    [
        {"scheme": "hmac", "header": "X-Signature", "secrets": SECRETS},
        {"scheme": "hmac", "header": "X-Signature", "encoding": "base64", "prefix": "sha256=", "secrets": SECRETS},
        {"scheme": "hmac", "header": "X-Signature", "timestamp_header": "X-Timestamp", "secrets": SECRETS},
        {"scheme": "hmac", "header": "X-Signature", "layout": "t_v1", "secrets": SECRETS},
        {"scheme": "standard_webhooks", "secrets": SECRETS[:1]},
        {"scheme": "static", "header": "X-Webhook-Secret", "secrets": SECRETS},
        {"scheme": "static", "secrets": SECRETS},
        {"scheme": "basic", "secrets": ["user:password-of-the-vendor"]},
        {"scheme": "url_secret", "secrets": ["a-secret-in-the-address"]},
    ],
    ids=lambda auth: "-".join(str(auth[key]) for key in ("scheme", "encoding", "layout", "header") if key in auth),
)
def test_what_send_proves_the_receiver_accepts(auth: dict[str, Any]) -> None:
    """The first secret of each scheme, over the exact bytes."""
    now = system_clock()

    proof = prove(account(auth), BODY, None, now)

    headers = {name.lower(): (value,) for name, value in proof.headers.items()}
    inbound = Inbound("crm", BODY, headers, "", proof.path or None, None, now)
    scheme = scheme_for(TypeAdapter(WebhookAuth).validate_python(auth))
    assert scheme.check(scheme.evidence(inbound), BODY, now).secret_index == 0


def test_a_jwt_cannot_be_made_up() -> None:
    """Only the vendor has the private key, and `send` says so."""
    key = "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf\n"
    key += "9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQ==\n-----END PUBLIC KEY-----\n"

    with pytest.raises(CommandError, match="only the vendor"):
        prove(account({"scheme": "jwt", "secrets": [key]}), BODY, None, system_clock())
