"""The addresses that each account's webhooks come in by, and how a request proves itself there.

Invariant: a secret is in `url` and `secret` only, which are shown to an admin who asks; `shown` has none.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from config import webhook_auth as auths
from config.accounts import Account, MetaAccount
from config.load import Config
from config.settings import Settings
from console.connecting.steps import TRIGGERS

HIDDEN = "••••••"
UNSET = "https://<your address>"


@dataclass(frozen=True)
class Endpoint:
    """One address."""

    account: str
    label: str
    """What it is for, in the vendor's words."""
    shown: str
    """The URL without its secret."""
    url: str
    proof: str
    """How a request proves itself."""
    trigger: str | None = None
    index: int | None = None
    """Which of several secrets, where one is being rotated."""
    has_secret: bool = False

    @property
    def key(self) -> str:
        """Return a name without a secret for it."""
        return f"{self.trigger or 'url'}:{self.index or 0}"


def base_url(settings: Settings) -> str:
    """Return the receiver's public address, or what stands for it."""
    return settings.public_url or UNSET


def endpoints_of(name: str, account: Account, settings: Settings) -> tuple[Endpoint, ...]:
    """Return every address of an account."""
    return (*_by_url(name, account, settings), *_by_proof(name, account, settings))


def all_endpoints(config: Config, settings: Settings) -> dict[str, tuple[Endpoint, ...]]:
    """Return the addresses of every account."""
    return {name: endpoints_of(name, account, settings) for name, account in config.accounts.items()}


def verify_token(account: Account) -> str | None:
    """Return what has to be typed into the vendor's dashboard beside the URL."""
    return account.verify_token.get_secret_value() if isinstance(account, MetaAccount) else None


def _by_url(name: str, account: Account, settings: Settings) -> Iterator[Endpoint]:
    secrets: Mapping[str, list[SecretStr]] = getattr(account, "url_secrets", {})
    for trigger, some in secrets.items():
        called = TRIGGERS.get((account.vendor, trigger), trigger)
        yield from _secret_urls(name, called, trigger, some, settings)
    for auth in account.proofs:
        if isinstance(auth, auths.UrlSecretScheme):
            yield from _secret_urls(name, "every event", None, auth.secrets, settings)


def _secret_urls(
    name: str, label: str, trigger: str | None, secrets: list[SecretStr], settings: Settings
) -> Iterator[Endpoint]:
    path = f"{base_url(settings)}/webhooks/{name}/"
    for index, secret in enumerate(secrets):
        older = f" (older secret {index})" if index else ""
        proof = "the URL is the credential: whoever knows it can post"
        yield Endpoint(
            name, label + older, path + HIDDEN, path + secret.get_secret_value(), proof, trigger, index, has_secret=True
        )


def _by_proof(name: str, account: Account, settings: Settings) -> Iterator[Endpoint]:
    proofs = [auth for auth in account.proofs if not isinstance(auth, auths.UrlSecretScheme)]
    if proofs:
        url = f"{base_url(settings)}/webhooks/{name}"
        yield Endpoint(name, "every event", url, url, "; and ".join(_PROOFS[type(auth)](auth) for auth in proofs))


def _hmac(auth: Any) -> str:
    prefix = f", after {auth.prefix}" if auth.prefix else ""
    stamp = f", with the time in {auth.timestamp_header}" if auth.timestamp_header else ""
    return f"signed with HMAC-SHA256 in the header {auth.header} ({auth.encoding}{prefix}){stamp}"


_PROOFS: Mapping[type, Callable[[Any], str]] = {
    auths.HmacScheme: _hmac,
    auths.StandardWebhooksScheme: lambda _: "signed as Standard Webhooks says, in the header webhook-signature",
    auths.StaticScheme: lambda auth: f"the secret in the header {auth.header}",
    auths.BasicScheme: lambda _: "a user and a password (HTTP Basic)",
    auths.JwtScheme: lambda auth: f"a token signed with RS256 in the header {auth.header}",
}
