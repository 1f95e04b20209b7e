"""Meta: a bearer token."""

from typing import Any

import httpx

from tests.conformance.actions.vendors.case import ActionCase
from tests.support.sandbox import Sandbox

AVERY = "+12025550143"
BUDI = "08123456789"
WRITTEN = "wamid.qN48EFgUhTsK2jAxrBMbpTGpB8heIgORNzw34xBN"


def happens(sandbox: Sandbox, what: str, method: str = "POST", **said: Any) -> Any:
    """Let something happen at Meta from outside."""
    url = f"{sandbox.url}/_sandbox/state/meta/{what}"
    return httpx.request(method, url, json=said).raise_for_status().json()


def _prepare(sandbox: Sandbox) -> None:
    """Let a person write, which opens the window; the message's id is the sandbox's first."""
    happens(sandbox, "incoming", phone_number=AVERY.lstrip("+"), message="Where is it?")


CASE = ActionCase(
    account={
        "app_secrets": ["meta-app-secret"],
        "verify_token": "meta-verify-token",
        "access_token": "EAAG-meta-access-secret",
        "phone_number_id": "100000000000001",
    },
    mount="/meta/v23.0",
    secrets=("EAAG-meta-access-secret",),
    parameters={
        "meta.send_message": {"to": AVERY, "body": "On its way."},
        "meta.send_template": {
            "to": BUDI, "name": "order_shipped", "language": "id", "variables": ["Budi Contoh", "JX1234567890"],
        },
        "meta.send_buttons": {
            "to": AVERY, "body": "Confirm?", "buttons": [{"id": "confirm:ORD-1", "title": "Yes"}],
        },
        "meta.send_list": {
            "to": AVERY, "body": "When?", "button": "Choose",
            "sections": [{"rows": [{"id": "slot:1", "title": "Today"}, {"id": "slot:2", "title": "Tomorrow"}]}],
        },
        "meta.send_media": {"to": AVERY, "media_type": "image", "link": "https://shop.example/a.jpg"},
        "meta.mark_read": {"message_id": WRITTEN},
    },
    on_the_wire=("meta.send_template", "meta.send_list"),
    prepare=_prepare,
)  # fmt: skip
