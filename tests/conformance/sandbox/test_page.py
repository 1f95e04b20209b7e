"""The page for people. Invariant: nothing a client sent is ever markup."""

import re
from collections.abc import Callable

import httpx
import pytest

from tests.support.programs import eventually

Post = Callable[..., httpx.Response]

TEMPLATE = {
    "template_id": "257000",
    "phone_number": "628123456789",
    "templateVariable-name-1": "Budi Contoh",
    "templateVariable-receipt-2": "JX123",
}


def test_shows_what_happened_in_plain_words_newest_first(
    sandbox: httpx.Client, scalev: httpx.Client, wabotick: Post, proton: httpx.Client
) -> None:
    """Each effect is a sentence, reads and refusals too, the newest on top."""
    wabotick("send/template", TEMPLATE)
    scalev.post("/orders/change-status", json={"ids": [9100001], "status": "shipped"})
    proton.post("/opportunities", json={"title": "Chiller", "customer_id": "HL-20418"})
    wabotick("send/template", {**TEMPLATE, "template_id": "1"})
    scalev.get("/me")
    html = sandbox.get("/").text

    sentences = [
        "Read only",
        "Refused: Message template not found.",
        "Opportunity &#34;Chiller&#34; created for customer HL-20418",
        "Order 250804QWERTY is now shipped",
        "WhatsApp template 257000 to 628123456789: Budi Contoh, JX123",
    ]
    places = [html.index(sentence) for sentence in sentences]
    assert places == sorted(places)
    assert "<details>" in html


def test_describes_every_kind_of_effect(
    sandbox: httpx.Client, scalev: httpx.Client, wabotick: Post, proton: httpx.Client
) -> None:
    """No effect is shown as raw data."""
    avery = "12025550143"
    scalev.post("/orders/change-status", json={"ids": [9100001], "payment_status": "paid"})
    scalev.patch("/orders/9100001/shipment-receipt", json={"shipment_receipt": "JX9"})
    scalev.post("/orders/9100001/update-tags", json={"tags": ["vip"]})
    wabotick("send", phone_number=avery, message="Hello there")
    wabotick("send/interactive-buttons", phone_number=avery, message="Sure?", buttons='["Yes"]')
    wabotick("trigger-bot", phone_number=avery, bot_flow_unique_id="flow-9")
    wabotick("subscriber/chat/assign-labels", phone_number=avery, label_ids="1")
    wabotick("subscriber/chat/assign-custom-fields", phone_number=avery, custom_fields='{"size": "L"}')
    wabotick("subscriber/create", phoneNumberID="100000000000001", name="Rina", phoneNumber="628999")
    identity = proton.post("/opportunities", json={"title": "T"}).json()["data"]["opportunity_id"]
    proton.patch(f"/opportunities/{identity}", json={"value": 2})
    proton.delete(f"/opportunities/{identity}")
    proton.post("/create/task", files={"title": (None, "Call"), "user_id": (None, "dana")})
    proton.post("/v1/customers", json={"customer_id": "C-1", "name": "Toko"})
    proton.patch("/v1/customers/C-1", json={"city": "Austin"})
    html = sandbox.get("/_sandbox/page").text

    for sentence in (
        "Payment of order 250804QWERTY is now paid",
        "Order 250804QWERTY has tracking number JX9",
        "Order 250804QWERTY is tagged vip",
        f"WhatsApp message to {avery}: Hello there",
        f"WhatsApp message to {avery}: Sure? [Yes]",
        f"Bot flow flow-9 started for {avery}",
        f"Labels 1 on {avery}",
        f"Custom fields size on {avery}",
        "Subscriber 628999 created",
        "Opportunity &#34;T&#34; created for customer None",
        "Opportunity &#34;T&#34; changed",
        "Opportunity &#34;T&#34; deleted",
        "Task &#34;Call&#34; created for dana",
        "Customer C-1 created: Toko",
        "Customer C-1 changed: city",
    ):
        assert sentence in html


def test_escapes_hostile_names(sandbox: httpx.Client, scalev: httpx.Client, wabotick: Post) -> None:
    """A name, a header, a path or a query with markup stays text."""
    hostile = "<script>alert(1)</script>"
    wabotick("send/template", {**TEMPLATE, "templateVariable-name-1": hostile})
    scalev.get(f"/{hostile}", params={hostile: hostile}, headers={"X-Name": hostile})
    sandbox.put("/_sandbox/faults", json=[{"vendor": "scalev", "status": 500, "name": hostile}])
    scalev.get("/me")
    html = sandbox.get("/", params={"vendor": ""}).text

    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script" not in sandbox.get("/", params={"vendor": hostile}).text


def test_survives_text_that_is_no_unicode(sandbox: httpx.Client, proton: httpx.Client) -> None:
    """A lone surrogate in a JSON string does not break the page."""
    body = rb'{"title": "\ud800 broken \u0000"}'
    proton.post("/opportunities", content=body, headers={"Content-Type": "application/json"})

    assert sandbox.get("/").status_code == 200
    assert sandbox.get("/_sandbox/requests").json()[0]["effect"]["title"].endswith("broken \x00")


def test_forbids_scripts_and_foreign_content(sandbox: httpx.Client) -> None:
    """The policy allows the page's own style by its hash and nothing else."""
    answer = sandbox.get("/")
    policy = answer.headers["Content-Security-Policy"]

    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(r"<script|<img|style=|(src|href)=\"https?:", answer.text)
    assert 'name="viewport"' in answer.text
    assert "prefers-color-scheme: dark" in answer.text


def test_shows_lost_answers_and_faults(sandbox: httpx.Client, scalev: httpx.Client) -> None:
    """A fault is named, and a request that got no answer says so."""
    sandbox.put("/_sandbox/faults", json=[{"vendor": "scalev", "hang": True, "times": 1}])
    with pytest.raises(httpx.ReadTimeout):
        scalev.get("/me", timeout=httpx.Timeout(10, read=0.2))
    eventually(lambda: "fault: hang before" in sandbox.get("/").text, "the request is shown")
    html = sandbox.get("/").text

    assert "no answer" in html
    assert "fault: hang before" in html
    assert "Nothing: the fault came first" in html


def test_pages_long_lists_and_filters_by_vendor(sandbox: httpx.Client, scalev: httpx.Client, wabotick: Post) -> None:
    """Two hundred rows a page, older ones behind a link, one vendor when asked."""
    wabotick("template/list")
    for _ in range(201):
        scalev.get("/me")
    html = sandbox.get("/").text
    assert html.count("<li ") == 200
    assert 'href="/?before=3"' in html

    assert sandbox.get("/", params={"before": "3"}).text.count("<li ") == 2
    assert sandbox.get("/", params={"vendor": "wabotick"}).text.count("<li ") == 1
    assert sandbox.get("/", params={"before": "x"}).status_code == 400


def test_is_friendly_when_empty(sandbox: httpx.Client) -> None:
    """Before the first request the page says so."""
    assert "Nothing yet." in sandbox.get("/").text
