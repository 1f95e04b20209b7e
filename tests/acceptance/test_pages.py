"""The pages that people look at, in a real browser: the sandbox's, and Flower's."""

import re

import httpx
import pytest
from playwright.sync_api import expect

from tests.support.browser import browser_page
from tests.support.programs import answers, eventually, free_port
from tests.support.sandbox import Sandbox
from tests.support.shop import Shop, order_status_changed

HOSTILE_NAME = '<script>document.title = "taken"</script><img src=x onerror="document.title = \'taken\'">'
FORM = {
    "apiToken": "1|x",
    "phone_number_id": "100000000000001",
    "template_id": "257000",
    "phone_number": "628123456789",
}


def send_template(sandbox: Sandbox, name: str) -> None:
    """Let the sandbox's Wabotick receive a template message."""
    form = {**FORM, "templateVariable-a-1": name, "templateVariable-b-2": "JX1234567890"}
    httpx.post(f"{sandbox.url}/wabotick/api/v1/whatsapp/send/template", data=form).raise_for_status()


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800)], ids=["phone", "desk"])
def test_the_sandbox_page_shows_what_the_vendors_got(sandbox: Sandbox, width: int, height: int) -> None:
    """A message is told in words, on a phone as on a desk, without scrolling sideways."""
    send_template(sandbox, "Budi Contoh")

    with browser_page(width, height) as page:
        page.goto(sandbox.url)

        expect(page.get_by_text(re.compile("257000.*628123456789.*Budi Contoh")).first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_hostile_name_shows_as_the_text_that_it_is(sandbox: Sandbox) -> None:
    """What a vendor sends is never run as a script or drawn as HTML."""
    send_template(sandbox, HOSTILE_NAME)

    with browser_page(1280, 800) as page:
        page.goto(sandbox.url)

        expect(page.get_by_text("<script>", exact=False).first).to_be_visible()
        assert page.title() != "taken"


def test_flowers_task_leads_to_the_console_and_the_console_back(shop: Shop) -> None:
    """Each id in a task's arguments has a link to what it names; Flower asks for its login."""
    port, console_port = free_port(), free_port()
    shop.environ |= {"HOOKYARD_FLOWER_PORT": str(port), "HOOKYARD_CONSOLE_PORT": str(console_port)}
    flower = shop.start("flower", HOOKYARD_FLOWER_AUTH="operator:a-password-for-tests")
    flower.wait_for(lambda: answers(f"http://127.0.0.1:{port}/healthcheck"), "Flower answers")
    shop.start_all()
    shop.know_order()
    shop.post_scalev(order_status_changed("shipped")).raise_for_status()
    [delivery] = shop.wait_for_deliveries(1, "succeeded")
    address = f"http://127.0.0.1:{port}/task/{delivery.id}"
    link = f'href="http://127.0.0.1:{console_port}/find?q={delivery.id}"'

    def page() -> str:
        return httpx.get(address, auth=("operator", "a-password-for-tests")).text

    eventually(lambda: link in page(), "Flower links to the delivery")
    assert httpx.get(address).status_code == 401


def test_flower_shows_a_retry_with_its_reason_and_next_time(shop: Shop) -> None:
    """The task has the delivery's id, its arguments are ids only, and RETRY says why and when it goes on."""
    port = free_port()
    flower = shop.start("flower", HOOKYARD_FLOWER_PORT=str(port))
    flower.wait_for(lambda: answers(f"http://127.0.0.1:{port}/healthcheck"), "Flower answers")
    shop.start_all()
    shop.sandbox.fail(vendor="wabotick", status=503, retry_after=600)
    shop.know_order()
    shop.post_scalev(order_status_changed("shipped")).raise_for_status()
    [delivery] = shop.wait_for_deliveries(1, "retrying")

    with browser_page(1600, 900) as page:
        page.goto(f"http://127.0.0.1:{port}/task/{delivery.id}")

        expect(page.get_by_text("RETRY", exact=True).first).to_be_visible()
        text = page.inner_text("body")
    assert "unavailable: HTTP 503" in text
    assert f"attempt 2 at {delivery.due_at:%Y-%m-%d %H:%M:%S} UTC" in text
    assert f"['{delivery.id}']" in text
    assert "628123456789" not in text
    assert "Budi" not in text
