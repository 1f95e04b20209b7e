"""What the end of an attempt means for other deliveries: holds opened, counted, closed.

Invariant: it is written in the transaction that concludes the attempt, so that both stand or neither does.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from worker import holding
from worker.errors import PermanentError, RetryableError, WorkerError
from worker.holding import OUTAGES, Failure, Hold
from worker.ledger import holds
from worker.ledger.attempting import Conclusion
from worker.messaging import consent
from worker.messaging.consent import BY_RECEIPT, Wish
from worker.states import DeliveryState, HoldKind, Reason, Scope


@dataclass(frozen=True)
class Ended:
    """How an attempt ended, as far as it concerns others."""

    row: Row[Any]
    """The delivery as it was claimed."""
    conclusion: Conclusion
    error: WorkerError | None = None
    recipient: str | None = None
    """The person, in E.164, that a message was for."""
    template: str | None = None
    answered: bool = False
    """Whether anything went over the wire."""

    @property
    def concerns_others(self) -> bool:
        """Whether anything beside the delivery has to be written down."""
        row, error = self.row, self.error
        if row.is_probe or (row.is_failing and self.answered):
            return True
        return error is not None and (
            error.scope is not Scope.DELIVERY or error.reason in OUTAGES or error.reason is Reason.RATE_LIMITED
        )

    @property
    def failure(self) -> Failure:
        """The failure as holds remember it."""
        assert self.error is not None  # noqa: S101 - the callers' condition, told to mypy
        asked = self.error.retry_after_seconds or 0.0
        said = self.conclusion.error or ""
        return Failure(self.row.id, self.row.account, self.row.action, self.error.reason, said, asked)


@dataclass(frozen=True)
class Consequences:
    """What became of the delivery, and of what is held."""

    conclusion: Conclusion
    opened: Hold | None = None
    closed: Hold | None = None
    told: tuple[UUID, ...] = ()
    """Facts that are to be routed."""


def follow(connection: Connection, ended: Ended, now: datetime) -> Consequences:
    """Write down what an attempt's end means for others; return how its own delivery goes on."""
    error, conclusion = ended.error, ended.conclusion
    if error is not None and _is_account_wide(error):
        return _failed(connection, ended, now, account_wide=True)
    if error is not None and error.reason in OUTAGES:
        return _failed(connection, ended, now, account_wide=False)
    told: tuple[UUID, ...] = ()
    if error is not None and error.reason is Reason.OPTED_OUT and ended.recipient:
        wish = Wish(stopped=True, why=BY_RECEIPT)
        told = consent.follow(connection, wish, ended.row.account, ended.recipient, now, now)
    elif error is not None:
        _hold_others(connection, ended, error, now)
    return Consequences(conclusion, told=told, closed=_account_answers(connection, ended, now))


def _is_account_wide(error: WorkerError) -> bool:
    return error.scope is Scope.ACCOUNT and error.reason is not Reason.RATE_LIMITED


def _failed(connection: Connection, ended: Ended, now: datetime, *, account_wide: bool) -> Consequences:
    failure = ended.failure
    before, after = holds.change(
        connection, failure.account, HoldKind.ACCOUNT, "",
        lambda found: holding.after_failure(found, failure, now, account_wide=account_wide),
    )  # fmt: skip
    assert after is not None  # noqa: S101 - a failure leaves a hold or a count
    is_open = after.opened_at is not None
    conclusion = ended.conclusion
    if is_open and conclusion.state is DeliveryState.RETRYING:
        conclusion = replace(conclusion, held_until=after.until, due_at=None)
    opened = after if is_open and (before is None or before.opened_at is None) else None
    return Consequences(conclusion, opened=opened)


def _hold_others(connection: Connection, ended: Ended, error: WorkerError, now: datetime) -> None:
    failure = ended.failure
    if error.reason is Reason.RATE_LIMITED and error.scope in {Scope.ACCOUNT, Scope.DELIVERY}:
        holds.change(connection, failure.account, HoldKind.PACE, "", lambda found: holding.slowed(found, failure, now))
    for scope, kind, name in (
        (Scope.RECIPIENT, HoldKind.RECIPIENT, ended.recipient and holding.person_key(ended.recipient)),
        (Scope.TEMPLATE, HoldKind.TEMPLATE, ended.template),
    ):
        if error.scope is scope and name:
            _hold_some(connection, failure, error, (kind, name), now)


def _hold_some(
    connection: Connection, failure: Failure, error: WorkerError, what: tuple[HoldKind, str], now: datetime
) -> None:
    kind, key = what
    growth = error.growth if isinstance(error, RetryableError) else None
    for_good = isinstance(error, PermanentError) and kind is HoldKind.TEMPLATE

    def step(found: Hold | None) -> Hold | None:
        return holding.waiting(found, failure, kind, key, now, growth=growth, for_good=for_good) or found

    holds.change(connection, failure.account, kind, key, step)


def _account_answers(connection: Connection, ended: Ended, now: datetime) -> Hold | None:
    """Forget failures in a row that this answer ended; close the circuit that this probe went through."""
    row, closed = ended.row, None

    def step(found: Hold | None) -> Hold | None:
        nonlocal closed
        if found is None or (found.opened_at is None and ended.answered):
            return None
        if found.probe != row.id:
            return found
        succeeded = ended.conclusion.is_success
        if ended.answered and holding.closes(found, succeeded=succeeded, reason=ended.conclusion.reason):
            closed = found
            return None
        return replace(found, probe=None)

    holds.change(connection, row.account, HoldKind.ACCOUNT, "", step)
    if closed:
        start_slowly(connection, closed, now)
    return closed


def start_slowly(connection: Connection, closed: Hold, now: datetime) -> None:
    """Let what was held go on, but not all at once."""
    holds.change(connection, closed.account, HoldKind.PACE, "", lambda _: holding.going_on(closed, now))
