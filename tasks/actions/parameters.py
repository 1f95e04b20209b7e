"""Types that parameters of several vendors are made of.

Invariant: what passes validation can be sent as it is; what does not is refused with the field named.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo

from config.phones import to_e164

_BLANKS = re.compile(r"[\n\r\t]| {5,}")


class Parameters(BaseModel):
    """The base of all parameter models: unknown names are refused, numbers are taken as text where text is wanted."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True, hide_input_in_errors=True)


def _phone(value: str, info: ValidationInfo) -> str:
    found = to_e164(value, (info.context or {}).get("country", "ID"))
    if found is None:
        raise ValueError("is not a valid phone number")
    return found


def _filled(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value


def _template_value(value: str) -> str:
    if _BLANKS.search(value):
        raise ValueError("must not have line breaks, tabs or more than four blanks in a row (WhatsApp refuses those)")
    return _filled(value)


Phone = Annotated[str, AfterValidator(_phone)]
"""Any spelling of a phone number; E.164 once validated."""
Text = Annotated[str, AfterValidator(_filled)]
"""A text that is not blank."""
TemplateValue = Annotated[str, AfterValidator(_template_value)]
"""A text that WhatsApp takes as the value of a template's variable."""
