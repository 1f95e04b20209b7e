"""What every faked vendor is: routes over a state, an own way of saying no, and switchable traps.

Invariant: `answer` never raises for what a client sent; whatever is wrong is said in the vendor's own words.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict

from sandbox.emitting import Emitter
from sandbox.exchange import Answer, Call, Clock, Effect, Json
from sandbox.ids import IdMaker
from sandbox.phones import Phones
from sandbox.routing import Found, Route, find
from sandbox.targets import Target

V = TypeVar("V", bound="Vendor")


class Settings(BaseModel):
    """The traps of a vendor; a name it does not have is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Setup:
    """What a vendor is built from.

    Attributes:
        credential: the only key it accepts; None accepts any that is not empty.
    """

    seed: int
    clock: Clock
    emitter: Emitter
    phones: Phones
    credential: str | None = None


class Vendor(ABC):
    """A faked vendor: built anew from its seed at each reset."""

    name: ClassVar[str]
    mount: ClassVar[str]  # the path its API lives under, without a slash at the end
    credential_variable: ClassVar[str]  # names the environment variable that demands one credential
    triggers: ClassVar[tuple[str, ...]] = ()  # the kinds of webhooks it sends; empty where any name will do
    retry_seconds: tuple[float, ...] = (0.5, 1.0, 2.0)  # the pauses before each repetition of a webhook
    settings_model: ClassVar[type[Settings]] = Settings

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.ids = IdMaker(setup.seed, self.name)
        self.settings = self.settings_model()

    @abstractmethod
    def answer(self, call: Call) -> Answer:
        """Answer one call to the vendor's API."""

    @abstractmethod
    def refuse(self, status: int, message: str) -> Answer:
        """Say no in the form this vendor's document gives for the status."""

    @abstractmethod
    def control(self, call: Call) -> Answer | None:
        """Change the state from outside, as the control API asks; None when there is no such path."""

    @abstractmethod
    def state(self) -> dict[str, Json]:
        """Return everything the vendor knows, as JSON."""

    @abstractmethod
    def describe(self, effect: Effect) -> str:
        """Say in plain words what an effect was."""

    def emit(
        self, trigger: str, body: Json, *, delay_seconds: float = 0.0, headers: Mapping[str, str] | None = None
    ) -> None:
        """Queue a webhook; without a target for the trigger it is listed and goes nowhere."""
        self.setup.emitter.emit(self, trigger, body, delay_seconds, headers or {})

    def sign(self, target: Target, body: bytes, now: datetime) -> Mapping[str, str]:  # noqa: ARG002 - for vendors that sign
        """Return the headers that prove a webhook's origin, computed over the bytes that go out."""
        return {}

    def encode(self, trigger: str, body: Json) -> tuple[bytes, str]:  # noqa: ARG002 - for vendors that send forms
        """Return the bytes of a webhook and their content type."""
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "replace"
        ), "application/json"

    def address(self, target: Target, trigger: str, body: Json) -> str:  # noqa: ARG002 - for vendors with merge tags
        """Return where a webhook goes."""
        return target.url

    def combine(self, first: Json, second: Json) -> Json | None:  # noqa: ARG002 - for vendors that batch
        """Return one webhook that says what both say, None where the format has no such thing."""
        return None

    def answered(self, trigger: str, body: Json, status: int, answer: bytes) -> None:  # noqa: B027 - most do not care
        """Take notice of what a receiver answered to a webhook."""

    def change_settings(self, changes: Mapping[str, Json]) -> None:
        """Change the traps that are named, leave the others.

        Raises:
            pydantic.ValidationError: an unknown name or a wrong value.
        """
        self.settings = self.settings_model.model_validate({**self.settings.model_dump(), **changes})

    def accepts(self, credential: str) -> bool:
        """Return whether a credential is the demanded one, or any at all when none is demanded."""
        wanted = self.setup.credential
        return bool(credential) if wanted is None else credential == wanted


def dispatch(vendor: V, routes: Sequence[Route[V]], call: Call) -> Answer:
    """Answer a call by the vendor's table of routes: 404 for an unknown path, 405 for a wrong method."""
    found = find(routes, call)
    if isinstance(found, Found):
        return found.route.handle(vendor, replace(call, ids=found.ids))
    if not found:
        return vendor.refuse(404, "Not found")
    refusal = vendor.refuse(405, f"Method {call.method} is not allowed")
    return replace(refusal, headers={**refusal.headers, "Allow": ", ".join(sorted(found))})
