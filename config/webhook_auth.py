"""How a webhook proves that it is the vendor's: the schemes that `webhook_auth` offers.

Invariant: every scheme has at least one secret; several stay valid side by side during a rotation.
"""

import base64
import json
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

SHORTEST_SECRET = 8
_URL_SAFE = re.compile(r"[A-Za-z0-9._~-]+\Z")


def _long_enough(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value().strip()) < SHORTEST_SECRET:
        raise ValueError(f"a secret of at least {SHORTEST_SECRET} characters is wanted")
    return secret


def _fit_for_a_url(secret: SecretStr) -> SecretStr:
    if not _URL_SAFE.match(secret.get_secret_value()):
        raise ValueError("a secret in a URL may have letters, digits and - . _ ~ only")
    return secret


def _user_and_password(secret: SecretStr) -> SecretStr:
    if ":" not in secret.get_secret_value():
        raise ValueError("user:password is wanted")
    return secret


def standard_webhooks_key(secret: SecretStr) -> bytes:
    """Return the bytes behind `whsec_<base64>`, padded or not; ValueError when there are none."""
    text = secret.get_secret_value().removeprefix("whsec_")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        key = b""
    if not key:
        raise ValueError("a Standard Webhooks secret is whsec_ and Base64")
    return key


def rsa_keys(secret: SecretStr) -> list[Any]:
    """Return the RSA public keys of a PEM or a JWKS document; ValueError when there are none."""
    from jwt import PyJWKSet, PyJWTError  # noqa: PLC0415 - slow to load, and few accounts use this scheme
    from jwt.algorithms import RSAAlgorithm  # noqa: PLC0415 - as above

    text = secret.get_secret_value().strip()
    try:
        if text.startswith("{"):
            found = [key.key for key in PyJWKSet.from_dict(json.loads(text)).keys if key.key_type == "RSA"]
        else:
            found = [RSAAlgorithm(RSAAlgorithm.SHA256).prepare_key(text)]
    except (PyJWTError, ValueError, TypeError, AttributeError):
        found = []
    if not found:
        raise ValueError("an RSA public key is wanted, as PEM or in a JWKS document")
    return found


def _checked_key(secret: SecretStr) -> SecretStr:
    standard_webhooks_key(secret)
    return secret


def _checked_rsa(secret: SecretStr) -> SecretStr:
    rsa_keys(secret)
    return secret


Secret = Annotated[SecretStr, AfterValidator(_long_enough)]
UrlSecret = Annotated[Secret, AfterValidator(_fit_for_a_url)]
Secrets = Annotated[list[Secret], Field(min_length=1)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]
Tolerance = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Scheme(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class HmacScheme(_Scheme):
    """HMAC-SHA256 of the raw body, or of `<timestamp>.<body>` when a timestamp is sent.

    `timestamp_header` names a header of its own; `layout: t_v1` reads `t=<timestamp>,v1=<signature>` from one header.
    """

    scheme: Literal["hmac"]
    header: HeaderName
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    layout: Literal["plain", "t_v1"] = "plain"
    timestamp_header: HeaderName | None = None
    tolerance_seconds: Tolerance = 300
    secrets: Secrets


class StandardWebhooksScheme(_Scheme):
    """Standard Webhooks 1.0, symmetric (`v1`): secrets as `whsec_<base64>`."""

    scheme: Literal["standard_webhooks"]
    tolerance_seconds: Tolerance = 300
    secrets: Annotated[list[Annotated[Secret, AfterValidator(_checked_key)]], Field(min_length=1)]


class StaticScheme(_Scheme):
    """The secret itself in a header; with `header: Authorization` as a bearer token."""

    scheme: Literal["static"]
    header: HeaderName = "Authorization"
    secrets: Secrets


class BasicScheme(_Scheme):
    """HTTP Basic: each secret is `user:password`."""

    scheme: Literal["basic"]
    secrets: Annotated[list[Annotated[Secret, AfterValidator(_user_and_password)]], Field(min_length=1)]


class UrlSecretScheme(_Scheme):
    """The secret as the last part of the URL: /webhooks/<account>/<secret>."""

    scheme: Literal["url_secret"]
    secrets: Annotated[list[UrlSecret], Field(min_length=1)]


class JwtScheme(_Scheme):
    """A token signed with RS256; `secrets` holds public keys as PEM, or one JWKS document each."""

    scheme: Literal["jwt"]
    header: HeaderName = "Authorization"
    secrets: Annotated[list[Annotated[Secret, AfterValidator(_checked_rsa)]], Field(min_length=1)]
    claims: dict[str, str] = Field(default_factory=dict, description="Claims that must have exactly these values.")


WebhookAuth = Annotated[
    HmacScheme | StandardWebhooksScheme | StaticScheme | BasicScheme | UrlSecretScheme | JwtScheme,
    Field(discriminator="scheme"),
]
