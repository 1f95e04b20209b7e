"""The 24 hours after a person's message: known from what came in, judged at sending; then the template goes."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.engine.test_holds import sent
from tests.support.shop import order_created, order_status_changed
from webhooks.examples import load_example

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

PERSON = "628123456789"
TEXT, TEMPLATE = "/wabotick/api/v1/whatsapp/send", "/wabotick/api/v1/whatsapp/send/template"
RULE = """
rules:
  - name: tell
    on: [scalev.order.shipped]
    steps:
      - id: text
        action: wabotick.send_message
        with: {phone_number: "{{ order.phone }}", message: "On its way"}
        on_failure:
          - id: template
            reasons: outside_window
            action: wabotick.send_template
            with: {phone_number: "{{ order.phone }}", template_id: "257000", variables: ["a", "b"]}
"""


def begin(works: "Works") -> None:
    """Let one rule send a text, or a template where it may not."""
    works.shop.sandbox.set_trap("wabotick", enforce_window=False)
    works.shop.write_rules(RULE)
    works.reload()


def hear(works: "Works", trigger: str = "incoming", **said: Any) -> None:
    """Let the buyer write, or tap a button."""
    body = load_example("wabotick", "message.received") | {"chat_id": PERSON, "user_message": "Hello", **said}
    works.receive(body, "wa", trigger=trigger)


def ship(works: "Works") -> dict[str, tuple[str, str | None]]:
    """Ship an order, do all that follows, and return what became of each step."""
    number = f"2508{len(works.shop.deliveries()):08}"
    works.receive(order_created(number))
    works.receive(order_status_changed("shipped", number))
    works.settle(2)
    rows = works.shop.rows("SELECT * FROM deliveries WHERE subject = :subject", subject=f"order:{number}")
    return {row.step: (row.state, row.reason) for row in rows}


OUTSIDE = {"text": ("dead", "outside_window"), "text.template": ("succeeded", None)}
INSIDE = {"text": ("succeeded", None)}


def test_outside_the_template_goes_instead_without_a_call(works: "Works") -> None:
    """Nobody has written: the text is never tried, the template is sent, and the delivery says why."""
    begin(works)

    found = ship(works)

    assert found == OUTSIDE
    assert sent(works, TEMPLATE) == 1
    assert sent(works, TEXT) == 0
    [row] = works.shop.rows("SELECT * FROM deliveries WHERE step = 'text'")
    assert row.last_error == "outside the 24 hours: the person has not written yet; only a template may be sent"


@pytest.mark.parametrize(("hours", "expected"), [(0, INSIDE), (23.5, INSIDE), (23.76, OUTSIDE), (30, OUTSIDE)])
def test_the_person_opens_it_for_a_little_less_than_a_day(
    works: "Works", hours: float, expected: dict[str, tuple[str, str | None]]
) -> None:
    """From the message on."""
    begin(works)
    hear(works)
    works.clock.now += timedelta(hours=hours)

    assert ship(works) == expected


def test_a_tap_opens_it_too(works: "Works") -> None:
    """As any message of the person."""
    begin(works)
    hear(works, "flow", postbackid="slot:2", user_message="Confirm")

    assert ship(works) == INSIDE


@pytest.mark.parametrize(
    ("example", "trigger"),
    [("message.status", "status"), ("message.sent", "outgoing"), ("conversation.status__blocked", "conversation")],
)
def test_what_the_person_did_not_say_opens_nothing(works: "Works", example: str, trigger: str) -> None:
    """Reports, our own messages and what an agent does."""
    works.receive(load_example("wabotick", example) | {"chat_id": PERSON}, "wa", trigger=trigger)

    assert works.shop.rows("SELECT * FROM windows") == []


def test_it_is_another_one_for_each_person(works: "Works") -> None:
    """That somebody else wrote says nothing."""
    begin(works)
    hear(works, chat_id="12025550143")

    assert ship(works) == OUTSIDE


def test_an_older_message_told_late_closes_nothing(works: "Works") -> None:
    """The newest stands; and it is kept under a hash."""
    begin(works)
    hear(works)
    works.receive(
        load_example("wabotick", "message.received") | {"chat_id": PERSON, "user_message": "Hi"},
        "wa",
        trigger="incoming",
        received_at=works.clock() - timedelta(days=2),
    )

    [row] = works.shop.rows("SELECT * FROM windows")
    assert row.heard_at == works.clock()
    assert PERSON[2:] not in row.person
    assert ship(works) == INSIDE


def test_who_does_not_hear_leaves_it_to_the_vendor(works: "Works") -> None:
    """Without the endpoint for incoming messages nothing is known, so the text is tried."""
    path = works.shop.folder / "config" / "accounts.yaml"
    path.write_text(path.read_text().replace("incoming: wabotick-incoming-url-secret, ", ""))
    begin(works)

    assert ship(works) == INSIDE

    assert sent(works, TEXT) == 1
