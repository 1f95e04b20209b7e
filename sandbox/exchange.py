"""One request to a faked vendor and what it answers: the only values that pass between HTTP and the vendors.

Invariant: nothing here knows aiohttp, so a vendor is a plain function from `Call` to `Answer`, and an `Answer`
carries effects exactly when the vendor really did something.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import unquote

JSON_TYPE = "application/json; charset=utf-8"

BodyKind = Literal["none", "json", "form", "multipart", "other"]
Json = Any
Effect = dict[str, Json]
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the present time, aware and in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Call:
    """One request, its body already read.

    Attributes:
        path: what follows the mount of the vendor (or of the control API), still percent-encoded.
        headers: names in lower case.
        params: the decoded JSON object, form or multipart fields; empty when there is no readable body.
        problem: why the body could not be read, else None.
        ids: the variable parts of the path, filled in when a route was found.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body_kind: BodyKind = "none"
    params: Mapping[str, Json] = field(default_factory=dict)
    problem: str | None = None
    ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What a vendor answers.

    Attributes:
        body: JSON, or text that goes out as it is; None sends no body.
        effects: what the vendor did in its world; empty for reads and refusals.
        refusal: why it was refused, in plain words, for the page.
    """

    status: int = 200
    body: Json = None
    content_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)
    effects: tuple[Effect, ...] = ()
    refusal: str | None = None

    def encoded(self) -> bytes:
        """Return the body as bytes."""
        if self.body is None:
            return b""
        if self.content_type != JSON_TYPE and isinstance(self.body, str):
            return self.body.encode("utf-8", "replace")
        return json.dumps(self.body, separators=(",", ":")).encode()


def path_parts(path: str) -> list[str]:
    """Return the decoded segments of an encoded path: an encoded slash stays inside its segment."""
    return [unquote(part, errors="replace") for part in path.strip("/").split("/")]
