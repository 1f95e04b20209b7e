"""The newest recorded events played through the rules, as many as a page can wait for.

Invariant: nothing is written; what is left out is said.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from config.load import Config
from tasks.trying.backtest import Backtest
from worker.ids import first_id

MOST_EVENTS = 3_000
"""How many are played at once: some seconds of work."""
_UNITS = {"h": "hours", "d": "days"}
_NTH = text("SELECT received_at FROM events WHERE id >= :first ORDER BY id DESC OFFSET :most LIMIT 1")


@dataclass(frozen=True)
class Recent:
    """What would have been sent."""

    report: dict[str, Any]
    """See `tasks.trying.backtest`."""
    is_cut: bool
    """There were more events in that time: only the newest were played."""


def play_recent(connection: Connection, config: Config, span: str, now: datetime, most: int = MOST_EVENTS) -> Recent:
    """Play the events of a span such as `24h`, the newest of them where they are many."""
    since = now - timedelta(**{_UNITS[span[-1]]: int(span[:-1])})
    cut_at = connection.scalar(_NTH, {"first": first_id(since), "most": most})
    since = max(cut_at + timedelta(microseconds=1), since) if cut_at else since
    report = Backtest(connection, config, since, now).run(lambda *_: None)
    return Recent(report, cut_at is not None)
