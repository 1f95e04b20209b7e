"""`accounts.yaml`: which vendors this shop has accounts with, and how both sides prove who they are.

Invariant: an account without a secret for what it receives does not load.
"""

from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from config.webhook_auth import Secrets, UrlSecret, WebhookAuth

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]


def _known_timezone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f'unknown time zone "{name}" (one like Asia/Jakarta is wanted)')
    return name


def _known_country(code: str) -> str:
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f'unknown country "{code}" (two capitals like ID are wanted)')
    return code


def _http_url(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if scheme not in {"http", "https"} or not separator or not rest.strip("/"):
        raise ValueError("an address that starts with https:// is wanted")
    return url.rstrip("/")


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


Country = Annotated[str, AfterValidator(_known_country)]
BaseUrl = Annotated[str, AfterValidator(_http_url)]
UrlSecrets = Annotated[list[UrlSecret], Field(min_length=1), BeforeValidator(_as_list)]
Credential = Annotated[SecretStr, Field(min_length=1)]
Text = Annotated[str, Field(min_length=1)]


class Part(BaseModel):
    """What all parts of the configuration share: unknown keys are refused, values never shown in errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, coerce_numbers_to_str=True)


class Business(Part):
    """The shop: its time zone and the country whose phone numbers are written without a country code."""

    timezone: Annotated[str, AfterValidator(_known_timezone)] = "Asia/Jakarta"
    country: Country = "ID"

    @property
    def zone(self) -> ZoneInfo:
        """The time zone as the standard library knows it."""
        return ZoneInfo(self.timezone)


class Account(Part):
    """What every vendor's account has."""

    vendor: str
    base_url: BaseUrl
    country: Country | None = Field(default=None, description="When it differs from the shop's.")


class ScalevAccount(Account):
    """A Scalev business: signed events in, API calls out."""

    vendor: Literal["scalev"]
    signing_secrets: Secrets
    api_key: Credential
    base_url: BaseUrl = "https://api.scalev.com/v3"


class WabotickAccount(Account):
    """A sending number at Wabotick; which secret a webhook's URL carries says which trigger it is."""

    vendor: Literal["wabotick"]
    api_token: Credential
    phone_number_id: Text
    whatsapp_bot_id: str | None = None
    url_secrets: Annotated[
        dict[Literal["incoming", "outgoing", "status", "conversation", "flow"], UrlSecrets], Field(min_length=1)
    ]
    base_url: BaseUrl = "https://app.wabotick.com/api/v1"

    @model_validator(mode="after")
    def _a_secret_says_which_trigger(self) -> Self:
        given = [secret.get_secret_value() for some in self.url_secrets.values() for secret in some]
        if len(set(given)) != len(given):
            raise ValueError("url_secrets: two of them are the same, so that a URL would not say which trigger it is")
        return self


class ProtonAccount(Account):
    """A company at Proton; how its webhooks prove themselves has to be chosen, the vendor documents nothing."""

    vendor: Literal["proton"]
    company: Text
    user_id: Text
    api_key: Credential
    webhook_auth: WebhookAuth
    base_url: BaseUrl = "https://api.proton.ai"


AnyAccount = Annotated[ScalevAccount | WabotickAccount | ProtonAccount, Field(discriminator="vendor")]


class AccountsFile(Part):
    """The whole of `accounts.yaml`."""

    accounts: Annotated[dict[Name, AnyAccount], Field(min_length=1)]
    business: Business = Business()
