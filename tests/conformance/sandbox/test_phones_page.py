"""The pages of phones and vendors. Invariant: looking changes nothing, and no other site can change anything."""

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import browser_page

Post = Callable[..., httpx.Response]

AVERY = "12025550143"
BUDI = "628123456789"
HOSTILE = '<script>document.title="taken"</script>'
CONFIRM = {
    "template_id": "257001",
    "phone_number": BUDI,
    "templateVariable-name-1": "Budi Contoh",
    "templateVariable-order-2": "250804QWERTY",
}
SIZES = pytest.mark.parametrize(("width", "height"), [(320, 640), (1280, 800)], ids=["phone", "desk"])


def fits(page: Page) -> bool:
    """Return whether nothing has to be scrolled sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@SIZES
def test_a_button_can_be_tapped_and_an_answer_written(
    wabotick: Post, sandbox: httpx.Client, base_url: str, width: int, height: int
) -> None:
    """The filled template stands on the phone; a tap and a text go out as webhooks, without any script."""
    identity = wabotick("send/template", CONFIRM).json()["wa_message_id"]
    with browser_page(width, height) as page:
        page.goto(f"{base_url}/phones")
        page.get_by_role("link", name=re.compile("Budi")).click()
        expect(page.get_by_text("Halo Budi Contoh, apakah pesanan 250804QWERTY sudah benar?")).to_be_visible()
        expect(page.get_by_role("img", name="delivered")).to_be_visible()
        assert fits(page)

        page.get_by_role("button", name="Konfirmasi").click()
        expect(page.get_by_role("img", name="read")).to_be_visible()
        page.get_by_role("textbox", name="Message").fill("Terima kasih!")
        page.get_by_role("button", name="Send").click()
        expect(page.locator(".bubble.mine .text", has_text="Terima kasih!")).to_be_visible()
        assert fits(page)
    emitted = sandbox.get("/_sandbox/emissions", params={"settle": 10, "vendor": "wabotick"}).json()
    said = [item["body"] for item in emitted if item["trigger"] == "incoming"]
    assert [item["user_message"] for item in said] == ["#Button Reply#Konfirmasi", "Terima kasih!"]
    assert said[0]["reply_message_id"] == identity


def test_opening_the_chat_is_a_button(wabotick: Post, sandbox: httpx.Client, base_url: str) -> None:
    """Looking at the page reads nothing; the button does."""
    wabotick("send/template", CONFIRM)
    with browser_page(320, 640) as page:
        page.goto(f"{base_url}/phones/{BUDI}")
        assert sandbox.get(f"/_sandbox/phones/{BUDI}").json()["messages"][0]["status"] == "delivered"

        page.get_by_role("button", name=re.compile("Open the chat")).click()
        expect(page.get_by_role("img", name="read")).to_be_visible()
    assert sandbox.get(f"/_sandbox/phones/{BUDI}").json()["messages"][0]["status"] == "read"


@SIZES
def test_hostile_texts_show_as_text(
    wabotick: Post, sandbox: httpx.Client, base_url: str, width: int, height: int
) -> None:
    """Names, texts, buttons and ids with markup, and words without an end, neither run nor break the page."""
    sandbox.put(f"/_sandbox/phones/{AVERY}", json={"name": HOSTILE})
    sandbox.post(f"/_sandbox/phones/{AVERY}/text", json={"text": HOSTILE + "x" * 500})
    buttons = '[{"id": "\\"><script>1</script>", "title": "<b>Yes</b>"}]'
    wabotick("send/interactive-buttons", phone_number=AVERY, message=HOSTILE, buttons=buttons)
    with browser_page(width, height) as page:
        for path in ("/vendors/wabotick", "/phones", f"/phones/{AVERY}"):
            page.goto(base_url + path)
            expect(page.get_by_text("<script>", exact=False).first).to_be_attached()
            assert page.title() != "taken"
            assert fits(page)
        page.get_by_role("button", name="<b>Yes</b>").click()
        expect(page.locator(".bubble.mine .text", has_text="<b>Yes</b>")).to_be_visible()


def test_shows_what_did_not_arrive_and_why(wabotick: Post, sandbox: httpx.Client) -> None:
    """A failed message is marked as not on the phone, with its code in words, and its buttons are off."""
    sandbox.put(f"/_sandbox/phones/{BUDI}", json={"error": 131049})
    wabotick("send/template", CONFIRM)
    html = sandbox.get(f"/phones/{BUDI}").text

    assert "not on the phone" in html
    assert "131049: Message not delivered to maintain healthy ecosystem engagement" in html
    assert html.count(" disabled>") == 2


def test_the_phone_can_be_put_into_trouble_by_form(sandbox: httpx.Client) -> None:
    """The page's own form sets what the phone meets."""
    form = {"offline": "on", "error": "131026"}
    assert sandbox.post(f"/phones/{BUDI}/settings", data=form).status_code == 303

    person = sandbox.get(f"/_sandbox/phones/{BUDI}").json()
    assert (person["offline"], person["error"], person["reads_at_once"]) == (True, 131026, False)
    assert sandbox.post(f"/phones/{BUDI}/settings", data={"error": "x"}).status_code == 400


def test_a_phone_can_be_added(sandbox: httpx.Client) -> None:
    """A number as people write it leads to its page; anything else is refused."""
    answer = sandbox.post("/phones", data={"phone": "+62 899-1", "name": "Rina"})

    assert (answer.status_code, answer.headers["Location"]) == (303, "/phones/628991")
    assert "Rina" in sandbox.get("/phones").text
    assert sandbox.post("/phones", data={"phone": "a"}).status_code == 400
    assert sandbox.get("/phones/62899222").status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 303),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_other_sites_cannot_post(sandbox: httpx.Client, headers: dict[str, str], status: int) -> None:
    """A browser that comes from another site is refused, at the pages and at the control API."""
    answer = sandbox.post(f"/phones/{BUDI}/text", data={"text": "Hi", "to": "wabotick"}, headers=headers)
    assert answer.status_code == status

    control = sandbox.post("/_sandbox/reset", headers=headers)
    assert control.status_code == (200 if status == 303 else 403)


def test_the_pages_keep_a_strict_policy(sandbox: httpx.Client) -> None:
    """No script, nothing from elsewhere, forms to the sandbox only."""
    for path in ("/", "/phones", f"/phones/{BUDI}", "/vendors/meta"):
        answer = sandbox.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "form-action 'self'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<script|<img|style=|src=", answer.text)


def test_each_vendor_has_a_page(wabotick: Post, sandbox: httpx.Client) -> None:
    """It shows what the vendor got, its state in short, its traps and its webhooks."""
    sandbox.put("/_sandbox/settings/wabotick", json={"shape": "document"})
    sandbox.put("/_sandbox/webhooks/wabotick/traps", json={"drop": 1})
    target = {"url": "http://127.0.0.1:9/webhooks/wa/s3cret", "secret": "s3cret"}
    sandbox.put("/_sandbox/webhooks/wabotick", json={"status": target})
    wabotick("send/template", CONFIRM)
    html = sandbox.get("/vendors/wabotick").text

    for piece in (
        "WhatsApp template 257001 to 628123456789: Budi Contoh, 250804QWERTY",
        "<dt>subscribers</dt><dd>2</dd>",
        "<dt>shape</dt><dd>&#34;document&#34; (set)</dd>",
        "webhooks: drop",
        "status: dropped",
        "outgoing: no target",
        "http://127.0.0.1:9/webhooks/wa/***, signed",
    ):
        assert piece in html
    assert "s3cret" not in html
    for name in sandbox.get("/_sandbox").json()["vendors"]:
        assert sandbox.get(f"/vendors/{name}").status_code == 200
    assert sandbox.get("/vendors/nobody").status_code == 404
