"""The console's buttons: each does once what its page showed, or says in one sentence why not."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from console.users import Role
from tests.integration.engine.test_holds import customers
from tests.integration.engine.test_jobs import dead
from tests.integration.web.conftest import Browser, Desks
from worker.ledger import quarantine
from worker.ledger.quarantine import Caps, Refused
from worker.states import Press

WHY = "vendor works again"


def shown(browser: Browser, delivery_id: UUID) -> dict[str, str]:
    """Return what the forms of a delivery's page carry."""
    page = browser.open(f"/deliveries/{delivery_id}")
    return {name: re.search(rf'name="{name}" value="([^"]*)"', page)[1] for name in ("state", "attempts")}  # type: ignore[index]


def states(desks: Desks) -> list[str]:
    """Return the states of all deliveries."""
    return [row.state for row in desks.works.shop.rows("SELECT state FROM deliveries ORDER BY id")]


def audited(desks: Desks) -> list[tuple[str, str, str]]:
    """Return who pressed what and why, oldest first."""
    rows = desks.works.shop.rows("SELECT * FROM audit WHERE actor NOT IN ('set-up') ORDER BY id")
    pressed = [row for row in rows if "log" not in row.action and "user" not in row.action]
    return [(row.actor, row.action, row.details.get("comment", "")) for row in pressed]


def test_a_delivery_is_tried_again(desks: Desks, operator: Browser) -> None:
    """The button is on its page; the press is written down with its reason, and the browser goes back."""
    [delivery] = dead(desks.works, 1)
    page = f"/deliveries/{delivery}"

    answer = operator.press(f"/press/retry/{delivery}", comment=WHY, back=page, **shown(operator, delivery))
    desks.works.settle()

    assert (answer.status_code, answer.location) == (303, page)
    assert "It is tried again now." in operator.open(page)
    assert states(desks) == ["succeeded"]
    assert audited(desks) == [("operator", "retry", WHY)]


@pytest.mark.parametrize("what", ["retry", "cancel"])
def test_a_double_click_and_two_operators_press_once(desks: Desks, what: str) -> None:
    """Four presses of the same form at once, by two people: one is done, the others are told what it is now."""
    [delivery] = dead(desks.works, 1)
    browsers = [desks.as_(Role.OPERATOR), desks.as_(Role.ADMIN)] * 2
    fields = shown(browsers[0], delivery) | {"comment": WHY, "csrf": ""}
    tokens = {id(browser): browser.token() for browser in browsers}

    def press(browser: Browser) -> Any:
        client = desks.app.test_client()
        for cookie in browser.client._cookies.values():
            client.set_cookie(cookie.key, cookie.value, domain=cookie.domain, path=cookie.path)
        return client.post(f"/press/{what}/{delivery}", data=fields | {"csrf": tokens[id(browser)]})

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(press, browsers))
    desks.works.settle()

    assert sorted(answer.status_code for answer in answers) == [303, 409, 409, 409]
    refused = next(answer.text for answer in answers if answer.status_code == 409)
    assert "you saw dead" in refused
    assert len(audited(desks)) == 1
    assert len(desks.works.shop.sandbox.effects()) == (what == "retry")


def test_a_stale_form_does_nothing(desks: Desks, operator: Browser) -> None:
    """It was settled since the page was opened: the answer says what it is now."""
    [delivery] = customers(desks.works, 1)
    desks.works.execute("UPDATE deliveries SET state = 'unknown', attempts = 1")
    fields = shown(operator, delivery)
    desks.works.execute("UPDATE deliveries SET state = 'succeeded'")

    answer = operator.press(f"/press/resolve/{delivery}", outcome="not-sent", comment=WHY, **fields)

    assert answer.status_code == 409
    assert "is succeeded now; you saw unknown" in answer.text
    assert audited(desks) == []


def test_an_unknown_one_is_settled_by_its_two_buttons(desks: Desks, operator: Browser) -> None:
    """One counts it as done, the other sends it."""
    one, two = customers(desks.works, 2)
    desks.works.execute("UPDATE deliveries SET state = 'unknown', attempts = 1")

    for delivery, outcome in ((one, "sent"), (two, "not-sent")):
        fields = shown(operator, delivery)
        answer = operator.press(f"/press/resolve/{delivery}", outcome=outcome, comment=WHY, **fields)
        assert answer.status_code == 303
    desks.works.settle()

    assert states(desks) == ["succeeded", "succeeded"]
    assert len(desks.works.shop.sandbox.effects("opportunity")) == 1


def test_an_event_is_routed_again(desks: Desks, operator: Browser) -> None:
    """The button is on the event's page, and nothing that was planned is planned twice."""
    [delivery] = customers(desks.works, 1)
    event = desks.works.delivery(delivery).event_id
    assert "Ask the rules again" in operator.open(f"/events/{event}")
    row = desks.works.event(event)

    answer = operator.press(f"/press/replay/{event}", state=row.state, attempts=row.attempts, comment=WHY)
    desks.works.settle()

    assert answer.status_code == 303
    assert len(states(desks)) == 1


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/press/retry/{id}", {"state": "dead", "attempts": "3", "comment": WHY}, 409),
        ("/press/replay/{id}", {"state": "failed", "attempts": "1", "comment": WHY}, 409),
        ("/press/retry/{id}", {"comment": WHY}, 400),
        ("/press/retry/{id}", {"state": "dead", "attempts": "3"}, 400),
        ("/press/retry/42", {}, 404),
        ("/press/resolve/{id}", {"state": "unknown", "attempts": "1", "comment": WHY, "outcome": "maybe"}, 400),
        ("/jobs/{id}/stop", {"comment": WHY}, 409),
        ("/held/pause/account/nowhere", {"comment": WHY}, 409),
        ("/held/resume/account/wa", {"comment": WHY}, 409),
        ("/held/pause/shop/wa", {"comment": WHY}, 404),
        ("/held/close", {"account": "wa", "kind": "account", "comment": WHY}, 409),
        ("/quarantine/{id}/release", {"comment": WHY}, 409),
        ("/quarantine/{id}/discard", {"comment": WHY}, 409),
        ("/quarantine/release", {}, 400),
        ("/press", {"job": "x", "kind": "retry", "comment": WHY}, 400),
        ("/press", {"job": str(uuid4()), "told": "3/7", "kind": "delete", "comment": WHY}, 400),
        ("/press", {"job": str(uuid4()), "told": "3/7", "kind": "retry", "since": "x", "comment": WHY}, 400),
    ],
)
def test_what_cannot_be_pressed_is_refused_in_words(
    desks: Desks, operator: Browser, path: str, fields: dict[str, str], status: int
) -> None:
    """Unknown ids, half a form, wrong words: one clear answer, and nothing is done."""
    answer = operator.press(path.replace("{id}", str(uuid4())), **fields)

    assert answer.status_code == status
    assert "fault of ours" not in answer.text
    assert audited(desks) == []


def test_accounts_and_rules_are_paused_and_resumed(desks: Desks, operator: Browser) -> None:
    """Who paused it and why stands on the page; the second press is told that it is paused already."""
    answers = [operator.press("/held/pause/account/wa", comment="new number").status_code for _ in range(2)]
    page = operator.open("/held")
    resumed = operator.press("/held/resume/account/wa", comment="done", back="/held")

    assert answers == [303, 409]
    assert "by operator since" in page
    assert "new number" in page
    assert resumed.location == "/held"
    assert audited(desks) == [("operator", "pause", "new number"), ("operator", "resume", "done")]


def test_bodies_in_quarantine_are_released_and_thrown_away(desks: Desks, operator: Browser) -> None:
    """What is still refused can only be thrown away, once."""
    now = desks.works.clock()
    body = Refused("toko", "bad_signature", {}, b"{}", "application/json", None, {}, "192.0.2.7", now)
    with desks.works.engine.begin() as connection:
        quarantine.keep(connection, body, Caps(rows=10, size_bytes=1000, days=9))
    [row] = desks.works.shop.rows("SELECT id FROM quarantine")
    page = operator.open("/quarantine")

    still = operator.press(f"/quarantine/{row.id}/release", comment="try")
    every = operator.press("/quarantine/release", comment="try", account="toko")
    gone = [operator.press(f"/quarantine/{row.id}/discard", comment="no vendor's").status_code for _ in range(2)]

    assert "bad signature" in page
    assert "Throw it away" in page
    assert (still.status_code, every.status_code, gone) == (409, 303, [303, 409])
    assert audited(desks) == [("operator", "discard", "no vendor's")]


def test_a_test_event_is_sent_to_our_own_receiver(desks: Desks, operator: Browser) -> None:
    """It is signed and taken in; where vendors are real an admin has to say so, and without a receiver it is told."""
    fields = {"account": "toko", "example": "order.created", "comment": "after the key was changed"}
    assert "order.created" in operator.open("/send?account=toko")

    nobody = operator.press("/send", **fields)
    receiver = desks.works.shop.start_receiver()
    sent = operator.press("/send", **fields)
    wrong = operator.press("/send", **fields | {"example": "nothing"})

    assert nobody.status_code == 409
    assert "no receiver at" in nobody.text
    assert sent.status_code == 303, (sent.text, receiver.log)
    [event] = desks.works.shop.rows("SELECT id, account FROM events")
    assert (sent.location, event.account, wrong.status_code) == (f"/events/{event.id}", "toko", 409)
    assert audited(desks) == [("operator", "send", "after the key was changed")]


def test_the_audit_is_read_page_by_page(desks: Desks, operator: Browser) -> None:
    """Newest first, narrowed by who, what and when; a time that is none is said so."""
    with desks.works.people("ani") as people:
        for number in range(60):
            people.note(Press.RELEASE, f"n{number:02}", {"odd": "<b>"})

    first = operator.open("/audit?action=release")
    second = re.search(r'rel="next" href="([^"]+)"', first)[1].replace("&amp;", "&")  # type: ignore[index]

    assert "n59" in first
    assert "n09" not in first
    assert "n09" in operator.open(second)
    assert "&lt;b&gt;" in first
    assert "Nobody has done anything that matches." in operator.open("/audit?actor=nobody")
    assert "is not a time" in operator.open("/audit?since=yesterday", status=400)


def test_the_audit_speaks_in_words(desks: Desks, operator: Browser) -> None:
    """Each press can be asked for and is shown in words; one of another time shows too; no other name is asked for."""
    with desks.works.people("ani") as people:
        for press in Press:
            people.note(press, f"to-{press}", {})
    with desks.works.engine.begin() as connection:
        connection.execute(text("UPDATE audit SET action = 'looked_twice' WHERE target = 'to-reveal'"))

    page = operator.open("/audit")

    assert re.findall(r'<option value="(\w+)"', page) == list(Press)
    assert '<td data-label="What">looked twice</td>' in page
    assert '<td data-label="What">gave the user another role</td>' in page
    assert "to-pause" in operator.open("/audit?action=pause")
    assert "to-resume" not in operator.open("/audit?action=pause")
    assert "Nobody can do anything of that name." in operator.open("/audit?action=looked_twice", status=400)


def test_a_viewer_looks_but_has_no_buttons(desks: Desks, viewer: Browser) -> None:
    """Every page of this area opens for a viewer; none offers what would be refused."""
    [delivery] = dead(desks.works, 1)

    for path in (
        "/press?kind=retry&account=crm",
        "/held",
        "/quarantine",
        "/audit",
        "/send?account=toko",
        f"/deliveries/{delivery}",
    ):
        page = viewer.open(path)
        forms = re.findall(r'<form method="post" action="([^"]+)"', page)
        assert [form for form in forms if "log" not in form] == [], path
