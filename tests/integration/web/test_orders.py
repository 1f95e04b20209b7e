"""The pages of orders: the list, what is found, and the story of each."""

import re
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from tests.integration.engine.test_stories import MESSAGE, paid, report, ruled, shipped_and_told
from tests.integration.web.conftest import Browser
from tests.support.shop import order_created

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

__all__ = ["ruled"]
ORDER = "/orders/toko/order:250804QWERTY"


def told(page: str) -> list[str]:
    """Return the lines of a story's page, in order."""
    items = re.findall(r"<li class=\"\w+\">.*?</li>", page, re.DOTALL)
    return [re.findall(r"<p>(?:<span class=\"unseen\">.*?</span>)?(.*?)</p>", item)[0] for item in items]


def test_an_order_s_page_tells_its_story(ruled: "Works", viewer: Browser) -> None:
    """In order, with times in the shop's zone, and the buyer masked."""
    message_id = shipped_and_told(ruled)
    report(ruled, message_id, "delivered")

    page = viewer.open(ORDER)

    assert told(page) == [
        "Order placed: Produk Contoh", "Paid by bank transfer", "Shipped, receipt JX1",
        f"{MESSAGE} not sent: the order is paid", f"{MESSAGE} sent", f"{MESSAGE} delivered",
    ]  # fmt: skip
    assert "<h1>Order 250804QWERTY</h1>" in page
    assert "WIB</time>" in page
    assert "8123456789" not in page
    assert "Budi" not in page


def test_what_is_planned_and_what_failed_stand_on_top(ruled: "Works", viewer: Browser) -> None:
    """What it waits for; what failed, what it means, what to do."""
    ruled.receive(order_created())
    before = viewer.open(ORDER)
    ruled.receive(paid())
    report(ruled, shipped_and_told(ruled), "failed", failed_reason="(Error Code : 131026 )Message Undeliverable.")
    after = viewer.open(ORDER)

    assert "unless the payment status is paid, or the order is paid, or the order is cancelled" in before
    assert "Needs a person" not in before
    assert "It means: the number has no WhatsApp, or cannot get this message." in after
    assert "What to do:" in after


def test_an_operator_may_see_who_it_is(ruled: "Works", operator: Browser, viewer: Browser) -> None:
    """Through the form that asks why; a viewer is not offered it."""
    ruled.receive(order_created())

    links = re.findall(r'href="(/reveal/[^"]+)"', operator.open(ORDER))

    assert any("customer_name" in link for link in links)
    assert "Show" in operator.open(links[0].replace("&amp;", "&"))
    assert "/reveal/" not in viewer.open(ORDER)


def test_the_list_leads_to_the_stories(ruled: "Works", viewer: Browser) -> None:
    """Those heard of last first; a person by an event, so that no number stands in an address."""
    ruled.receive(order_created("A-1001"))
    ruled.receive({"chat_id": "6281298765432", "user_message": "Halo"}, "wa", trigger="incoming")

    page = viewer.open("/orders")
    orders = viewer.open("/orders?kind=order&account=toko")
    person = re.findall(r'href="(/orders/of-event/[^"]+)"', page)

    assert "Order A-1001" in page
    assert "1298765432" not in page
    assert "The person wrote" in viewer.open(person[0])
    assert "/orders/of-event/" not in orders
    assert "Nothing fits" in viewer.open("/orders?kind=container")


def test_an_empty_list_says_what_to_do(viewer: Browser) -> None:
    """Nothing has come in yet."""
    assert "No events yet" in viewer.open("/orders")


def test_what_is_found_alone_is_shown_at_once(ruled: "Works", viewer: Browser) -> None:
    """An order's number leads to its story; a name that several have to a list; nothing to what can be looked for."""
    ruled.receive(order_created("A-1001"))
    ruled.receive(order_created("A-1002"))

    alone = viewer.client.get("/find?q=%23a-1001")
    several = viewer.open("/find?q=budi")
    by_phone = viewer.open("/find?q=0812-3456-789")

    assert alone.headers["Location"] == "/orders/toko/order:A-1001"
    assert {"Order A-1001", "Order A-1002"} <= set(re.findall(r">(Order [^<]+)</a>", several))
    assert "Order A-1001" in by_phone
    assert "Nothing fits." in viewer.open("/find?q=nobody")
    assert "Look for an order" in viewer.open("/find")


def test_what_failed_is_tried_again_from_the_story(ruled: "Works", operator: Browser, viewer: Browser) -> None:
    """By the button beside it, which knows what was seen; a viewer has none, and what is planned can be given up."""
    ruled.receive(order_created())
    report(ruled, shipped_and_told(ruled), "failed", failed_reason="(Error Code : 131026 )Message Undeliverable.")
    [dead] = ruled.shop.deliveries("dead")
    page = operator.open(ORDER)
    forms = re.findall(r'<form method="post" action="(/press/[^"]+)"', page)

    answer = operator.press(
        f"/press/retry/{dead.id}", state="dead", attempts=dead.attempts, comment="asked her", back=ORDER
    )

    assert f"/press/retry/{dead.id}" in forms
    assert answer.headers["Location"] == ORDER
    assert ruled.delivery(dead.id).state == "ready"
    assert "operator tried it again: Send WhatsApp message" in operator.open(ORDER)
    assert "/press/" not in viewer.open(ORDER)


def test_an_id_of_ours_leads_to_what_it_names(ruled: "Works", viewer: Browser) -> None:
    """An event's to the event, a delivery's to the delivery; both lead on to the order."""
    shipped_and_told(ruled)
    delivery = ruled.shop.deliveries("succeeded")[0]

    pages = [viewer.client.get(f"/find?q={one}").headers["Location"] for one in (delivery.id, delivery.event_id)]

    assert pages == [f"/deliveries/{delivery.id}", f"/events/{delivery.event_id}"]
    assert "/orders/of-event/" in viewer.open(pages[0])
    assert f'href="{pages[0]}"' in viewer.open(ORDER)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/orders/toko/order:NONE", 404),
        ("/orders/nobody/x", 404),
        ("/orders/%00/order:%00", 404),
        (f"/orders/of-event/{UUID(int=0)}", 404),
        ("/orders?before=yesterday", 400),
        (f"{ORDER}?before=1", 400),
        ("/orders?kind=%25&account=%00", 200),
        ("/find?q=%00%27%22%3Cb%3E", 200),
    ],
)
def test_wrong_addresses_have_one_clear_answer(path: str, status: int, ruled: "Works", viewer: Browser) -> None:
    """Unknown, not whole, or hostile."""
    ruled.receive(order_created())

    assert "<h1>" in viewer.open(path, status)


def test_hostile_names_show_harmlessly(ruled: "Works", viewer: Browser) -> None:
    """Nothing that came in becomes markup, turns a line around, or makes a page of a megabyte."""
    body = order_created()
    name = "<script>alert(1)</script>\u202e\u2066" + "x" * 1_000_000
    body["data"]["destination_address"]["name"] = name
    body["data"]["store"]["name"] = name
    body["data"]["status"] = "<img src=x>"
    for line in body["data"]["orderlines"]:
        line["product_name"] = name
    ruled.receive(body)

    for page in (viewer.open(ORDER), viewer.open("/orders"), viewer.open("/find?q=toko")):
        assert not {"\u202e", "\u2066"} & set(page)
        assert "<script>alert" not in page
        assert "<img" not in page
        assert len(page) < 100_000


def test_earlier_parts_of_a_long_story_are_a_page_away(ruled: "Works", viewer: Browser) -> None:
    """The newest part first, then what came before it."""
    for _ in range(2):
        ruled.receive(order_created())
    ruled.execute(
        "INSERT INTO events (id, account, dedupe_key, type, handling, state, subject, subject_account, received_at,"
        " occurred_at) SELECT gen_random_uuid(), 'toko', 'k' || i, 'scalev.order.updated', 'handled', 'processed',"
        " 'order:250804QWERTY', 'toko', now(), now() FROM generate_series(1, 150) i"
    )

    page = viewer.open(ORDER)
    [older] = re.findall(r'rel="next" href="([^"]+)"', page)
    before = viewer.open(older.replace("&amp;", "&"))

    assert len(told(page)) >= 90
    assert re.findall(r'rel="prev" href="([^"]+)"', before) == [ORDER]
