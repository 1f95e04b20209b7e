"""What rules would send, beside what was really sent.

Invariant: memory stays flat: both sides lie on disk while they are compared, and are gone with the process.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_EFFECT = """(
    effect TEXT PRIMARY KEY, rule TEXT, step TEXT, action TEXT, event TEXT, subject TEXT, who TEXT, is_message INTEGER
) WITHOUT ROWID"""
_KEYS = "effect, rule, step, action, event, subject, who, is_message"
_IS_NEW = (
    "NOT EXISTS (SELECT 1 FROM really r WHERE r.effect = p.effect) AND p.effect NOT IN (SELECT effect FROM before)"
)
_IS_REPEATED = """
    p.who IS NOT NULL AND EXISTS (
        SELECT 1 FROM really r
        WHERE r.who = p.who AND r.action = p.action AND r.subject IS p.subject AND r.effect <> p.effect
    )
"""
# By what it is called, which side it is on, and which of them are meant.
_SELECTIONS = {
    "same": ("planned", "EXISTS (SELECT 1 FROM really r WHERE r.effect = p.effect)"),
    "new": ("planned", _IS_NEW),
    "repeated": ("planned", f"{_IS_NEW} AND {_IS_REPEATED}"),
    "gone": ("really", "NOT EXISTS (SELECT 1 FROM planned r WHERE r.effect = p.effect)"),
}
COMPARED = tuple(_SELECTIONS)


@dataclass(frozen=True)
class Effect:
    """One effect: of a delivery that would be made, or of one that was."""

    effect: str
    """The effect key."""
    rule: str
    step: str
    action: str
    event: str
    subject: str | None
    who: str | None
    """The hash of the person that a message goes to."""
    is_message: bool


class Comparison:
    """Both sides."""

    def __init__(self) -> None:
        # Without a name: a file that only this connection sees.
        self._lines = sqlite3.connect("", isolation_level=None)
        self._lines.execute("PRAGMA synchronous = OFF")
        self._lines.execute("PRAGMA journal_mode = OFF")
        for name in ("planned", "really"):
            self._lines.execute(f"CREATE TABLE {name} {_EFFECT}")
        self._lines.execute("CREATE TABLE before (effect TEXT PRIMARY KEY) WITHOUT ROWID")

    def plan(self, effect: Effect) -> bool:
        """Note what would be sent; False when another one had the same effect before."""
        return self._add("planned", effect)

    def really(self, effect: Effect) -> None:
        """Note what was really sent."""
        self._add("really", effect)

    def before(self, effects: Sequence[str]) -> None:
        """Note effects that there were before the events that are looked at."""
        self._lines.executemany("INSERT OR IGNORE INTO before VALUES (?)", [(effect,) for effect in effects])

    def new_effects(self, page: int) -> Iterator[list[str]]:
        """Yield the keys of what would be new, some at a time."""
        last = ""
        while True:
            query = f"SELECT effect FROM planned p WHERE effect > ? AND {_IS_NEW} ORDER BY effect LIMIT ?"  # noqa: S608 - our own words
            found = [row[0] for row in self._lines.execute(query, (last, page))]
            if not found:
                return
            last = found[-1]
            yield found

    def counts(self, what: str) -> Iterator[tuple[str, int, int]]:
        """Yield each rule with how many of its deliveries are so, and how many of these are messages."""
        table, condition = self._prepared(what)
        query = f"SELECT rule, count(*), sum(is_message) FROM {table} p WHERE {condition} GROUP BY rule ORDER BY rule"  # noqa: S608 - our own words
        yield from self._lines.execute(query)

    def samples(self, what: str, most: int) -> list[dict[str, Any]]:
        """Return some of those deliveries."""
        table, condition = self._prepared(what)
        query = f"SELECT event, rule, step, action FROM {table} p WHERE {condition} ORDER BY event LIMIT ?"  # noqa: S608 - our own words
        rows = self._lines.execute(query, (most,))
        return [dict(zip(("event", "rule", "step", "action"), row, strict=True)) for row in rows]

    def _prepared(self, what: str) -> tuple[str, str]:
        # Made when both sides are whole: an index that grows with every line costs more.
        self._lines.execute("CREATE INDEX IF NOT EXISTS of_person ON really (who, action)")
        return _SELECTIONS[what]

    def _add(self, table: str, effect: Effect) -> bool:
        marks = ", ".join("?" * 8)
        query = f"INSERT OR IGNORE INTO {table} ({_KEYS}) VALUES ({marks})"  # noqa: S608 - our own words
        return self._lines.execute(query, tuple(vars(effect).values())).rowcount == 1
