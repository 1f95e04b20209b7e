"""Types that Scalev's parameters are made of.

Invariant: amounts go out as numbers and phones as digits, the way Scalev stores them.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, Field, PlainSerializer, model_validator
from pydantic_core import PydanticCustomError

from config.rules import WHICH_PARAMETERS
from tasks.actions.parameters import Parameters, Phone, Text

OrderStatus = Literal[
    "draft", "pending", "confirmed", "in_process", "ready", "shipped", "completed", "rts", "canceled", "closed"
]
PaymentStatus = Literal["unpaid", "paid", "settled", "conflict"]
MOST_IN_PAGE = 25


def _number(amount: Decimal) -> int | float:
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def _zulu(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Time = Annotated[AwareDatetime, PlainSerializer(_zulu, return_type=str)]
"""A time with its zone; sent in UTC, to the second."""
Money = Annotated[Decimal, Field(allow_inf_nan=False, max_digits=18), PlainSerializer(_number)]
"""Rupiah."""
StoredPhone = Annotated[Phone, PlainSerializer(lambda phone: phone.removeprefix("+"), return_type=str)]
"""Any spelling; sent as `62…`."""
WaUserId = Annotated[Phone, AfterValidator(lambda phone: phone.removeprefix("+"))]
"""A customer's WhatsApp id: any spelling of the number; its digits once validated."""
Commas = Annotated[list[Text], Field(min_length=1), PlainSerializer(",".join, return_type=str)]
"""A list that is sent as one text."""
Number = Annotated[int, Field(ge=1, lt=10**15)]
"""A numeric id."""
WabaAccountId = Annotated[Text, Field(pattern=r"^[0-9]+$")]
"""The number of a WhatsApp account: what its own routes take."""
WabaUniqueId = Annotated[Text, Field(pattern=r"^waba_[A-Za-z0-9]+$")]
"""The text id of a WhatsApp account: what conversations take."""


class Nothing(Parameters):
    """No parameters."""


class OfOrder(Parameters):
    """One order: by its primary key, or by its human number."""

    id: Text | None = None
    order_id: Text | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.id is None) == (self.order_id is None):
            raise PydanticCustomError(WHICH_PARAMETERS, "either id or order_id is wanted")
        return self


class OfOrders(Parameters):
    """Orders: by their primary keys, or by their human numbers."""

    ids: Annotated[list[Text], Field(min_length=1, max_length=MOST_IN_PAGE)] | None = None
    order_ids: Annotated[list[Text], Field(min_length=1, max_length=MOST_IN_PAGE)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.ids is None) == (self.order_ids is None):
            raise PydanticCustomError(WHICH_PARAMETERS, "either ids or order_ids is wanted")
        return self


class Page(Parameters):
    """One page of a list."""

    page_size: Annotated[int, Field(ge=1, le=MOST_IN_PAGE)] | None = None
    next_cursor: Text | None = None


class SearchedPage(Page):
    """One page of a list that can be searched."""

    search: Text | None = None
