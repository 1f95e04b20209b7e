"""The errors of the worker, one tree.

    WorkerError
    ├── ReceiveError        a webhook is refused; `status` is the HTTP answer
    ├── RetryableError      nothing has happened, a later attempt may succeed
    ├── UncertainError      sent, no answer: it may have happened
    └── PermanentError      nothing has happened, no repeat mends it

ConfigError (config.faults) stands outside: it exists only before anything starts. Any other exception is a bug: it is
reported, the delivery becomes a dead letter, and nothing is repeated blindly.

Invariant: the text of an error is the operator's message; it holds no secret and no personal data.
"""

from worker.states import Reason, Scope


class WorkerError(Exception):
    """Something the worker expects to go wrong; `reason` names it for metrics, the ledger and logs."""

    retry_after_seconds: float | None = None
    """How long the vendor asked to wait, where it did."""
    scope: Scope = Scope.DELIVERY
    """What the vendor's answer holds for, beside the delivery that got it."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type["WorkerError"], tuple[Reason, str]]:
        # Celery shows an error that cannot be pickled as something else, and logs it as unexpected.
        return type(self), (self.reason, str(self))


class ReceiveError(Exception):
    """A webhook is refused. The sender gets `status` and the text."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason


class RetryableError(WorkerError):
    """Nothing has happened; a later attempt may succeed, not before `retry_after_seconds` where the vendor said so.

    `growth` replaces the usual backoff: the n-th attempt is followed by a wait of `growth ** (n - 1)` seconds.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        retry_after_seconds: float | None = None,
        most_attempts: int | None = None,
        growth: float | None = None,
    ) -> None:
        super().__init__(reason, message)
        self.retry_after_seconds, self.most_attempts, self.growth = retry_after_seconds, most_attempts, growth


class UncertainError(WorkerError):
    """The request went out and no answer that says what became of it came back."""

    def __init__(self, reason: Reason, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(reason, message)
        self.retry_after_seconds = retry_after_seconds


class PermanentError(WorkerError):
    """Nothing has happened and no repeat mends it."""
