"""Messages that go to many at once: who opted out is left out, quiet hours hold them, and none is followed."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from config.faults import ConfigError
from tests.support.shop import order_created
from worker.states import ConsentScope

if TYPE_CHECKING:
    from uuid import UUID

    from tests.integration.engine.conftest import Works

SEND = "/scalev/v3/waba-accounts/41/send-messages"
ANI, BUDI = "+628123456789", "+6281298765432"
RULE = """
rules:
  - name: tell-many
    on: [scalev.order.created]
    steps:
      - id: tell
        action: scalev.send_messages
        account: toko
        category: CATEGORY
        with:
          waba_account_id: 41
          template_id: TEMPLATE
          people: [{name: Ani, phone: "08123456789"}, {name: Budi, phone: "081298765432"}]
          component_values: [Ani, JX1]
"""
QUIET = 'business: {timezone: Asia/Jakarta, quiet_hours: "21:00-08:00"}\n'


def begin(works: "Works", category: str = "marketing", template: str = "301") -> None:
    """Send a batch for each order."""
    works.shop.write_rules(RULE.replace("CATEGORY", category).replace("TEMPLATE", template))
    works.check_templates()


def attempt(works: "Works") -> "UUID":
    """Let an order come in, run its delivery once, and return it."""
    [wake] = works.receive(order_created()).deliveries
    works.deliver(wake)
    return wake.id


def stop(works: "Works", *phones: str, scope: ConsentScope = ConsentScope.MARKETING) -> None:
    """Let people want no more messages."""
    with works.people() as people:
        for phone in phones:
            people.consent(phone, scope, None, stopped=True)


def told(works: "Works") -> list[str]:
    """Return whose phones Scalev sent messages to."""
    effects = [effect for one in works.shop.sandbox.requests(SEND) for effect in one["effects"]]
    return sorted(effect["phone_number"] for effect in effects)


def ended(works: "Works", delivery_id: "UUID") -> tuple[str, str | None, Any]:
    """Return a delivery's state, reason and result."""
    row = works.delivery(delivery_id)
    return row.state, row.reason, row.result


def test_who_wants_messages_gets_them(works: "Works") -> None:
    """All of them, when nobody opted out."""
    begin(works)

    found = attempt(works)

    assert ended(works, found)[:2] == ("succeeded", None)
    assert told(works) == [ANI.lstrip("+"), BUDI.lstrip("+")]


def test_who_opted_out_is_left_out(works: "Works") -> None:
    """The others get it; the result says how many did not."""
    begin(works)
    stop(works, ANI)

    state, _, result = ended(works, attempt(works))

    assert (state, result["left_out"]) == ("succeeded", 1)
    assert told(works) == [BUDI.lstrip("+")]


def test_when_nobody_is_left_nothing_is_sent(works: "Works") -> None:
    """It is suppressed, as a message to one person is."""
    begin(works)
    stop(works, ANI, BUDI)

    assert ended(works, attempt(works))[:2] == ("suppressed", "opted_out")
    assert told(works) == []


@pytest.mark.parametrize(("scope", "got"), [(ConsentScope.MARKETING, 2), (ConsentScope.ALL, 1)])
def test_utility_goes_to_who_only_wants_no_marketing(works: "Works", scope: ConsentScope, got: int) -> None:
    """But not to who is blocked."""
    begin(works, "utility")
    stop(works, ANI, scope=scope)

    assert ended(works, attempt(works))[0] == "succeeded"
    assert len(told(works)) == got


def test_it_waits_for_the_morning(works: "Works") -> None:
    """Quiet hours hold it, as they do any message."""
    path = works.shop.folder / "config" / "accounts.yaml"
    path.write_text(path.read_text() + QUIET)
    begin(works)
    works.clock.now += timedelta(hours=12)  # ten in the evening in Jakarta

    assert ended(works, attempt(works))[:2] == ("waiting", "quiet_hours")
    assert told(works) == []


def test_its_template_is_judged_too(works: "Works") -> None:
    """By the list of its own WhatsApp account."""
    begin(works, template="303")

    assert ended(works, attempt(works))[:2] == ("waiting", "template_stopped")
    assert told(works) == []


@pytest.mark.parametrize(
    "key", ["success: delivered", "delivered_within: 1h", "question: {answers: [a, b], within: 1h}"]
)
def test_what_asks_for_one_person_is_refused(works: "Works", key: str) -> None:
    """Of the many none is followed, so a rule cannot wait for them."""
    begin(works)
    works.shop.write_rules(RULE.replace("category: CATEGORY", key).replace("TEMPLATE", "301"))

    with pytest.raises(ConfigError, match="sends to many at once"):
        works.reload()
