"""Which order a tapped button is about: said outright, by the message it answers, by the button; never guessed."""

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.shop import order_created, order_status_changed

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

KNOWN = "250804QWERTY"


def told(works: "Works", number: str) -> str:
    """Tell a buyer by a message that an order was shipped; return the message's id."""
    works.receive(order_created(number))
    [planned] = works.receive(order_status_changed("shipped", number)).deliveries
    works.deliver(planned)
    return str(works.delivery(planned.id).result["message_id"])


def tapped(works: "Works", **said: Any) -> Any:
    """Tap a button; return the event's row."""
    body = {"chat_id": "12025550143", "user_message": "Confirm", **said}
    routed = works.receive(body, "wa", trigger="flow")
    return works.event(routed.event_id)


@pytest.mark.parametrize(
    ("said", "subject", "note"),
    [
        ({"postbackid": f"confirm:{KNOWN}"}, f"order:{KNOWN}", None),
        ({"postbackid": f"confirm:{KNOWN}", "reply_message_id": "wamid.of-another"}, f"order:{KNOWN}", None),
        ({"postbackid": "confirm:OTHER-1", "order_id": KNOWN}, f"order:{KNOWN}", None),
        ({"postbackid": "slot:2"}, "phone:12025550143", "nothing says which order this is about"),
        (
            {"postbackid": "slot:2", "reply_message_id": "wamid.of-another"},
            "phone:12025550143",
            "the message that was answered is none of ours",
        ),
    ],
)
def test_the_order_of_trust(said: dict[str, Any], subject: str, note: str | None, works: "Works") -> None:
    """An order's number outright, then the answered message, then a button of our own; else nothing, and why."""
    works.receive(order_created(KNOWN))

    event = tapped(works, **said)

    assert (event.subject, event.note) == (subject, note)


def test_the_answered_message_is_trusted_before_the_button(works: "Works") -> None:
    """The message is known exactly; what a button is called is the shop's own habit."""
    message_id = told(works, KNOWN)
    works.receive(order_created("250804OTHER1"))

    event = tapped(works, chat_id="628123456789", postbackid="confirm:250804OTHER1", reply_message_id=message_id)

    assert event.subject == f"order:{KNOWN}"
