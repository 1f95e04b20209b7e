"""Proton's `{operator: operand}` filters.

Invariant: filters are ANDed, and an operator that does not exist or does not fit the field is refused, never ignored.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sandbox.exchange import Json
from sandbox.vendors.proton.words import InvalidError

Check = Callable[[Json, Json], bool]


def _compare(compare: Callable[[Any, Any], bool]) -> Check:
    """Compare only what can be compared: two numbers or two texts."""

    def meets(value: Json, operand: Json) -> bool:
        numbers = isinstance(value, int | float) and isinstance(operand, int | float)
        return (numbers or (isinstance(value, str) and isinstance(operand, str))) and compare(value, operand)

    return meets


def _contains(value: Json, operand: Json) -> bool:
    if isinstance(value, list):
        return operand in value
    return isinstance(value, str) and isinstance(operand, str) and operand in value


def _equal(value: Json, operand: Json) -> bool:
    return operand in value if isinstance(value, list) and not isinstance(operand, list) else bool(value == operand)


OPERATORS: Mapping[str, Check] = {
    "eq": _equal,
    "neq": lambda value, operand: not _equal(value, operand),
    "gt": _compare(lambda a, b: a > b),
    "gte": _compare(lambda a, b: a >= b),
    "lt": _compare(lambda a, b: a < b),
    "lte": _compare(lambda a, b: a <= b),
    "contains": _contains,
    "not_contains": lambda value, operand: not _contains(value, operand),
}
PAGE_OPERATORS: Mapping[str, Check] = {
    **OPERATORS,
    "includes": lambda value, operand: isinstance(operand, list) and any(_equal(value, item) for item in operand),
    "exists": lambda value, operand: (value not in (None, "", [])) is bool(operand),
}
QUOTE_OPERATORS = (*OPERATORS, "includes")


def check(condition: Json, allowed: Iterable[str], name: str) -> None:
    """Refuse a malformed condition, or an operator the field does not take: the refusal names those it does."""
    if not isinstance(condition, dict) or not condition:
        raise InvalidError("a filter must be an object of operator and operand")
    wrong = [operator for operator in condition if operator not in allowed]
    if wrong:
        raise InvalidError(f"operator {', '.join(wrong)} is not allowed for {name}, use one of {', '.join(allowed)}")


def fits(value: Json, condition: Mapping[str, Json]) -> bool:
    """Return whether a value meets all operators of a checked condition; a list of operands means all of them."""
    for operator, operand in condition.items():
        several = isinstance(operand, list) and operator != "includes"
        if not all(PAGE_OPERATORS[operator](value, item) for item in (operand if several else [operand])):
            return False
    return True
