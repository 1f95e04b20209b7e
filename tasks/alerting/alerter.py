"""Look every minute whether a failure nears its limit, and tell people.

Invariant: what is told is written down first, in the transaction that judged; a target that cannot be reached delays
nobody else, and a fault here never reaches the engine.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, Row

from config.load import Config
from tasks.alerting.sending import Sender
from worker.alerting import Cause, News, judge
from worker.clock import Clock
from worker.errors import WorkerError
from worker.ledger import alerts

log = structlog.get_logger()


@dataclass(frozen=True)
class Alerter:
    """Judges, and tells."""

    engine: Engine
    config: Config
    clock: Clock
    sender: Sender

    def run(self) -> list[News]:
        """Judge once and send what is due; return what is new."""
        with self.engine.begin() as connection:
            news = self._judged(connection) if alerts.alone(connection) else []
        for one in news:
            log.warning(
                "alert.firing" if one.state == "firing" else "alert.recovered",
                cause=one.cause, account=one.account, percent=one.percent, value=one.value, limit=one.limit,
            )  # fmt: skip
        self._send()
        return news

    def _judged(self, connection: Connection) -> list[News]:
        now = self.clock()
        found = {(one.cause, one.account): one for one in alerts.measure(connection, self._limits, now)}
        before = {(watch.measure.cause, watch.measure.account): watch for watch in alerts.watches(connection)}
        gone = {key: replace(watch.measure, value=0) for key, watch in before.items() if key not in found}
        news = []
        for key, measure in (found | gone).items():
            watch, told = judge(before.get(key), measure, now)
            if watch is not None:
                alerts.remember(connection, watch)
            elif key in before:
                alerts.forget(connection, before[key])
            news += [told] if told else []
        if news:
            alerts.enqueue(connection, self.config.alerts.targets, news, now)
        return news

    @property
    def _limits(self) -> Any:
        return self.config.alerts.failure_limits

    def _send(self) -> None:
        with self.engine.begin() as connection:
            due = alerts.claim(connection, self.clock())
        by_target: dict[str, list[Row[Any]]] = defaultdict(list)
        for row in due:
            by_target[row.target].append(row)
        for name, rows in by_target.items():
            error = self._told(name, rows)
            with self.engine.begin() as connection:
                if error is None:
                    alerts.sent(connection, rows, self.clock())
                else:
                    alerts.not_sent(connection, rows, error, self.clock())

    def _told(self, name: str, rows: Sequence[Row[Any]]) -> str | None:
        """Tell a target all that waits for it as one message; return why it could not be told."""
        target = self.config.alerts.targets.get(name)
        if target is None:
            return None  # it was taken out of the configuration: nobody is to be told
        try:
            self.sender.send(target, newest(rows), str(rows[-1].id))
        except WorkerError as error:
            log.warning("alert.not_sent", target=name, reason=error.reason, error=str(error))
            return str(error)
        log.info("alert.sent", target=name, messages=len(rows))
        return None


def newest(rows: Sequence[Row[Any]]) -> list[News]:
    """Return the latest of each cause and account from messages in the order of their ids."""
    found = [News(**{**one, "cause": Cause(one["cause"])}) for row in rows for one in row.news]
    return list({(one.cause, one.account): one for one in found}.values())
