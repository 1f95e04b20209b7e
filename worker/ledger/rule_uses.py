"""How much the rules are used: how often each matched, when last, and how its newest deliveries fare.

Invariant: nothing here takes longer as the ledger grows: matches are counted once, into the figures, and of the
deliveries of a rule only the newest are looked at, by its index.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from worker.figures import Grain, Name, hour_of
from worker.ledger.figures import WATERMARK

NEWEST = 500
"""How many of a rule's deliveries are looked at."""
DAY, WEEK = timedelta(days=1), timedelta(days=7)

_MATCHED = text(
    f"""
    SELECT labels[1] AS rule,
           sum(total) FILTER (WHERE grain = {Grain.EVER:d} OR (grain = {Grain.MINUTE:d} AND at >= (
               SELECT watermarks.at FROM watermarks WHERE watermarks.account = :of AND watermarks.name = :called
           ))) AS ever,
           sum(total) FILTER (WHERE grain = {Grain.HOUR:d} AND at >= :day) AS day,
           sum(total) FILTER (WHERE grain = {Grain.HOUR:d} AND at >= :week) AS week
    FROM figures
    WHERE name = '{Name.MATCHED}' AND labels[1] = ANY(:rules) AND (
        grain = {Grain.EVER:d} OR (grain = {Grain.MINUTE:d} AND at >= :minutes)
        OR (grain = {Grain.HOUR:d} AND at >= :week)
    )
    GROUP BY rule
    """  # noqa: S608 - our own words
)
_NEWEST = text(
    """
    SELECT wanted.rule, newest.state, count(*) AS total, max(newest.created_at) AS last_at
    FROM unnest(CAST(:rules AS text[])) AS wanted (rule)
    CROSS JOIN LATERAL (
        SELECT state, created_at FROM deliveries WHERE rule = wanted.rule ORDER BY id DESC LIMIT :most
    ) AS newest
    GROUP BY wanted.rule, newest.state
    """
)


@dataclass
class Use:
    """How much one rule is used."""

    ever: int = 0
    """How often it matched since this is counted; up to 15 seconds old, as the other figures are."""
    day: int = 0
    week: int = 0
    last_at: datetime | None = None
    """When it last wanted something; None: never, or longer ago than deliveries are kept."""
    states: dict[str, int] = field(default_factory=dict)
    """Of its newest deliveries: how many are in which state."""

    @property
    def looked_at(self) -> int:
        """How many of its deliveries were looked at."""
        return sum(self.states.values())


def uses_of(connection: Connection, rules: Sequence[str], now: datetime, most: int = NEWEST) -> dict[str, Use]:
    """Return how much each of some rules is used."""
    found = {name: Use() for name in rules}
    of, called = WATERMARK
    given = {
        "rules": list(rules), "of": of, "called": called, "day": hour_of(now - DAY), "week": hour_of(now - WEEK),
        "minutes": now - DAY,
    }  # fmt: skip
    for row in connection.execute(_MATCHED, given):
        use = found[row.rule]
        use.ever, use.day, use.week = int(row.ever or 0), int(row.day or 0), int(row.week or 0)
    for row in connection.execute(_NEWEST, {"rules": list(rules), "most": most}):
        use = found[row.rule]
        use.states[row.state] = row.total
        use.last_at = max(row.last_at, use.last_at or row.last_at)
    return found
