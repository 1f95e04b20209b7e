"""Where a faked vendor's webhooks go, and what goes wrong with them on the way.

Invariant: a target lies on this machine unless remote ones were allowed at the start, and what is shown of one has
no secret in it.
"""

import json
from collections.abc import Collection, Mapping
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from sandbox.exchange import Json
from sandbox.intake import load_json
from sandbox.masking import MASK

EVERY_TRIGGER = "*"

_SHOWN_SEGMENTS = 2  # /webhooks/<account>: what follows is a secret
_LONG_SEGMENT = 20  # nothing readable is that long


class Target(BaseModel):
    """Where one trigger of a vendor goes; `secret` is what the vendor signs with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    secret: str | None = None
    headers: dict[str, str] = {}

    @field_validator("url")
    @classmethod
    def _can_be_called(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            fits = False
        if not fits or not url.isprintable() or " " in url:
            raise ValueError("must be an http or https address")
        return url

    @field_validator("headers")
    @classmethod
    def _can_be_sent(cls, headers: dict[str, str]) -> dict[str, str]:
        if not all(text.isprintable() and text.isascii() for item in headers.items() for text in item):
            raise ValueError("must be printable ASCII")
        return headers

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def shown(self) -> dict[str, Json]:
        """Return it as JSON, without its secrets."""
        return {
            "url": shown_url(self.url),
            "secret": MASK if self.secret else None,
            "headers": dict.fromkeys(self.headers, MASK),
        }


class Traps(BaseModel):
    """What happens to a vendor's webhooks on their way, beside what each vendor does by itself.

    Attributes:
        duplicate: each is sent twice at once.
        shuffle: what comes close together leaves in another order.
        drop: every n-th is never sent.
        batch: up to so many that come close together share one call, for a vendor whose format can.
        retry_seconds: the pauses before each repetition, in place of the vendor's own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    duplicate: bool = False
    shuffle: bool = False
    drop: Annotated[int | None, Field(ge=1)] = None
    delay_seconds: Annotated[float, Field(ge=0, le=86_400)] = 0.0
    batch: Annotated[int, Field(ge=1, le=1000)] = 1
    retry_seconds: Annotated[tuple[Annotated[float, Field(ge=0, le=3600)], ...] | None, Field(max_length=20)] = None

    @property
    def gathers(self) -> bool:
        """Whether webhooks wait for others that come close behind them."""
        return self.shuffle or self.batch > 1


Targets = Mapping[str, Target]
TARGETS = TypeAdapter(dict[str, Target])
_ALL_TARGETS = TypeAdapter(dict[str, dict[str, Target]])


def read_targets(text: str, triggers: Mapping[str, Collection[str]], *, allow_remote: bool) -> dict[str, Targets]:
    """Read the targets of all vendors from JSON: vendor, trigger or `*`, target.

    Args:
        triggers: the names of each vendor's triggers; no names at all means that any will do.

    Raises:
        ValueError: what is wrong, in one line without any secret.
    """
    if not text.strip():
        return {}
    try:
        found = _ALL_TARGETS.validate_python(load_json(text))
    except ValidationError as error:
        raise ValueError(sentence(error)) from None
    except json.JSONDecodeError:
        raise ValueError("not valid JSON") from None
    for vendor, targets in found.items():
        if vendor not in triggers:
            raise ValueError(f"there is no vendor {vendor!r}")
        check_targets(vendor, targets, triggers[vendor], allow_remote=allow_remote)
    return dict(found)


def check_targets(vendor: str, targets: Targets, triggers: Collection[str], *, allow_remote: bool) -> None:
    """Refuse triggers the vendor does not have and hosts that are not this machine.

    Raises:
        ValueError: what is wrong, in one line without any secret.
    """
    for trigger, target in targets.items():
        if triggers and trigger not in (*triggers, EVERY_TRIGGER):
            raise ValueError(f"{vendor}.{trigger}: the triggers are {', '.join(triggers)} and {EVERY_TRIGGER}")
        if not allow_remote and not target.is_local:
            raise ValueError(f"{vendor}.{trigger}.url: not on this machine; SANDBOX_ALLOW_REMOTE=1 allows it")


def shown_url(url: str) -> str:
    """Return an address without what may be a secret: user, query, long segments and all behind the second one."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    segments = [segment if len(segment) < _LONG_SEGMENT else MASK for segment in parts.path.split("/")[1:]]
    shown = segments[:_SHOWN_SEGMENTS] + ([MASK] if len(segments) > _SHOWN_SEGMENTS else [])
    return f"{parts.scheme}://{host}/{'/'.join(shown)}" + (f"?{MASK}" if parts.query else "")


def sentence(error: ValidationError) -> str:
    """Say field by field what is wrong, without the values."""
    return "; ".join(f"{'.'.join(map(str, item['loc'])) or 'body'}: {item['msg']}" for item in error.errors())
