"""WhatsApp through Meta itself, end to end, with real processes: asked by a template, confirmed by a tap, reported."""

from typing import Any

import httpx

from tests.support.programs import eventually
from tests.support.shop import Shop

ORDER, PHONE = "250804QWERTY", "628123456789"
ACCOUNT = """
  meta:
    vendor: meta
    app_secrets: [meta-app-secret]
    verify_token: meta-verify-token
    access_token: EAAG-test-token
    phone_number_id: "100000000000001"
    base_url: "${SANDBOX_URL}/meta/v23.0"
"""
RULES = """
rules:
  - name: ask-to-confirm
    on: [scalev.order.created]
    steps:
      - action: meta.send_template
        once: "{{ order.order_id }}:confirm"
        with:
          to: "{{ order.phone }}"
          name: order_confirmation
          language: id
          variables: ["{{ order.customer_name }}", "{{ order.order_id }}"]
          quick_reply_payloads: ["confirm:{{ order.order_id }}", "cancel:{{ order.order_id }}"]
  - name: confirm-by-tap
    on: [meta.postback]
    when: order.order_id and data.postback_id.startswith("confirm:")
    steps:
      - action: scalev.change_status
        once: "{{ order.order_id }}:confirmed"
        with: {ids: ["{{ order.id }}"], status: confirmed}
"""


def _ask(shop: Shop, method: str, path: str, document: Any = None) -> Any:
    return httpx.request(method, f"{shop.sandbox.url}/_sandbox/{path}", json=document).raise_for_status().json()


def test_a_tap_on_a_template_of_metas_confirms_its_order(shop: Shop) -> None:
    """The order is told by the message that was answered; reports come in batches and are stored one by one."""
    accounts = shop.folder / "config" / "accounts.yaml"
    accounts.write_text(accounts.read_text().replace("accounts:", "accounts:" + ACCOUNT.rstrip(), 1))
    shop.write_rules(RULES)
    shop.start_all()
    target = {"url": f"{shop.receiver_url}/webhooks/meta", "secret": "meta-app-secret"}
    _ask(shop, "PUT", "webhooks/meta", {"messages": target})
    _ask(shop, "PUT", "webhooks/meta/traps", {"batch": 5, "duplicate": True})

    shop.know_order(ORDER)
    shop.wait_for_deliveries(1, "succeeded")
    [sent] = shop.sandbox.effects("message")
    _ask(shop, "POST", f"phones/{PHONE}/tap", {"message_id": sent["id"], "button": f"confirm:{ORDER}"})
    shop.wait_for_deliveries(2, "succeeded")

    [change] = shop.sandbox.effects("order_status")
    assert (change["order_id"], change["status"]) == (ORDER, "confirmed")
    [request] = shop.sandbox.requests("*/messages")
    [message] = [row for row in shop.deliveries() if row.action == "meta.send_template"]
    assert request["params"]["biz_opaque_callback_data"] == str(message.id)
    reports = "SELECT 1 FROM events WHERE type = 'meta.message.status' AND state = 'processed'"
    eventually(lambda: len(shop.rows(reports)) >= 2, "sent and delivered were reported")


def test_meta_learns_by_get_that_the_endpoint_is_ours(shop: Shop) -> None:
    """With the right token the challenge comes back as text; with another, 403."""
    accounts = shop.folder / "config" / "accounts.yaml"
    accounts.write_text(accounts.read_text().replace("accounts:", "accounts:" + ACCOUNT.rstrip(), 1))
    shop.start_receiver()
    asked = {"hub.mode": "subscribe", "hub.verify_token": "meta-verify-token", "hub.challenge": "1158201444"}

    right = httpx.get(f"{shop.receiver_url}/webhooks/meta", params=asked)
    wrong = httpx.get(f"{shop.receiver_url}/webhooks/meta", params=asked | {"hub.verify_token": "another"})

    assert (right.status_code, right.text) == (200, "1158201444")
    assert right.headers["content-type"].startswith("text/plain")
    assert wrong.status_code == 403
