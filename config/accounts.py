"""`accounts.yaml`: which vendors this shop has accounts with, and how both sides prove who they are.

Invariant: an account without a secret for what it receives does not load.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from config.alerts import Alerts
from config.consent import START_WORDS, STOP_WORDS
from config.parts import Name, Part
from config.quiet_hours import QuietSpan
from config.webhook_auth import HeaderName, HmacScheme, Secret, Secrets, UrlSecret, WebhookAuth


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


def _no_credential(header: str) -> str:
    if header.lower() in {"authorization", "proxy-authorization", "cookie", "x-api-key"}:
        raise ValueError("a header that carries a credential is not kept")
    return header.lower()


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


Country = Annotated[str, AfterValidator(_known_country)]
BaseUrl = Annotated[str, AfterValidator(_http_url)]
UrlSecrets = Annotated[list[UrlSecret], Field(min_length=1), BeforeValidator(_as_list)]
Credential = Annotated[SecretStr, Field(min_length=1)]
Text = Annotated[str, Field(min_length=1)]
KeptHeader = Annotated[HeaderName, AfterValidator(_no_credential)]
WebhookAuths = Annotated[list[WebhookAuth], Field(min_length=1), BeforeValidator(_as_list)]
EventName = Annotated[str, Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$")]


class Consent(Part):
    """The whole messages by which a person opts out and in again; case, blanks and punctuation do not matter."""

    stop_words: tuple[Text, ...] = STOP_WORDS
    start_words: tuple[Text, ...] = START_WORDS


class Business(Part):
    """The shop: its time zone, the country whose phone numbers are written without a country code, when it is quiet."""

    timezone: Annotated[str, AfterValidator(_known_timezone)] = "Asia/Jakarta"
    country: Country = "ID"
    quiet_hours: QuietSpan | None = Field(default=None, description='When no messages are sent, as "21:00-08:00".')
    consent: Consent = Consent()

    @property
    def zone(self) -> ZoneInfo:
        """The time zone as the standard library knows it."""
        return ZoneInfo(self.timezone)


class Limits(Part):
    """How fast an account may be called, by all workers together."""

    per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    per_hour: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    per_recipient_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = Field(
        default=None, description="Least time between two messages to one person."
    )


class Account(Part):
    """What every vendor's account has."""

    vendor: str
    country: Country | None = Field(default=None, description="When it differs from the shop's.")
    kept_headers: list[KeptHeader] = Field(
        default_factory=list, description="Further headers to keep with each event; none may be a secret."
    )

    @property
    def proofs(self) -> list[WebhookAuth]:
        """How a request proves itself where no URL secret of a trigger does: by all of these together."""
        auth = getattr(self, "webhook_auth", None) or []
        return auth if isinstance(auth, list) else [auth]


class CalledAccount(Account):
    """An account that actions call."""

    base_url: BaseUrl
    private_network: bool = Field(
        default=False, description="Whether base_url may be a name of an address that is not public."
    )
    limits: Limits = Field(default=Limits(), description="Where they differ from the vendor's under `limits`.")
    quiet_hours: QuietSpan | None = Field(default=None, description="Where they differ from the shop's; null for none.")


class ScalevAccount(CalledAccount):
    """A Scalev business: signed events in, API calls out."""

    vendor: Literal["scalev"]
    signing_secrets: Secrets
    api_key: Credential
    business_unique_id: Text | None = Field(
        default=None, description="Which business, where the key is good for several (Scalev's b_uid)."
    )
    base_url: BaseUrl = "https://api.scalev.com/v3"

    @property
    def proofs(self) -> list[WebhookAuth]:
        """Scalev's own signature."""
        header = "X-Scalev-Hmac-Sha256"
        return [HmacScheme(scheme="hmac", header=header, encoding="base64", secrets=self.signing_secrets)]


class WabotickAccount(CalledAccount):
    """A sending number at Wabotick; which secret a webhook's URL carries says which trigger it is.

    `webhook_auth` is for the HTTP API node of a flow, the one sender of Wabotick that can prove itself in a header.
    """

    vendor: Literal["wabotick"]
    api_token: Credential
    phone_number_id: Text
    whatsapp_bot_id: str | None = None
    url_secrets: dict[Literal["incoming", "outgoing", "status", "conversation", "flow"], UrlSecrets] = Field(
        default_factory=dict
    )
    webhook_auth: WebhookAuth | None = None
    base_url: BaseUrl = "https://app.wabotick.com/api/v1"

    @model_validator(mode="after")
    def _something_comes_in(self) -> Self:
        if not self.url_secrets and self.webhook_auth is None:
            raise ValueError("url_secrets or webhook_auth is wanted")
        if self.webhook_auth is not None and self.webhook_auth.scheme == "url_secret":
            raise ValueError("webhook_auth: a secret in the URL stands under url_secrets, with its trigger")
        return self

    @model_validator(mode="after")
    def _a_secret_says_which_trigger(self) -> Self:
        given = [secret.get_secret_value() for some in self.url_secrets.values() for secret in some]
        if len(set(given)) != len(given):
            raise ValueError("url_secrets: two of them are the same, so that a URL would not say which trigger it is")
        return self


class ProtonAccount(CalledAccount):
    """A company at Proton; how its webhooks prove themselves has to be chosen, the vendor documents nothing."""

    vendor: Literal["proton"]
    company: Text
    user_id: Text
    api_key: Credential
    webhook_auth: WebhookAuths = Field(description="One scheme, or a list of schemes that must all be satisfied.")
    event_header: KeptHeader | None = Field(
        default=None, description="The header that names an event whose body does not."
    )
    base_url: BaseUrl = "https://api.proton.ai"

    @model_validator(mode="before")
    @classmethod
    def _the_event_header_is_kept(cls, given: Any) -> Any:
        if not isinstance(given, dict) or not isinstance(given.get("event_header"), str):
            return given
        kept = given.get("kept_headers")
        return {**given, "kept_headers": [*(kept if isinstance(kept, list) else []), given["event_header"]]}

    @model_validator(mode="after")
    def _each_proof_has_its_own_place(self) -> Self:
        places = [str(getattr(auth, "header", auth.scheme)).lower() for auth in self.webhook_auth]
        if len(set(places)) != len(places):
            raise ValueError("webhook_auth: two of the schemes look at the same place")
        return self


class MetaAccount(CalledAccount):
    """A sending number at Meta's WhatsApp Cloud API, with the app whose secret signs its webhooks."""

    vendor: Literal["meta"]
    app_secrets: Secrets
    verify_token: Secret = Field(description="What Meta shows when the endpoint is set up.")
    access_token: Credential
    phone_number_id: Text
    business_account_id: Text | None = Field(
        default=None,
        description="Of the WhatsApp business account: with it templates are checked before they are sent.",
    )
    base_url: BaseUrl = "https://graph.facebook.com/v23.0"

    @property
    def proofs(self) -> list[WebhookAuth]:
        """Meta's own signature."""
        return [HmacScheme(scheme="hmac", header="X-Hub-Signature-256", prefix="sha256=", secrets=self.app_secrets)]


class CgbAccount(CalledAccount):
    """An account at ChatGPT Builder; its flows call us with a secret that the shop puts into them."""

    vendor: Literal["cgb"]
    api_token: Credential
    auth_header: HeaderName = "X-ACCESS-TOKEN"
    webhook_auth: WebhookAuth
    replies: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Dynamic content that a flow is answered with, by the event it names."
    )
    hears_all: bool = Field(
        default=False, description="Whether a flow calls on every message, so that the 24 hours are known here."
    )
    base_url: BaseUrl = "https://app.chatgptbuilder.io/api"


class OpenMercatoAccount(CalledAccount):
    """An Open Mercato server, one organization of one tenant there."""

    vendor: Literal["open_mercato"]
    base_url: BaseUrl
    api_key: Credential
    organization_id: Text
    tenant_id: Text
    webhook_auth: WebhookAuth


class FreighttechAccount(Account):
    """Container tracking: journeys are pushed to a secret URL, `shipment_tracking` signs what it sends."""

    vendor: Literal["freighttech"]
    url_secrets: dict[Literal["push"], UrlSecrets] = Field(default_factory=dict)
    tracking_secrets: list[Secret] = Field(default_factory=list, description="Of the shipment_tracking subscription.")

    @model_validator(mode="after")
    def _something_comes_in(self) -> Self:
        if not self.url_secrets and not self.tracking_secrets:
            raise ValueError("either url_secrets or tracking_secrets is wanted")
        return self

    @property
    def proofs(self) -> list[WebhookAuth]:
        """The signature of shipment_tracking, where it is configured; a push has none."""
        header, stamp = "X-Webhook-Signature", "X-Webhook-Timestamp"
        some = self.tracking_secrets
        return [HmacScheme(scheme="hmac", header=header, timestamp_header=stamp, secrets=some)] if some else []


class GenericEvent(Part):
    """Where a sender without code of its own puts what has to be known of an event, as expressions of the body."""

    type: Text = Field(description="The event's name, such as {{ body.event }}.")
    id: Text | None = Field(default=None, description="What is the same in every repeat; without: the whole body.")
    time: Text | None = Field(default=None, description="When it happened; without: when it was received.")
    subject: Text | None = Field(default=None, description="What it is about, such as invoice:{{ body.number }}.")
    data: Text | None = Field(default=None, description="The part that rules see as `data`; without: the body.")


class GenericAccount(Account):
    """Any sender: how it proves itself is chosen, how its events are read is said by expressions."""

    vendor: Literal["generic"]
    webhook_auth: WebhookAuth
    event: GenericEvent
    event_types: Annotated[list[EventName], Field(min_length=1)] = Field(
        description="The names that rules may listen to, as generic.<name>."
    )


AnyAccount = Annotated[
    ScalevAccount
    | WabotickAccount
    | MetaAccount
    | ProtonAccount
    | CgbAccount
    | OpenMercatoAccount
    | FreighttechAccount
    | GenericAccount,
    Field(discriminator="vendor"),
]
MODELS: Mapping[str, type[Account]] = {
    get_args(model.model_fields["vendor"].annotation)[0]: model for model in get_args(get_args(AnyAccount)[0])
}
"""By vendor."""


class AccountsFile(Part):
    """The whole of `accounts.yaml`."""

    accounts: Annotated[dict[Name, AnyAccount], Field(min_length=1)]
    limits: dict[str, Limits] = Field(default_factory=dict, description="By vendor, for each of its accounts.")
    business: Business = Business()
    alerts: Alerts = Alerts()

    @field_validator("limits")
    @classmethod
    def _limits_are_of_vendors(cls, given: dict[str, Limits]) -> dict[str, Limits]:
        known = sorted(vendor for vendor, model in MODELS.items() if issubclass(model, CalledAccount))
        if unknown := sorted(set(given) - set(known)):
            raise ValueError(f'nothing is called at "{unknown[0]}" (limits are for {", ".join(known)})')
        return given
