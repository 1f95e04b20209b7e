"""Scalev: a bearer token."""

from typing import Any

import httpx

from tests.conformance.actions.vendors.case import ActionCase
from tests.support.sandbox import Sandbox

ORDER = "0198a1b2-3c4d-7e5f-8a9b-0c1d2e3f4a5b"
NUMBER = "250804QWERTY"
STORE, VARIANT = "store_AAAAAAAAAAAAAAAAAAAAAAAA", "variant_AAAAAAAAAAAAAAAAAAAAAAAA"
ACCOUNT, UNIQUE = "41", "waba_AAAAAAAAAAAAAAAAAAAAAAAA"
PERSON = "628123456789"
DIGITAL = "0198a1b2-7777-7abc-9def-112233445566"
KEY = {"Authorization": "Bearer sk_live_scalev-secret"}
_CSV = {"csv": "order_id,shipment_receipt\n250804QWERTY,JX1\n"}
_PIXEL = "iVBORw0KGgo="
_ORDER: dict[str, Any] = {"id": ORDER}
_TALK: dict[str, Any] = {"waba_unique_id": UNIQUE, "wa_user_id": PERSON}
_LINE = {"variant_unique_id": VARIANT, "quantity": 2}


def api(sandbox: Sandbox, method: str, path: str, **given: Any) -> Any:
    """Ask the sandbox as somebody else would, leaving no trace but the change."""
    answer = httpx.request(method, f"{sandbox.url}/scalev/v3{path}", headers=KEY, **given).raise_for_status()
    httpx.delete(f"{sandbox.url}/_sandbox/requests").raise_for_status()
    return answer.json() if answer.content else None


def shop(sandbox: Sandbox, path: str, **body: Any) -> Any:
    """Let something happen at the shop."""
    return httpx.post(f"{sandbox.url}/_sandbox/state/scalev{path}", json=body).raise_for_status().json()


def _prepare(sandbox: Sandbox) -> None:
    """Let there be what the parameters speak of; some of it has an id that only the sandbox knows."""
    api(sandbox, "POST", "/customers/28024/addresses", json={"name": "Kantor"})
    [address] = api(sandbox, "GET", "/customers/28024/addresses")["data"]
    for name in ("get", "update", "delete"):
        PARAMETERS[f"scalev.{name}_customer_address"]["id"] = str(address["id"])
    intent = shop(sandbox, "/intents", name="Budi", email="budi@example.com", ordervariants=[_LINE])["id"]
    shop(sandbox, f"/intents/{intent}/abandon")
    for name in ("scalev.get_checkout_intent", "scalev.send_follow_up_email"):
        PARAMETERS[name]["id"] = intent
    wamid = shop(sandbox, "/waba/incoming", wa_user_id=PERSON, text="Halo")["wamid"]
    for name in ("get_message", "mark_message_read", "show_typing", "delete_message"):
        PARAMETERS[f"scalev.{name}"]["wamid"] = wamid
    billed = shop(sandbox, "/orders", ordervariants=[_LINE], courier_service_id=31)["id"]
    api(sandbox, "POST", "/orders/generate-awb", json={"ids": [billed]})
    PARAMETERS["scalev.cancel_awb"]["ids"] = [billed]
    canceled = shop(sandbox, "/orders", ordervariants=[_LINE])["id"]
    shop(sandbox, f"/orders/{canceled}/status", status="canceled")
    PARAMETERS["scalev.delete_orders"]["ids"] = [canceled]
    ebook = {"variant_unique_id": "variant_CCCCCCCCCCCCCCCCCCCCCCCC", "quantity": 1}
    PARAMETERS["scalev.send_product_digital"]["id"] = shop(sandbox, "/orders", ordervariants=[ebook])["id"]
    httpx.delete(f"{sandbox.url}/_sandbox/requests").raise_for_status()


PARAMETERS: dict[str, dict[str, Any]] = {
    "scalev.list_orders": {"status": "pending", "page_size": 5, "columns": ["id", "order_id", "status"]},
    "scalev.create_order": {
        "store_unique_id": STORE, "customer_name": "Sari Contoh", "customer_phone": "0812-9876-543",
        "customer_email": "sari@example.com", "payment_method": "bank_transfer", "ordervariants": [_LINE],
    },
    "scalev.get_order_statistics": {},
    "scalev.list_order_tags": {},
    "scalev.get_order_by_pg_reference_id": {"pg_reference_id": "qr_EXAMPLE0000000000000001"},
    "scalev.list_orders_by_pg_reference_ids": {"pg_reference_ids": ["qr_EXAMPLE0000000000000001"]},
    "scalev.get_order": {**_ORDER},
    "scalev.update_order": {**_ORDER, "notes": "Pagi saja", "shipping_cost": 20000},
    "scalev.change_status": {"ids": [ORDER], "status": "confirmed"},
    "scalev.mark_not_spam": {"ids": [ORDER]},
    "scalev.update_order_tags": {**_ORDER, "tags": ["vip"]},
    "scalev.delete_orders": {"ids": [ORDER]},
    "scalev.update_shipment_receipt": {**_ORDER, "shipment_receipt": "JX1234567890"},
    "scalev.update_shipment": {**_ORDER, "awb_ca_status": "created"},
    "scalev.add_shipment_status": {
        **_ORDER, "status": "shipped", "description": "On its way", "timestamp": "2026-01-15T03:00:00Z",
    },
    "scalev.update_order_customer": {**_ORDER, "customer_id": 28025},
    "scalev.list_message_history": {**_ORDER},
    "scalev.add_message_history": {**_ORDER, "follow_up_chat_id": 2},
    "scalev.list_chats": {**_ORDER},
    "scalev.get_chat": {**_ORDER, "chat_id": "1"},
    "scalev.list_emails": {**_ORDER},
    "scalev.get_order_actions": {**_ORDER},
    "scalev.create_payment": {"id": DIGITAL},
    "scalev.check_payment": {**_ORDER},
    "scalev.check_settlement": {**_ORDER},
    "scalev.trigger_purchase": {**_ORDER},
    "scalev.send_product_digital": {**_ORDER},
    "scalev.send_lms_access": {"id": DIGITAL},
    "scalev.duplicate_order": {**_ORDER},
    "scalev.generate_awb": {"ids": [ORDER]},
    "scalev.cancel_awb": {"ids": [ORDER]},
    "scalev.upload_orders": {**_CSV},
    "scalev.upload_receipts": {**_CSV},
    "scalev.upload_change_status": {**_CSV},
    "scalev.upload_customers": {**_CSV},
    "scalev.list_customers": {"search": "budi"},
    "scalev.count_customers": {},
    "scalev.get_customer": {"id": "28024"},
    "scalev.create_customer": {"name": "Sari Contoh", "phone": "0812-9876-543"},
    "scalev.update_customer": {"id": "28024", "is_unsubscribe": True},
    "scalev.list_customer_tags": {},
    "scalev.update_customer_tags": {"id": "28024", "tags": ["vip"]},
    "scalev.list_customer_addresses": {"customer_id": "28024"},
    "scalev.create_customer_address": {"customer_id": "28024", "name": "Rumah", "postal_code": "60231"},
    "scalev.get_customer_address": {"customer_id": "28024", "id": "501"},
    "scalev.update_customer_address": {"customer_id": "28024", "id": "501", "notes": "Pagar hijau"},
    "scalev.delete_customer_address": {"customer_id": "28024", "id": "501"},
    "scalev.get_me": {},
    "scalev.search_locations": {"search": "Gayungan"},
    "scalev.list_postal_codes": {"location_id": 5001},
    "scalev.get_shipping_cost": {"courier_codes": ["ninja"], "location_id": 5001, "warehouse_id": 1, "weight": 500},
    "scalev.search_courier_service": {"store_id": 1, "location_id": 5001, "warehouse_id": 1, "weight": 500},
    "scalev.search_warehouse": {"store_id": 1, "destination_id": 5001, "variants": [{"variant_id": 101, "qty": 1}]},
    "scalev.list_stores": {},
    "scalev.list_products": {"store_id": 1},
    "scalev.list_payment_methods": {"store_id": 1},
    "scalev.list_checkout_intents": {"status": "abandoned"},
    "scalev.get_checkout_intent": {"id": "019c0000-aaaa-7bbb-8ccc-0123456789ab"},
    "scalev.send_follow_up_email": {"id": "019c0000-aaaa-7bbb-8ccc-0123456789ab"},
    "scalev.list_waba_accounts": {},
    "scalev.get_waba_account": {"waba_account_id": ACCOUNT},
    "scalev.list_templates": {"waba_account_id": ACCOUNT},
    "scalev.list_message_attempts": {"waba_account_id": ACCOUNT},
    "scalev.send_messages": {
        "waba_account_id": ACCOUNT, "template_id": 301, "component_values": {"body": ["Budi", "JX1"]},
        "people": [{"name": "Budi Contoh", "phone": "08123456789"}, {"name": "Sari", "phone": "628129876543"}],
    },
    "scalev.upload_media": {"waba_account_id": ACCOUNT, "name": "promo.png", "content": _PIXEL},
    "scalev.list_conversations": {"waba_unique_id": UNIQUE},
    "scalev.update_waba_user": {"waba_unique_id": UNIQUE, "id": PERSON, "handler_type": "human"},
    "scalev.add_purchase": {"waba_unique_id": UNIQUE, "id": PERSON, "currency": "IDR", "value": 168724},
    "scalev.list_messages": {**_TALK},
    "scalev.send_message": {**_TALK, "type": "text", "text": {"body": "Siap, kami kirim hari ini."}},
    "scalev.send_template": {**_TALK, "template_id": 301, "components_param": {"body": ["Budi", "JX1"]}},
    "scalev.get_message": {**_TALK, "wamid": "wamid.X"},
    "scalev.mark_message_read": {**_TALK, "wamid": "wamid.X"},
    "scalev.show_typing": {**_TALK, "wamid": "wamid.X"},
    "scalev.delete_message": {**_TALK, "wamid": "wamid.X"},
    "scalev.list_quick_replies": {"waba_unique_id": UNIQUE},
    "scalev.get_quick_reply": {"waba_unique_id": UNIQUE, "id": "1"},
    "scalev.create_quick_reply": {"waba_unique_id": UNIQUE, "code": "resi", "message": "Resi menyusul."},
    "scalev.update_quick_reply": {"waba_unique_id": UNIQUE, "id": "1", "message": "Kami buka pukul 08.00."},
    "scalev.delete_quick_reply": {"waba_unique_id": UNIQUE, "id": "1"},
    "scalev.list_waba_tags": {},
    "scalev.get_waba_tag": {"id": "1"},
    "scalev.create_waba_tag": {"name": "Grosir", "color": "#2563eb"},
    "scalev.update_waba_tag": {"id": "1", "color": "#2563eb"},
    "scalev.delete_waba_tag": {"id": "1"},
    "scalev.list_whatsapp_integrations": {},
    "scalev.get_whatsapp_integration": {"id": "1"},
    "scalev.create_whatsapp_integration": {"name": "HP Gudang", "phone": "08111111113"},
    "scalev.update_whatsapp_integration": {"id": "1", "name": "HP CS 1"},
    "scalev.delete_whatsapp_integration": {"id": "1"},
    "scalev.check_whatsapp_integration": {"id": "1"},
    "scalev.request": {"method": "POST", "path": f"/orders/{ORDER}/update-tags", "body": {"tags": ["vip"]}},
}  # fmt: skip

CASE = ActionCase(
    account={"signing_secrets": ["signing-secret-of-scalev"], "api_key": "sk_live_scalev-secret"},
    mount="/scalev/v3",
    secrets=("sk_live_scalev-secret",),
    parameters=PARAMETERS,
    # One for each way in which requests are made.
    on_the_wire=("scalev.get_order", "scalev.change_status", "scalev.send_template"),
    prepare=_prepare,
    # The gateway is asked; what it says is nothing that we did.
    without_effect=frozenset({"scalev.check_payment", "scalev.check_settlement"}),
)
