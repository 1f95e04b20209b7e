"""The pages of events and deliveries: lists that are narrowed and turned over, and all there is to see of one."""

import json
import re
from html import unescape
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from console.users import Role
from tests.support.shop import order_created, order_status_changed
from webhooks.examples import example_names, load_example
from worker.ids import new_id
from worker.masking import personal_in

if TYPE_CHECKING:
    from tests.integration.web.conftest import Browser, Desks

LEAST = 6
"""Shorter names are also words of the page."""
NAME, PHONE = "Bagas Prakoso", "6281234567890"
BEYOND_ASCII = "Señor <b>Ünal</b>"


def order(desks: "Desks", number: str = "250804QWERTY", **data: Any) -> Any:
    """Let an order be created and shipped; return the id of the event that says shipped, and of what followed."""
    desks.works.receive(order_created(number, **data))
    event_id = desks.works.accept(order_status_changed("shipped", number))
    routed = desks.works.route(event_id)
    assert routed is not None
    return event_id, routed.deliveries[0].id


def words(page: str) -> str:
    """Return what a page says, without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def rows(page: str) -> int:
    """Return how many rows a page's table has."""
    return page.count("<tr>") - 1 if "<tr>" in page else 0


def link(page: str, rel: str) -> str:
    """Return where the page before or after stands."""
    found = re.search(rf'rel="{rel}" href="([^"]+)"', page)
    assert found is not None, words(page)
    return unescape(found[1])


def test_empty_lists_say_what_to_do(viewer: "Browser") -> None:
    """Nothing there and nothing fitting are two things, and each says how to go on."""
    assert "hookyard send scalev order.created" in viewer.open("/events")
    assert "no rule has wanted anything" in viewer.open("/deliveries")
    assert "No events match" in viewer.open("/events?account=toko")
    assert "No deliveries match" in viewer.open("/deliveries?state=dead")


def test_lists_are_narrowed(desks: "Desks", viewer: "Browser") -> None:
    """Each field of the form narrows the list, and stands in the form again."""
    _, delivery_id = order(desks)
    order(desks, "250804ZZZZZZ")
    fact = desks.works.delivery(delivery_id).event_id

    assert rows(viewer.open("/events?account=toko&type=scalev.order.created")) == 2
    assert rows(viewer.open("/events?subject=order:250804ZZZZZZ")) == 3
    assert rows(viewer.open("/events?text=250804zzzzzz&type=scalev.order.shipped")) == 1
    assert rows(viewer.open("/events?state=failed")) == 0
    assert rows(viewer.open("/events?until=2020-01-01T00:00")) == 0
    assert rows(viewer.open("/deliveries?account=wa&type=wabotick.send_template&state=ready")) == 2
    assert rows(viewer.open(f"/deliveries?event={fact}")) == 1
    page = viewer.open("/events?account=toko&state=processed&text=qwerty")
    assert '<option value="toko" selected>' in page
    assert '<option value="processed" selected>' in page
    assert 'value="qwerty"' in page


def test_lists_are_turned_over(desks: "Desks", viewer: "Browser") -> None:
    """Older and newer pages hold the rest, keep the filter, and lead back."""
    for _ in range(60):
        desks.works.accept(order_created(uuid4().hex[:12].upper()))

    first = viewer.open("/events?account=toko")
    second = viewer.open(link(first, "next"))

    assert (rows(first), rows(second)) == (50, 10)
    assert "60 events match" in words(first)
    assert 'rel="next"' not in second
    assert rows(viewer.open(link(second, "prev"))) == 50
    assert "account=toko" in link(second, "prev")


def test_what_is_not_understood_is_said(desks: "Desks", viewer: "Browser") -> None:
    """A filter that means nothing lists nothing, and says why."""
    order(desks)

    for query in (
        "since=yesterday",
        "until=999999w",
        "before=1",
        "after=x",
        "event=%00",
        "since=0001-01-01T00:00%2B14:00",
    ):
        page = viewer.open(f"/events?{query}")
        assert rows(page) == 0, query
        assert 'role="alert"' in page, query


def test_any_value_of_a_filter_is_taken(viewer: "Browser") -> None:
    """Nothing typed into a filter breaks a page or is run by it."""
    for value in ("%00", "%ED%A0%80", "'", "%25", "%3Cscript%3Ealert(1)%3C/script%3E", "x" * 5000, "%E2%80%AE"):
        for path in ("events", "deliveries"):
            for name in ("account", "type", "state", "handling", "reason", "rule", "subject", "text"):
                assert "<script>alert" not in viewer.open(f"/{path}?{name}={value}")


def test_an_event_shows_all_there_is(desks: "Desks", viewer: "Browser") -> None:
    """What came in, what was understood, which rules wanted something and why not, what followed, every attempt."""
    event_id, delivery_id = order(desks)
    desks.works.deliver(delivery_id)

    page = viewer.open(f"/events/{event_id}")

    said = words(page)
    assert "scalev.order.status_changed processed" in said
    assert "Order 250804QWERTY" in said
    assert "wabotick.send_template" in said
    assert "Attempt 1" in said
    assert "“" not in said.partition("What the rules say")[2].partition("As it came in")[0]
    assert "it listens to" in said
    assert '"unique_id": "event_' in unescape(page)
    assert f"/deliveries/{delivery_id}" in page


def test_a_delivery_shows_all_there_is(desks: "Desks", viewer: "Browser") -> None:
    """Its state and what it means, why, every attempt with request and answer, its event, what people did."""
    desks.works.shop.sandbox.fail(vendor="wabotick", status=422, times=1)
    _, delivery_id = order(desks)
    desks.works.deliver(delivery_id)
    with desks.works.people("ani") as people:
        people.retry(delivery_id)
    desks.works.deliver(delivery_id)

    page = viewer.open(f"/deliveries/{delivery_id}")

    said = words(page)
    assert "wabotick.send_template at wa succeeded" in said
    assert "Attempt 1" in said
    assert "Attempt 2" in said
    assert "422" in said
    assert "ani tried it again" in said
    assert f"/events/{desks.works.delivery(delivery_id).event_id}" in page
    assert f"/task/{delivery_id}" in page


def test_a_dead_delivery_says_why_and_what_to_do(desks: "Desks", viewer: "Browser") -> None:
    """The reason in words, the vendor's words, and an advice."""
    desks.works.shop.sandbox.fail(vendor="wabotick", status=401, times=9)
    _, delivery_id = order(desks)
    desks.works.deliver(delivery_id)

    said = words(viewer.open(f"/deliveries/{delivery_id}"))
    listed = words(viewer.open("/deliveries?reason=credentials_refused"))

    assert "the vendor refuses the account's key" in said
    assert "Put a valid key into the configuration" in said
    assert "credentials refused" in listed


def test_what_is_not_there_is_said(admin: "Browser") -> None:
    """An id of nothing is answered with 404 and words."""
    assert "no event" in admin.open(f"/events/{new_id()}", 404)
    assert "no delivery" in admin.open(f"/deliveries/{new_id()}", 404)
    assert "There is no body" in admin.press(f"/events/{new_id()}/body", reason="why not").text
    assert "no such page" in admin.open("/events/not-an-id", 404)


def test_persons_are_masked(desks: "Desks", viewer: "Browser") -> None:
    """No page of an event or delivery tells a viewer a buyer's name, number, address or e-mail."""
    destination = {"name": NAME, "phone": PHONE, "address": "Jl. Melati 7", "email": "bagas@example.com"}
    event_id, delivery_id = order(
        desks, customer={"name": NAME, "phone": PHONE, "email": "bagas@example.com"}, destination_address=destination,
        notes=f"untuk Bagas di {PHONE}",
    )  # fmt: skip
    desks.works.deliver(delivery_id)

    [created] = desks.works.shop.rows("SELECT id FROM events WHERE type = 'scalev.order.created'")
    for path in (
        f"/events/{created.id}",
        f"/events/{event_id}",
        f"/deliveries/{delivery_id}",
        "/events",
        "/deliveries",
    ):
        page = unescape(viewer.open(path))
        for secret in (NAME, PHONE, "0812345", "Melati", "bagas@"):
            assert secret not in page, (path, secret)


def test_every_example_of_a_vendor_is_shown_masked(desks: "Desks", viewer: "Browser") -> None:
    """Whatever a vendor sends: its page opens and tells nobody's name, number or address."""
    for vendor, account in (("scalev", "toko"), ("wabotick", "wa"), ("proton", "crm")):
        for name in example_names(vendor):
            body = load_example(vendor, name)
            event_id = desks.works.accept(body, account, type=f"{vendor}.{name.partition('__')[0]}")
            desks.works.route(event_id)

            page = unescape(viewer.open(f"/events/{event_id}"))

            told = {text for text in personal_in(body) if len(text) >= LEAST and text in page}
            assert not told, (name, told)


def test_a_whole_body_asks_why(desks: "Desks", operator: "Browser") -> None:
    """An operator gets it as a file after a reason, which the audit keeps; nobody gets it without."""
    event_id, _ = order(desks)
    path = f"/events/{event_id}/body"
    viewer = desks.as_(Role.VIEWER)

    assert "Why do you need it" in operator.open(path)
    refused, taken = operator.press(path, reason=" "), operator.press(path, reason="the vendor asks")
    audit = desks.works.shop.rows("SELECT * FROM audit WHERE action = 'reveal'")

    assert refused.status_code == 400
    assert json.loads(taken.data)["data"]["order_id"] == "250804QWERTY"
    assert taken.headers["Content-Disposition"].startswith("attachment")
    assert taken.headers["X-Content-Type-Options"] == "nosniff"
    assert [(row.actor, row.target, row.details["comment"]) for row in audit] == [
        ("operator", str(event_id), "the vendor asks")
    ]
    assert viewer.press(path, reason="me too").status_code == 403
    viewer.open(path, 403)
    assert path not in viewer.open(f"/events/{event_id}")


HOSTILE: dict[str, bytes] = {
    "markup": json.dumps({"event": "<script>alert(1)</script>", "data": {"a": '"><img src=x onerror=a()>'}}).encode(),
    "direction": json.dumps({"data": {"note": "abc\u202edef\u2066", "\u202ekey": 1}}, ensure_ascii=False).encode(),
    "one long text": json.dumps({"data": {"note": "x" * 1_000_000}}).encode(),
    "very deep": b"[" * 100_000 + b"]" * 100_000,
    "deep": b'{"a":' * 500 + b"1" + b"}" * 500,
    "no text": bytes(range(256)) * 40,
    "many": json.dumps({f"key{n}": {"name": f"Person {n}", "n": n} for n in range(5000)}).encode(),
    "digits": b'{"n": ' + b"9" * 10_000 + b', "f": 1.10000000000000000000000001}',
    "not quite JSON": b'{"name": "Bagas Prakoso", ',
    "zero": b'{"a": "\\u0000\\ud800"}',
    "nothing": b"",
}  # fmt: skip


def test_hostile_bodies_show_harmlessly(desks: "Desks", viewer: "Browser") -> None:
    """Whatever came in, its page opens, runs nothing of it, is not turned around by it, and is of a bearable size."""
    for name, body in HOSTILE.items():
        event_id = desks.works.accept(body, type='<img src=x onerror="alert(1)">\u202e')

        for text in (viewer.open(f"/events/{event_id}"), viewer.open("/events")):
            assert "<script>alert" not in text, name
            assert "<img src=x" not in text, name
            assert not re.search("[\u202a-\u202e\u2066-\u2069\x00]", text), name
            assert len(text) < 500_000, name
            assert NAME not in text, name


def test_digits_stay_as_they_came(desks: "Desks", viewer: "Browser") -> None:
    """Numbers with a point are shown with the digits they had."""
    event_id = desks.works.accept(b'{"total": 188000.10, "rate": 1.10000000000000000000000001}')

    page = unescape(viewer.open(f"/events/{event_id}"))

    assert '"total": 188000.10,' in page
    assert '"rate": 1.10000000000000000000000001' in page
