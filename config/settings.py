"""Settings of this installation, read from the environment; the only place that reads it.

Invariant: a process either has every setting valid, or does not start. A variable wins over the file that
`HOOKYARD_ENV_FILE` names, which wins over `<data dir>/up.env`, where `hookyard up` writes down the servers it started.
"""

import os
from collections.abc import Mapping
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self

from dotenv import dotenv_values
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from config.faults import ConfigError, Fault, suggest

PREFIX = "HOOKYARD_"
UP_ENV_FILE = "up.env"
_OTLP_STANDARD = "OTEL_EXPORTER_OTLP_ENDPOINT"
EXAMPLES = Path(__file__).parent / "examples"

Port = Annotated[int, Field(ge=1, le=65535)]
PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _address_of(*schemes: str) -> AfterValidator:
    def check(url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith(tuple(f"{scheme}://" for scheme in schemes)):
            raise ValueError(f"an address that starts with {schemes[0]}:// is wanted")
        return url

    return AfterValidator(check)


def _web_address(url: str) -> str:
    if not url.startswith(("https://", "http://")) or any(sign in url for sign in "?# "):
        raise ValueError("an address that starts with https:// is wanted")
    return url.rstrip("/")


DatabaseUrl = Annotated[SecretStr, _address_of("postgresql", "postgres", "postgresql+psycopg")]
RedisUrl = Annotated[SecretStr, _address_of("redis", "rediss", "redis+socket")]


class Settings(BaseModel):
    """Every `HOOKYARD_*` variable, by its name without the prefix."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    config_dir: Path = Field(default=EXAMPLES, description="Folder with accounts.yaml and rules/.")
    data_dir: Path = Field(default=Path("var"), description="Folder of the embedded servers' data.")
    env_file: Path | None = Field(default=None, description="File with further variables, NAME=value a line.")
    database_url: DatabaseUrl | None = Field(
        default=None, description="PostgreSQL, postgresql://user:password@host/name."
    )
    redis_url: RedisUrl | None = Field(default=None, description="Redis or Valkey, redis://host:6379/0.")
    bind: str = Field(default="127.0.0.1", description="Address that the servers listen on.")
    receiver_port: Port = Field(default=8000, description="Port of the receiver.")
    console_port: Port = Field(default=8001, description="Port of the console.")
    console_login: Literal["required", "off"] = Field(
        default="required", description="off: whoever reaches the console is an admin; on the loopback address only."
    )
    console_proxy_header: str | None = Field(
        default=None, description="Header in which a proxy that asks for the login names the user, as X-Forwarded-User."
    )
    console_proxy_addresses: str = Field(
        default="", description="Addresses of that proxy, with commas between; from others the header is refused."
    )
    flower_port: Port = Field(default=5555, description="Port of Flower.")
    sandbox_port: Port = Field(default=8900, description="Port of the sandbox vendors.")
    public_url: Annotated[str, AfterValidator(_web_address)] | None = Field(
        default=None, description="Address by which vendors reach the receiver, https://…: shown on the page Connect."
    )
    console_url: Annotated[str, AfterValidator(_web_address)] | None = Field(
        default=None, description="Address of the console, for links from Flower; without: its port at Flower's host."
    )
    flower_url: Annotated[str, AfterValidator(_web_address)] | None = Field(
        default=None, description="Address of Flower, for links from the console; without: its port at its host."
    )
    receiver_processes: PositiveInt = Field(default=2, description="Processes that answer webhooks.")
    receiver_threads: PositiveInt = Field(default=8, description="Threads of each of them.")
    worker_processes: PositiveInt = Field(default=2, description="Workers that `hookyard up` starts.")
    trusted_proxy_hops: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Reverse proxies in front whose X-Forwarded-For is believed."
    )
    max_body_bytes: PositiveInt = Field(default=1_000_000, description="Largest body that is accepted.")
    max_json_depth: Annotated[int, Field(gt=0, le=200)] = Field(default=64, description="Deepest nesting accepted.")
    quarantine_max_rows: PositiveInt = Field(default=1_000, description="Most bodies kept in quarantine.")
    quarantine_max_bytes: PositiveInt = Field(default=50_000_000, description="Most bytes kept in quarantine.")
    quarantine_max_days: PositiveInt = Field(default=30, description="Days that a body stays in quarantine.")
    destination_concurrency: PositiveInt = Field(default=32, description="Calls under way at one vendor, per worker.")
    lease_seconds: PositiveFloat = Field(default=60.0, description="How long a worker may hold a delivery.")
    vendor_timeout_seconds: PositiveFloat = Field(default=15.0, description="How long one call to a vendor may take.")
    rewake_seconds: PositiveFloat = Field(default=10.0, description="Patience with a wake-up before it is repeated.")
    complete_after_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        default=2.0, description="How long to wait for a missing event before the vendor's API is asked."
    )
    reconcile_minutes: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        default=15.0, description="How often vendors are asked whether a webhook was missed; 0 switches it off."
    )
    template_list_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        default=3600.0, description="How long a vendor's list of templates is believed; 0: it is not asked for."
    )
    flower_auth: SecretStr | None = Field(default=None, description="user:password that Flower asks for.")
    metrics_token: SecretStr | None = Field(default=None, description="Bearer token of /metrics; without it: 404.")
    sentry_dsn: SecretStr | None = Field(default=None, description="Where errors are reported.")
    otlp_endpoint: Annotated[SecretStr, _address_of("http", "https")] | None = Field(
        default=None,
        description="Where OpenTelemetry traces go, http://collector:4318; or OTEL_EXPORTER_OTLP_ENDPOINT says so.",
    )
    environment: str = Field(default="production", description="Name of this installation, for Sentry and logs.")
    release: str = Field(default_factory=lambda: f"hookyard@{version('hookyard')}", description="For Sentry.")
    log_format: Literal["auto", "console", "json"] = Field(default="auto", description="auto: console on a terminal.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least level shown.")

    @model_validator(mode="after")
    def _the_console_asks_who_it_is(self) -> Self:
        if self.console_login == "off" and not is_loopback(self.bind):
            raise ValueError(
                f"{PREFIX}CONSOLE_LOGIN=off is for the loopback address only, and {PREFIX}BIND is {self.bind}"
            )
        if self.console_proxy_header and not self.proxy_addresses:
            raise ValueError(f"{PREFIX}CONSOLE_PROXY_HEADER needs {PREFIX}CONSOLE_PROXY_ADDRESSES: who may send it")
        return self

    @property
    def proxy_addresses(self) -> frozenset[str]:
        """The addresses whose word on who the user is counts."""
        return frozenset(filter(None, map(str.strip, self.console_proxy_addresses.split(","))))

    @model_validator(mode="after")
    def _a_lease_outlives_a_call(self) -> Self:
        if self.lease_seconds < 2 * self.vendor_timeout_seconds:
            raise ValueError(
                f"{PREFIX}LEASE_SECONDS ({self.lease_seconds:g}) must be at least twice "
                f"{PREFIX}VENDOR_TIMEOUT_SECONDS ({self.vendor_timeout_seconds:g})"
            )
        return self

    def require_database_url(self) -> str:
        """Return the ledger's address as SQLAlchemy wants it; ConfigError when there is none."""
        url = self._required(self.database_url, "DATABASE_URL").replace("postgres://", "postgresql://", 1)
        return url.replace("postgresql://", "postgresql+psycopg://", 1)

    def require_redis_url(self) -> str:
        """Return the broker's address as Celery wants it; ConfigError when there is none."""
        return self._required(self.redis_url, "REDIS_URL")

    def _required(self, value: SecretStr | None, name: str) -> str:
        if value is None:
            raise ConfigError(
                [
                    Fault(
                        PREFIX + name, f"is not set, and `hookyard up` is not running with {self.data_dir}/ as its data"
                    )
                ]
            )
        return value.get_secret_value()


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach what listens on an address."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def read_environment(environ: Mapping[str, str] | None = None, *, of_up: bool = True) -> dict[str, str]:
    """Return the environment with the files behind it; empty values count as unset.

    Without `of_up` what `hookyard up` wrote down is left out. Raises ConfigError when `HOOKYARD_ENV_FILE` is no file.
    """
    own = {name: value for name, value in (os.environ if environ is None else environ).items() if value != ""}
    merged: dict[str, str] = {}
    if named := own.get(PREFIX + "ENV_FILE"):
        if not Path(named).is_file():
            raise ConfigError([Fault(PREFIX + "ENV_FILE", f"{named} is not a file")])
        merged = _env_file(Path(named))
    if not of_up:
        return merged | own
    data_dir = own.get(PREFIX + "DATA_DIR") or merged.get(PREFIX + "DATA_DIR") or "var"
    return _env_file(Path(data_dir) / UP_ENV_FILE) | merged | own


def _env_file(path: Path) -> dict[str, str]:
    try:
        values = dotenv_values(path, interpolate=False) if path.is_file() else {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([Fault(str(path), f"cannot be read ({type(error).__name__})")]) from None
    return {name: value for name, value in values.items() if value}


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Build the settings from an environment as `read_environment` gives it; ConfigError names every fault."""
    given = {name.removeprefix(PREFIX).lower(): value for name, value in environ.items() if name.startswith(PREFIX)}
    known = Settings.model_fields
    faults = [
        # Compared without the prefix: with it every two names are alike.
        Fault(PREFIX + name.upper(), "unknown setting" + _with_prefix(suggest(name, known)))
        for name in given
        if name not in known
    ]
    if "otlp_endpoint" not in given and (standard := environ.get(_OTLP_STANDARD)):
        given["otlp_endpoint"] = standard
    if "config_dir" not in given and Path("hookyard.d").is_dir():
        given["config_dir"] = "hookyard.d"
    try:
        settings = Settings.model_validate({name: value for name, value in given.items() if name in known})
    except ValidationError as error:
        faults += [
            Fault(
                PREFIX + str(detail["loc"][0]).upper() if detail["loc"] else "settings",
                detail["msg"].removeprefix("Value error, "),
            )
            for detail in error.errors(include_input=False)
        ]
        raise ConfigError(faults) from None
    if faults:
        raise ConfigError(faults)
    return settings


def _with_prefix(suggestion: str) -> str:
    before, quote, name = suggestion.partition('"')
    return before + quote + (PREFIX if name else "") + name.upper()
