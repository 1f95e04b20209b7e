"""Proton's searches: pages of v1 and v2 with a query and filters beside it, and the legacy ones by attribute.

Invariant: a field that cannot be searched is refused, never ignored.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sandbox.exchange import Json
from sandbox.vendors.proton.operators import OPERATORS, PAGE_OPERATORS, QUOTE_OPERATORS, check, fits
from sandbox.vendors.proton.state import Record
from sandbox.vendors.proton.words import InvalidError, objects, text

DEFAULT_COUNT = 10
MAX_COUNT = 1000


@dataclass(frozen=True)
class PageSearch:
    """One search of v1 or v2.

    Attributes:
        noun: what is found, for the message.
        filters: the fields that filter; a short tuple of operators narrows what one of them takes.
        item: what a row shows; empty shows all.
        queried: the fields the free query looks into.
        most: the largest page; a larger one is refused.
    """

    noun: str
    filters: Mapping[str, tuple[str, ...]]
    item: tuple[str, ...]
    queried: tuple[str, ...]
    needs_query: bool = True
    most: int | None = None
    extras: tuple[str, ...] = field(default=("query",))


def _any(*names: str) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(names, ())


_PLACE = ("street_address", "city", "state", "zip_code", "region", "country")
CUSTOMERS = PageSearch(
    "Customers",
    _any("name", "type", "branch", "location", "account_type", "representative_ids", "bill_to_id", *_PLACE),
    (
        "customer_id",
        "id",
        "name",
        "bill_to_id",
        *_PLACE[:4],
        "email",
        "office_phone_number",
        "fax_number",
        "branch",
        "region",
        "country",
    ),
    ("customer_id", "name", "email", "office_phone_number", "street_address", "city"),
)
_CONTACT_PLACE = ("street_address", "street_address_2", "street_address_3", "apartment", "city", "state", "country")
CONTACTS = PageSearch(
    "Contacts",
    _any("customer_id", "contact_type", "position"),
    (
        "contact_id",
        "name",
        "surname",
        "full_name",
        "customer_id",
        "customer_name",
        "contact_type",
        "position",
        "email",
        "phone_number",
        *_CONTACT_PLACE,
        "zip_code",
    ),
    ("contact_id", "name", "surname", "full_name", "email", "phone_number", "customer_name"),
)
_EXACT = ("eq", "neq", "includes")
CALL_NOTES = PageSearch(
    "Call notes",
    {
        **dict.fromkeys(("customer_id", "user_id", "bill_to_id", "call_type"), _EXACT),
        "date": ("eq", "gt", "gte", "lt", "lte"),
        "customer_is_active": ("eq", "neq"),
    },
    (),
    ("notes", "customer_name", "customer_id", "user_id"),
    needs_query=False,
    most=100,
    extras=("query", "sort_field", "sort_order"),
)
LEADS = PageSearch(
    "Leads",
    _any(*_PLACE),
    (),
    ("lead_id", "name", "email", "office_phone_number", "street_address", "city"),
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
QUOTE_FILTERS = (
    "quote_id",
    "bill_to_id",
    "customer_id",
    "customer_name",
    "customer_is_active",
    "contact_id",
    "created_date",
    "expiration_date",
    "status",
    "status_erp",
    "status_rep",
    "total_value",
    "remaining_value",
    "realized_value",
    "manufacturer",
    "source",
)
_OPPORTUNITY_EXTRAS = ("view_as_user_id", "custom_fields", "inherited_fields")
_QUOTE_EXTRAS = ("sort_field", "sort_order", "all_accounts", "requesting_user_id", "query")
_PAGING = ("count", "offset")


def search_page(records: Iterable[Record], body: Mapping[str, Json], search: PageSearch) -> dict[str, Json]:
    """Return a page; the query ignores case, filters stand beside it.

    Raises:
        InvalidError: no query where one is needed, an unknown field or operator, too large a page.
    """
    query = text(body, "query")
    if query is None and search.needs_query:
        raise InvalidError("query is required")
    allowed = {name: operators or tuple(PAGE_OPERATORS) for name, operators in search.filters.items()}
    filters = _filters(body, allowed, search.extras)
    rows = [
        record
        for record in records
        if any((query or "").lower() in str(record.get(name) or "").lower() for name in search.queried)
        and all(fits(record.get(name), condition) for name, condition in filters.items())
    ]
    rows = _sorted(rows, body) if "sort_field" in search.extras else rows
    count, offset = max(_whole(body, "count", DEFAULT_COUNT), 1), _whole(body, "offset", 0)
    if search.most is not None and count > search.most:
        raise InvalidError(f"count must be at most {search.most}")
    shown = rows[offset : offset + count]
    items = [{name: row.get(name) for name in search.item} if search.item else row for row in shown]
    return {
        "message": f"{search.noun} found" if items else f"No {search.noun.lower()} found",
        "items": items,
        "total_count": len(rows),
        "page_size": count,
        "page_number": offset // count + 1,
        "total_pages": -(-len(rows) // count),
    }


def find_opportunities(opportunities: Iterable[Record], body: Mapping[str, Json]) -> list[Record]:
    """Return the opportunities that fit; deleted ones only when asked for.

    Raises:
        InvalidError: an unknown field or operator.
    """
    allowed = dict.fromkeys(OPPORTUNITY_FILTERS, tuple(OPERATORS))
    filters = {"is_deleted": {"eq": False}, **_filters(body, allowed, _OPPORTUNITY_EXTRAS)}
    wanted = _wanted_fields(body)
    return [
        opportunity
        for opportunity in opportunities
        if all(fits(opportunity.get(name), condition) for name, condition in filters.items())
        and all(_field_fits(opportunity, wish) for wish in wanted)
    ]


def search_opportunities(opportunities: Iterable[Record], body: Mapping[str, Json]) -> dict[str, Json]:
    """Return `{opportunities, total_count, total_value}`."""
    found = find_opportunities(opportunities, body)
    count, offset = _whole(body, "count", DEFAULT_COUNT), _whole(body, "offset", 0)
    return {
        "opportunities": found[offset : offset + count],
        "total_count": len(found),
        "total_value": total_value(found),
    }


def total_value(opportunities: Iterable[Record]) -> Json:
    """Return the sum of the values that are known."""
    return sum(item["value"] for item in opportunities if isinstance(item.get("value"), int | float))


def search_quotes(headers: Iterable[Record], body: Mapping[str, Json]) -> dict[str, Json]:
    """Return `{quote_headers, total_count}`.

    Raises:
        InvalidError: an unknown field or operator.
    """
    filters = _filters(body, dict.fromkeys(QUOTE_FILTERS, QUOTE_OPERATORS), _QUOTE_EXTRAS)
    found = [
        header for header in headers if all(fits(header.get(name), condition) for name, condition in filters.items())
    ]
    count, offset = _whole(body, "count", DEFAULT_COUNT), _whole(body, "offset", 0)
    return {"quote_headers": _sorted(found, body)[offset : offset + count], "total_count": len(found)}


def _filters(
    body: Mapping[str, Json], allowed: Mapping[str, tuple[str, ...]], extras: tuple[str, ...]
) -> dict[str, Record]:
    """Return what filters by a field, checked; paging and the extras of a search are no fields."""
    filters = {name: value for name, value in body.items() if name not in (*_PAGING, *extras)}
    unknown = sorted(set(filters).difference(allowed))
    if unknown:
        raise InvalidError(f"{', '.join(unknown)} cannot be searched")
    for name, condition in filters.items():
        check(condition, allowed[name], name)
    return filters


def _sorted(rows: list[Record], body: Mapping[str, Json]) -> list[Record]:
    name, order = text(body, "sort_field"), text(body, "sort_order") or "asc"
    if order not in ("asc", "desc"):
        raise InvalidError("sort_order must be asc or desc")
    return rows if name is None else sorted(rows, key=lambda row: str(row.get(name) or ""), reverse=order == "desc")


@dataclass(frozen=True)
class _FieldWish:
    """What a custom field must be; `holder` is where it is: the opportunity itself, its customer, or a product."""

    field_id: str
    holder: str
    condition: Record


def _wanted_fields(body: Mapping[str, Json]) -> list[_FieldWish]:
    """Return the wishes about the opportunity's own custom fields and those it inherits, checked."""
    wishes = []
    for name, id_name in (("custom_fields", "custom_field_id"), ("inherited_fields", "inherited_field_id")):
        for item in objects(body, name):
            condition = {**item}
            field_id = text(condition, id_name, required=True)
            del condition[id_name]
            holder = condition.pop("inherit_from", None) if name == "inherited_fields" else "opportunity"
            if holder not in ("opportunity", "customer", "product"):
                raise InvalidError("inherit_from must be customer or product")
            check(condition, OPERATORS, id_name)
            wishes.append(_FieldWish(str(field_id), holder, condition))
    return wishes


def _field_fits(opportunity: Record, wish: _FieldWish) -> bool:
    """Compare one custom field; products hold none here."""
    holders = {"opportunity": opportunity, "customer": opportunity.get("customer_info")}
    fields = (holders.get(wish.holder) or {}).get("custom_fields") or []
    held = [item.get("value") for item in fields if item.get("custom_field_id") == wish.field_id]
    return fits(held[0] if held else None, wish.condition)


def _whole(body: Mapping[str, Json], name: str, default: int) -> int:
    value = body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 10**9:
        raise InvalidError(f"{name} must be a whole number")
    return min(value, MAX_COUNT) if name == "count" else value
