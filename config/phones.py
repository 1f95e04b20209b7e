"""Phone numbers: many spellings, one key.

Invariant: two spellings of one number give the same E.164 text; what is not surely a number gives None.
"""

import phonenumbers


def to_e164(raw: object, country: str) -> str | None:
    """Return `+<country code><number>`, or None when `raw` is no valid number.

    `country` (two capitals) says how a number without country code is read. Vendors write `62812…`, `0812…`,
    `812…`, `+62 812-…` and `620812…` for one person; a number of another country keeps its own code.
    """
    text = str(raw).strip() if isinstance(raw, str | int) and not isinstance(raw, bool) else ""
    digits = "".join(character for character in text if character.isdecimal())
    if not digits or len(digits) > 20:
        return None
    code = str(phonenumbers.country_code_for_region(country))
    spellings = ["+" + digits] if text.startswith("+") else [digits, "+" + digits]
    if digits.startswith(code + "0"):
        spellings.insert(0, "+" + code + digits[len(code) :].lstrip("0"))
    for spelling in spellings:
        try:
            number = phonenumbers.parse(spelling, country)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return None
