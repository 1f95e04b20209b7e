"""Open Mercato: a key in a header, organization and tenant in what is written."""

from typing import Any

import httpx

from tests.conformance.actions.vendors.case import ActionCase
from tests.support.sandbox import Sandbox

KEY = "omk_0a1b2c3d.open-mercato-secret"
PERSON, COMPANY = "4f6d1b2a-9c03-4e7d-8a51-2b3c4d5e6f70", "70f6e5d4-c3b2-4a19-8877-665544332211"
SHIPPED, PAID = "11111111-0000-4000-8000-000000000003", "11111111-0000-4000-8000-000000000021"
DEFINITION = "44444444-0000-4000-8000-000000000002"
# The first of each that the sandbox makes.
MADE = {
    "deals": "bcb5f899-5944-4c09-a4dd-cb72905d790f",
    "orders": "d51e916a-7642-4686-9ff0-233ffd025f2e",
    "order_lines": "4b81d0bb-0bc1-4469-bedb-1f02996ea5ae",
    "shipments": "08a3610c-5452-4b8e-92ed-f72dbe72ac8c",
    "payments": "1e208e80-dbd9-4529-93f7-8213cd22ca72",
    "tags": "85791588-3f94-42a5-ae6f-268acbaf325d",
    "instances": "e97ac111-f44a-4e5e-b185-08029b2d9b18",
    "workflow_tasks": "9ede2695-b08d-4c37-bab5-5b37c368f0dd",
    "records": "b1aeb679-31a3-4419-ad9e-4454fd3cdccf",
    "freight_shipments": "f4f1cd89-468e-4a14-829e-b02d1ca90222",
    "containers": "7a1838ff-06c7-4cc1-b018-19f8a14ba1ef",
    "webhooks": "a0270946-c342-4459-9667-ebad51af65d3",
    "undo token": "cab6ebe7-ae09-4825-9248-b4d15e910d44",
    "log": "a0701dc4-92a1-4100-825e-5f2e864e1088",
    "delivery": "15",
}
SCOPE = {"organizationId": "8e2b6a3d-1f57-4c0a-b9d4-6f3a2e1c9d22", "tenantId": "5c1d7f0e-8a42-4f39-9a6d-0b7e2c4d1a11"}
STEPS = {
    "steps": [{"stepId": "start", "stepType": "START"}, {"stepId": "end", "stepType": "END"}],
    "transitions": [{"transitionId": "t1", "fromStepId": "start", "toStepId": "end"}],
}
SIGNAL = {"signal_name": "payment_received", "payload": {"amount": "10.00"}}
ITEM = {"orderLineId": MADE["order_lines"], "quantity": 1}

# What the parameters below speak of, in this order: where it is kept, the path, the body.
_MAKING: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("deals", "/customers/deals", {"title": "Spring valve order", "personIds": [PERSON]}),
    ("tags", "/customers/tags", {"slug": "returning", "label": "Returning"}),
    ("", "/customers/tags/assign", {"tagId": MADE["tags"], "entityId": COMPANY}),
    ("orders", "/sales/orders", {"orderNumber": "S-1000", "currencyCode": "USD", "lines": [
        {"name": "Spring valve", "quantity": 5, "unitPriceGross": 11}]}),
    ("shipments", "/sales/shipments", {"orderId": MADE["orders"], "items": [ITEM]}),
    ("payments", "/sales/payments", {"orderId": MADE["orders"], "amount": 11, "currencyCode": "USD"}),
    ("", "/workflows/instances", {"workflowId": "order_follow_up", "correlationKey": "S-1000"}),
    ("", "/workflows/instances", {"workflowId": "order_follow_up", "correlationKey": "S-1001"}),
    ("", "/workflows/signals", {"correlationKey": "S-1001", "signalName": "payment_received"}),
    ("records", "/entities/records", {"entityId": "example:parcel", "values": {"color": "red"}}),
    ("freight_shipments", "/shipments", {"containerNumber": "MSKU7382913", "internalReference": "J-1"}),
    ("webhooks", "/webhooks", {"name": "Hookyard", "url": "http://127.0.0.1:9/x", "subscribedEvents": ["sales.*"]}),
    ("", f"/webhooks/{MADE['webhooks']}/test", {}),
    ("", "/customers/tags", {"slug": "undone", "label": "Undone"}),
)  # fmt: skip


def prepare(sandbox: Sandbox) -> None:
    """Make one of each thing."""
    headers = {"X-Api-Key": KEY}
    with httpx.Client(base_url=f"{sandbox.url}/open_mercato/api", headers=headers, trust_env=False) as http:
        for table, path, body in _MAKING:
            made = http.post(path, json={**body, **SCOPE}).raise_for_status().json()
            found = made.get("id") or made.get("item", {}).get("recordId")
            assert not table or found == MADE[table], (table, found)
        newest = http.get("/audit_logs/audit-logs/actions").raise_for_status().json()["items"][0]
        assert newest["id"] == MADE["log"], newest["id"]
        undone = {"undoToken": newest["undoToken"]}
        http.post("/audit_logs/audit-logs/actions/undo", json=undone).raise_for_status()
        [sent] = http.get("/webhooks/deliveries").raise_for_status().json()["items"]
        assert sent["id"] == MADE["delivery"], sent["id"]


CASE = ActionCase(
    account={
        "api_key": KEY, "organization_id": SCOPE["organizationId"], "tenant_id": SCOPE["tenantId"],
        "webhook_auth": {"scheme": "static", "header": "X-Secret", "secrets": ["open-mercato-webhook-secret"]},
    },
    mount="/open_mercato/api",
    secrets=(KEY,),
    parameters={f"open_mercato.{name}": given for name, given in {
        "check_phone": {"digits": "12025550143"},
        "find_people": {"search": "Avery", "has_phone": True},
        "get_person": {"id": PERSON, "include": "deals,comments"},
        "create_person": {"first_name": "Budi", "last_name": "Contoh", "primary_phone": "08123456789"},
        "update_person": {"id": PERSON, "job_title": "Buyer", "next_interaction": {
            "at": "2026-12-01T09:00:00+07:00", "name": "Call"}},
        "upsert_person": {"primary_phone": "08123456789", "first_name": "Budi", "last_name": "Contoh"},
        "find_companies": {"search": "Brightwater"},
        "get_company": {"id": COMPANY},
        "create_company": {"display_name": "Toko Contoh", "industry": "Retail"},
        "update_company": {"id": COMPANY, "status": "active"},
        "find_deals": {"person_entity_id": PERSON},
        "get_deal": {"id": MADE["deals"]},
        "create_deal": {"title": "First order", "value_amount": "1250.50", "value_currency": "IDR",
                        "person_ids": [PERSON]},
        "update_deal": {"id": MADE["deals"], "status": "won"},
        "add_activity": {"entity_id": PERSON, "activity_type": "call", "subject": "Asked for the parcel",
                         "occurred_at": "2026-01-15T10:00:00+07:00"},
        "add_comment": {"entity_id": PERSON, "body": "Wants the blue one.", "appearance_color": "#3366ff"},
        "add_address": {"entity_id": PERSON, "address_line1": "Jalan Contoh 1", "city": "Jakarta"},
        "add_todo": {"entity_id": PERSON, "title": "Call back"},
        "find_dictionary_entries": {"kind": "status"},
        "add_dictionary_entry": {"kind": "status", "value": "waiting"},
        "create_tag": {"slug": "vip", "label": "VIP"},
        "assign_tag": {"tag_id": MADE["tags"], "entity_id": PERSON},
        "unassign_tag": {"tag_id": MADE["tags"], "entity_id": COMPANY},
        "find_orders": {"search": "S-1000"},
        "get_order": {"id": MADE["orders"]},
        "create_order": {"order_number": "S-2000", "currency_code": "IDR", "customer_entity_id": PERSON, "lines": [
            {"name": "Cup", "quantity": 2, "unit_price_gross": "84362"}]},
        "ensure_order": {"order_number": "S-2001", "currency_code": "IDR"},
        "update_order": {"id": MADE["orders"], "external_reference": "X-1"},
        "set_order_status": {"id": MADE["orders"], "status": "shipped"},
        "find_order_lines": {"order_id": MADE["orders"]},
        "add_order_line": {"order_id": MADE["orders"], "currency_code": "USD", "quantity": 1, "name": "Gasket"},
        "update_order_line": {"id": MADE["order_lines"], "order_id": MADE["orders"], "currency_code": "USD",
                              "quantity": 6},
        "find_shipments": {"order_id": MADE["orders"]},
        "create_shipment": {"order_id": MADE["orders"], "shipment_number": "SH-2", "tracking_numbers": ["JX1"],
                            "items": [{"order_line_id": MADE["order_lines"], "quantity": 2}]},
        "update_shipment": {"id": MADE["shipments"], "tracking_numbers": ["JX1", "JX2"]},
        "create_payment": {"order_id": MADE["orders"], "amount": "11.00", "currency_code": "USD"},
        "update_payment": {"id": MADE["payments"], "captured_amount": "11"},
        "add_note": {"context_type": "order", "context_id": MADE["orders"], "body": "Leave at the door."},
        "add_document_address": {"document_id": MADE["orders"], "document_kind": "order",
                                 "address_line1": "Jalan Contoh 1", "country": "ID"},
        "next_document_number": {"kind": "order"},
        "convert_quote": {"quote_id": "33333333-0000-4000-8000-000000000001"},
        "find_order_statuses": {"search": "shipped"},
        "find_order_line_statuses": {},
        "find_payment_statuses": {},
        "find_shipment_statuses": {},
        "find_channels": {},
        "find_shipping_methods": {},
        "find_payment_methods": {},
        "find_tax_rates": {},
        "find_sales_tags": {},
        "find_products": {"search": "valve"},
        "find_variants": {},
        "start_workflow": {"workflow_id": "order_follow_up", "correlation_key": "S-3000",
                           "metadata": {"entity_type": "order", "labels": {"shop": "toko"}}},
        "ensure_workflow": {"workflow_id": "order_follow_up", "correlation_key": "S-3001"},
        "find_workflows": {"status": "PAUSED"},
        "get_workflow": {"id": MADE["instances"]},
        "signal_workflow": {"id": MADE["instances"], **SIGNAL},
        "signal_workflows": {"correlation_key": "S-1000", **SIGNAL},
        "cancel_workflow": {"id": MADE["instances"]},
        "advance_workflow": {"id": MADE["instances"]},
        "retry_workflow": {"id": "66666666-0000-4000-8000-000000000001"},
        "find_workflow_events": {"event_type": "WORKFLOW_PAUSED"},
        "find_events_of_workflow": {"id": MADE["instances"]},
        "find_workflow_tasks": {"limit": 10},
        "claim_workflow_task": {"id": MADE["workflow_tasks"]},
        "complete_workflow_task": {"id": MADE["workflow_tasks"], "form_data": {"packed": True}},
        "find_workflow_definitions": {"workflow_id": "retired"},
        "create_workflow_definition": {"workflow_id": "short", "workflow_name": "Short", "definition": STEPS},
        "update_workflow_definition": {"id": DEFINITION, "workflow_id": "retired", "workflow_name": "Retired",
                                       "definition": STEPS},
        "delete_workflow_definition": {"id": DEFINITION},
        "run_rules": {"entity_type": "order", "data": {"total": 11}},
        "create_record": {"entity_id": "example:parcel", "values": {"color": "blue"}},
        "update_record": {"entity_id": "example:parcel", "record_id": MADE["records"], "values": {"color": "green"}},
        "find_records": {"entity_id": "example:parcel"},
        "check_toggle": {"identifier": "new_checkout"},
        "find_logged_actions": {"undoable_only": True, "limit": 5},
        "find_logged_reads": {},
        "undo": {"undo_token": MADE["undo token"]},
        "redo": {"log_id": MADE["log"]},
        "find_webhooks": {},
        "get_webhook": {"id": MADE["webhooks"]},
        "update_webhook": {"id": MADE["webhooks"], "is_active": False},
        "delete_webhook": {"id": MADE["webhooks"]},
        "test_webhook": {"id": MADE["webhooks"]},
        "find_webhook_events": {},
        "find_webhook_deliveries": {},
        "retry_webhook_delivery": {"id": MADE["delivery"]},
        "find_freight_shipments": {"search": "MSKU7382913"},
        "get_freight_shipment": {"id": MADE["freight_shipments"]},
        "create_freight_shipment": {"container_number": "TCLU4943827", "internal_reference": "J-2",
                                    "eta": "2026-03-21T06:00:00-04:00"},
        "update_freight_shipment": {"id": MADE["freight_shipments"], "vessel_name": "EXAMPLE HORIZON"},
        "update_container_shipment": {"container_number": "MSKU 738291-3", "eta": "2026-03-21T06:00:00-04:00"},
        "find_freight_containers": {},
        "find_containers_of_shipment": {"id": MADE["freight_shipments"]},
        "find_documents_of_shipment": {"id": MADE["freight_shipments"]},
        "find_tasks_of_shipment": {"id": MADE["freight_shipments"]},
        "add_freight_task": {"id": MADE["freight_shipments"], "title": "Call the port"},
        "update_freight_container": {"id": MADE["containers"], "values": {"sealNumber": "S-1"}},
        "get_freighttech_settings": {},
        "put_freighttech_settings": {"api_key": "ft-key-not-real", "api_base_url": "https://freight.example"},
        "request": {"method": "POST", "path": "/customers/comments", "body": {"entityId": PERSON, "body": "x"}},
    }.items()},
    on_the_wire=("open_mercato.get_person", "open_mercato.create_deal", "open_mercato.update_person"),
    looks_first=frozenset(f"open_mercato.{name}" for name in (
        "upsert_person", "ensure_order", "ensure_workflow", "set_order_status", "update_container_shipment",
    )),
    prepare=prepare,
)  # fmt: skip
