"""Meta's messages: what goes out, and what Meta would refuse is refused before."""

from typing import Any

import pytest
from pydantic import ValidationError

from tasks.actions.registry import ACTIONS
from tests.conformance.actions.conftest import Caller
from tests.conformance.actions.vendors.meta import AVERY, WRITTEN, happens
from tests.support.sandbox import Sandbox

SEND = "meta.send_template"


@pytest.mark.parametrize(
    ("name", "changes", "sent"),
    [
        ("send_message", {}, {"type": "text", "text": {"body": "On its way.", "preview_url": False}}),
        (
            "send_message",
            {"reply_to": WRITTEN},
            {
                "context": {"message_id": WRITTEN}, "type": "text",
                "text": {"body": "On its way.", "preview_url": False},
            },
        ),
        (
            "send_template",
            {"name": "order_confirmation", "variables": ["Budi", 7], "quick_reply_payloads": ["confirm:7", "cancel:7"]},
            {
                "type": "template",
                "template": {
                    "name": "order_confirmation",
                    "language": {"code": "id"},
                    "components": [
                        {
                            "type": "body",
                            "parameters": [{"type": "text", "text": "Budi"}, {"type": "text", "text": "7"}],
                        },
                        {
                            "type": "button", "sub_type": "quick_reply", "index": "0",
                            "parameters": [{"type": "payload", "payload": "confirm:7"}],
                        },
                        {
                            "type": "button", "sub_type": "quick_reply", "index": "1",
                            "parameters": [{"type": "payload", "payload": "cancel:7"}],
                        },
                    ],
                },
            },
        ),
        (
            "send_template",
            {
                "name": "invoice_document", "variables": ["Budi"],
                "header": {"type": "document", "link": "https://shop.example/i.pdf", "filename": "i.pdf"},
            },
            {
                "type": "template",
                "template": {
                    "name": "invoice_document",
                    "language": {"code": "id"},
                    "components": [
                        {
                            "type": "header",
                            "parameters": [
                                {
                                    "type": "document",
                                    "document": {"link": "https://shop.example/i.pdf", "filename": "i.pdf"},
                                }
                            ],
                        },
                        {"type": "body", "parameters": [{"type": "text", "text": "Budi"}]},
                    ],
                },
            },
        ),
        (
            "send_buttons",
            {"header_text": "Order", "footer": "Shop"},
            {
                "type": "interactive",
                "interactive": {
                    "type": "button",
                    "header": {"type": "text", "text": "Order"},
                    "body": {"text": "Confirm?"},
                    "footer": {"text": "Shop"},
                    "action": {"buttons": [{"type": "reply", "reply": {"id": "confirm:ORD-1", "title": "Yes"}}]},
                },
            },
        ),
        (
            "send_list",
            {},
            {
                "type": "interactive",
                "interactive": {
                    "type": "list",
                    "body": {"text": "When?"},
                    "action": {
                        "button": "Choose",
                        "sections": [
                            {"rows": [{"id": "slot:1", "title": "Today"}, {"id": "slot:2", "title": "Tomorrow"}]}
                        ],
                    },
                },
            },
        ),
        (
            "send_media",
            {"media_type": "document", "caption": "Invoice", "filename": "i.pdf"},
            {
                "type": "document",
                "document": {"link": "https://shop.example/a.jpg", "caption": "Invoice", "filename": "i.pdf"},
            },
        ),
    ],
)  # fmt: skip
def test_what_goes_out(
    name: str, changes: dict[str, Any], sent: dict[str, Any], caller: Caller, sandbox: Sandbox
) -> None:
    """Meta's form of each type, to a number of digits, and the sandbox takes it."""
    happens(sandbox, "incoming", phone_number=AVERY.lstrip("+"), message="Hi")

    tried = caller.run(f"meta.{name}", **changes)

    [request] = sandbox.requests()
    to = "628123456789" if name == "send_template" else AVERY.lstrip("+")
    common = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": to}
    assert request["params"] == common | sent
    assert request["path"] == "/meta/v23.0/100000000000001/messages"
    assert tried.outcome is not None
    assert tried.outcome.result["message_id"] == sandbox.effects("message")[0]["id"]


def test_a_message_carries_the_id_of_its_delivery(caller: Caller, sandbox: Sandbox) -> None:
    """Meta gives it back in every report, so that a message whose answer was lost is known again."""
    caller.delivery_id = "0198a1b2-3c4d-7e5f-8a9b-0c1d2e3f4a5b"

    caller.run(SEND)

    [request] = sandbox.requests()
    assert request["params"]["biz_opaque_callback_data"] == caller.delivery_id


@pytest.mark.parametrize(
    ("name", "changes", "field"),
    [
        ("send_message", {"body": "x" * 4097}, "body"),
        ("send_message", {"to": "12"}, "to"),
        ("send_template", {"variables": ["a\nb"]}, "variables"),
        ("send_template", {"components": [{"type": "body"}]}, "components"),
        ("send_template", {"header": {"type": "image", "link": "shop.example/a.jpg"}}, "link"),
        ("send_template", {"header": {"type": "image", "link": "https://a.example", "filename": "x"}}, "filename"),
        ("send_buttons", {"buttons": []}, "buttons"),
        ("send_buttons", {"buttons": [{"id": str(n), "title": "x"} for n in range(4)]}, "buttons"),
        ("send_buttons", {"buttons": [{"id": "1", "title": "x"}, {"id": "1", "title": "y"}]}, "buttons"),
        ("send_buttons", {"buttons": [{"id": "1", "title": "x" * 21}]}, "title"),
        (
            "send_buttons",
            {"header_text": "x", "header_media": {"type": "image", "link": "https://a.example"}},
            "header",
        ),
        ("send_list", {"sections": [{"rows": []}]}, "rows"),
        ("send_list", {"sections": [{"rows": [{"id": "1", "title": "x"}]}] * 2}, "sections"),
        (
            "send_list",
            {"sections": [{"title": t, "rows": [{"id": f"{t}{n}", "title": "x"} for n in range(6)]} for t in "ab"]},
            "sections: ten rows",
        ),
        ("send_list", {"sections": [{"rows": [{"id": "1", "title": "x" * 25}]}]}, "title"),
        ("send_media", {"media_type": "audio", "caption": "la"}, "caption"),
        ("send_media", {"filename": "a.jpg"}, "filename"),
        ("send_media", {"link": "ftp://x"}, "link"),
    ],
)
def test_what_meta_would_refuse_is_refused_before(
    name: str, changes: dict[str, Any], field: str, caller: Caller
) -> None:
    """With the field named, and no request made."""
    with pytest.raises(ValidationError, match=field):
        caller.run(f"meta.{name}", **changes)


def test_whom_a_message_goes_to_is_known() -> None:
    """Every send names its person, and a template its name; marking as read reaches nobody."""
    given = {"to": "08123456789", "name": "order_shipped", "language": "id"}
    parameters = ACTIONS[SEND].parameters.model_validate(given, context={"country": "ID"})
    meta = {name: action for name, action in ACTIONS.items() if name.startswith("meta.")}

    assert {name for name, action in meta.items() if action.recipient(parameters) is None} == {"meta.mark_read"}
    assert {name for name, action in meta.items() if action.template(parameters)} == {SEND}
