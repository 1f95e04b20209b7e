"""How far a message came: receipts move it forward, in whatever order, however often, also before the send is known."""

import itertools
import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from tests.integration.cli.test_commands import document, hookyard
from tests.integration.engine.test_delivering import plan_message
from tests.integration.engine.test_holds import messages as plan_messages
from webhooks.examples import load_example
from worker.acting import Call, Outcome
from worker.errors import UncertainError
from worker.ledger import attempting, messages
from worker.ledger.attempting import Lease
from worker.reading import Receipt
from worker.receipts import take_in
from worker.states import MessageState, Reason

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works


def send(works: "Works") -> tuple[UUID, str]:
    """Send a message; return its delivery and the vendor's id of it."""
    delivery_id = plan_message(works)
    assert works.deliver(delivery_id).conclusion.state == "succeeded"
    return delivery_id, works.delivery(delivery_id).result["message_id"]


def report(works: "Works", message_id: str, state: str, **more: Any) -> None:
    """Receive a status webhook."""
    body = load_example("wabotick", "message.status")
    works.receive(body | {"wa_message_id": message_id, "message_status": state, **more}, "wa", trigger="status")


def message(works: "Works", message_id: str) -> Any:
    """Return a message's row."""
    [row] = works.shop.rows("SELECT * FROM messages WHERE message_id = :id", id=message_id)
    return row


def test_a_send_is_written_down_as_accepted(works: "Works") -> None:
    """With its delivery, and the person not in clear."""
    delivery_id, message_id = send(works)

    row = message(works, message_id)
    assert (row.account, row.delivery_id, row.state, row.accepted_at) == ("wa", delivery_id, "accepted", works.clock())
    assert "8123456789" not in row.person


@pytest.mark.parametrize("order", list(itertools.permutations(["sent", "delivered", "read"])))
def test_receipts_in_any_order_lead_to_the_same(works: "Works", order: tuple[str, ...]) -> None:
    """Each twice, mixed: it was read."""
    _, message_id = send(works)

    for state in order * 2:
        report(works, message_id, state)

    row = message(works, message_id)
    assert row.state == "read"
    assert None not in (row.accepted_at, row.sent_at, row.delivered_at, row.read_at)


def test_a_receipt_before_the_send_was_recorded_is_not_lost(works: "Works") -> None:
    """The vendor reports faster than it answers us."""
    answer = {"status": "1", "wa_message_id": "wamid.FAST", "message": "sent"}
    works.shop.sandbox.fail(vendor="wabotick", status=200, body=json.dumps(answer), content_type="application/json")
    report(works, "wamid.FAST", "delivered")

    delivery_id, _ = send(works)

    row = message(works, "wamid.FAST")
    assert (row.delivery_id, row.state, row.accepted_at) == (delivery_id, "delivered", works.clock())


def test_a_failure_says_why(works: "Works") -> None:
    """The code and its reason stand with the message, `show` tells them in words, and nothing comes after."""
    delivery_id, message_id = send(works)

    report(works, message_id, "failed", failed_reason="(Error Code : 131026 )Message Undeliverable.")
    report(works, message_id, "delivered")

    row = message(works, message_id)
    assert (row.state, row.error_code, row.reason) == ("failed", "131026", "undeliverable")
    [shown] = document(works.shop, "show", str(delivery_id))["deliveries"]
    assert [one["state"] for one in shown["messages"]] == ["failed"]
    told = hookyard("show", str(delivery_id), environ=works.shop.environ).stdout
    assert "undeliverable (code 131026)" in told


def test_what_arrived_does_not_fail_any_more(works: "Works") -> None:
    """A late failure does not take back that it was read."""
    _, message_id = send(works)

    report(works, message_id, "read")
    report(works, message_id, "failed", failed_reason="(Error Code : 131026 )Message Undeliverable.")

    assert (message(works, message_id).state, message(works, message_id).reason) == ("read", None)


def test_a_receipt_that_says_stop_holds_the_person(works: "Works") -> None:
    """131050 by a receipt: further messages to that person are suppressed."""
    _, message_id = send(works)

    report(works, message_id, "failed", failed_reason="(Error Code : 131050 )User stopped marketing messages.")

    works.replace_action("wabotick.send_template", recipient=lambda given: given.phone_number)
    [again] = plan_messages(works, 1)
    works.deliver(again)
    assert (works.delivery(again).state, works.delivery(again).reason) == ("suppressed", "opted_out")


def test_a_receipt_that_names_the_delivery_settles_it(works: "Works") -> None:
    """The answer was lost, but the vendor gives our mark back: it happened, and its message is known."""
    works.shop.sandbox.fail(vendor="wabotick", path="*template", when="after", truncate=True, times=1)
    delivery_id = plan_message(works)
    works.deliver(delivery_id)
    receipt = Receipt("wamid.MARKED", MessageState.SENT, works.clock(), reference=str(delivery_id))

    for account in ("crm", "wa"):
        with works.engine.begin() as connection:
            take_in(connection, works.config, account, receipt, works.clock())

    row = works.delivery(delivery_id)
    assert (row.state, row.reason, row.result["message_id"]) == ("succeeded", None, "wamid.MARKED")
    found = works.shop.rows("SELECT account, delivery_id FROM messages ORDER BY account")
    assert [(one.account, one.delivery_id) for one in found] == [("crm", None), ("wa", delivery_id)]


@pytest.mark.parametrize(("state", "end"), [(MessageState.SENT, "succeeded"), (MessageState.FAILED, "dead")])
def test_a_receipt_that_was_faster_than_the_end_of_its_attempt_settles_it(
    works: "Works", state: MessageState, end: str
) -> None:
    """The vendor named the delivery while it was under way: its worker was lost, or heard no answer."""
    lost, unanswered = plan_messages(works, 2)

    def report_on(delivery_id: UUID) -> None:
        receipt = Receipt(f"wamid.{delivery_id}", state, works.clock(), reference=str(delivery_id))
        with works.engine.begin() as connection:
            take_in(connection, works.config, "wa", receipt, works.clock())

    def run(call: Call) -> Outcome:
        call.session.request("GET", "/nothing")
        report_on(unanswered)
        raise UncertainError(Reason.TIMEOUT, "no answer came")

    lease = Lease("lost", works.clock(), 4)
    with works.engine.begin() as connection:
        row = attempting.claim(connection, lost, lease)
        assert row is not None
        assert attempting.mark_sending(connection, row, lease)
    report_on(lost)
    works.clock.pass_(5)
    works.sweep()
    works.replace_action("wabotick.send_template", run=run)
    works.deliver(unanswered)

    for one in (lost, unanswered):
        row = works.delivery(one)
        assert (row.state, row.result["message_id"]) == (end, f"wamid.{one}")


def test_a_receipt_of_an_attempt_before_settles_nothing(works: "Works") -> None:
    """It told of a message that was sent before a person had it sent again."""
    delivery_id, message_id = send(works)
    report(works, message_id, "failed", failed_reason="(Error Code : 131026 )Message Undeliverable.")
    works.clock.pass_(60)
    with works.people() as people:
        people.retry(delivery_id)
    works.shop.sandbox.fail(vendor="wabotick", path="*template", when="after", truncate=True, times=1)

    works.deliver(delivery_id)

    assert works.delivery(delivery_id).state == "unknown"


def test_a_message_of_somebody_else_is_kept_too(works: "Works") -> None:
    """A person wrote by hand: its receipts are no fault, and belong to no delivery."""
    report(works, "wamid.BY-HAND", "delivered")

    assert message(works, "wamid.BY-HAND").delivery_id is None


def test_messages_that_nothing_was_heard_of_are_found(works: "Works") -> None:
    """Accepted or sent long ago; each is named once in a while, and not those that arrived."""
    _, silent = send(works)
    began = works.clock()
    works.clock.pass_(1800)
    now = works.clock()

    def heard_nothing() -> list[str]:
        with works.engine.begin() as connection:
            span = (began.replace(year=2025), now)
            rows = messages.under_way(connection, "wa", span, began, now, 10)
        return [row.message_id for row in rows]

    assert heard_nothing() == [silent]
    assert heard_nothing() == []


def test_an_action_that_is_no_message_writes_none(works: "Works") -> None:
    """A message id alone does not make a message."""
    works.replace_action(
        "wabotick.send_template", run=lambda _call: Outcome({"message_id": "x"}), recipient=lambda _given: None
    )
    works.deliver(plan_message(works))

    assert works.shop.rows("SELECT * FROM messages") == []
