"""Faults: what goes wrong on the way to a vendor or back, and which request it hits.

Invariant: which request a fault hits depends on the seed, the fault's place in the list and the number of requests
it matched before, never on time.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from sandbox.exchange import Json

_FRAMING = {"content-length", "transfer-encoding", "connection"}
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")


class Fault(BaseModel):
    """One fault.

    `before` keeps the vendor from doing its work whenever the fault replaces the answer (status, body, hang, reset,
    truncate); `after` lets it work first. A delay or a header alone leaves the vendor's own answer as it is.
    `retry_after` without a status answers 429.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(max_length=100)] = ""
    vendor: str
    path: str = "*"
    method: str | None = None
    every: Annotated[int, Field(ge=1)] = 1
    times: Annotated[int | None, Field(ge=1)] = None
    when: Literal["before", "after"] = "before"
    status: Annotated[int | None, Field(ge=200, le=599)] = None
    body: Json = None
    content_type: str | None = None
    headers: dict[str, str] = {}
    retry_after: int | str | None = None
    delay_seconds: Annotated[float, Field(ge=0, le=86_400)] = 0.0
    hang: bool = False
    reset: bool = False
    truncate: bool = False
    chance: Annotated[float, Field(ge=0, le=1)] = 1.0

    @field_validator("headers")
    @classmethod
    def _headers_can_be_sent(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
                raise ValueError(f"header {name!r} cannot be sent")
            if name.lower() in _FRAMING:
                raise ValueError(f"header {name!r} belongs to the server; use truncate or reset")
        return headers

    @field_validator("content_type")
    @classmethod
    def _content_type_can_be_sent(cls, value: str | None) -> str | None:
        if value is not None and not _HEADER_VALUE.fullmatch(value):
            raise ValueError("cannot be sent as a header")
        return value

    @field_validator("retry_after")
    @classmethod
    def _is_seconds_or_date(cls, value: int | str | None) -> int | str | None:
        if isinstance(value, str) and not (value.isascii() and value.isdecimal()):
            try:
                parsedate_to_datetime(value)
            except ValueError:
                raise ValueError("must be whole seconds or an HTTP date") from None
        if isinstance(value, int) and value < 0:
            raise ValueError("must not be negative")
        return value

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        ends = [name for name in ("hang", "reset", "truncate") if getattr(self, name)]
        if len(ends) > 1:
            raise ValueError(f"{' and '.join(ends)} cannot happen to one answer")
        if not (self.replaces or self.delay_seconds or self.headers or self.content_type):
            raise ValueError("the fault does nothing: give status, body, headers, delay_seconds, hang, reset, truncate")
        return self

    @property
    def answer_status(self) -> int | None:
        """The status it answers with, None for the vendor's own."""
        return 429 if self.status is None and self.retry_after is not None else self.status

    @property
    def replaces(self) -> bool:
        """Whether the vendor's own answer does not reach the client as it was."""
        return self.answer_status is not None or "body" in self.model_fields_set or self.ends_badly

    @property
    def ends_badly(self) -> bool:
        """Whether the connection does not survive."""
        return self.hang or self.reset or self.truncate

    @property
    def label(self) -> str:
        """The name shown beside a request it hit, for example `reset after`."""
        if self.name:
            return self.name
        parts = [name for name in ("hang", "reset", "truncate") if getattr(self, name)]
        if self.answer_status is not None:
            parts.append(f"status {self.answer_status}")
        elif "body" in self.model_fields_set:
            parts.append("body")
        if self.delay_seconds:
            parts.append(f"delay {self.delay_seconds:g}s")
        return f"{', '.join(parts) or 'headers'} {self.when}"

    def matches(self, vendor: str, method: str, paths: Sequence[str]) -> bool:
        """Return whether a request is of the kind it hits; any of the request's paths may fit the pattern."""
        if self.vendor not in (vendor, "*"):
            return False
        if self.method is not None and self.method.upper() != method:
            return False
        return any(fnmatchcase(path, self.path) for path in paths)


@dataclass
class ArmedFault:
    """A fault with what it has seen so far."""

    fault: Fault
    generator: random.Random
    matched: int = 0
    hits: int = 0

    def strikes(self) -> bool:
        """Count one matching request and say whether it is hit."""
        self.matched += 1
        lucky = self.generator.random() < self.fault.chance
        spent = self.fault.times is not None and self.hits >= self.fault.times
        if spent or not lucky or self.matched % self.fault.every:
            return False
        self.hits += 1
        return True

    def shown(self) -> dict[str, Json]:
        """Return the definition with its counts."""
        definition = self.fault.model_dump(exclude_unset=True)
        return {**definition, "label": self.fault.label, "matched": self.matched, "hits": self.hits}


@dataclass
class FaultList:
    """The faults in force. A request is hit by the first one that strikes; the others behind it only count it."""

    seed: int
    armed: list[ArmedFault] = field(default_factory=list)

    def replace(self, faults: Sequence[Fault]) -> None:
        """Put these faults in the place of all others."""
        self.armed = []
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        """Add a fault behind the others."""
        generator = random.Random(f"{self.seed}:{len(self.armed)}")  # noqa: S311 - repeatable on purpose
        self.armed.append(ArmedFault(fault, generator))

    def strike(self, vendor: str, method: str, paths: Sequence[str]) -> Fault | None:
        """Return the fault that hits this request, if any."""
        struck: Fault | None = None
        for armed in self.armed:
            if not armed.fault.matches(vendor, method, paths):
                continue
            if struck is None:
                struck = armed.fault if armed.strikes() else None
            else:
                armed.matched += 1
        return struck
