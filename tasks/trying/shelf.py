"""Things by name, more of them than should be in memory: what was not used for long lies on disk.

Invariant: memory stays flat however much is kept, and nothing of it is left when the process ends.
"""

import pickle
import sqlite3
from collections import OrderedDict
from typing import Any

MOST_NEAR = 20_000


class Shelf:
    """Keeps what can be pickled."""

    def __init__(self, most_near: int = MOST_NEAR) -> None:
        self._near: OrderedDict[str, Any] = OrderedDict()
        self._most_near = most_near
        # Without a name: a file that only this connection sees, made when it is needed.
        self._far = sqlite3.connect("", isolation_level=None)
        self._far.execute("CREATE TABLE things (name TEXT PRIMARY KEY, thing BLOB) WITHOUT ROWID")
        self._far.execute("PRAGMA synchronous = OFF")
        self._far_count = 0

    def get(self, name: str) -> Any | None:
        """Return what was put there."""
        if name in self._near:
            self._near.move_to_end(name)
            return self._near[name]
        if not self._far_count:
            return None
        row = self._far.execute("SELECT thing FROM things WHERE name = ?", (name,)).fetchone()
        return pickle.loads(row[0]) if row else None  # noqa: S301 - our own bytes, which nobody else can reach

    def put(self, name: str, thing: Any) -> None:
        """Put something there, in place of what was."""
        self._near[name] = thing
        self._near.move_to_end(name)
        if len(self._near) > self._most_near:
            self._clear(self._most_near // 10)

    def drop(self, name: str) -> None:
        """Forget what is there."""
        self._near.pop(name, None)
        if self._far_count:
            self._far.execute("DELETE FROM things WHERE name = ?", (name,))

    def _clear(self, count: int) -> None:
        oldest = [self._near.popitem(last=False) for _ in range(count)]
        rows = [(name, pickle.dumps(thing, pickle.HIGHEST_PROTOCOL)) for name, thing in oldest]
        self._far.execute("BEGIN")
        self._far.executemany("INSERT OR REPLACE INTO things VALUES (?, ?)", rows)
        self._far.execute("COMMIT")
        self._far_count += count
