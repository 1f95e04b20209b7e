"""How a webhook proves that it is the vendor's: the schemes that `webhook_auth` offers.

Invariant: every scheme has at least one secret; several stay valid side by side during a rotation.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

SHORTEST_SECRET = 8


def _long_enough(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value().strip()) < SHORTEST_SECRET:
        raise ValueError(f"a secret of at least {SHORTEST_SECRET} characters is wanted")
    return secret


Secret = Annotated[SecretStr, AfterValidator(_long_enough)]
Secrets = Annotated[list[Secret], Field(min_length=1)]


class _Scheme(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class HmacScheme(_Scheme):
    """HMAC-SHA256 of the raw body, or of `<timestamp>.<body>` when a timestamp header is named."""

    scheme: Literal["hmac"]
    header: str
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    timestamp_header: str | None = None
    tolerance_seconds: Annotated[float, Field(gt=0)] = 300
    secrets: Secrets


class StandardWebhooksScheme(_Scheme):
    """Standard Webhooks 1.0, symmetric (`v1`): secrets as `whsec_<base64>`."""

    scheme: Literal["standard_webhooks"]
    tolerance_seconds: Annotated[float, Field(gt=0)] = 300
    secrets: Secrets


class StaticScheme(_Scheme):
    """The secret itself in a header; with `header: Authorization` as a bearer token."""

    scheme: Literal["static"]
    header: str = "Authorization"
    secrets: Secrets


class BasicScheme(_Scheme):
    """HTTP Basic: each secret is `user:password`."""

    scheme: Literal["basic"]
    secrets: Secrets


class UrlSecretScheme(_Scheme):
    """The secret as the last part of the URL: /webhooks/<account>/<secret>."""

    scheme: Literal["url_secret"]
    secrets: Secrets


class JwtScheme(_Scheme):
    """A token signed with RS256; `secrets` holds public keys as PEM, or one JWKS document each."""

    scheme: Literal["jwt"]
    header: str = "Authorization"
    secrets: Secrets
    claims: dict[str, str] = Field(default_factory=dict, description="Claims that must have exactly these values.")


WebhookAuth = Annotated[
    HmacScheme | StandardWebhooksScheme | StaticScheme | BasicScheme | UrlSecretScheme | JwtScheme,
    Field(discriminator="scheme"),
]
