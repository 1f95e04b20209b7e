"""A table of routes and the search in it: small enough that a vendor stays independent of the web framework.

Invariant: a route matches whole decoded segments only; `{name}` stands for exactly one non-empty segment.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sandbox.exchange import Answer, Call, path_parts

Owner = TypeVar("Owner")


@dataclass(frozen=True)
class Route(Generic[Owner]):
    """A method and a path template, for example `/orders/{id}`, and the function that answers it."""

    method: str
    template: str
    handle: Callable[[Owner, Call], Answer]

    def ids(self, parts: Sequence[str]) -> dict[str, str] | None:
        """Return the variable parts when the path fits, else None."""
        pattern = path_parts(self.template)
        if len(pattern) != len(parts):
            return None
        found: dict[str, str] = {}
        for expected, part in zip(pattern, parts, strict=True):
            if expected.startswith("{") and part:
                found[expected.strip("{}")] = part
            elif expected != part:
                return None
        return found


@dataclass(frozen=True)
class Found(Generic[Owner]):
    """The route that fits and its variable parts."""

    route: Route[Owner]
    ids: dict[str, str]


def find(routes: Sequence[Route[Owner]], call: Call) -> Found[Owner] | set[str]:
    """Find the route of a call.

    Returns:
        The route; or the methods that would have been allowed there, an empty set for an unknown path.
    """
    parts = path_parts(call.path)
    allowed: set[str] = set()
    for route in routes:
        ids = route.ids(parts)
        if ids is None:
            continue
        if route.method == call.method:
            return Found(route, ids)
        allowed.add(route.method)
    return allowed
