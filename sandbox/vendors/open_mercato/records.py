"""The plain CRUD routes of Open Mercato: create, update and list a kind of record.

Invariant: what a table of kinds does not forbid is kept as it was sent; an unknown id is a 404.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Json
from sandbox.vendors.open_mercato.kinds import Kind, problems
from sandbox.vendors.open_mercato.state import USER_ID
from sandbox.vendors.open_mercato.words import Record, invalid_input, page, refused, row

if TYPE_CHECKING:
    from sandbox.vendors.open_mercato.vendor import OpenMercato

Handler = Callable[["OpenMercato", Call], Answer]


def create(kind: Kind) -> Handler:
    """Return the handler of POST."""

    def handle(vendor: "OpenMercato", call: Call) -> Answer:
        fields = checked(vendor, call, kind, creating=True)
        if kind.second_id:
            own_id = USER_ID if kind.second_id == "authorUserId" else vendor.ids.uuid(kind.second_id)
            fields[kind.second_id] = fields.get(kind.second_id) or own_id
        record = vendor.store.add(kind.table, {**kind.fill(fields), "id": None}, vendor.now())
        effect = vendor.done(kind, None, record)
        names = {kind.second_id: record[kind.second_id]} if kind.second_id else {}
        return Answer(201, {"id": record["id"], **names}, effects=(effect,))

    return handle


def update(kind: Kind) -> Handler:
    """Return the handler of PUT: the id is in the body."""

    def handle(vendor: "OpenMercato", call: Call) -> Answer:
        fields = checked(vendor, call, kind, creating=False)
        record = existing(vendor, kind, fields)
        before = vendor.store.change(record, fields, vendor.now())
        return Answer(200, {"ok": True}, effects=(vendor.done(kind, before, record),))

    return handle


def listing(kind: Kind) -> Handler:
    """Return the handler of GET: filters of the kind, and `cf_<key>` for custom fields."""

    def handle(vendor: "OpenMercato", call: Call) -> Answer:
        found = (record for record in vendor.store.rows(kind.table) if fits(kind, record, call))
        return page(call, [row(record, snake=kind.snake) for record in found])

    return handle


def look_up(table: str) -> Handler:
    """Return the handler of GET for a table that is only looked up."""

    def handle(vendor: "OpenMercato", call: Call) -> Answer:
        wanted = call.query.get("search", "").lower()
        names = ("value", "label", "name", "title", "code", "slug")
        rows = vendor.store.rows(table)[::-1]
        found = (r for r in rows if any(wanted in str(r.get(name, "")).lower() for name in names))
        return page(call, [row(record, snake=True) for record in found])

    return handle


def checked(vendor: "OpenMercato", call: Call, kind: Kind, *, creating: bool) -> Record:
    """Return the body's fields.

    Raises:
        RefusedError: 400 for a wrong field, 404 for one that names nothing.
    """
    fields = dict(call.params)
    wrong = problems(kind, fields, creating=creating)
    if not creating and not fields.get("id"):
        wrong["id"] = "Required"
    if vendor.settings.require_scope:
        wrong |= {name: "Required" for name in ("organizationId", "tenantId") if not fields.get(name)}
    if wrong:
        raise invalid_input(wrong)
    for name, tables in kind.belongs.items():
        if fields.get(name) is not None and vendor.store.find(tables, fields[name]) is None:
            raise refused(404, f"{name} not found")
    if creating and kind.unique and any(r[kind.unique] == fields[kind.unique] for r in vendor.store.rows(kind.table)):
        raise refused(409, f"{kind.unique} already exists")
    return {name: value for name, value in fields.items() if value is not None or not creating}


def existing(vendor: "OpenMercato", kind: Kind, fields: Record) -> Record:
    """Return the record a body names.

    Raises:
        RefusedError: 404, there is none.
    """
    record = vendor.store.find((kind.table,), fields["id"])
    if record is None:
        raise refused(404, "Not found")
    return record


def fits(kind: Kind, record: Record, call: Call) -> bool:
    """Return whether a record passes all filters of a query; names that are no filter are ignored."""
    known = ((kind.filters[name], value) for name, value in call.query.items() if name in kind.filters)
    return all(filter_(record, value) for filter_, value in known) and _custom(record, call.query.items())


def _custom(record: Record, query: Iterable[tuple[str, str]]) -> bool:
    own = record.get("customFields")
    fields: Record = own if isinstance(own, dict) else {}

    def value(name: str) -> Json:
        return record.get(name, fields.get(name.removeprefix("cf_")))

    return all(str(value(name)) == wanted for name, wanted in query if name.startswith("cf_"))
