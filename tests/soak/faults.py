"""How the vendors of the random histories fail, and how often.

Invariant: every way in which a call may end is here, before and after it had its effect.
"""

from collections.abc import Callable
from random import Random

from worker.errors import PermanentError, RetryableError, UncertainError, WorkerError
from worker.states import Reason, Scope

# Each way to fail, and how often of a thousand calls.
FAULTS = {
    "lost_answer": 50, "lost_request": 30, "connect_failed": 40, "rate_limited": 30, "rejected": 25,
    "too_fast_for_one": 25, "opted_out": 5, "template_stopped": 1, "account": 2,
    "crash_before": 20, "crash_after": 25, "late": 40, "bug_before": 5, "bug_after": 5,
}  # fmt: skip
TIMEOUT_SECONDS = 15.0


class Crashed(BaseException):
    """The worker is gone."""


def drawn(rng: Random) -> str:
    """Return how a call fails, or `none`."""
    number = rng.randrange(1000)
    for fault, often in FAULTS.items():
        number -= often
        if number < 0:
            return fault
    return "none"


def _scoped(error: WorkerError, scope: Scope) -> WorkerError:
    error.scope = scope
    return error


BEFORE: dict[str, Callable[[], BaseException]] = {
    "lost_request": lambda: UncertainError(Reason.TIMEOUT, "no answer in time"),
    "connect_failed": lambda: RetryableError(Reason.CONNECT_FAILED, "nobody there"),
    "rate_limited": lambda: RetryableError(Reason.RATE_LIMITED, "too fast", retry_after_seconds=20),
    "rejected": lambda: PermanentError(Reason.REJECTED, "no"),
    "too_fast_for_one": lambda: _scoped(
        RetryableError(Reason.PAIR_RATE_LIMITED, "too fast", growth=4.0), Scope.RECIPIENT
    ),
    "opted_out": lambda: _scoped(PermanentError(Reason.OPTED_OUT, "wants nothing more"), Scope.RECIPIENT),
    "template_stopped": lambda: _scoped(PermanentError(Reason.TEMPLATE_STOPPED, "template is paused"), Scope.TEMPLATE),
    "account": lambda: _scoped(PermanentError(Reason.PAYMENT_PROBLEM, "not paid"), Scope.ACCOUNT),
    "crash_before": Crashed,
}
AFTER: dict[str, Callable[[], BaseException]] = {
    "lost_answer": lambda: UncertainError(Reason.TIMEOUT, "no answer in time"),
    "crash_after": Crashed,
    "bug_after": ValueError,
}
