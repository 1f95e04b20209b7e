"""Proton's searches: `{operator: operand}` filters over customers and opportunities.

Invariant: filters are ANDed, and an operator or field that does not exist is refused, never ignored.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sandbox.exchange import Json
from sandbox.vendors.proton.state import Record
from sandbox.vendors.proton.words import InvalidError

DEFAULT_COUNT = 10
MAX_COUNT = 1000


def _compare(compare: Callable[[Any, Any], bool]) -> Callable[[Json, Json], bool]:
    """Compare only what can be compared: two numbers or two texts."""

    def check(value: Json, operand: Json) -> bool:
        numbers = isinstance(value, int | float) and isinstance(operand, int | float)
        return (numbers or (isinstance(value, str) and isinstance(operand, str))) and compare(value, operand)

    return check


def _contains(value: Json, operand: Json) -> bool:
    if isinstance(value, list):
        return operand in value
    return isinstance(value, str) and isinstance(operand, str) and operand in value


def _equal(value: Json, operand: Json) -> bool:
    return operand in value if isinstance(value, list) and not isinstance(operand, list) else bool(value == operand)


OPERATORS: Mapping[str, Callable[[Json, Json], bool]] = {
    "eq": _equal,
    "neq": lambda value, operand: not _equal(value, operand),
    "gt": _compare(lambda a, b: a > b),
    "gte": _compare(lambda a, b: a >= b),
    "lt": _compare(lambda a, b: a < b),
    "lte": _compare(lambda a, b: a <= b),
    "contains": _contains,
    "not_contains": lambda value, operand: not _contains(value, operand),
}
PAGE_OPERATORS = {
    **OPERATORS,
    "exists": lambda value, operand: (value not in (None, "", [])) is bool(operand),
    "includes": lambda value, operand: isinstance(operand, list) and any(_equal(value, item) for item in operand),
}

CUSTOMER_FILTERS = (
    "name",
    "type",
    "branch",
    "location",
    "account_type",
    "representative_ids",
    "bill_to_id",
    "street_address",
    "city",
    "state",
    "zip_code",
    "region",
    "country",
)
CUSTOMER_ITEM = (
    "customer_id",
    "id",
    "name",
    "bill_to_id",
    "street_address",
    "city",
    "state",
    "zip_code",
    "email",
    "office_phone_number",
    "fax_number",
    "branch",
    "region",
    "country",
)
OPPORTUNITY_FILTERS = (
    "opportunity_id",
    "pipeline_id",
    "stage_id",
    "title",
    "owner",
    "customer_id",
    "contact_id",
    "value",
    "created_from_sales_play",
    "closed",
    "created_by",
    "created_date",
    "last_stage_change_date",
    "last_updated_by",
    "last_update_date",
    "last_contact_date",
    "is_deleted",
    "deleted_date",
)
OPPORTUNITY_EXTRAS = ("view_as_user_id", "custom_fields", "inherited_fields")
_PAGING = ("count", "offset")


def search_opportunities(opportunities: Iterable[Record], body: Mapping[str, Json]) -> dict[str, Json]:
    """Return `{opportunities, total_count, total_value}`; deleted ones only when asked for.

    Raises:
        InvalidError: an unknown field or operator.
    """
    filters = {"is_deleted": {"eq": False}, **_filters(body, OPPORTUNITY_FILTERS, OPPORTUNITY_EXTRAS)}
    found = [
        opportunity
        for opportunity in opportunities
        if all(_fits(opportunity.get(name), condition, OPERATORS) for name, condition in filters.items())
        and _custom_fields_fit(opportunity, body)
    ]
    count, offset = _whole(body, "count", DEFAULT_COUNT), _whole(body, "offset", 0)
    total = sum(item["value"] for item in found if isinstance(item.get("value"), int | float))
    return {"opportunities": found[offset : offset + count], "total_count": len(found), "total_value": total}


def search_customers(customers: Iterable[Record], body: Mapping[str, Json]) -> dict[str, Json]:
    """Return a page of short customers. `query` is required and ignores case; filters stand beside it.

    Raises:
        InvalidError: no query, an unknown field or operator.
    """
    query = body.get("query")
    if not isinstance(query, str):
        raise InvalidError("query is required")
    filters = _filters(body, CUSTOMER_FILTERS, ("query",))
    found = [
        customer
        for customer in customers
        if _mentions(customer, query.lower())
        and all(_fits(customer.get(name), condition, PAGE_OPERATORS) for name, condition in filters.items())
    ]
    count, offset = max(_whole(body, "count", DEFAULT_COUNT), 1), _whole(body, "offset", 0)
    items = [{name: customer.get(name) for name in CUSTOMER_ITEM} for customer in found[offset : offset + count]]
    return {
        "message": "Customers found" if items else "No customers found",
        "items": items,
        "total_count": len(found),
        "page_size": count,
        "page_number": offset // count + 1,
        "total_pages": -(-len(found) // count),
    }


def _filters(body: Mapping[str, Json], allowed: Iterable[str], extras: tuple[str, ...]) -> dict[str, Json]:
    """Return what filters by a field; paging and the extras of a search are no fields."""
    filters = {name: value for name, value in body.items() if name not in (*_PAGING, *extras)}
    unknown = sorted(set(filters).difference(allowed))
    if unknown:
        raise InvalidError(f"{', '.join(unknown)} cannot be searched")
    return filters


def _mentions(customer: Record, query: str) -> bool:
    names = ("customer_id", "name", "email", "office_phone_number", "street_address", "city")
    return any(query in str(customer.get(name) or "").lower() for name in names)


def _fits(value: Json, condition: Json, operators: Mapping[str, Callable[[Json, Json], bool]]) -> bool:
    if not isinstance(condition, dict) or not condition:
        raise InvalidError("a filter must be an object of operator and operand")
    for operator, operand in condition.items():
        check = operators.get(operator)
        if check is None:
            raise InvalidError(f"operator {operator} is not allowed, use one of {', '.join(operators)}")
        several = isinstance(operand, list) and operator != "includes"
        if not all(check(value, item) for item in (operand if several else [operand])):
            return False
    return True


def _custom_fields_fit(opportunity: Record, body: Mapping[str, Json]) -> bool:
    """Check the opportunity's own custom fields and those it inherits; products hold none here."""
    for condition in _conditions(body, "custom_fields", "custom_field_id"):
        if not _field_fits(opportunity, condition, "custom_field_id"):
            return False
    for condition in _conditions(body, "inherited_fields", "inherited_field_id"):
        parent = condition.pop("inherit_from", None)
        if parent not in ("customer", "product"):
            raise InvalidError("inherit_from must be customer or product")
        holder = opportunity.get("customer_info") if parent == "customer" else None
        if not _field_fits(holder or {}, condition, "inherited_field_id"):
            return False
    return True


def _conditions(body: Mapping[str, Json], name: str, id_name: str) -> list[dict[str, Json]]:
    conditions = body.get(name) or []
    if not isinstance(conditions, list) or not all(
        isinstance(condition, dict) and isinstance(condition.get(id_name), str) for condition in conditions
    ):
        raise InvalidError(f"{name} must be a list of objects with {id_name}")
    return [dict(condition) for condition in conditions]


def _field_fits(holder: Record, condition: dict[str, Json], id_name: str) -> bool:
    field_id = condition.pop(id_name)
    held = [item.get("value") for item in holder.get("custom_fields") or [] if item.get("custom_field_id") == field_id]
    return _fits(held[0] if held else None, condition, OPERATORS)


def _whole(body: Mapping[str, Json], name: str, default: int) -> int:
    value = body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 10**9:
        raise InvalidError(f"{name} must be a whole number")
    return min(value, MAX_COUNT) if name == "count" else value
