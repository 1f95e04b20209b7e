"""Wabotick's calls about the account's things: labels, postbacks, catalogues, orders, campaigns, the account itself.

Invariant: the catalogue calls answer `status` as a boolean, all others as text, as the document prints them.
"""

from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Json
from sandbox.intake import load_json
from sandbox.vendors.wabotick.shapes import disguised, ok
from sandbox.vendors.wabotick.words import checked

if TYPE_CHECKING:
    from sandbox.vendors.wabotick.vendor import Wabotick

CART_STATUSES = ("Approved", "Completed", "Shipped", "Delivered", "Refunded")
_CAMPAIGN_URL = "/whatsapp/broadcast/campaign/list"


def connect_account(_: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/account/connect."""
    refusal = checked(call, "user_id", "whatsapp_business_account_id", "access_token")
    if refusal is not None:
        return refusal
    account = call.params["whatsapp_business_account_id"]
    effect = {"kind": "account_connect", "id": account, "user_id": call.params["user_id"]}
    return Answer(200, ok("WhatsApp account has been connected successfully."), effects=(effect,))


def list_labels(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/label/list."""
    refusal = checked(call, "phone_number_id") or vendor.check_account(call)
    if refusal is not None:
        return refusal
    rows = [{"id": int(key), "label_name": name, "status": "1"} for key, name in vendor.chats.labels.items()]
    return Answer(200, ok(disguised(vendor.settings, rows)))


def create_label(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/label/create: does not say the new id."""
    refusal = checked(call, "phone_number_id", "label_name") or vendor.check_account(call)
    if refusal is not None:
        return refusal
    identity, name = str(len(vendor.chats.labels) + 1), call.params["label_name"]
    if name in vendor.chats.labels.values():
        return vendor.refuse(200, "Label already exists.")
    vendor.chats.labels[identity] = name
    return Answer(
        200, ok("Label has been created successfully."), effects=({"kind": "label", "id": identity, "name": name},)
    )


def list_postbacks(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/get/post-back-list: the buttons there are, not the taps on them."""
    refusal = checked(call, "phone_number_id") or vendor.check_account(call)
    return refusal or Answer(200, ok(disguised(vendor.settings, vendor.chats.postbacks)))


def send_broadcast(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/broadcast/template/send: what `flow_data` holds is not documented, so any JSON object will do."""
    refusal = checked(call, "phone_number_id", "flow_data") or vendor.check_account(call)
    if refusal is not None:
        return refusal
    try:
        flow = load_json(call.params["flow_data"])
    except ValueError:
        flow = None
    if not isinstance(flow, dict):
        return vendor.refuse(200, "The flow data must be a valid JSON string.")
    number = vendor.ids.number("campaign", 600)
    vendor.chats.campaigns.append({"id": number, "flow_data": flow})
    body = ok("Campaign has been created.", visual_flow_campaign_id=number, redirect_on_success_url=_CAMPAIGN_URL)
    return Answer(200, body, effects=({"kind": "campaign", "id": str(number), "flow_data": flow},))


def list_catalogs(vendor: "Wabotick", _: Call) -> Answer:
    """POST /whatsapp/catalog/list: `checkout_settings` looks like JSON and is none."""
    return Answer(200, {"status": True, "message": disguised(vendor.settings, vendor.chats.catalogs)})


def sync_catalog(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/catalog/sync."""
    refusal = checked(call, "whatsapp_catalog_id") or _check_catalog(vendor, call)
    if refusal is not None:
        return refusal
    effect = {"kind": "catalog_sync", "id": call.params["whatsapp_catalog_id"]}
    return Answer(200, ok("Catalog has been synced successfully."), effects=(effect,))


def list_orders(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/catalog/order/list: the address is JSON inside a string."""
    refusal = checked(call, "whatsapp_catalog_id") or _check_catalog(vendor, call)
    if refusal is not None:
        return refusal
    wanted = call.params["whatsapp_catalog_id"]
    rows: list[dict[str, Json]] = [order for order in vendor.chats.orders if order["whatsapp_catalog_id"] == wanted]
    return Answer(200, ok(disguised(vendor.settings, rows)))


def change_order_status(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/catalog/order/status-change."""
    refusal = checked(call, "order_unique_id", "cart_status")
    if refusal is not None:
        return refusal
    identity, status = call.params["order_unique_id"], call.params["cart_status"]
    order = next((item for item in vendor.chats.orders if item["order_unique_id"] == identity), None)
    if order is None or status not in CART_STATUSES:
        problem = "Order not found" if order is None else f"cart_status must be one of {', '.join(CART_STATUSES)}"
        return Answer(200, {"status": False, "message": problem}, refusal=problem)
    order["cart_status"] = status
    effect = {"kind": "cart_status", "id": identity, "status": status}
    return Answer(200, {"status": True, "message": "Cart status has been updated successfully"}, effects=(effect,))


def _check_catalog(vendor: "Wabotick", call: Call) -> Answer | None:
    known = (catalog["whatsapp_catalog_id"] for catalog in vendor.chats.catalogs)
    return None if call.params["whatsapp_catalog_id"] in known else vendor.refuse(200, "Catalog not found.")
