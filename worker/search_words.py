"""The words by which a subject is found: its numbers and ids, its phone, its receipt, its names.

Invariant: what is written down and what is asked for are folded in one way, so that a spelling of a number or a name
finds every other.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from config.phones import calling_code, to_e164
from worker.ledger.storable import storable_text

_IDS = (
    "id", "order_id", "external_id", "order_number", "pg_reference_id", "external_reference", "customer_reference",
    "shipment_receipt", "payment_code", "customer_id", "profile_id", "interaction_id", "call_id", "email",
    "number", "bill_of_lading", "booking_number", "reference", "store_unique_id",
)  # fmt: skip
_NAMES = ("customer_name", "name", "first_name", "last_name", "company", "title", "vessel")
_PHONES = ("phone", "phone_raw")

MOST_WORDS = 60
MOST_CHARACTERS = 100
SHORTEST_BEGINNING = 3
"""Shorter words find only what is just that; the beginnings of so few letters would find nearly everything."""
_BETWEEN = re.compile(r"[\W_]+")
_SPACE = re.compile(r"\s+")
_FEWEST_DIGITS = 5


def words_of(key: str, values: Mapping[str, Any]) -> list[str]:
    """Return the words that find a subject, each once, in order."""
    found = {_id(key), _id(key.partition(":")[2])}
    found |= {_id(value) for name in _IDS if (value := _said(values.get(name)))}
    found |= {word for name in _NAMES if (value := _said(values.get(name))) for word in _names(value)}
    found |= {digits for name in _PHONES if (value := _said(values.get(name))) and (digits := _digits(value))}
    return sorted(word for word in found if word)[:MOST_WORDS]


def query_of(text: str, country: str) -> str:
    """Return what is typed as a `tsquery` for all that begins so: the whole as one id, all its words, or a phone.

    `country` says how a phone number without country code is read.
    """
    return _query(text, country, _beginning)


def exact_query_of(text: str, country: str) -> str:
    """Return what is typed as a `tsquery` for all that has just that."""
    return _query(text, country, _quoted)


def _query(text: str, country: str, word: Callable[[str], str]) -> str:
    text = text.strip().lstrip("#")
    ways = {word(_id(text)), " & ".join(map(word, _names(text))), *map(word, phones_meant(text, country))}
    return " | ".join(f"({way})" for way in sorted(ways) if way.strip("'"))


def phones_meant(text: str, country: str) -> list[str]:
    """Return the digits, as they are kept, that a text typed as a phone number may mean; also of one not yet whole."""
    digits = _digits(text)
    if any(map(str.isalpha, text)) or len(digits) < _FEWEST_DIGITS:
        return []
    found = [whole.lstrip("+")] if (whole := to_e164(text.strip(), country)) else []
    if not found and digits.startswith("0"):
        found = [calling_code(country) + digits[1:]]
    return [*dict.fromkeys([*found, digits])]


def _said(value: Any) -> str:
    return str(value)[:1000] if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _id(text: str) -> str:
    return _SPACE.sub("", _folded(text))[:MOST_CHARACTERS]


def _names(text: str) -> Iterator[str]:
    return (word[:MOST_CHARACTERS] for word in _BETWEEN.split(_folded(text)) if word)


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, unicodedata.normalize("NFKC", text)))[:20]


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", storable_text(text)).casefold()


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def _beginning(word: str) -> str:
    """Return a word as a query for whatever begins with it."""
    return _quoted(word) + (":*" if len(word) >= SHORTEST_BEGINNING or not word.isascii() else "")
