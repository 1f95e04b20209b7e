"""A value for every variable that the shipped examples and the pages of docs/ ask for."""

import re
from collections.abc import Iterable
from pathlib import Path

_STANDARD_WEBHOOKS = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_OF_THAT_FORM = ("OPEN_MERCATO_WEBHOOK_SECRET", "OM_HOOK", "PAGER_HOOK")


def variables_of(paths: Iterable[Path]) -> dict[str, str]:
    """Return a value of its own for each variable without a default in some files."""
    text = "".join(path.read_text() for path in paths)
    names = [name for name in re.findall(r"\$\{([A-Z0-9_]+)\}", text) if name != "NAME"]  # a comment's word
    return {name: _value_of(name) for name in names}


def _value_of(name: str) -> str:
    if name in _OF_THAT_FORM:
        return _STANDARD_WEBHOOKS
    if name.endswith("_URL"):
        return "https://hooks.example.com/secret"
    if name.endswith("_TAG"):
        return "33333333-3333-4333-8333-333333333333"
    return "+628111111111" if name.endswith("_PHONE") else f"{name.lower()}-example"
