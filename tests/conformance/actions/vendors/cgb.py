"""ChatGPT Builder: a token in a header of its own."""

import httpx

from tests.conformance.actions.vendors.case import ActionCase
from tests.support.sandbox import Sandbox

TOKEN = "1000001.cgb-secret"
AVERY = "12025550143"
PHONE = "+12025550143"
CONTACT = {"contact_id": AVERY}
PIPELINE = {"pipeline_id": 601}
# The first of each that the sandbox makes.
OPPORTUNITY = {**PIPELINE, "opportunity_id": 5001}
COMMENT = 7001


def prepare(sandbox: Sandbox) -> None:
    """Make an opportunity with a comment on it."""
    headers = {"X-ACCESS-TOKEN": TOKEN}
    with httpx.Client(base_url=f"{sandbox.url}/cgb/api", headers=headers, trust_env=False) as http:
        made = http.post("/pipelines/601/opportunities", json={"contact_id": AVERY, "title": "Scarves"})
        number = made.raise_for_status().json()["data"][0]["id"]
        path = f"/pipelines/601/opportunities/{number}/comments"
        comment = http.post(path, json={"content": "Wants blue ones"}).raise_for_status().json()["id"]
    assert (number, comment) == (OPPORTUNITY["opportunity_id"], COMMENT)


CASE = ActionCase(
    account={
        "api_token": TOKEN,
        "webhook_auth": {"scheme": "static", "header": "X-Webhook-Secret", "secrets": ["cgb-webhook-secret"]},
    },
    mount="/cgb/api",
    secrets=(TOKEN,),
    parameters={
        "cgb.get_account": {},
        "cgb.list_admins": {},
        "cgb.list_tags": {},
        "cgb.create_tag": {"name": "returning"},
        "cgb.get_tag": {"tag_id": 11},
        "cgb.find_tag": {"tag_name": "order_confirmed"},
        "cgb.delete_tag": {"tag_id": 12},
        "cgb.list_flows": {},
        "cgb.list_custom_fields": {},
        "cgb.create_custom_field": {"name": "courier", "type": 0},
        "cgb.get_custom_field": {"field_id": 300001},
        "cgb.find_custom_field": {"name": "order_status"},
        "cgb.get_bot_field": {"field_id": 400001},
        "cgb.set_bot_field": {"field_id": 400001, "value": "10:00-16:00"},
        "cgb.delete_bot_field": {"field_id": 400001},
        "cgb.generate_single_use_link": {"template_id": 77},
        "cgb.ensure_contact": {"phone": "08123456789", "first_name": "Budi"},
        "cgb.create_contact": {"phone": "08123456789", "first_name": "Budi", "gender": "male",
                               "actions": [{"action": "add_tag", "tag_name": "VIP"}]},
        "cgb.get_contact": CONTACT,
        "cgb.find_contacts": {"field_id": "phone", "value": AVERY},
        "cgb.list_contact_tags": CONTACT,
        "cgb.add_contact_tag": CONTACT | {"tag_id": 12},
        "cgb.remove_contact_tag": CONTACT | {"tag_id": 11},
        "cgb.list_contact_fields": CONTACT,
        "cgb.get_contact_field": CONTACT | {"field_id": 300001},
        "cgb.set_contact_field": CONTACT | {"field_id": 300002, "value": "shipped"},
        "cgb.delete_contact_field": CONTACT | {"field_id": 300001},
        "cgb.send_text": CONTACT | {"text": "On its way."},
        "cgb.send_file": CONTACT | {"url": "https://shop.example/invoice.pdf", "type": "file"},
        "cgb.send_flow": CONTACT | {"flow_id": 501},
        "cgb.send_content": CONTACT | {"messages": [{"message": {"text": "Thanks."}}]},
        "cgb.send_products": CONTACT | {"product_id": [801]},
        "cgb.send_template": {"phone": PHONE, "name": "order_confirm", "variables": ["Avery", "ORD-1001"]},
        "cgb.list_pipelines": {},
        "cgb.get_pipeline": PIPELINE,
        "cgb.list_stages": PIPELINE,
        "cgb.list_opportunities": PIPELINE | CONTACT,
        "cgb.create_opportunity": PIPELINE | CONTACT | {"title": "A bag", "stage_id": 6011, "value": 25.5},
        "cgb.get_opportunity": OPPORTUNITY,
        "cgb.update_opportunity": OPPORTUNITY | {"stage_id": 6012},
        "cgb.delete_opportunity": OPPORTUNITY,
        "cgb.list_comments": OPPORTUNITY,
        "cgb.create_comment": OPPORTUNITY | {"content": "Called back."},
        "cgb.delete_comment": OPPORTUNITY | {"comment_id": COMMENT},
        "cgb.get_cart": CONTACT,
        "cgb.empty_cart": CONTACT,
        "cgb.set_cart_quantity": CONTACT | {"product_id": 802, "quantity": 2},
        "cgb.remove_cart_product": CONTACT | {"product_id": 802},
        "cgb.get_order": CONTACT | {"order_id": 901},
        "cgb.set_order_status": CONTACT | {"order_id": 901, "status": 7},
        "cgb.pay_order": CONTACT | {"order_id": 901, "amount_received": 8000},
        "cgb.get_product": {"product_id": 801},
        "cgb.update_product": {"product_id": 801, "stock": 11, "sale_price": 34.5},
    },
    on_the_wire=("cgb.get_account", "cgb.set_bot_field", "cgb.send_text", "cgb.set_order_status"),
    looks_first=frozenset({"cgb.send_template", "cgb.ensure_contact"}),
    prepare=prepare,
)  # fmt: skip
