"""Wabotick: the token among a form's fields."""

import base64
import json
from pathlib import Path
from typing import Any

import httpx

from tests.conformance.actions.vendors.case import ActionCase
from tests.support.sandbox import Sandbox
from worker.acting import Outcome

RESPONSES = Path(__file__).parents[1] / "responses" / "wabotick"
AVERY = "12025550143"  # wrote just now: the window is open
BUDI = "08123456789"
MESSAGE = "wamid.HZCCwE02W07oc3k5HmA1AWPYI5w1tSsbbc3Z3zeg"
CATALOG = "510000000000001"
TEMPLATE = {"phone_number": BUDI, "template_id": "257000", "variables": ["Budi Contoh", "JX1234567890"]}


def answer(file: str) -> Any:
    """Return a recorded answer."""
    return json.loads((RESPONSES / f"{file}.json").read_text())


def result(outcome: Outcome | None) -> dict[str, Any]:
    """Return the result of what has to have worked."""
    assert outcome is not None
    return outcome.result


def happens(sandbox: Sandbox, what: str, method: str = "POST", **said: Any) -> Any:
    """Let something happen at Wabotick from outside."""
    url = f"{sandbox.url}/_sandbox/state/wabotick/{what}"
    return httpx.request(method, url, json=said).raise_for_status().json()


def _prepare(sandbox: Sandbox) -> None:
    """Let a person write, so that there is a message to ask about: its id is the sandbox's first."""
    happens(sandbox, "incoming", phone_number=AVERY, message="Where is it?")


CASE = ActionCase(
    account={
        "api_token": "7|wabotick-secret",
        "phone_number_id": "100000000000001",
        "url_secrets": {"flow": "wabotick-flow-url-secret"},
    },
    mount="/wabotick/api/v1",
    secrets=("7|wabotick-secret",),
    parameters={
        "wabotick.connect_account": {"user_id": "1", "whatsapp_business_account_id": "2", "access_token": "t"},
        "wabotick.send_template": TEMPLATE,
        "wabotick.send_message": {"phone_number": AVERY, "message": "On its way."},
        "wabotick.get_conversation": {"phone_number": AVERY},
        "wabotick.trigger_bot": {"phone_number": AVERY, "bot_flow_unique_id": "flow-1"},
        "wabotick.send_interactive_buttons": {
            "phone_number": AVERY, "message": "Confirm?", "buttons": [{"id": "confirm:1", "title": "Yes"}, "No"],
        },
        "wabotick.send_file": {
            "phone_number": AVERY, "media_type": "document", "media_url": "https://shop.example/i.pdf",
            "media_name": "invoice.pdf",
        },
        "wabotick.upload_media": {"media_name": "i.pdf", "content": base64.b64encode(b"%PDF-").decode()},
        "wabotick.list_postbacks": {},
        "wabotick.get_message_status": {"wa_message_id": MESSAGE},
        "wabotick.send_broadcast_template": {"flow_data": {"template_id": "257000"}},
        "wabotick.list_templates": {},
        "wabotick.get_subscriber": {"phone_number": AVERY},
        "wabotick.create_subscriber": {"phone_number": "081298765432", "name": "Citra Contoh"},
        "wabotick.list_subscribers": {},
        "wabotick.update_subscriber": {"phone_number": AVERY, "first_name": "Avery"},
        "wabotick.delete_subscriber": {"phone_number": BUDI},
        "wabotick.list_custom_fields": {},
        "wabotick.add_notes": {"phone_number": AVERY, "note_text": "wants blue"},
        "wabotick.assign_to_team_member": {"phone_number": AVERY, "team_member_id": "12"},
        "wabotick.reset_user_input_flow": {"phone_number": AVERY},
        "wabotick.assign_custom_fields": {"phone_number": AVERY, "custom_fields": {"order_id": "ORD-1"}},
        "wabotick.assign_labels": {"phone_number": AVERY, "label_ids": ["1", "3"]},
        "wabotick.remove_labels": {"phone_number": AVERY, "label_ids": ["1"]},
        "wabotick.assign_sequence": {"phone_number": AVERY, "sequence_ids": ["11"]},
        "wabotick.remove_sequence": {"phone_number": AVERY, "sequence_ids": ["11"]},
        "wabotick.list_labels": {},
        "wabotick.create_label": {"label_name": "Wholesale"},
        "wabotick.list_catalogs": {},
        "wabotick.sync_catalog": {"whatsapp_catalog_id": CATALOG},
        "wabotick.list_catalog_orders": {"whatsapp_catalog_id": CATALOG},
        "wabotick.change_order_status": {"order_unique_id": "WAB-0001", "cart_status": "Shipped"},
    },
    on_the_wire=("wabotick.send_template", "wabotick.assign_labels", "wabotick.upload_media"),
    prepare=_prepare,
    looks_first=frozenset({"wabotick.create_label"}),
)  # fmt: skip
