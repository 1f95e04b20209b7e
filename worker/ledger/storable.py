"""What PostgreSQL can keep of a value that came from outside.

Invariant: whatever a vendor answers or a rule renders, writing down that it happened never fails for its content.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

MOST_DEPTH = 64
TOO_DEEP = "… (nested deeper)"
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def storable(value: Any, depth: int = 0) -> Any:
    """Return a JSON-like value that JSONB and TEXT take: no NUL, no lone surrogate, no NaN, no bottomless nesting."""
    if isinstance(value, str):
        return storable_text(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, dict | list | tuple | Mapping) and depth >= MOST_DEPTH:
        return TOO_DEEP
    if isinstance(value, dict | Mapping):
        return {storable_text(str(key)): storable(part, depth + 1) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [storable(part, depth + 1) for part in value]
    if isinstance(value, float) and math.isfinite(value):
        return value
    return storable_text(str(value))


def storable_text(text: str) -> str:
    """Return a text with U+FFFD in the place of every character that no database stores."""
    if text.isascii() and "\0" not in text:
        return text
    return _UNSTORABLE.sub("\ufffd", text)
