"""What is counted and measured over time: the words, the buckets of measures, and the arithmetic on them.

Invariant: every label is of a known, small set (accounts, actions, rules, states, reasons), never a subject.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

BOUNDS_SECONDS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0,
)  # fmt: skip
"""The upper bounds of the buckets that times are counted in; one more bucket takes what is longer."""

NO_BUCKET = -1
"""The bucket of what is counted and not measured."""


class Name(StrEnum):
    """What a figure is of."""

    RECEIVED = "received"  # events that a webhook brought and that were new
    RECONCILED = "reconciled"  # events that no webhook brought: the vendor was asked
    DUPLICATES = "duplicates"  # requests in which nothing was new
    REFUSED = "refused"  # requests that were answered with an error
    CHALLENGED = "challenged"  # requests that asked whether an endpoint is ours, and were told so
    ACKNOWLEDGEMENT = "acknowledgement"  # from the last byte of a request to its answer
    ATTEMPTS = "attempts"  # tries of deliveries, by what they made of them
    DEAD = "dead"  # deliveries that became dead letters, also without an attempt
    END_TO_END = "end_to_end"  # from the webhook, or the time that a rule named, to the vendor's answer
    VENDOR = "vendor"  # single calls to a vendor
    MATCHED = "matched"  # events and facts that a rule wanted something from
    OPEN = "open"  # deliveries that are under way: the most there were at a look


LABELS: Mapping[Name, tuple[str, ...]] = {
    Name.REFUSED: ("reason",),
    Name.ATTEMPTS: ("action", "state", "reason"),
    Name.DEAD: ("action", "reason"),
    Name.MATCHED: ("rule",),
    Name.OPEN: ("state",),
}
"""What a figure is told apart by, beside its account; nothing where it is not named here."""

OF_THE_RECEIVER = frozenset({Name.DUPLICATES, Name.REFUSED, Name.CHALLENGED, Name.ACKNOWLEDGEMENT})
"""What only the receiver knows; everything else is read from the ledger's other tables."""

OF_THE_LEDGER = frozenset(
    {Name.RECEIVED, Name.RECONCILED, Name.ATTEMPTS, Name.DEAD, Name.END_TO_END, Name.VENDOR, Name.MATCHED}
)  # fmt: skip


class Grain(IntEnum):
    """How long a figure's span is, in seconds; `EVER` has no end."""

    EVER = 0
    MINUTE = 60
    HOUR = 3600


@dataclass(frozen=True)
class Key:
    """One figure of one minute."""

    minute: datetime
    account: str
    name: Name
    labels: tuple[str, ...] = ()
    bucket: int = NO_BUCKET


def minute_of(moment: datetime) -> datetime:
    """Return the minute that a moment is in."""
    return moment.replace(second=0, microsecond=0)


def hour_of(moment: datetime) -> datetime:
    """Return the hour that a moment is in."""
    return moment.replace(minute=0, second=0, microsecond=0)


def bucket_of(seconds: float) -> int:
    """Return the bucket that a time is counted in."""
    return bisect_right(BOUNDS_SECONDS, seconds)


def quantile(buckets: Mapping[int, int], share: float) -> float | None:
    """Return the time that a share (0 to 1) of the measures stay under, as near as the buckets tell; None of none.

    Within a bucket the measures are taken to be spread evenly. What is longer than the last bound counts as that bound.
    """
    total = sum(buckets.values())
    if not total:
        return None
    wanted, passed = share * total, 0
    for bucket in sorted(buckets):
        count = buckets[bucket]
        if count and passed + count >= wanted:
            if bucket >= len(BOUNDS_SECONDS):
                break
            low = BOUNDS_SECONDS[bucket - 1] if bucket else 0.0
            return low + (BOUNDS_SECONDS[bucket] - low) * max(0.0, wanted - passed) / count
        passed += count
    return BOUNDS_SECONDS[-1]
