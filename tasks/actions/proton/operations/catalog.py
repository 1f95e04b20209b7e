"""Definitions of custom fields, recommendations, tracking and initiatives at Proton.

Invariant: what is tracked counts as often as it is sent, so that none of it is repeated by itself.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, PlainSerializer, model_validator

from config.accounts import ProtonAccount
from tasks.actions.operations import Operation, as_sent
from tasks.actions.parameters import Parameters, Text
from tasks.actions.proton.client import ask
from tasks.actions.proton.shapes import MOST_PAGE
from webhooks import fields
from worker.acting import Action, Call, Outcome, Settled, Settlement

FieldType = Literal["dropdown", "number", "boolean", "string", "percentage"]
RecordType = Literal["contact", "customer", "opportunity"]
RecordTypes = Annotated[list[RecordType], Field(default_factory=list)]
Texts = Annotated[list[Text], Field(default_factory=list)]


class FieldParts(Parameters):
    """What the definition of a custom field holds."""

    display_name: Text | None = None
    display_description: str | None = None
    field_type: FieldType | None = None
    options: list[Any] = Field(default_factory=list)
    required: bool | None = None
    record_types: RecordTypes
    editability: list[Text] = Field(default_factory=list, description="Roles, such as admin, manager, all.")
    visibility: Texts
    config: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _a_dropdown_has_options(self) -> "FieldParts":
        if self.field_type == "dropdown" and not self.options:
            raise ValueError("options: a dropdown needs some")
        return self


class NewField(FieldParts):
    """A custom field to be defined; with a `custom_field_id` of ours a lost answer can be settled."""

    custom_field_id: Text | None = None
    display_name: Text
    field_type: FieldType
    record_types: Annotated[list[RecordType], Field(min_length=1)]


class FieldChange(FieldParts):
    """A change of a definition."""

    custom_field_id: Text


class CustomField(Parameters):
    """One definition."""

    custom_field_id: Text


class FieldsOf(Parameters):
    """The definitions for some kinds of records; of all without."""

    record_types: Annotated[list[RecordType], PlainSerializer(",".join), Field(default_factory=list)]


class FieldValue(Parameters):
    """A value of a record's custom field."""

    record_type: RecordType
    record_id: Text
    custom_field_id: Text
    value: str | bool | int | float | list[str]


class Recommend(Parameters):
    """Products for a customer."""

    customer_id: Text
    user_id: Text | None = None
    count: int | None = Field(default=None, ge=1, le=MOST_PAGE)
    product_id: Text | None = None


class RecommendKind(Recommend):
    """Products of one kind for a customer."""

    kind: Literal["periodic", "bought", "similar", "recent", "cart_lite"]

    @model_validator(mode="after")
    def _goes_with_a_product(self) -> "RecommendKind":
        if self.kind in {"bought", "similar"} and self.product_id is None:
            raise ValueError(f"product_id: {self.kind} goes with a product")
        return self


class CartProduct(Parameters):
    """A product in a cart."""

    product_id: Text
    quantity: float = Field(gt=0, allow_inf_nan=False)


class RecommendForCart(Parameters):
    """Products that go with a cart."""

    customer_id: Text
    user_id: Text
    count: int = Field(default=10, ge=1, le=MOST_PAGE)
    products: Annotated[list[CartProduct], Field(min_length=1)]


class Track(Parameters):
    """Something a customer did in the shop."""

    event: Literal["seen", "click", "add_cart", "search"]
    customer_id: Text
    product_id: Text | None = None
    query_string: Annotated[Text | None, Field(serialization_alias="queryString")] = None
    model: Text | None = None

    @model_validator(mode="after")
    def _is_about_something(self) -> "Track":
        wanted = "query_string" if self.event == "search" else "product_id"
        if getattr(self, wanted) is None:
            raise ValueError(f"{wanted}: {self.event} is about one")
        return self


class TrackLogin(Parameters):
    """A visitor turned out to be a customer."""

    old_customer_id: Text
    new_customer_id: Text


class Initiatives(Parameters):
    """Product initiatives for customers."""

    customer_id: Annotated[list[Text], PlainSerializer(",".join), Field(min_length=1)]
    count: int | None = Field(default=None, ge=1, le=MOST_PAGE)
    page: int | None = Field(default=None, ge=0)


def _listed(name: str, key: str) -> Callable[[Call, Any], Outcome]:
    def told(_call: Call, data: Any) -> Outcome:
        ids = [fields.text(fields.at(row, key)) for row in data] if isinstance(data, list) else []
        return Outcome({name: [one for one in ids if one]})

    return told


def _settle_field(call: Call, _since: datetime) -> Settlement:
    wanted: NewField = call.parameters
    if wanted.custom_field_id is None:
        return Settlement(Settled.NOT_KNOWN)
    known = _listed("ids", "custom_field_id")(call, ask(call, "GET", "/custom_field/all")).result["ids"]
    if wanted.custom_field_id not in known:
        return Settlement(Settled.NOT_KNOWN)
    return Settlement(Settled.HAPPENED, Outcome({"custom_field_id": wanted.custom_field_id}))


_FIELD: dict[str, tuple[str, ...]] = {"custom_field_id": ("custom_field_id",)}
_PRODUCTS = _listed("product_ids", "product_id")
_RECOMMENDATIONS = "/product/recommendations"

OPERATIONS = (
    Operation(
        "proton.create_custom_field", NewField, "POST", "/custom_field/create", "Define a custom field.",
        idempotent=False, result=_FIELD, must_tell=True, settle=_settle_field,
        settled_by="the custom_field_id, where one was given",
    ),
    Operation(
        "proton.edit_custom_field", FieldChange, "PUT", "/custom_field/edit", "Change a custom field's definition.",
        idempotent=True, result=_FIELD, must_tell=True,
    ),
    Operation(
        "proton.list_custom_fields", FieldsOf, "GET", "/custom_field/all", "List the custom fields.",
        finish=_listed("custom_field_ids", "custom_field_id"),
    ),
    Operation(
        "proton.set_custom_field", FieldValue, "PUT", "/custom_field/update_instance",
        "Set one custom field of a record, and leave the others.", idempotent=True,
    ),
    Operation(
        "proton.get_recommendations", Recommend, "GET", _RECOMMENDATIONS, "List products for a customer.",
        finish=_PRODUCTS,
    ),
    Operation(
        "proton.get_recommendations_by_kind", RecommendKind, "GET", _RECOMMENDATIONS + "/{kind}",
        "List products of one kind for a customer.", finish=_PRODUCTS,
    ),
    Operation(
        "proton.recommend_for_cart", RecommendForCart, "POST", _RECOMMENDATIONS + "/cart",
        "List products that go with a cart.", is_read=True, finish=_PRODUCTS,
    ),
    Operation(
        "proton.list_product_initiatives", Initiatives, "GET", "/product_initiatives/all",
        "List product initiatives for customers.", finish=_listed("ids", "id"),
    ),
)  # fmt: skip

REMOVALS = (
    Operation(
        "proton.delete_custom_field", CustomField, "POST", "/custom_field/delete", "Delete a custom field.",
        idempotent=True,
    ),
)  # fmt: skip


def _tracked(path: str) -> Callable[[Call], Outcome]:
    """Return how something is tracked: here the company stands in the body too."""

    def run(call: Call) -> Outcome:
        assert isinstance(call.account, ProtonAccount)  # noqa: S101 - the loader's check, told to mypy
        ask(call, "POST", path, json=as_sent(call.parameters) | {"company": call.account.company})
        return Outcome()

    return run


ACTIONS = (
    Action(
        "proton.track", Track, _tracked("/track"), idempotent=False, summary="Tell what a customer did in the shop.",
        endpoint="POST /track",
    ),
    Action(
        "proton.track_login", TrackLogin, _tracked("/track/login"), idempotent=False,
        summary="Tell which customer a visitor turned out to be.", endpoint="POST /track/login",
    ),
)  # fmt: skip
