"""Unknown outcomes are settled by asking the vendor: a few times, on record, and never by doing it again."""

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.integration.engine.test_delivering import claim, let_the_lease_run_out, plan_message
from worker.acting import Call, Outcome, Settled, Settlement
from worker.errors import RetryableError
from worker.ledger.settling import PATIENCE_SECONDS
from worker.states import Reason

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

SEND = "wabotick.send_template"


def lose_an_answer(works: "Works", *answers: Settlement | Exception) -> tuple[UUID, list[datetime]]:
    """Send a message whose answer is lost; when asked, the vendor gives these answers, the last one ever again.

    Returns the delivery and the moments from which the vendor was asked about, as they come.
    """
    asked: list[datetime] = []

    def settle(call: Call, since: datetime) -> Settlement:
        answer = answers[min(len(asked), len(answers) - 1)]
        asked.append(since)
        call.session.request("GET", "/conversation")
        if isinstance(answer, Exception):
            raise answer
        return answer

    works.replace_action(SEND, settle=settle)
    works.shop.sandbox.fail(vendor="wabotick", path="*template", when="after", truncate=True, times=1)
    delivery_id = plan_message(works)
    assert works.deliver(delivery_id).conclusion.state == "unknown"
    return delivery_id, asked


def look(works: "Works", seconds: float) -> int:
    """Let time pass and ask about whatever is due; return how many that were."""
    works.clock.pass_(seconds)
    return sum(works.settler.settle(wake.id) is not None for wake in works.sweep().unknown)


def sent(works: "Works") -> int:
    """Return how many messages went out."""
    return len(works.shop.sandbox.effects("message"))


HAPPENED = Settlement(Settled.HAPPENED, Outcome({"message_id": "wamid.FOUND"}))
DID_NOT = Settlement(Settled.DID_NOT_HAPPEN)
NOT_KNOWN = Settlement(Settled.NOT_KNOWN)


def test_it_happened(works: "Works") -> None:
    """It succeeded, with what the vendor told of it, and nothing is sent again."""
    delivery_id, asked = lose_an_answer(works, HAPPENED)
    sending_at = works.delivery(delivery_id).sending_at

    assert look(works, PATIENCE_SECONDS[0]) == 1
    works.settle(10_000)

    row = works.delivery(delivery_id)
    assert (row.state, row.reason, row.result) == ("succeeded", None, {"message_id": "wamid.FOUND"})
    assert asked == [sending_at]
    assert sent(works) == 1


def test_it_did_not_happen(works: "Works") -> None:
    """Only then it is tried again."""
    delivery_id, _ = lose_an_answer(works, DID_NOT)

    look(works, PATIENCE_SECONDS[0])
    assert works.delivery(delivery_id).state == "retrying"
    works.settle()

    assert works.delivery(delivery_id).state == "succeeded"
    assert works.delivery(delivery_id).attempts == 2


def test_it_is_asked_a_few_times_and_then_left_to_a_person(works: "Works") -> None:
    """After 30 s, 2 min, 10 min and an hour it stays unknown, and each time is on record."""
    delivery_id, asked = lose_an_answer(works, NOT_KNOWN)

    for seconds in PATIENCE_SECONDS:
        assert look(works, seconds - 1) == 0
        assert look(works, 1) == 1
    assert look(works, 100_000) == 0

    assert len(asked) == len(PATIENCE_SECONDS)
    assert works.delivery(delivery_id).state == "unknown"
    entries = works.shop.rows("SELECT kind, state, number FROM attempts ORDER BY id")
    assert [row.kind for row in entries] == ["attempt", *["settle"] * len(PATIENCE_SECONDS)]
    assert {(row.state, row.number) for row in entries} == {("unknown", 1)}
    assert sent(works) == 1


def test_a_vendor_that_cannot_be_asked_is_asked_again_later(works: "Works") -> None:
    """An error while asking says nothing of what happened."""
    delivery_id, _ = lose_an_answer(works, RetryableError(Reason.UNAVAILABLE, "HTTP 503"), HAPPENED)

    look(works, PATIENCE_SECONDS[0])
    assert (works.delivery(delivery_id).state, works.delivery(delivery_id).last_error) == ("unknown", "HTTP 503")
    look(works, PATIENCE_SECONDS[1])

    assert works.delivery(delivery_id).state == "succeeded"


def test_a_bug_while_asking_says_nothing_either(works: "Works") -> None:
    """Nothing is repeated, and the text of the exception reaches nobody."""
    delivery_id, _ = lose_an_answer(works, ZeroDivisionError("628123456789"))

    look(works, PATIENCE_SECONDS[0])

    row = works.delivery(delivery_id)
    assert row.state == "unknown"
    assert "628123456789" not in row.last_error


def test_whoever_dies_over_asking_leaves_the_next_time(works: "Works") -> None:
    """A lost look costs one look."""
    delivery_id, asked = lose_an_answer(works, HAPPENED)
    really = works.actions[SEND].settle

    def dies(_call: Call, _since: datetime) -> Settlement:
        raise KeyboardInterrupt

    works.replace_action(SEND, settle=dies)
    with pytest.raises(KeyboardInterrupt):
        look(works, PATIENCE_SECONDS[0])
    works.replace_action(SEND, settle=really)

    assert look(works, PATIENCE_SECONDS[1]) == 1
    assert works.delivery(delivery_id).state == "succeeded"
    assert len(asked) == 1


def test_a_lost_worker_is_asked_about_too(works: "Works") -> None:
    """Its lease ran out while sending: what it did can be asked about like any lost answer."""
    works.replace_action(SEND, settle=lambda _call, _since: HAPPENED)
    delivery_id = plan_message(works)
    claim(works, delivery_id, "lost")
    let_the_lease_run_out(works)
    assert works.delivery(delivery_id).state == "unknown"

    look(works, PATIENCE_SECONDS[0])

    assert works.delivery(delivery_id).state == "succeeded"


@pytest.mark.parametrize("said_sent", [True, False])
def test_a_persons_word_wins(works: "Works", said_sent: bool) -> None:
    """Somebody resolves it while the vendor is being asked: what the vendor says changes nothing."""
    delivery_id, _ = lose_an_answer(works, NOT_KNOWN)

    def meanwhile(_call: Call, _since: datetime) -> Settlement:
        with works.people() as people:
            people.resolve(delivery_id, sent=said_sent)
        return DID_NOT if said_sent else HAPPENED

    works.replace_action(SEND, settle=meanwhile)
    look(works, PATIENCE_SECONDS[0])

    row = works.delivery(delivery_id)
    assert (row.state, row.reason) == ("succeeded" if said_sent else "ready", "by_operator")
    assert look(works, 100_000) == 0


def test_nobody_is_asked_where_the_vendor_offers_no_way(works: "Works") -> None:
    """It waits for a person."""
    works.replace_action(SEND, settle=None)
    works.shop.sandbox.fail(vendor="wabotick", path="*template", when="after", truncate=True, times=1)
    works.deliver(plan_message(works))

    assert look(works, 100_000) == 0


def test_a_vendor_whose_account_is_held_is_not_asked(works: "Works") -> None:
    """It waits until the circuit is closed."""
    delivery_id, asked = lose_an_answer(works, HAPPENED)
    works.execute("UPDATE holds SET opened_at = now(), until = now() + INTERVAL '1 day'")

    assert look(works, 1000) == 0
    works.execute("DELETE FROM holds")
    assert look(works, 0) == 1

    assert asked
    assert works.delivery(delivery_id).state == "succeeded"


def test_two_sweeps_ask_once(works: "Works") -> None:
    """Whoever comes second finds that it is not the time."""
    delivery_id, asked = lose_an_answer(works, NOT_KNOWN)
    works.clock.pass_(PATIENCE_SECONDS[0])

    assert [works.settler.settle(delivery_id) is None for _ in range(2)] == [False, True]
    assert len(asked) == 1


def test_an_unknown_row_that_can_be_asked_about_is_found(works: "Works") -> None:
    """Nothing waits where no sweep would find it."""
    lose_an_answer(works, NOT_KNOWN)
    lost = text("SELECT count(*) FROM deliveries WHERE settle_at IS NOT NULL AND wake_at IS NULL")
    with works.engine.connect() as connection:
        assert connection.scalar(lost) == 0
