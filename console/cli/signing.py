"""Prove a request as the vendor would: the other side of `webhooks.verification`, for `hookyard send`.

Invariant: what is signed is the exact body that is sent.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from pydantic import SecretStr

from config import webhook_auth
from config.accounts import Account
from console.cli.output import CommandError
from webhooks.verification import hmac_sha256


@dataclass(frozen=True)
class Proof:
    """What is added to a request."""

    headers: dict[str, str] = field(default_factory=dict)
    path: str = ""
    """The last part of the URL, where the secret is one."""


def prove(account: Account, body: bytes, trigger: str | None, now: datetime) -> Proof:
    """Return what makes a body acceptable to an account's endpoint; CommandError when it cannot be made.

    `trigger` says by which of the account's endpoints it comes in, where there are several.
    """
    url_secrets: Mapping[str, Sequence[SecretStr]] = getattr(account, "url_secrets", {})
    if found := url_secrets.get(trigger or ""):
        return Proof(path=found[0].get_secret_value())
    if not account.proofs:
        raise CommandError(f'the account has no URL secret for "{trigger}"')
    proofs = [_SCHEMES[type(scheme)](scheme, body, now) for scheme in account.proofs]
    headers = {name: value for proof in proofs for name, value in proof.headers.items()}
    return Proof(headers, next((proof.path for proof in proofs if proof.path), ""))


def _hmac(auth: webhook_auth.HmacScheme, body: bytes, now: datetime) -> Proof:
    key = auth.secrets[0].get_secret_value().encode()
    stamp = str(int(now.timestamp()))
    is_stamped = auth.timestamp_header is not None or auth.layout == "t_v1"
    digest = hmac_sha256(key, stamp.encode() + b"." + body if is_stamped else body)
    text = auth.prefix + (digest.hex() if auth.encoding == "hex" else base64.b64encode(digest).decode())
    if auth.timestamp_header:
        return Proof({auth.header: text, auth.timestamp_header: stamp})
    return Proof({auth.header: f"t={stamp},v1={text}" if auth.layout == "t_v1" else text})


def _standard_webhooks(auth: webhook_auth.StandardWebhooksScheme, body: bytes, now: datetime) -> Proof:
    text = auth.secrets[0].get_secret_value().removeprefix("whsec_")
    key = base64.b64decode(text + "=" * (-len(text) % 4))
    message_id, stamp = f"msg_{uuid4().hex}", str(int(now.timestamp()))
    digest = hmac_sha256(key, f"{message_id}.{stamp}.".encode() + body)
    signature = "v1," + base64.b64encode(digest).decode()
    return Proof({"webhook-id": message_id, "webhook-timestamp": stamp, "webhook-signature": signature})


def _static(auth: webhook_auth.StaticScheme, _body: bytes, _now: datetime) -> Proof:
    secret = auth.secrets[0].get_secret_value()
    return Proof({auth.header: f"Bearer {secret}" if auth.header.lower() == "authorization" else secret})


def _basic(auth: webhook_auth.BasicScheme, _body: bytes, _now: datetime) -> Proof:
    return Proof({"Authorization": "Basic " + base64.b64encode(auth.secrets[0].get_secret_value().encode()).decode()})


def _url_secret(auth: webhook_auth.UrlSecretScheme, _body: bytes, _now: datetime) -> Proof:
    return Proof(path=auth.secrets[0].get_secret_value())


def _jwt(_auth: webhook_auth.JwtScheme, _body: bytes, _now: datetime) -> Proof:
    raise CommandError("only the vendor can sign a JWT: its private key is not ours")


_SCHEMES: Mapping[type, Callable[[Any, bytes, datetime], Proof]] = {
    webhook_auth.HmacScheme: _hmac,
    webhook_auth.StandardWebhooksScheme: _standard_webhooks,
    webhook_auth.StaticScheme: _static,
    webhook_auth.BasicScheme: _basic,
    webhook_auth.UrlSecretScheme: _url_secret,
    webhook_auth.JwtScheme: _jwt,
}
