"""Open Mercato's shipments and payments of an order.

Invariant: no more is shipped of a line than was ordered, and a payment is in its order's currency.
"""

from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call
from sandbox.vendors.open_mercato import checks, records, sales
from sandbox.vendors.open_mercato.checks import text
from sandbox.vendors.open_mercato.kinds import Kind, equal
from sandbox.vendors.open_mercato.words import Record, refused

if TYPE_CHECKING:
    from sandbox.vendors.open_mercato.vendor import OpenMercato

SHIPMENTS = Kind(
    "shipments",
    "sales.shipments",
    "sales.shipment",
    "shipment",
    required=("orderId",),
    fields={
        "items": checks.objects,
        "trackingNumbers": checks.texts,
        "carrierName": text(191),
        "shippedAt": checks.moment,
        "deliveredAt": checks.moment,
        "currencyCode": checks.CURRENCY,
    },
    filters={"id": equal("id"), "orderId": equal("orderId")},
    belongs={
        "orderId": ("orders",),
        "statusEntryId": ("shipment_statuses",),
        "documentStatusEntryId": ("order_statuses",),
    },
)
PAYMENTS = Kind(
    "payments",
    "sales.payments",
    "sales.payment",
    "payment",
    required=("amount", "currencyCode"),
    fields={
        "amount": checks.number(0),
        "currencyCode": checks.CURRENCY,
        "capturedAmount": checks.number(0),
        "refundedAmount": checks.number(0),
        "receivedAt": checks.moment,
        "capturedAt": checks.moment,
        "allocations": checks.objects,
    },
    filters={"id": equal("id"), "orderId": equal("orderId")},
    belongs={"orderId": ("orders",), "documentStatusEntryId": ("order_statuses",)},
)


def create_shipment(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /sales/shipments."""
    fields = records.checked(vendor, call, SHIPMENTS, creating=True)
    _check_items(vendor, fields)
    shipment = vendor.store.add("shipments", {**fields, "id": None}, vendor.now())
    _set_order_status(vendor, shipment)
    return Answer(201, {"id": shipment["id"]}, effects=(vendor.done(SHIPMENTS, None, shipment),))


def update_shipment(vendor: "OpenMercato", call: Call) -> Answer:
    """PUT /sales/shipments: lists such as the tracking numbers are replaced whole."""
    answer = records.update(SHIPMENTS)(vendor, call)
    _set_order_status(vendor, {**vendor.store.table("shipments")[call.params["id"]], **call.params})
    return answer


def create_payment(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /sales/payments."""
    fields = records.checked(vendor, call, PAYMENTS, creating=True)
    order = vendor.store.find(("orders",), fields.get("orderId"))
    if order is None:
        raise refused(400, "Order is required")
    if fields["currencyCode"] != order["currencyCode"]:
        raise refused(400, "Payment currency does not match the order")
    payment = vendor.store.add("payments", {**fields, "id": None}, vendor.now())
    _set_order_status(vendor, payment)
    body = {"id": payment["id"], "orderTotals": sales.order_totals(vendor, order)}
    return Answer(201, body, effects=(vendor.done(PAYMENTS, None, payment),))


def update_payment(vendor: "OpenMercato", call: Call) -> Answer:
    """PUT /sales/payments."""
    answer = records.update(PAYMENTS)(vendor, call)
    payment = vendor.store.table("payments")[call.params["id"]]
    order = vendor.store.table("orders")[payment["orderId"]]
    _set_order_status(vendor, payment)
    return Answer(200, {"id": payment["id"], "orderTotals": sales.order_totals(vendor, order)}, effects=answer.effects)


def _check_items(vendor: "OpenMercato", fields: Record) -> None:
    items = fields.get("items") or []
    if not items:
        raise refused(400, "Add at least one line to ship")
    for item in items:
        line = vendor.store.find(("order_lines",), item.get("orderLineId"))
        if line is None or line["orderId"] != fields["orderId"]:
            raise refused(404, "Order line not found")
        wanted, left = sales.amount(item.get("quantity")), _remaining(vendor, line)
        if wanted <= 0 or wanted > left:
            raise refused(400, "Cannot ship more than the remaining quantity")


def _remaining(vendor: "OpenMercato", line: Record) -> float:
    shipped = (
        sales.amount(item.get("quantity"))
        for shipment in vendor.store.rows("shipments")
        for item in shipment.get("items") or ()
        if item.get("orderLineId") == line["id"]
    )
    return sales.amount(line["quantity"]) - sum(shipped)


def _set_order_status(vendor: "OpenMercato", document: Record) -> None:
    status = document.get("documentStatusEntryId")
    if status:
        vendor.store.change(vendor.store.table("orders")[document["orderId"]], {"statusEntryId": status}, vendor.now())
