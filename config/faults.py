"""Faults in what the user configured, collected so that all of them are shown at once.

Invariant: nothing starts with a configuration that has a fault.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong, where it is, and what to do about it."""

    where: str
    """File and line (`rules/orders.yaml:12`), or the name of a variable."""
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class OperatorError(Exception):
    """Something that the person who gave a command is told in the error's own words, without a trace."""


class ConfigError(OperatorError):
    """The configuration cannot be used; the text lists every fault, one a line."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


def suggest(word: str, known: Iterable[str]) -> str:
    """Return `: did you mean "x"?` for the known word closest to a mistyped one, or nothing."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f': did you mean "{close[0]}"?' if close else ""


def place_in(given: Any, loc: Iterable[int | str]) -> tuple[int | str, ...]:
    """Return where in a value a validation error stands, without the names of the types that were tried there."""
    found: list[int | str] = []
    for key in loc:
        try:
            given = given[key]
        except (LookupError, TypeError):
            continue
        found.append(key)
    return tuple(found)


def field_of(given: Any, detail: Mapping[str, Any]) -> str:
    """Return the dotted name of the field that a detail of a validation error is about."""
    loc = detail["loc"]
    there = loc if detail["type"] in {"missing", "extra_forbidden"} else place_in(given, loc)
    return ".".join(map(str, there)) or "parameters"
