"""Deleting orders, so that it can be repeated half-way.

Invariant: an order that is gone is deleted, whoever deleted it.
"""

from tasks.actions.scalev.client import ask, done_when
from tasks.actions.scalev.parameters import OfOrders
from worker.acting import Action, Call, Outcome
from worker.errors import PermanentError
from worker.states import Reason

_PATH = "/orders/delete"


def delete_orders(call: Call) -> Outcome:
    """Delete drafts and canceled orders: together, or one by one when some of them are gone already."""
    wanted: OfOrders = call.parameters
    keys = list(wanted.ids or ())
    try:
        ask(call, "POST", _PATH, json={"ids": keys})
    except PermanentError as error:
        if error.reason is not Reason.NOT_FOUND:
            raise
        for key in keys:
            done_when(404)(call, "POST", _PATH, json={"ids": [key]})
    return Outcome({"ids": keys})


DELETE_ORDERS = Action(
    "scalev.delete_orders",
    OfOrders,
    delete_orders,
    idempotent=True,
    summary="Delete orders: drafts and canceled ones only.",
    endpoint=f"POST {_PATH}",
)
