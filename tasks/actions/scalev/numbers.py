"""The orders that people name by their number, which no path of Scalev's API takes.

Invariant: an action on an order takes its primary key or its human number; looking the key up harms nothing, so the
action can be repeated at any point.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from tasks.actions.judging import looking
from tasks.actions.scalev.client import ask
from worker.acting import Action, Call, Outcome, Settlement
from worker.errors import PermanentError
from worker.states import Reason

_T = TypeVar("_T")


def key_of(call: Call, order_id: str) -> str:
    """Return the primary key of the order with a human number.

    The row of a list is not read further: which columns it has by default is not documented.
    """
    if known := call.memory.recall(_remembered(order_id)):
        return known
    with looking():
        page = ask(call, "GET", "/orders", params={"order_id": order_id, "page_size": 1})
    rows = page.get("data") if isinstance(page, dict) else None
    row = rows[0] if isinstance(rows, list) and rows else None
    key = row.get("id") if isinstance(row, dict) and row.get("order_id") == order_id else None
    if isinstance(key, bool) or not isinstance(key, str | int) or not key:
        raise PermanentError(Reason.NOT_FOUND, f"Scalev knows no order {order_id}")
    call.memory.remember(_remembered(order_id), str(key))
    return str(key)


def by_number(action: Action) -> Action:
    """Return an action on orders that takes their human numbers as well."""

    def run(call: Call) -> Outcome:
        return _with_keys(call, action.run)

    settle = action.settle
    if settle is None:
        return replace(action, run=run)

    def settled(call: Call, since: Any) -> Settlement:
        return _with_keys(call, lambda resolved: settle(resolved, since))

    return replace(action, run=run, settle=settled)


def _with_keys(call: Call, then: Callable[[Call], _T]) -> _T:
    numbers = _numbers(call.parameters)
    remembered = [number for number in numbers if call.memory.recall(_remembered(number))]
    try:
        return then(_resolved(call))
    except PermanentError as error:
        if error.reason is not Reason.NOT_FOUND or not remembered:
            raise
        # What was remembered may be wrong: once more with what Scalev says now.
        for number in remembered:
            call.memory.forget(_remembered(number))
        return then(_resolved(call))


def _resolved(call: Call) -> Call:
    given = call.parameters
    if getattr(given, "order_id", None):
        changes: dict[str, Any] = {"id": key_of(call, given.order_id), "order_id": None}
    elif getattr(given, "order_ids", None):
        changes = {"ids": [key_of(call, number) for number in given.order_ids], "order_ids": None}
    else:
        return call
    return replace(call, parameters=given.model_copy(update=changes))


def _numbers(given: Any) -> list[str]:
    one, several = getattr(given, "order_id", None), getattr(given, "order_ids", None)
    return [one] if one else list(several or ())


def _remembered(order_id: str) -> str:
    return f"order:{order_id}"
