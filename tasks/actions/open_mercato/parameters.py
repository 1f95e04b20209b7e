"""What the parameters of Open Mercato's actions are made of.

Invariant: our names are its own with underscores, and go out in its spelling, the parts of a parameter included.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AliasGenerator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
)
from pydantic.alias_generators import to_camel

from tasks.actions.parameters import Parameters, Phone, Text

Text20 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20)]
Text25 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=25)]
Text30 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=30)]
Text40 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
Text50 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]
Text100 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Text120 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
Text150 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=150)]
Text191 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=191)]
Text200 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Text255 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Text300 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Text400 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]
Text1000 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
Text2000 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Text4000 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
Text8000 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=8000)]
Id = Annotated[str, StringConstraints(max_length=100, pattern=r"^[A-Za-z0-9_:-][A-Za-z0-9_:.-]*$")]
Moment = AwareDatetime | date
"""A date, or a time with its zone."""
Amount = Annotated[Decimal, Field(ge=0), PlainSerializer(float, return_type=float, when_used="json")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Color = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2}$")]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$", max_length=320)]
Json = dict[str, Any]

_SPELLED = ConfigDict(alias_generator=AliasGenerator(serialization_alias=to_camel))


class Given(Parameters):
    """Parameters of an action: `primary_phone` goes out as `primaryPhone`."""

    model_config = _SPELLED


class Part(BaseModel):
    """A part of a parameter, such as a line of an order."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True, hide_input_in_errors=True)

    @model_serializer(mode="wrap")
    def _spelled(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {to_camel(name): value for name, value in handler(self).items() if value is not None}


class ById(Given):
    """One record."""

    id: Id


class Paged(Given):
    """A part of a list."""

    page: Annotated[int, Field(ge=1)] | None = None
    page_size: Annotated[int, Field(ge=1, le=100)] | None = None


class Sliced(Given):
    """A part of a list, as workflows count."""

    limit: Annotated[int, Field(ge=1, le=100)] | None = None
    offset: Annotated[int, Field(ge=0)] | None = None


__all__ = [
    "Amount",
    "ById",
    "Color",
    "Country",
    "Currency",
    "Email",
    "Given",
    "Id",
    "Json",
    "Moment",
    "Paged",
    "Part",
    "Phone",
    "Sliced",
    "Text",
    "Text20",
    "Text25",
    "Text30",
    "Text40",
    "Text50",
    "Text100",
    "Text120",
    "Text150",
    "Text191",
    "Text200",
    "Text255",
    "Text300",
    "Text400",
    "Text1000",
    "Text2000",
    "Text4000",
    "Text8000",
]
