"""The part `alerts` of accounts.yaml: who is told when something fails, and how much failing is too much.

Invariant: a target that could send in clear, or to nobody, does not load; addresses that are secrets are never shown.
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from config.parts import Name, Part
from config.webhook_auth import Secret, standard_webhooks_key


def _secret_url(url: SecretStr) -> SecretStr:
    scheme, separator, rest = url.get_secret_value().partition("://")
    if scheme not in {"http", "https"} or not separator or not rest.strip("/"):
        raise ValueError("an address that starts with https:// is wanted")
    return url


def _signing_key(secret: SecretStr) -> SecretStr:
    standard_webhooks_key(secret)
    return secret


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("one line is wanted")
    return text


Limit = Annotated[float, Field(gt=0, allow_inf_nan=False)] | None
SecretUrl = Annotated[SecretStr, AfterValidator(_secret_url)]
Mailbox = Annotated[str, Field(pattern=r"^[^@\s<>,;:]+@[^@\s<>,;:]+$"), AfterValidator(_one_line)]


class _HttpTarget(Part):
    url: SecretUrl = Field(description="Where it is posted to; kept like a secret, as it often has one in it.")
    private_network: bool = Field(default=False, description="Whether its name may stand for a private address.")

    @property
    def base_url(self) -> str:
        """The address in clear, for whoever calls it."""
        return self.url.get_secret_value()


class WebhookTarget(_HttpTarget):
    """Any program: gets JSON, signed as Standard Webhooks says where there is a secret."""

    kind: Literal["webhook"]
    secret: Annotated[Secret, AfterValidator(_signing_key)] | None = None


class SlackTarget(_HttpTarget):
    """A Slack channel, by the address of an incoming webhook."""

    kind: Literal["slack"]


class EmailTarget(Part):
    """Mailboxes, by a mail server."""

    kind: Literal["email"]
    to: Annotated[list[Mailbox], Field(min_length=1)]
    sender: Mailbox = Field(alias="from")
    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:-]+$")]
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password: SecretStr | None = None
    private_network: bool = False

    @property
    def base_url(self) -> str:
        """The server, as an address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"smtp://{host}:{self.port}"

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password belong together")
        if self.security == "none" and self.user is not None:
            raise ValueError("a password is sent over TLS only: security is starttls or tls")
        return self


Target = WebhookTarget | SlackTarget | EmailTarget


class FailureLimits(Part):
    """How much of each failing is too much; null watches it no more."""

    dead_letters: Limit = Field(default=20, description="Deliveries of an account that became dead within an hour.")
    failed_events: Limit = Field(default=10, description="Events of an account that failed within an hour.")
    unknown: Limit = Field(default=10, description="Deliveries of an account whose outcome is unknown now.")
    quarantined: Limit = Field(default=100, description="Bodies for an account that were refused within an hour.")
    failing_percent: Limit = Field(default=50, description="Failed share of an account's attempts within an hour.")
    held_seconds: Limit = Field(default=3600, description="How long an account's circuit is open.")
    backlog_seconds: Limit = Field(default=300, description="How long the oldest due work waits.")


class Alerts(Part):
    """Who is told, and from when on."""

    targets: dict[Name, Annotated[Target, Field(discriminator="kind")]] = Field(default_factory=dict)
    failure_limits: FailureLimits = FailureLimits()
