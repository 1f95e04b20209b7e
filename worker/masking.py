"""Mask secrets and personal data in what is written down about an attempt.

Invariant: a recorded request or answer shows enough to recognise a mistake, never enough to reach a person or an
account. Values are masked by the name of their field, by their form (e-mail addresses, phone numbers in texts), and
wherever a value that is known to be personal appears again.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

MOST_CHARACTERS = 4_000
_SECRET = re.compile(r"token|secret|password|api_?key|authorization|access_token|slug|signature", re.IGNORECASE)
_PHONE = re.compile(r"phone(?!_number_id)|chat_id|wa_id|subscriber_id|mobile|msisdn", re.IGNORECASE)
_PERSON = re.compile(
    r"(^|_)(customer_name|first_name|last_name|full_name|surname|address|street\w*|email|notes?|holder|account_number)$",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_NUMBER_IN_TEXT = re.compile(r"(?<![\w.-])\+?\d[\d ().-]{8,16}\d(?![\w.-])")
SHORTEST_KNOWN = 3


def mask(value: Any, personal: Iterable[str] = (), secrets: Iterable[str] = ()) -> Any:
    """Return a copy of JSON-like `value` with secrets and personal data masked and long texts cut.

    `personal` and `secrets` are values known to be such, masked wherever they occur.
    """
    known = {text: mask_text(text) for text in personal if len(text) >= SHORTEST_KNOWN}
    known |= {text: "***" for text in secrets if text}
    ordered = sorted(known.items(), key=lambda item: -len(item[0]))
    return _mask(value, "", ordered)


def mask_text(text: str) -> str:
    """Return a text of which only the edge is left: the last digits of a number, the first letter of a word."""
    if sum(map(str.isdecimal, text)) >= 7 and not any(map(str.isalpha, text)):
        return "…" + "".join(filter(str.isdecimal, text))[-3:]
    return " ".join(word[:1] + "…" for word in text.split()[:6])


def mask_message(text: str) -> str:
    """Return a message, such as a vendor's error text, without e-mail addresses and phone numbers."""
    return _NUMBER_IN_TEXT.sub(lambda match: mask_text(match[0]), _EMAIL.sub("…@…", text))


def _mask(value: Any, name: str, known: list[tuple[str, str]]) -> Any:
    if isinstance(value, Mapping):
        return {_known(str(key), known): _mask(part, str(key), known) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_mask(part, name, known) for part in value]
    if isinstance(value, bool) or value is None:
        return value
    if _SECRET.search(name):
        return "***"
    if _PHONE.search(name) or _PERSON.search(name):
        return mask_text(str(value))
    if not isinstance(value, str):
        return dict(known).get(str(value), value)
    text = _known(_EMAIL.sub("…@…", value), known)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}… ({len(text)} characters)"


def _known(text: str, known: list[tuple[str, str]]) -> str:
    for value, shown in known:
        text = text.replace(value, shown)
    return text
