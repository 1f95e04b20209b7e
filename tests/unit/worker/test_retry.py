"""What follows from a failed attempt, as a table."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.errors import PermanentError, RetryableError, UncertainError, WorkerError
from worker.retry import RetryPolicy, decide
from worker.states import DeliveryState, Reason

NOW = datetime(2026, 1, 15, 3, tzinfo=UTC)
POLICY = RetryPolicy()
ALMOST_ONE = 1 - 2**-53

RETRYABLE = RetryableError(Reason.SERVER_ERROR, "x")
UNCERTAIN = UncertainError(Reason.TIMEOUT, "x")
PERMANENT = PermanentError(Reason.NOT_FOUND, "x")
LEASE = WorkerError(Reason.LEASE_EXPIRED, "x")


@pytest.mark.parametrize(
    ("error", "attempt", "idempotent", "state", "reason"),
    [
        (RETRYABLE, 1, False, "retrying", "server_error"),
        (RETRYABLE, 19, False, "retrying", "server_error"),
        (RETRYABLE, 20, False, "dead", "exhausted"),
        (RETRYABLE, 21, True, "dead", "exhausted"),
        (RetryableError(Reason.REJECTED, "x", most_attempts=3), 2, False, "retrying", "rejected"),
        (RetryableError(Reason.REJECTED, "x", most_attempts=3), 3, False, "dead", "exhausted"),
        (RetryableError(Reason.REJECTED, "x", most_attempts=99), 20, False, "dead", "exhausted"),
        (UNCERTAIN, 1, False, "unknown", "timeout"),
        (UNCERTAIN, 20, False, "unknown", "timeout"),
        (UNCERTAIN, 1, True, "retrying", "timeout"),
        (UNCERTAIN, 20, True, "dead", "exhausted"),
        (PERMANENT, 1, False, "dead", "not_found"),
        (PERMANENT, 1, True, "dead", "not_found"),
        (LEASE, 1, False, "retrying", "lease_expired"),
        (LEASE, 20, False, "dead", "exhausted"),
        (KeyError("x"), 1, False, "dead", "bug"),
        (KeyError("x"), 1, True, "dead", "bug"),
    ],
)
def test_decision(error: Exception, attempt: int, idempotent: bool, state: str, reason: str) -> None:
    """Each kind of error, at the first and the last attempt."""
    decision = decide(error, attempt, NOW, idempotent=idempotent, draw=lambda: 0.5)

    assert (decision.state, decision.reason) == (state, reason)
    assert (decision.due_at is not None) == (state == "retrying")


@given(st.integers(1, 19), st.floats(0, ALMOST_ONE))
def test_the_delay_is_drawn_between_zero_and_a_ceiling_that_doubles(attempt: int, drawn: float) -> None:
    """Full jitter: any delay up to 5 s after the first attempt, twice that after each other one, 6 h at most."""
    decision = decide(RETRYABLE, attempt, NOW, idempotent=False, draw=lambda: drawn)

    assert decision.due_at is not None
    delay = (decision.due_at - NOW).total_seconds()
    assert 0 <= delay <= min(6 * 3600, 5 * 2 ** (attempt - 1))
    assert delay == pytest.approx(drawn * POLICY.ceiling(attempt), abs=1e-5)


@given(st.floats(0, 7 * 86400), st.floats(0, ALMOST_ONE), st.integers(1, 19), st.sampled_from([True, False]))
def test_a_retry_after_is_never_undercut(asked: float, drawn: float, attempt: int, sure: bool) -> None:
    """Whatever the jitter draws, and also where the answer left it open whether it was done."""
    kind = RetryableError if sure else UncertainError
    error = kind(Reason.RATE_LIMITED, "x", retry_after_seconds=asked)

    decision = decide(error, attempt, NOW, idempotent=True, draw=lambda: drawn)

    assert decision.due_at is not None
    assert decision.due_at >= NOW + timedelta(seconds=asked)


@pytest.mark.parametrize("asked", [7 * 86400 + 1, 1e18, float("inf")])
def test_an_absurd_retry_after_is_a_dead_letter(asked: float) -> None:
    """Nobody waits for weeks: a person decides."""
    error = RetryableError(Reason.RATE_LIMITED, "x", retry_after_seconds=asked)

    decision = decide(error, 1, NOW, idempotent=False, draw=lambda: 0.5)

    assert (decision.state, decision.reason) == (DeliveryState.DEAD, Reason.RATE_LIMITED)


def test_the_whole_series_takes_about_a_day() -> None:
    """20 attempts: the expected sum of all delays is 24 hours, give or take one."""
    expected = sum(POLICY.ceiling(attempt) / 2 for attempt in range(1, POLICY.most_attempts))

    assert 23 * 3600 < expected < 25 * 3600


def test_no_attempt_number_is_too_large() -> None:
    """The ceiling stays the ceiling."""
    assert POLICY.ceiling(10**9) == POLICY.ceiling_seconds
