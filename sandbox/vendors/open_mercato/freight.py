"""FreightTech's additions to Open Mercato: shipments with containers, and the settings of the container tracking.

Invariant: whatever goes wrong in a write here is a 400 with an `error`.
"""

from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call
from sandbox.vendors.open_mercato import checks
from sandbox.vendors.open_mercato.kinds import Kind, equal, problems
from sandbox.vendors.open_mercato.words import Record, page, refused

if TYPE_CHECKING:
    from sandbox.vendors.open_mercato.vendor import OpenMercato

FREIGHT = Kind(
    "freight_shipments",
    "shipments.shipments",
    "",
    "freight_shipment",
    fields={**dict.fromkeys(("etd", "atd", "eta", "ata", "requestDate"), checks.moment), "status": checks.text(50, 1)},
    filters={name: equal(name) for name in ("status", "containerType", "clientId", "assignedToId")},
)
SEARCHED = ("internalReference", "bookingNumber", "containerNumber", "bolNumber", "carrier")
SORTS = ("createdAt", "updatedAt", "eta", "etd", "ata", "atd")


def listing(vendor: "OpenMercato", call: Call) -> Answer:
    """GET /shipments."""
    wanted, sort = call.query.get("search", "").lower(), call.query.get("sort", "createdAt")
    rows = [r for r in vendor.store.rows("freight_shipments") if any(wanted in _text(r, name) for name in SEARCHED)]
    known = [(FREIGHT.filters[name], value) for name, value in call.query.items() if name in FREIGHT.filters]
    rows = [row for row in rows if all(fits(row, value) for fits, value in known)]
    if sort in SORTS and sort != "createdAt":
        rows.sort(key=lambda row: _text(row, sort), reverse=call.query.get("order", "desc") == "desc")
    return page(call, rows)


def create(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /shipments: everything is optional; a container number makes the container too."""
    fields = _checked(call)
    shipment = vendor.store.add("freight_shipments", {"status": "booked", **fields, "id": None}, vendor.now())
    if shipment.get("containerNumber"):
        container = {"shipmentId": shipment["id"], "containerNumber": shipment["containerNumber"]}
        vendor.store.add("containers", container, vendor.now())
    return Answer(201, {"id": shipment["id"]}, effects=(vendor.done(FREIGHT, None, shipment),))


def show(vendor: "OpenMercato", call: Call) -> Answer:
    """GET /shipments/{id}."""
    return Answer(200, _find(vendor, call, 404))


def update(vendor: "OpenMercato", call: Call) -> Answer:
    """PUT /shipments/{id}."""
    shipment, fields = _find(vendor, call, 400), _checked(call)
    before = vendor.store.change(shipment, fields, vendor.now())
    return Answer(200, {"ok": True}, effects=(vendor.done(FREIGHT, before, shipment),))


def list_containers(vendor: "OpenMercato", call: Call) -> Answer:
    """GET /shipments/containers, and of one shipment."""
    return _parts(vendor, call, "containers")


def list_documents(vendor: "OpenMercato", call: Call) -> Answer:
    """GET /shipments/{id}/documents: nothing in this sandbox makes any."""
    return _parts(vendor, call, "documents")


def list_tasks(vendor: "OpenMercato", call: Call) -> Answer:
    """GET /shipments/{id}/tasks."""
    return _parts(vendor, call, "freight_tasks")


def create_task(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /shipments/{id}/tasks."""
    shipment = _find(vendor, call, 400)
    task = vendor.store.add("freight_tasks", {**call.params, "id": None, "shipmentId": shipment["id"]}, vendor.now())
    label = str(task.get("title") or task["id"])
    return Answer(201, {"id": task["id"]}, effects=({"kind": "freight_task", "id": task["id"], "label": label},))


def update_container(vendor: "OpenMercato", call: Call) -> Answer:
    """PUT /shipments/containers/{id}."""
    container = vendor.store.find(("containers",), call.ids["id"])
    if container is None:
        raise refused(400, "Container not found")
    vendor.store.change(container, {**call.params, "shipmentId": container["shipmentId"]}, vendor.now())
    effect = {"kind": "container_update", "id": container["id"], "label": container["containerNumber"]}
    return Answer(200, {"ok": True}, effects=(effect,))


def show_settings(vendor: "OpenMercato", call: Call) -> Answer:  # noqa: ARG001 - one signature for the whole table
    """GET /fms_tracking/settings/freighttech."""
    return Answer(200, vendor.store.settings)


def put_settings(vendor: "OpenMercato", call: Call) -> Answer:
    """PUT /fms_tracking/settings/freighttech."""
    wrong = [name for name in ("apiKey", "apiBaseUrl") if not isinstance(call.params.get(name), str)]
    if wrong:
        raise refused(400, f"{wrong[0]} is required")
    vendor.store.settings = {name: call.params[name] for name in ("apiKey", "apiBaseUrl")}
    effect = {"kind": "freight_settings", "id": "freighttech", "label": vendor.store.settings["apiBaseUrl"]}
    return Answer(200, vendor.store.settings, effects=(effect,))


def _checked(call: Call) -> Record:
    wrong = problems(FREIGHT, call.params, creating=True)
    if wrong:
        name, said = next(iter(wrong.items()))
        raise refused(400, f"{name} {said}")
    return dict(call.params)


def _find(vendor: "OpenMercato", call: Call, status: int) -> Record:
    shipment = vendor.store.find(("freight_shipments",), call.ids["id"])
    if shipment is None:
        raise refused(status, "Shipment not found")
    return shipment


def _parts(vendor: "OpenMercato", call: Call, table: str) -> Answer:
    of_one = _find(vendor, call, 404)["id"] if "id" in call.ids else None
    return page(call, [part for part in vendor.store.rows(table) if of_one in (None, part["shipmentId"])])


def _text(row: Record, name: str) -> str:
    return str(row.get(name) or "").lower()
