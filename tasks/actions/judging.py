"""What an HTTP status means when a vendor says nothing more precise.

Invariant: every status has a verdict; a vendor's own table only refines this one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

from tasks.actions.http import Answer, HttpSession
from worker.errors import PermanentError, RetryableError, UncertainError, WorkerError
from worker.states import Reason, Scope

MOST_MESSAGE_CHARACTERS = 300


@dataclass(frozen=True)
class Verdict:
    """What an answer amounts to."""

    error: type[WorkerError]
    reason: Reason
    most_attempts: int | None = None
    """After how many attempts to give up, when early."""
    scope: Scope = Scope.DELIVERY
    """What else it holds for."""
    wait_seconds: float | None = None
    """How long to wait at least when the answer does not say."""
    growth: float | None = None
    """See `RetryableError`."""


STATUS_VERDICTS: dict[int, Verdict] = {
    400: Verdict(PermanentError, Reason.INVALID_REQUEST),
    401: Verdict(PermanentError, Reason.CREDENTIALS_REFUSED, scope=Scope.ACCOUNT),
    403: Verdict(PermanentError, Reason.FORBIDDEN),
    404: Verdict(PermanentError, Reason.NOT_FOUND),
    408: Verdict(RetryableError, Reason.UNAVAILABLE),
    413: Verdict(PermanentError, Reason.INVALID_REQUEST),
    422: Verdict(PermanentError, Reason.INVALID_REQUEST),
    425: Verdict(RetryableError, Reason.UNAVAILABLE),
    429: Verdict(RetryableError, Reason.RATE_LIMITED),
    503: Verdict(RetryableError, Reason.UNAVAILABLE),
    # A gateway that waited in vain: behind it the request may have been carried out.
    504: Verdict(UncertainError, Reason.TIMEOUT),
}
_REDIRECT = Verdict(PermanentError, Reason.REJECTED)
_OTHER_4XX = Verdict(PermanentError, Reason.REJECTED)
# It broke on the way, before or after it did what was asked: only the vendor's own words can say.
_OTHER_5XX = Verdict(UncertainError, Reason.SERVER_ERROR)
_NO_ANSWER_AT_ALL = Verdict(UncertainError, Reason.UNREADABLE_ANSWER)


def verdict_of(status: int, own: dict[int, Verdict]) -> Verdict | None:
    """Return what a status amounts to, by a vendor's own table, then by the common one; None for success."""
    if 200 <= status < 300:
        return None
    if found := own.get(status) or STATUS_VERDICTS.get(status):
        return found
    if 300 <= status < 400:
        return _REDIRECT
    if 400 <= status < 500:
        return _OTHER_4XX
    return _OTHER_5XX if status < 600 else _NO_ANSWER_AT_ALL


def raise_verdict(verdict: Verdict, session: HttpSession, answer: Answer, message: str) -> NoReturn:
    """Raise what a verdict says, with the vendor's words and any Retry-After."""
    text = f"HTTP {answer.status}: {message[:MOST_MESSAGE_CHARACTERS]}" if message else f"HTTP {answer.status}"
    raise error_of(verdict, text, session.retry_after_seconds(answer))


def error_of(verdict: Verdict, text: str, retry_after_seconds: float | None = None) -> WorkerError:
    """Return the error that a verdict stands for."""
    wait = verdict.wait_seconds if retry_after_seconds is None else retry_after_seconds
    error: WorkerError
    if verdict.error is RetryableError:
        error = RetryableError(verdict.reason, text, wait, verdict.most_attempts, verdict.growth)
    else:
        error = verdict.error(verdict.reason, text)
        error.retry_after_seconds = wait
    error.scope = verdict.scope
    return error


@contextmanager
def looking() -> Iterator[None]:
    """Do what changes nothing at the vendor, within an action that does: an answer that does not come is no harm."""
    try:
        yield
    except UncertainError as error:
        raise RetryableError(error.reason, str(error), error.retry_after_seconds) from None
