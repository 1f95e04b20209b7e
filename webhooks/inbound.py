"""One HTTP request of a vendor, as it came in.

Invariant: the body is the bytes that were received; nothing has been parsed yet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Inbound:
    """A webhook before anybody believes it."""

    account: str
    body: bytes
    headers: Mapping[str, tuple[str, ...]]
    """By lower-case name; every value that was sent, so that a doubled header shows."""
    query: str
    path_secret: str | None
    source_ip: str | None
    received_at: datetime

    def header(self, name: str) -> str | None:
        """Return a header's value; the first when it was sent more than once."""
        values = self.headers.get(name.lower(), ())
        return values[0] if values else None
