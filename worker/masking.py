"""Mask secrets and personal data in what is written down about an attempt.

Invariant: a recorded request or answer shows enough to recognise a mistake, never enough to reach a person or an
account. Values are masked by the name of their field, by their form (e-mail addresses, phone numbers in texts), and
wherever a value that is known to be personal appears again, in any spelling of a phone number and in any case.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from worker.ledger.storable import storable

MOST_CHARACTERS = 4_000
# A link that opens an order or a payment without a login is as good as a password.
_SECRET = re.compile(
    r"token|secret|password|api_?key|authorization|slug|signature|(order|payment|recovery)_url", re.IGNORECASE
)
_PHONE = re.compile(r"phone(?!_number_id)|chat_id|wa_id|subscriber_id|mobile|msisdn", re.IGNORECASE)
_PERSON = re.compile(
    r"^name$|(^|_)(customer_name|first_name|last_name|full_name|display_name|preferred_name|surname|address"
    r"|address_line\d|street\w*|email|notes?|holder|account_number)$",
    re.IGNORECASE,
)
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")  # firstName is first_name
# From the beginning of a word, and without giving any of it back: a megabyte without an @ takes no time.
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]++\.[\w.-]+")
_NUMBER_IN_TEXT = re.compile(r"(?<![\w.-])\+?\d[\d ().-]{8,16}\d(?![\w.-])")
_SHORT = 3
_PHONE_DIGITS = 7
"""A text of at least so many digits and no letters is taken for a number that reaches somebody."""
_PHONE_TAIL = 8
"""The digits at the end that all spellings of one phone number share."""

_MOST_PERSONAL, _MOST_PERSONAL_CHARACTERS = 100, 200

Replace = Callable[[str], str]


def mask(value: Any, personal: Iterable[str] = (), secrets: Iterable[str] = ()) -> Any:
    """Return a copy of JSON-like `value` with secrets and personal data masked and long texts cut; it can be stored.

    `personal` and `secrets` are values known to be such, masked wherever they occur.
    """
    spelled = {spelling for secret in secrets if secret for spelling in (secret, quote(secret, ""), quote_plus(secret))}
    hidden = [(re.compile(re.escape(secret)), "***") for secret in sorted(spelled, key=len, reverse=True)]
    known = sorted({text.strip() for text in personal if text.strip()}, key=len, reverse=True)
    hidden += [(_pattern(text), mask_text(text)) for text in known]

    def replace(text: str) -> str:
        for pattern, shown in hidden:
            text = pattern.sub(shown.replace("\\", r"\\"), text)
        return text

    return _mask(storable(value), "", replace)


def personal_in(value: Any) -> set[str]:
    """Return the texts that stand under a personal name anywhere in JSON-like `value`, to mask them elsewhere too."""
    found: set[str] = set()
    places: list[tuple[str, Any]] = [("", value)]
    while places and len(found) < _MOST_PERSONAL:
        name, part = places.pop()
        if isinstance(part, Mapping):
            places.extend((str(key), inner) for key, inner in part.items())
        elif isinstance(part, list):
            places.extend((name, inner) for inner in part)
        elif isinstance(part, str) and _is_personal(name) and len(part) <= _MOST_PERSONAL_CHARACTERS:
            found.add(part)
    return found


def mask_text(text: str) -> str:
    """Return a text of which only the edge is left: the last digits of a number, the first letter of a word."""
    if _is_number(text):
        return "…" + "".join(filter(str.isdecimal, text))[-3:]
    return " ".join(word[:1] + "…" for word in text.split()[:6])


def mask_message(text: str) -> str:
    """Return a message, such as a vendor's error text, without e-mail addresses and phone numbers."""
    return _NUMBER_IN_TEXT.sub(lambda match: mask_text(match[0]), _EMAIL.sub("…@…", text))


def _is_personal(name: str) -> bool:
    return bool(_PHONE.search(name) or _PERSON.search(_CAPITAL.sub("_", name)))


def _is_number(text: str) -> bool:
    return sum(map(str.isdecimal, text)) >= _PHONE_DIGITS and not any(map(str.isalpha, text))


def _pattern(text: str) -> re.Pattern[str]:
    """Return what finds a personal value: a phone number however it is written, a short name only as a whole word."""
    if _is_number(text):
        tail = list(filter(str.isdecimal, text))[-_PHONE_TAIL:]
        return re.compile(r"\+?[\d().-]{0,12}" + r"[ ().-]*".join(tail))
    words = r"\s+".join(map(re.escape, text.split()))
    return re.compile(words if len(text) >= _SHORT else rf"(?<!\w){words}(?!\w)", re.IGNORECASE)


def _mask(value: Any, name: str, replace: Replace) -> Any:
    if isinstance(value, Mapping):
        return {replace(str(key)): _mask(part, str(key), replace) for key, part in value.items()}
    if isinstance(value, list):
        return [_mask(part, name, replace) for part in value]
    if isinstance(value, bool) or value is None:
        return value
    if _SECRET.search(name):
        return "***"
    if _is_personal(name):
        return mask_text(str(value))
    if not isinstance(value, str):
        return value if replace(str(value)) == str(value) else replace(str(value))
    text = replace(_EMAIL.sub("…@…", value))
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}… ({len(text)} characters)"
