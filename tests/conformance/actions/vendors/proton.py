"""Proton: three headers prove the caller."""

import httpx

from tests.conformance.actions.vendors.case import ActionCase
from tests.support.sandbox import Sandbox

KEY = "proton-secret-key"
USER = "ops@harborline.example"
HARBORLINE = "HL-20418"
CONTACT = "CONT-3307"
QUOTE = "S100731.001"
LINE = "9e0f1a2b-3c4d-4e5f-8a6b-7c8d9e0f1a2b"
# The first of each that the sandbox makes.
OPPORTUNITY = "e7b8400e-ec06-486c-88cf-32cfd5dd318e"
NOTE = "a34f6162-4a3b-4904-840e-1e16cfe98b1c"
TASK = "42a57277-464b-4188-bbb0-edc19aac5c20"
PLACE = {"pipeline_id": "pipeline-sales", "stage_id": "stage-new"}


def api(sandbox: Sandbox) -> httpx.Client:
    """Return a way to the sandbox's Proton that is not ours."""
    headers = {"X-Api-Key": KEY, "X-Company": "harborline", "X-User-Id": USER}
    return httpx.Client(base_url=f"{sandbox.url}/proton/harborline", headers=headers, trust_env=False)


def prepare(sandbox: Sandbox) -> None:
    """Make an opportunity, a call note and a task."""
    with api(sandbox) as http:
        made = http.post("/opportunities", json={**PLACE, "title": "Valves", "customer_id": HARBORLINE})
        opportunity = made.raise_for_status().json()["data"]["opportunity_id"]
        note = http.post("/v1/call_notes", json={"user_id": USER, "customer_ids": [HARBORLINE], "notes": "Called."})
        interaction = note.raise_for_status().json()["call_notes"][0]["interaction_id"]
        form = {"user_id": (None, USER), "title": (None, "Call back")}
        task = http.post("/create/task", files=form).raise_for_status().json()["data"]["task_id"]
    assert (opportunity, interaction, task) == (OPPORTUNITY, NOTE, TASK)


CASE = ActionCase(
    account={
        "company": "harborline",
        "user_id": USER,
        "api_key": KEY,
        "webhook_auth": {"scheme": "static", "header": "X-Secret", "secrets": ["proton-webhook-secret"]},
    },
    mount="/proton",
    secrets=(KEY,),
    parameters={
        "proton.get_customer": {"identifier": HARBORLINE},
        "proton.ensure_customer": {"customer_id": "HL-30001", "name": "Copper Ridge"},
        "proton.create_customer": {"customer_id": "HL-30001", "name": "Copper Ridge",
                                   "custom_fields": {"cf_industry": "plumbing", "cf_on": {"date_val": "2026-01-01"}}},
        "proton.create_customers": {"items": [{"customer_id": "HL-30001", "name": "A"},
                                              {"customer_id": "HL-30002", "name": "B"}]},
        "proton.update_customer": {"identifier": HARBORLINE, "city": "Dublin"},
        "proton.search_customers": {"query": "bright", "filters": {"state": {"eq": "OH"}}},
        "proton.get_contact": {"identifier": CONTACT},
        "proton.create_contact": {"name": "Budi", "customer_id": HARBORLINE, "contact_id": "CONT-1",
                                  "emails": ["budi@contoh.example"], "custom_fields": {"cf": 1}},
        "proton.update_contact": {"identifier": CONTACT, "position": "Owner"},
        "proton.delete_contact": {"identifier": CONTACT},
        "proton.search_contacts": {"query": "quill", "filters": {"customer_id": {"eq": HARBORLINE}}},
        "proton.get_call_note": {"identifier": NOTE},
        "proton.create_call_note": {"user_id": "Ops@harborline.example", "customer_ids": [HARBORLINE],
                                    "notes": "Wants a quote.", "associations": [{"type": "quote", "quote_id": QUOTE}]},
        "proton.create_interaction_call_notes": {"interactions": [{"user_id": USER, "customer_id": HARBORLINE,
                                                                   "notes": "Called back."}]},
        "proton.update_call_note": {"identifier": NOTE, "notes": "Sent it.", "call_type": "email"},
        "proton.delete_call_note": {"identifier": NOTE},
        "proton.search_call_notes": {"filters": {"customer_id": {"eq": HARBORLINE}}, "sort_field": "date"},
        "proton.create_opportunity": {**PLACE, "title": "First order of Budi Contoh", "customer_id": HARBORLINE,
                                      "value": 1250.5},
        "proton.get_opportunity": {"opportunity_id": OPPORTUNITY},
        "proton.update_opportunity": {"identifier": OPPORTUNITY, "stage_id": "stage-won"},
        "proton.delete_opportunity": {"opportunity_id": OPPORTUNITY},
        "proton.search_opportunities": {"filters": {"title": {"contains": "Valve"}}},
        "proton.get_activity_feed": {"opportunity_id": OPPORTUNITY, "mode": "phone"},
        "proton.export_pipeline": {"pipeline_id": "pipeline-sales"},
        "proton.get_pipeline_metrics": {},
        "proton.list_pipeline_users": {"pipeline_id": "pipeline-sales", "q": "lee"},
        "proton.create_task": {"user_id": USER, "title": "Send the quote", "due_date": "2026-02-01",
                               "associations": [{"type": "customer", "customer_id": HARBORLINE}]},
        "proton.edit_task": {"task_id": TASK, "completed": True},
        "proton.create_custom_field": {"display_name": "Segment", "field_type": "dropdown", "options": ["a", "b"],
                                       "record_types": ["customer"], "custom_field_id": "cf_segment"},
        "proton.edit_custom_field": {"custom_field_id": "cf_industry", "display_name": "Trade"},
        "proton.delete_custom_field": {"custom_field_id": "cf_industry"},
        "proton.list_custom_fields": {"record_types": ["customer"]},
        "proton.set_custom_field": {"record_type": "customer", "record_id": HARBORLINE,
                                    "custom_field_id": "cf_industry", "value": "HVAC"},
        "proton.get_quote": {"quote_id": QUOTE},
        "proton.get_quote_header": {"quote_id": QUOTE},
        "proton.search_quotes": {"filters": {"status": {"eq": "open"}}},
        "proton.update_quote": {"quote_id": QUOTE, "notes": "Firm", "quote_lines": [
            {"interaction_id": LINE, "net_price": 120.5}]},
        "proton.search_leads": {"query": "copper"},
        "proton.get_recommendations": {"customer_id": HARBORLINE},
        "proton.get_recommendations_by_kind": {"kind": "similar", "customer_id": HARBORLINE, "product_id": "VLV-2210"},
        "proton.recommend_for_cart": {"customer_id": HARBORLINE, "user_id": USER, "products": [
            {"product_id": "VLV-2210", "quantity": 1}]},
        "proton.track": {"event": "search", "customer_id": HARBORLINE, "query_string": "valves"},
        "proton.track_login": {"old_customer_id": "visitor-1", "new_customer_id": HARBORLINE},
        "proton.list_product_initiatives": {"customer_id": [HARBORLINE]},
    },
    on_the_wire=("proton.get_customer", "proton.create_opportunity", "proton.create_task"),
    looks_first=frozenset({"proton.ensure_customer"}),
    prepare=prepare,
)  # fmt: skip
