"""Makes the ids of everything a faked vendor creates.

Invariant: the n-th id of a kind depends on the seed only, so two runs with the same calls name the same things.
"""

import base64
import hashlib
import uuid
from collections import Counter


class IdMaker:
    """Hands out ids, one counter a kind."""

    def __init__(self, seed: int, vendor: str) -> None:
        self._prefix = f"{seed}:{vendor}"
        self._counts: Counter[str] = Counter()

    def uuid(self, kind: str) -> str:
        """Return the next UUID of this kind."""
        return str(uuid.UUID(bytes=self._digest(kind)[:16], version=4))

    def wamid(self) -> str:
        """Return the next WhatsApp message id."""
        return "wamid." + base64.b64encode(self._digest("message")[:30]).decode().replace("/", "A").replace("+", "B")

    def number(self, kind: str, start: int) -> int:
        """Return the next whole number of this kind."""
        self._counts[kind] += 1
        return start + self._counts[kind]

    def _digest(self, kind: str) -> bytes:
        self._counts[kind] += 1
        return hashlib.sha256(f"{self._prefix}:{kind}:{self._counts[kind]}".encode()).digest()
