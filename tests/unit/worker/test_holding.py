"""When a circuit opens, is probed and closes; how long persons and templates wait; as tables."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from worker import holding
from worker.holding import Failure, Hold
from worker.states import HoldKind, Reason

NOW = datetime(2026, 1, 15, 3, tzinfo=UTC)


def failure(reason: Reason = Reason.CONNECT_FAILED, asked: float = 0.0, delivery_id: UUID | None = None) -> Failure:
    """Return a failed attempt of a delivery of its own."""
    return Failure(delivery_id or uuid4(), "wa", "wabotick.send_template", reason, "it failed", asked)


def opened(reason: Reason = Reason.CONNECT_FAILED) -> Hold:
    """Return a circuit that opened just now."""
    return holding.after_failure(None, failure(reason), NOW, account_wide=True)


def in_seconds(hold: Hold | None) -> float:
    """Return how long a hold lasts from NOW."""
    assert hold is not None
    assert hold.until is not None
    return (hold.until - NOW).total_seconds()


def test_an_account_wide_answer_opens_at_once() -> None:
    """One refused credential is enough, and it is tried again after 15 seconds."""
    assert in_seconds(opened(Reason.CREDENTIALS_REFUSED)) == 15


def test_failures_in_a_row_open_at_the_fifth() -> None:
    """Four deliveries that found nobody are counted, the fifth opens."""
    hold: Hold | None = None
    states = []
    for _ in range(5):
        hold = holding.after_failure(hold, failure(), NOW, account_wide=False)
        states.append(hold.opened_at is not None)

    assert states == [False] * 4 + [True]


def test_one_delivery_alone_is_no_outage() -> None:
    """What fails for one delivery only, however often, may be its own fault."""
    mine, hold = uuid4(), None
    for _ in range(10):
        hold = holding.after_failure(hold, failure(delivery_id=mine), NOW, account_wide=False)

    assert hold is not None
    assert hold.opened_at is None


@pytest.mark.parametrize(("asked", "seconds"), [(0, 15), (10, 15), (14_400, 14_400), (1e9, 86_400)])
def test_a_circuit_waits_as_long_as_was_asked(asked: float, seconds: float) -> None:
    """Never shorter than the vendor asked, and a day at most."""
    assert in_seconds(holding.after_failure(None, failure(asked=asked), NOW, account_wide=True)) == seconds


def test_probes_become_rarer_up_to_ten_minutes() -> None:
    """The pause doubles with each probe."""
    hold, pauses = opened(), []
    for _ in range(8):
        hold = holding.probed_by(hold, uuid4(), NOW)
        pauses.append(in_seconds(hold))

    assert pauses == [30, 60, 120, 240, 480, 600, 600, 600]


def test_a_probe_that_failed_lets_another_be_chosen() -> None:
    """The circuit stays open, and its time is not moved forward."""
    probe = uuid4()
    hold = holding.probed_by(opened(), probe, NOW)

    after = holding.after_failure(hold, failure(delivery_id=probe), NOW, account_wide=False)

    assert after == replace(hold, probe=None)


@pytest.mark.parametrize(
    ("why", "succeeded", "reason", "expected"),
    [
        (Reason.TIMEOUT, True, None, True),
        (Reason.TIMEOUT, False, Reason.INVALID_REQUEST, True),  # somebody answered
        (Reason.TIMEOUT, False, Reason.SERVER_ERROR, False),
        (Reason.PAYMENT_PROBLEM, True, None, True),
        (Reason.PAYMENT_PROBLEM, False, Reason.TEMPLATE, False),  # it says nothing of the payment
    ],
)
def test_what_closes_a_circuit(why: Reason, succeeded: bool, reason: Reason | None, expected: bool) -> None:
    """A success closes any; after an outage, any answer."""
    assert holding.closes(opened(why), succeeded=succeeded, reason=reason) is expected


def test_a_person_waits_longer_each_time() -> None:
    """4^n seconds for the n-th time in a row, n from 0."""
    hold, seconds = None, []
    for _ in range(4):
        hold = holding.waiting(
            hold, failure(Reason.PAIR_RATE_LIMITED), HoldKind.RECIPIENT, "k", NOW, growth=4.0, for_good=False
        )
        seconds.append(in_seconds(hold))

    assert seconds == [1, 4, 16, 64]


def test_what_holds_for_good_is_not_ended_by_what_does_not() -> None:
    """Somebody who opted out stays so, whatever comes after."""
    forever = holding.waiting(None, failure(Reason.OPTED_OUT), HoldKind.RECIPIENT, "k", NOW, growth=None, for_good=True)
    later = holding.waiting(forever, failure(asked=5), HoldKind.RECIPIENT, "k", NOW, growth=None, for_good=False)

    assert forever is not None
    assert later is not None
    assert (forever.until, later.until) == (None, None)
    assert later.applies(NOW + timedelta(days=1000))


def test_an_answer_that_asks_for_nothing_holds_nobody() -> None:
    """Without a time, others are not held back."""
    assert holding.waiting(None, failure(), HoldKind.TEMPLATE, "k", NOW, growth=None, for_good=False) is None


def test_too_fast_slows_by_half_each_time_for_a_while() -> None:
    """The second refusal within the minute halves again; after the minute it begins anew."""
    once = holding.slowed(None, failure(Reason.RATE_LIMITED), NOW)
    twice = holding.slowed(once, failure(Reason.RATE_LIMITED), NOW)
    later = holding.slowed(twice, failure(Reason.RATE_LIMITED), NOW + timedelta(minutes=5))

    assert [once.failures, twice.failures, later.failures] == [1, 2, 1]
    assert in_seconds(once) == 60


def test_a_person_is_not_named_in_clear() -> None:
    """The key is the same each time, another for another person, and has no digits of the phone in a row."""
    key = holding.person_key("+628123456789")

    assert key == holding.person_key("+628123456789") != holding.person_key("+628123456780")
    assert "8123456789" not in key
