"""Open circuits, as the sweep looks after them: one probe at a time goes through, and nothing is held for ever.

Invariant: an account that is held is tried at known moments; what was held for a day is a dead letter with its reason,
unless a person paused it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, text

from worker import completing, holding
from worker.holding import LONGEST_WAIT, Hold
from worker.ledger import holds
from worker.ledger.deliveries import DeadLetter, Wake
from worker.routing import COMPLETION_RULE

MOST_AT_ONCE = 500

# First of what was refused before: a read may succeed while messages do not.
_NEXT_PROBE = text(
    """
    SELECT id FROM deliveries
    WHERE account = :account AND state IN ('waiting', 'ready', 'retrying') AND due_at <= :now
          AND reason IS DISTINCT FROM 'awaiting_delivery'
          AND NOT EXISTS (SELECT FROM pauses WHERE kind = 'rule' AND name = deliveries.rule)
    ORDER BY action = :action DESC, wake_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
    """
)
_NOTE_WAKING = text("UPDATE deliveries SET wake_at = :again WHERE id = :id")
_GIVE_UP = text(
    """
    UPDATE deliveries SET state = 'dead', reason = :reason, last_error = :error, wake_at = NULL, updated_at = :now
    WHERE id IN (
        SELECT id FROM deliveries WHERE account = :account AND state IN ('waiting', 'ready', 'retrying')
        AND reason IS DISTINCT FROM 'awaiting_delivery'
        AND due_at <= :longest_ago AND id IS DISTINCT FROM :probe
        AND NOT EXISTS (SELECT FROM pauses WHERE kind = 'rule' AND name = deliveries.rule)
        ORDER BY due_at, id LIMIT :most FOR UPDATE SKIP LOCKED
    ) RETURNING id, event_id, rule, action, account
    """
)


@dataclass(frozen=True)
class Circuits:
    """Looks after the open circuits, within one transaction."""

    connection: Connection
    now: datetime

    def probe(self, rewake_seconds: float) -> list[Wake]:
        """Choose a delivery for each circuit that may be tried now, and return them to be woken."""
        chosen = []
        for circuit in holds.circuits_to_probe(self.connection, self.now):
            values = {"account": circuit.account, "action": circuit.action, "now": self.now}
            found = self.connection.scalar(_NEXT_PROBE, values)
            if found is None:
                continue
            probing = holding.probed_by(circuit, found, self.now)
            holds.write(self.connection, probing)
            again = self.now + timedelta(seconds=rewake_seconds)
            self.connection.execute(_NOTE_WAKING, {"id": found, "again": again})
            chosen.append(Wake(found, circuit.account))
        return chosen

    def give_up(self) -> list[DeadLetter]:
        """Make dead letters of what was held for a day; the circuit's reason stays with them."""
        longest_ago = self.now - LONGEST_WAIT
        return [
            self._dead(circuit, row)
            for circuit in holds.circuits_open_since(self.connection, longest_ago)
            for row in self._held_too_long(circuit, longest_ago)
        ]

    def _held_too_long(self, circuit: Hold, longest_ago: datetime) -> list[Row[Any]]:
        values = {
            "account": circuit.account, "reason": circuit.reason, "error": f"held for a day: {circuit.error}",
            "now": self.now, "longest_ago": longest_ago, "probe": circuit.probe, "most": MOST_AT_ONCE,
        }  # fmt: skip
        return list(self.connection.execute(_GIVE_UP, values))

    def _dead(self, circuit: Hold, row: Row[Any]) -> DeadLetter:
        what = f"held for a day: {circuit.error}"
        if row.rule == COMPLETION_RULE:
            completing.give_up(self.connection, row.event_id, f"{row.action}: {what}", self.now)
        return DeadLetter(row.id, row.event_id, row.action, row.account, circuit.reason, what)
