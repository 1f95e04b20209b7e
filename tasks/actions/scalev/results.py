"""What is kept of Scalev's answers: ids, states and counts in the result, the rest in snapshots.

Invariant: a result holds nothing personal; an answer that is not what was asked for leaves the outcome uncertain.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from webhooks import fields
from webhooks.sources.scalev.customers import buyer_patch, customer_patch
from webhooks.sources.scalev.intents import intent_patch
from webhooks.sources.scalev.orders import order_patch
from worker.acting import Call, Outcome
from worker.errors import UncertainError
from worker.snapshots import Patch
from worker.states import Reason

Finish = Callable[[Call, Any], Outcome]


def listed(*columns: str) -> Finish:
    """Return what makes the result of a list: how many rows, their ids, and these columns of each row."""

    def finish(_call: Call, answer: Any) -> Outcome:
        rows = rows_of(answer)
        result: dict[str, Any] = {"count": len(rows), "ids": _column(rows, "id")}
        result |= {f"{column}_list": _column(rows, column) for column in columns}
        if cursor := fields.text(fields.at(answer, "next_cursor")):
            result["next_cursor"] = cursor
        return Outcome(result)

    return finish


def values(_call: Call, answer: Any) -> Outcome:
    """Make the result of a list of plain words, such as tags."""
    rows = rows_of(answer)
    return Outcome({"count": len(rows), "values": [text for row in rows if (text := fields.text(row))]})


def numbers(_call: Call, answer: Any) -> Outcome:
    """Make the result of statistics: every whole number in it, by its name."""
    found = _object(answer)
    return Outcome({str(name): value for name, value in found.items() if type(value) is int and abs(value) < 10**15})


def flags(_call: Call, answer: Any) -> Outcome:
    """Make the result of yes and no: every flag, by its name."""
    return Outcome({str(name): value for name, value in _object(answer).items() if isinstance(value, bool)})


def orders(call: Call, answer: Any) -> Outcome:
    """Make the result of orders that were listed or changed; take them into their snapshots."""
    rows = list(_orders_in(answer))
    result: dict[str, Any] = {"count": len(rows)} | {f"{name}s": _column(rows, name) for name in ("id", "order_id")}
    if cursor := fields.text(fields.at(answer, "next_cursor")):
        result["next_cursor"] = cursor
    return Outcome(result, tuple(patch for row in rows for patch in order_patches(call, row)))


def found_orders(call: Call, answer: Any) -> Outcome:
    """Make the result of a list of orders, which has to be one."""
    rows_of(answer)
    return orders(call, answer)


def order(call: Call, answer: Any) -> Outcome:
    """Make the result of one order that was read: it has to be one."""
    patches = order_patches(call, answer)
    if not patches:
        raise UncertainError(Reason.UNREADABLE_ANSWER, "Scalev's answer is not an order")
    return Outcome(_of_order(answer), patches)


def changed_order(call: Call, answer: Any) -> Outcome:
    """Make the result of an order that was changed: it was, whatever the answer shows of it."""
    return Outcome(_of_order(answer), order_patches(call, answer))


def made_order(call: Call, answer: Any) -> Outcome:
    """Make the result of an order that is new: without its id nobody knows what was made."""
    if not fields.text(fields.at(answer, "id")):
        raise UncertainError(Reason.UNREADABLE_ANSWER, "accepted, but the answer has no id")
    return changed_order(call, answer)


def customer(call: Call, answer: Any) -> Outcome:
    """Make the result of a customer; take it into the snapshot."""
    patch = customer_patch(answer, call.session.clock(), call.country)
    if patch is None or not patch.values["id"]:
        raise UncertainError(Reason.UNREADABLE_ANSWER, "Scalev's answer is not a customer")
    return Outcome({"id": patch.values["id"], "status": patch.values["status"]}, (patch,))


def intent(call: Call, answer: Any) -> Outcome:
    """Make the result of a checkout intent; take it into the snapshot."""
    patch = intent_patch(answer, call.session.clock(), call.country)
    if patch is None:
        raise UncertainError(Reason.UNREADABLE_ANSWER, "Scalev's answer is not a checkout intent")
    names = ("id", "status", "is_follow_up_email_sent", "order_id")
    return Outcome({name: patch.values[name] for name in names}, (patch,))


def order_patches(call: Call, row: Any) -> tuple[Patch, ...]:
    """Return what an order of the API says of itself and of its buyer."""
    patch = order_patch(row, call.session.clock(), call.country)
    if patch is None:
        return ()
    buyer = buyer_patch(patch, row, call.country)
    return (patch, buyer) if buyer else (patch,)


def rows_of(answer: Any) -> list[Any]:
    """Return the rows of a list, in its envelope or without."""
    rows = answer.get("data") if isinstance(answer, dict) else answer
    if not isinstance(rows, list):
        raise UncertainError(Reason.UNREADABLE_ANSWER, "Scalev's answer is not a list")
    return rows


def _object(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise UncertainError(Reason.UNREADABLE_ANSWER, "Scalev's answer is not an object")
    return answer


def _orders_in(answer: Any) -> Iterator[dict[str, Any]]:
    """Read the orders out of an answer whose shape is not documented; what is none is passed over."""
    rows: Any = answer
    if isinstance(answer, dict):
        rows = answer.get("data", answer.get("successes", [answer]))
    if isinstance(rows, dict):
        rows = list(rows.values())
    yield from (row for row in (rows if isinstance(rows, list) else ()) if isinstance(row, dict))


def _of_order(answer: Any) -> dict[str, Any]:
    names = ("id", "order_id", "status", "payment_status")
    return {name: text for name in names if (text := fields.text(fields.at(answer, name)))}


def _column(rows: Iterable[Any], name: str) -> list[str]:
    return [text for row in rows if (text := fields.text(fields.at(row, name)))]
