"""When an account, a person or a template is held back, and until when: pure functions and a few figures.

    an account-wide answer, or failures in a row      the account's circuit opens; one probe at a time, ever rarer
    an answer about a person, or about a template     messages to that person, or made from it, wait so long
    "too fast"                                        nothing is held, everything goes slower for a while

Invariant: a hold that nobody has to lift ends, or is tried, at a known moment.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from worker.states import HoldKind, Reason

OUTAGES = frozenset(
    {Reason.CONNECT_FAILED, Reason.TIMEOUT, Reason.CONNECTION_LOST, Reason.SERVER_ERROR, Reason.UNAVAILABLE}
)
"""What a vendor that is down looks like."""
OUTAGE_FAILURES = 5
FIRST_PROBE_SECONDS = 15.0
LONGEST_PROBE_SECONDS = 600.0
SLOW_SECONDS = 60.0
MOST_SLOWING = 6
LONGEST_WAIT = timedelta(hours=24)
"""How long a delivery is held at most, and how long a hold of a person or a template is remembered after its end."""


@dataclass(frozen=True)
class Hold:
    """Something that is held back at an account."""

    account: str
    kind: HoldKind
    key: str
    reason: Reason
    error: str
    action: str
    opened_at: datetime | None = None
    until: datetime | None = None
    failures: int = 0
    failed: UUID | None = None
    probes: int = 0
    probe: UUID | None = None

    def applies(self, now: datetime) -> bool:
        """Whether it still holds a person's or a template's messages back."""
        return self.until is None or now < self.until


@dataclass(frozen=True)
class Failure:
    """An attempt that failed, as far as it concerns others."""

    delivery_id: UUID
    account: str
    action: str
    reason: Reason
    error: str
    asked_seconds: float = 0.0
    """How long the vendor asked to wait."""


def person_key(phone: str) -> str:
    """Return the name under which a person's holds and paces stand: nothing personal in clear."""
    return sha256(f"hookyard {phone}".encode()).hexdigest()[:32]


def after_failure(found: Hold | None, failure: Failure, now: datetime, *, account_wide: bool) -> Hold:
    """Return what an account's circuit is after an attempt that failed so as to concern the whole account.

    An account-wide answer opens it at once, an outage when it is the fifth in a row, each of another delivery.
    """
    asked = now + timedelta(seconds=min(failure.asked_seconds, LONGEST_WAIT.total_seconds()))
    if found is not None and found.opened_at is not None:
        until = max(found.until or now, asked)
        return replace(found, probe=None if found.probe == failure.delivery_id else found.probe, until=until)
    failures = (found.failures if found else 0) + (found is None or found.failed != failure.delivery_id)
    opens = account_wide or failures >= OUTAGE_FAILURES
    until = max(now + timedelta(seconds=FIRST_PROBE_SECONDS), asked)
    return Hold(
        account=failure.account, kind=HoldKind.ACCOUNT, key="", reason=failure.reason, error=failure.error,
        action=failure.action, opened_at=now if opens else None, until=until if opens else None, failures=failures,
        failed=failure.delivery_id,
    )  # fmt: skip


def probed_by(hold: Hold, delivery_id: UUID, now: datetime) -> Hold:
    """Return an open circuit through which one delivery may go; the pause until the next one doubles."""
    pause = min(LONGEST_PROBE_SECONDS, FIRST_PROBE_SECONDS * 2.0 ** min(hold.probes + 1, 30))
    return replace(hold, probes=hold.probes + 1, probe=delivery_id, until=now + timedelta(seconds=pause))


def closes(hold: Hold, *, succeeded: bool, reason: Reason | None) -> bool:
    """Whether a probe's end shows that an account works again: after an outage, any answer does."""
    return succeeded or (hold.reason in OUTAGES and reason not in OUTAGES)


def waiting(
    found: Hold | None,
    failure: Failure,
    kind: HoldKind,
    key: str,
    now: datetime,
    *,
    growth: float | None,
    for_good: bool,
) -> Hold | None:
    """Return how long a person's or a template's messages wait; None when nothing says that others should.

    `growth`: after the n-th time in a row they wait growth ** (n - 1) seconds.
    """
    times = found.failures if found else 0
    seconds = max(failure.asked_seconds, growth**times if growth else 0.0)
    if not for_good and seconds <= 0:
        return None
    until = now + timedelta(seconds=min(seconds, 7 * LONGEST_WAIT.total_seconds()))
    if found is not None and found.until is not None:
        until = max(found.until, until)
    lasting = for_good or (found is not None and found.until is None)
    return Hold(
        account=failure.account, kind=kind, key=key, reason=failure.reason, error=failure.error, action=failure.action,
        opened_at=now, until=None if lasting else until, failures=times + 1, failed=failure.delivery_id,
    )  # fmt: skip


def slowed(found: Hold | None, failure: Failure, now: datetime) -> Hold:
    """Return how much slower an account goes: half as fast each time, for a minute or as long as was asked."""
    still = found is not None and found.until is not None and found.until > now
    seconds = max(SLOW_SECONDS, min(failure.asked_seconds, LONGEST_PROBE_SECONDS))
    until = now + timedelta(seconds=seconds)
    return Hold(
        account=failure.account, kind=HoldKind.PACE, key="", reason=failure.reason, error=failure.error,
        action=failure.action, opened_at=now, until=until,
        failures=min((found.failures if found and still else 0) + 1, MOST_SLOWING), failed=failure.delivery_id,
    )  # fmt: skip


def going_on(circuit: Hold, now: datetime) -> Hold:
    """Return the slow start after a circuit was closed, so that what was held does not go all at once."""
    until = now + timedelta(seconds=SLOW_SECONDS)
    return replace(
        circuit, kind=HoldKind.PACE, opened_at=now, until=until, failures=1, probes=0, probe=None,
        error=f"after the circuit was closed: {circuit.error}",
    )  # fmt: skip
