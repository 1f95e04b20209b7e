"""What an account's actions remember between runs: the vendor's ids of what we know by another name.

Invariant: it is a cache and a gate, never the truth: an action that finds nothing here asks the vendor.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import Engine, text

from worker.clock import Clock
from worker.errors import RetryableError
from worker.ledger.database import by_statement
from worker.states import Reason

_HELD_SECONDS = 60.0
_AGAIN_SECONDS = 2.0

_RECALL = text("SELECT value FROM memory WHERE account = :account AND key = :key AND remembered_at > :oldest")
_REMEMBER = text(
    """
    INSERT INTO memory (account, key, value, remembered_at) VALUES (:account, :key, :value, :now)
    ON CONFLICT (account, key) DO UPDATE SET value = excluded.value, remembered_at = excluded.remembered_at
    """
)
_FORGET = text("UPDATE memory SET value = NULL WHERE account = :account AND key = :key")
_HOLD = text(
    """
    INSERT INTO memory (account, key, holder, held_until) VALUES (:account, :key, :holder, :until)
    ON CONFLICT (account, key) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
    WHERE memory.held_until IS NULL OR memory.held_until < :now
    """
)
_RELEASE = text(
    "UPDATE memory SET holder = NULL, held_until = NULL WHERE account = :account AND key = :key AND holder = :holder"
)


@dataclass(frozen=True)
class Memory:
    """One account's memory; keys and values are ids or hashes, nothing personal."""

    engine: Engine
    account: str
    clock: Clock
    longest: timedelta = timedelta(days=30)
    """After which a remembered value is asked for again."""

    def recall(self, key: str) -> str | None:
        """Return what was remembered under a key."""
        values = {"account": self.account, "key": key, "oldest": self.clock() - self.longest}
        with by_statement(self.engine).begin() as connection:
            found: str | None = connection.scalar(_RECALL, values)
        return found

    def remember(self, key: str, value: str) -> None:
        """Remember a value under a key, in place of the former one."""
        values = {"account": self.account, "key": key, "value": value, "now": self.clock()}
        with by_statement(self.engine).begin() as connection:
            connection.execute(_REMEMBER, values)

    def forget(self, key: str) -> None:
        """Forget what turned out to be wrong."""
        with by_statement(self.engine).begin() as connection:
            connection.execute(_FORGET, {"account": self.account, "key": key})

    @contextmanager
    def alone(self, key: str) -> Iterator[None]:
        """Be the only one, of all workers, inside for this key; RetryableError when somebody else is.

        Whoever dies inside keeps others out for a minute.
        """
        now = self.clock()
        mine = {"account": self.account, "key": f"alone:{key}", "holder": uuid4().hex}
        with by_statement(self.engine).begin() as connection:
            until = now + timedelta(seconds=_HELD_SECONDS)
            taken = connection.execute(_HOLD, mine | {"now": now, "until": until}).rowcount == 1
        if not taken:
            raise RetryableError(Reason.NOT_YET, "another delivery is doing the same just now", _AGAIN_SECONDS)
        try:
            yield
        finally:
            with by_statement(self.engine).begin() as connection:
                connection.execute(_RELEASE, mine)
