"""What follows from an attempt that failed: one pure function, one table of figures.

Invariant: a Retry-After is never undercut, and an effect that may have happened is never repeated unless repeating
it changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from config.rules import Patience, Step
from worker.errors import PermanentError, RetryableError, UncertainError, WorkerError
from worker.states import DeliveryState, Reason, Scope


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential backoff with full jitter.

    The shipped figures give 20 attempts: the first six within about five minutes, the last after about 24 hours
    (half the sum of the ceilings, as a delay is drawn evenly between zero and its ceiling).
    """

    base_seconds: float = 5.0
    ceiling_seconds: float = 6 * 3600.0
    most_attempts: int = 20
    longest_retry_after_seconds: float = 7 * 86400.0
    until: datetime | None = None
    """No attempt begins after this."""

    def ceiling(self, attempt: int) -> float:
        """Return the longest delay in seconds after a given attempt (1 is the first)."""
        return min(self.ceiling_seconds, self.base_seconds * 2.0 ** min(attempt - 1, 30))


def policy_of(step: Step | None, series_at: datetime | None) -> RetryPolicy:
    """Return the policy that a step asks for; `series_at`: when its present series of attempts was due to begin."""
    patience, usual = step.patience if step else Patience(), RetryPolicy()
    until = series_at + patience.within if series_at and patience.within else None
    return replace(usual, most_attempts=patience.attempts or usual.most_attempts, until=until)


@dataclass(frozen=True)
class Decision:
    """The state that follows, why, and when it is due; without a time where the account's circuit says it."""

    state: DeliveryState
    reason: Reason
    due_at: datetime | None = None


def decide(
    error: Exception,
    attempt: int,
    now: datetime,
    *,
    idempotent: bool,
    draw: Callable[[], float],
    policy: RetryPolicy = RetryPolicy(),
) -> Decision:
    """Decide what follows when an attempt failed.

    `attempt` counts from 1, within the present series (a person's `retry` begins a new one). `draw` gives a number
    from 0 up to 1. Anything that is not a WorkerError is a bug: dead, for a person to look at, unless it may have
    happened, which the caller says by wrapping it in an UncertainError.
    """
    if isinstance(error, UncertainError) and not idempotent:
        return Decision(DeliveryState.UNKNOWN, error.reason)
    if isinstance(error, WorkerError) and error.scope is Scope.ACCOUNT and error.reason is not Reason.RATE_LIMITED:
        return Decision(DeliveryState.RETRYING, error.reason)
    if isinstance(error, PermanentError) or not isinstance(error, WorkerError):
        reason = error.reason if isinstance(error, WorkerError) else Reason.BUG
        return Decision(DeliveryState.DEAD, reason)
    most, asked = policy.most_attempts, error.retry_after_seconds or 0.0
    if isinstance(error, RetryableError):
        most = min(most, error.most_attempts or most)
    if asked > policy.longest_retry_after_seconds:
        return Decision(DeliveryState.DEAD, error.reason)
    if attempt >= most:
        return Decision(DeliveryState.DEAD, Reason.EXHAUSTED)
    growth = error.growth if isinstance(error, RetryableError) else None
    own = growth ** (attempt - 1) if growth else draw() * policy.ceiling(attempt)
    due_at = now + timedelta(seconds=max(asked, min(own, policy.ceiling_seconds)))
    if policy.until is not None and due_at > policy.until:
        return Decision(DeliveryState.DEAD, Reason.EXHAUSTED)
    return Decision(DeliveryState.RETRYING, error.reason, due_at)
