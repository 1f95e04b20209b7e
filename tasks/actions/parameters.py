"""Types that parameters of several vendors are made of.

Invariant: what passes validation can be sent as it is; what does not is refused with the field named.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Tag, ValidationInfo

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


def _numbers_are_texts(given: Any) -> Any:
    return [str(v) if isinstance(v, int | float) else v for v in given] if isinstance(given, list) else given


def checked_texts(part: Any) -> Any:
    """Refuse values that WhatsApp does not take, in whatever a template is filled with in Meta's form."""
    for text in _texts(part):
        try:
            _template_value(text)
        except ValueError as error:
            raise ValueError(f"a text of it {error}") from None
    return part


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts that a message in Meta's form gives as values."""
    if isinstance(value, dict):
        if value.get("type") == "text" and isinstance(value.get("text"), str):
            yield value["text"]
        value = list(value.values())
    for part in value if isinstance(value, list) else ():
        yield from _texts(part)


TemplateValue = Annotated[str, AfterValidator(_template_value)]
"""A text that WhatsApp takes as the value of a template's variable."""
TemplateVariables = Annotated[
    Annotated[list[TemplateValue], BeforeValidator(_numbers_are_texts), Tag("list")]
    | Annotated[dict[str, TemplateValue], Tag("names")],
    Discriminator(lambda given: "names" if isinstance(given, dict) else "list"),
]
"""The values of a template's variables: in their order, or by name."""
TemplateComponents = list[Annotated[dict[str, Any], AfterValidator(checked_texts)]]
"""What a template is filled with, in Meta's own form."""
