"""Payloads gone wrong: a few places of a JSON value dropped, or replaced by something of another type."""

import random
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

ODD: list[Any] = [
    None, True, 0, -1, 10**300, 1.5, "", " ", "x" * 5000, "#order_id#", "{{1}}", "\x00", "\ud800", "0001-01-01",
    "9999-12-31T23:59:59+14:00", [], {}, [[]], {"a": {"b": []}}, [1, "2", None], "🙂", "-", "::", "NaN", "1e400",
]  # fmt: skip


def mutated(value: Any, chance: random.Random) -> Any:
    """Return a copy with one to three places dropped or replaced."""
    value = deepcopy(value)
    for _ in range(chance.randint(1, 3)):
        place = chance.choice(list(_places(value)))
        if not place:
            return deepcopy(chance.choice(ODD))
        parent = value
        for key in place[:-1]:
            parent = parent[key]
        if isinstance(parent, dict) and chance.random() < 0.3:
            del parent[place[-1]]
        else:
            parent[place[-1]] = deepcopy(chance.choice(ODD))
    return value


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from _places(part, (*at, key))
