"""Phone numbers: many spellings, one key.

Invariant: two spellings of one number give the same E.164 text; what is not surely a number gives None.
"""

from collections.abc import Iterator

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType

_MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
_MOST_DIGITS = 20


def to_e164(raw: object, country: str) -> str | None:
    """Return `+<country code><number>`, or None when `raw` is no valid number.

    `country` (two capitals) says how a number without country code is read. Vendors write `62812…`, `0812…`,
    `812…`, `+62 812-…` and `620812…` for one person; a number of another country keeps its own code.
    """
    text = str(raw).strip() if isinstance(raw, str | int) and not isinstance(raw, bool) else ""
    digits = "".join(character for character in text if character.isdecimal())
    if not digits or len(digits) > _MOST_DIGITS:
        return None
    found = next(_readings(digits, country, has_plus=text.startswith("+")), None)
    return phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164) if found else None


def calling_code(country: str) -> str:
    """Return the digits with which a country's numbers begin: `62` for ID."""
    return str(phonenumbers.country_code_for_region(country))


def _readings(digits: str, country: str, *, has_plus: bool) -> Iterator[PhoneNumber]:
    """Yield what digits may mean, the likeliest first.

    Bare digits are a number with its country code, or a local one: `62812345678` is both an Indonesian mobile and, as
    local digits, a landline. So the own country code decides, then a local mobile, then any other country's code.
    """
    if has_plus:
        yield from _valid("+" + digits, country)
        return
    if digits.startswith("00"):
        yield from _valid("+" + digits[2:], country)
    if digits.startswith(calling_code(country)):
        yield from _valid("+" + digits, country)
    for local in _valid(digits, country):
        if digits.startswith("0") or phonenumbers.number_type(local) in _MOBILE:
            yield local
    yield from _valid("+" + digits, country)
    yield from _valid(digits, country)


def _valid(spelling: str, country: str) -> Iterator[PhoneNumber]:
    try:
        number = phonenumbers.parse(spelling, country)
    except phonenumbers.NumberParseException:
        return
    if phonenumbers.is_valid_number(number):
        yield number
