"""What can be done at Scalev, API v3.

Source: developers.scalev.com and the OpenAPI v3 file. A success is the resource itself; errors carry `error`, which
may be of any type, and sometimes `message`. No idempotency key exists; 100 requests in 10 s and 10,000 an hour.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from pydantic import Field, model_validator

from config.accounts import ScalevAccount
from tasks.actions.http import Answer, HttpSession
from tasks.actions.judging import Verdict, raise_verdict, verdict_of
from tasks.actions.parameters import Parameters, Text
from webhooks.sources.scalev.orders import order_patch
from worker.acting import Action, Call, Outcome
from worker.errors import PermanentError, RetryableError, UncertainError
from worker.snapshots import Patch
from worker.states import Reason

OrderStatus = Literal[
    "draft", "pending", "confirmed", "in_process", "ready", "shipped", "completed", "rts", "canceled", "closed"
]
PaymentStatus = Literal["unpaid", "paid", "settled", "conflict"]


# Two changes at once: the vendor's own client repeats it, too.
_STATUS_VERDICTS = {409: Verdict(RetryableError, Reason.NOT_YET, most_attempts=6)}


class GetOrder(Parameters):
    """Read one order: by its primary key, or by its human number."""

    id: Text | None = None
    order_id: Text | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.id is None) == (self.order_id is None):
            raise ValueError("either id or order_id is wanted")
        return self


class ChangeStatus(Parameters):
    """Set the status or the payment status of orders (`POST /orders/change-status`)."""

    ids: Annotated[list[Text], Field(min_length=1, max_length=25)]
    status: OrderStatus | None = None
    payment_status: PaymentStatus | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.status is None) == (self.payment_status is None):
            raise ValueError("either status or payment_status is wanted")
        return self


def get_order(call: Call) -> Outcome:
    """Read an order and take its state into the snapshot."""
    wanted: GetOrder = call.parameters
    key = wanted.id or _key_of(call, str(wanted.order_id))
    order = _ask(call, "GET", f"/orders/{quote(key, safe='')}")
    patch = order_patch(order, call.session.clock(), call.country)
    if patch is None:
        raise UncertainError(Reason.UNREADABLE_ANSWER, "Scalev's answer is not an order")
    return Outcome({"order_id": patch.values["order_id"], "status": patch.values["status"]}, (patch,))


def _key_of(call: Call, order_id: str) -> str:
    """Return the primary key of the order with a human number, which is no path value itself.

    The row of a list is not read further: which columns it has by default is not documented.
    """
    page = _ask(call, "GET", "/orders", params={"order_id": order_id, "page_size": 1})
    rows = page.get("data") if isinstance(page, dict) else None
    row = rows[0] if isinstance(rows, list) and rows else None
    if not isinstance(row, dict) or row.get("order_id") != order_id or not row.get("id"):
        raise PermanentError(Reason.NOT_FOUND, f"Scalev knows no order {order_id}")
    return str(row["id"])


def change_status(call: Call) -> Outcome:
    """Set a status; setting it again changes nothing."""
    wanted = call.parameters.model_dump(exclude_none=True)
    body = _ask(call, "POST", "/orders/change-status", json=wanted)
    return Outcome(wanted, tuple(_orders_in(body, call)))


def _orders_in(body: Any, call: Call) -> Iterator[Patch]:
    """Read the orders out of an answer whose shape is not documented; what is none is passed over."""
    rows = body.get("data", [body]) if isinstance(body, dict) else body
    for row in rows if isinstance(rows, list) else []:
        if patch := order_patch(row, call.session.clock(), call.country):
            yield patch


def _ask(call: Call, method: str, path: str, **given: Any) -> Any:
    account, session = call.account, call.session
    assert isinstance(account, ScalevAccount)  # noqa: S101 - the loader's check, told to mypy
    assert isinstance(session, HttpSession)  # noqa: S101 - likewise
    authorization = {"Authorization": f"Bearer {account.api_key.get_secret_value()}"}
    answer: Answer = session.request(method, path, headers=authorization, **given)
    body = answer.json()
    if verdict := verdict_of(answer.status, _STATUS_VERDICTS):
        raise_verdict(verdict, session, answer, _message(body))
    if body is None and answer.status != 204:
        raise UncertainError(Reason.UNREADABLE_ANSWER, f"HTTP {answer.status} without a JSON body")
    if isinstance(body, dict) and body.get("failures"):
        raise PermanentError(Reason.REJECTED, "Scalev refused some of the orders")
    return body


def _message(body: Any) -> str:
    if not isinstance(body, dict):
        return ""
    said = [body.get(name) for name in ("message", "error", "error_code", "errors")]
    return "; ".join(str(part) for part in said if isinstance(part, str | dict | list) and part)


ACTIONS = (
    Action(
        "scalev.get_order",
        GetOrder,
        get_order,
        idempotent=True,
        is_read=True,
        summary="Read an order by its id or its number.",
    ),
    Action(
        "scalev.change_status",
        ChangeStatus,
        change_status,
        idempotent=True,
        summary="Set the status or the payment status of orders.",
    ),
)
