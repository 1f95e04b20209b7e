"""What takes several calls at Open Mercato: look first, then do, and look again when an answer does not come.

Invariant: each of these can be run again half-way, and leaves what running it once leaves.
"""

from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import Field, StringConstraints

from tasks.actions.judging import looking
from tasks.actions.open_mercato.client import ask, ask_unless
from tasks.actions.open_mercato.operations.freight import Journey
from tasks.actions.open_mercato.operations.orders import NewOrder, Number, order_of_number
from tasks.actions.open_mercato.operations.workflows import Name, Start, instance_of_key, instance_told
from tasks.actions.open_mercato.parameters import ById, Color, Given, Id, Json, Text, Text120, Text400
from tasks.actions.open_mercato.reading import all_rows
from tasks.actions.operations import as_sent
from webhooks import fields
from worker.acting import Action, Call, Outcome, Settled, Settlement
from worker.errors import PermanentError, RetryableError, UncertainError, WorkerError
from worker.states import Reason

_SIGNAL_TRIES = 6
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,80}$")]
ContainerNumber = Annotated[str, StringConstraints(min_length=4, max_length=40)]


class EnsureOrder(NewOrder):
    """The order of this number, created where there is none."""

    order_number: Number


class EnsureWorkflow(Start):
    """The workflow of this correlation key, started where it was not."""

    correlation_key: Name


class SetOrderStatus(Given):
    """An order's status, by its value."""

    id: Id
    status: Text


class UpdateContainerShipment(Journey):
    """What is to be set of the shipment that has a container."""

    container_number: ContainerNumber


class SignalWorkflows(Given):
    """A signal to whatever waits for it under a correlation key."""

    correlation_key: Name
    signal_name: Name
    payload: Json = Field(default_factory=dict)
    if_nobody: Literal["retry", "done", "fail"] = Field(
        default="retry", description="What it means when nothing waits for it."
    )


class CreateTag(Given):
    """A tag."""

    slug: Slug
    label: Text120
    color: Color | None = None
    description: Text400 | None = None


class Tag(Given):
    """A tag of a person or company."""

    tag_id: Id
    entity_id: Id


def ensure_order(call: Call) -> Outcome:
    """Create an order unless there is one of its number."""
    number = call.parameters.order_number
    with looking():
        if order_id := order_of_number(call, number):
            return Outcome({"id": order_id, "created": False})
    try:
        answer = ask(call, "POST", "/sales/orders", json=as_sent(call.parameters))
    except (UncertainError, PermanentError):
        # A number that is taken is a plain 500: whoever was faster made the order that was wanted.
        with suppress(WorkerError):
            if order_id := order_of_number(call, number):
                return Outcome({"id": order_id, "created": True})
        raise
    return Outcome({"created": True, **({"id": found} if (found := fields.text(answer.get("id"))) else {})})


def ensure_workflow(call: Call) -> Outcome:
    """Start a workflow unless it was started under its correlation key."""
    wanted, key = call.parameters.workflow_id, call.parameters.correlation_key
    with call.memory.alone(f"workflow:{wanted}:{key}"):
        with looking():
            if row := instance_of_key(call, wanted, key):
                return Outcome(instance_told(row).result | {"created": False})
        try:
            answer = ask(call, "POST", "/workflows/instances", json=as_sent(call.parameters))
        except UncertainError:
            with suppress(WorkerError):
                if row := instance_of_key(call, wanted, key):
                    return Outcome(instance_told(row).result | {"created": True})
            raise
        return Outcome(instance_told(fields.first_object(answer, ("data.instance",)) or {}).result | {"created": True})


def _settle_workflow(call: Call, _since: datetime) -> Settlement:
    row = instance_of_key(call, call.parameters.workflow_id, call.parameters.correlation_key)
    return Settlement(Settled.HAPPENED, instance_told(row)) if row else Settlement(Settled.DID_NOT_HAPPEN)


def set_order_status(call: Call) -> Outcome:
    """Set an order's status by its value, which the server knows by an id."""
    wanted = call.parameters.status
    key = f"order_status:{wanted.lower()}"
    entry = call.memory.recall(key)
    if entry is None:
        with looking():
            rows = all_rows(call, "/sales/order-statuses", search=wanted)
        entry = next(
            (fields.text(row.get("id")) for row in rows if str(row.get("value")).lower() == wanted.lower()), None
        )
        if entry is None:
            raise PermanentError(Reason.NOT_FOUND, f'Open Mercato knows no order status "{wanted}"')
        call.memory.remember(key, entry)
    try:
        ask(call, "PUT", "/sales/orders", json={"id": call.parameters.id, "statusEntryId": entry})
    except PermanentError:
        call.memory.forget(key)  # the entry may have been made anew
        raise
    return Outcome({"id": call.parameters.id, "status": wanted})


def update_container_shipment(call: Call) -> Outcome:
    """Set dates and vessel of the one shipment that has a container."""
    given = as_sent(call.parameters)
    number = _bare(given.pop("containerNumber"))
    with looking():
        rows = all_rows(call, "/shipments", search=number)
    ids = [text for row in rows if _bare(row.get("containerNumber")) == number and (text := fields.text(row.get("id")))]
    if not ids:
        raise PermanentError(Reason.NOT_FOUND, f"Open Mercato knows no shipment of container {number}")
    if len(ids) > 1:  # a container travels more than once: which journey is meant is not ours to guess
        raise PermanentError(Reason.REJECTED, f"{len(ids)} shipments have container {number}: name one by its id")
    ask(call, "PUT", f"/shipments/{quote(ids[0], safe='')}", json={**given, "id": ids[0]})
    return Outcome({"id": ids[0]})


def signal_workflows(call: Call) -> Outcome:
    """Send a signal; what it means that nobody waits for it is the caller's to say."""
    given = as_sent(call.parameters)
    what = given.pop("ifNobody", "retry")
    answer = ask(call, "POST", "/workflows/signals", json=given)
    count = answer.get("count")
    if not isinstance(count, int) or isinstance(count, bool):
        return Outcome({})  # some versions do not say
    if count == 0 and what == "retry":
        raise RetryableError(Reason.NOT_YET, "no workflow waits for this signal", None, _SIGNAL_TRIES)
    if count == 0 and what == "fail":
        raise PermanentError(Reason.REJECTED, "no workflow waits for this signal")
    return Outcome({"count": count})


def create_tag(call: Call) -> Outcome:
    """Create a tag; one that has its slug is that tag."""
    answer = ask_unless(call, 409, "POST", "/customers/tags", json=as_sent(call.parameters))
    found = fields.text((answer or {}).get("id"))
    return Outcome({"created": answer is not None, **({"id": found} if found else {})})


def assign_tag(call: Call) -> Outcome:
    """Give a person or company a tag; to have it already is to have it."""
    answer = ask_unless(call, 409, "POST", "/customers/tags/assign", json=as_sent(call.parameters))
    found = fields.text((answer or {}).get("id"))
    return Outcome({"already": answer is None, **({"id": found} if found else {})})


def unassign_tag(call: Call) -> Outcome:
    """Take a tag from a person or company."""
    ask(call, "POST", "/customers/tags/unassign", json=as_sent(call.parameters))
    return Outcome({})


def _delete(path: str) -> Any:
    def run(call: Call) -> Outcome:
        answer = ask_unless(call, 404, "DELETE", path.format(id=quote(call.parameters.id, safe="")))
        return Outcome({"id": call.parameters.id, "already": answer is None})

    return run


def _bare(number: Any) -> str:
    return "".join(filter(str.isalnum, str(number or ""))).upper()


_OF = "open_mercato."
ACTIONS = (
    Action(_OF + "ensure_order", EnsureOrder, ensure_order, idempotent=True,
           summary="Create an order unless there is one of its number.",
           endpoint="GET /sales/orders, POST /sales/orders"),
    # A search may lag behind: a second start cannot be ruled out, so an unknown one is looked up later.
    Action(_OF + "ensure_workflow", EnsureWorkflow, ensure_workflow, idempotent=False,
           summary="Start a workflow unless it was started under its key.",
           endpoint="GET /workflows/instances, POST /workflows/instances",
           settle=_settle_workflow, settled_by="its correlation key"),
    Action(_OF + "set_order_status", SetOrderStatus, set_order_status, idempotent=True,
           summary="Set an order's status by its value.", endpoint="GET /sales/order-statuses, PUT /sales/orders"),
    Action(_OF + "update_container_shipment", UpdateContainerShipment, update_container_shipment, idempotent=True,
           summary="Set dates and vessel of the shipment that has a container.",
           endpoint="GET /shipments, PUT /shipments/{id}"),
    Action(_OF + "signal_workflows", SignalWorkflows, signal_workflows, idempotent=False,
           summary="Send a signal to what waits under a correlation key.", endpoint="POST /workflows/signals"),
    Action(_OF + "create_tag", CreateTag, create_tag, idempotent=True, summary="Create a tag, if it is not there.",
           endpoint="POST /customers/tags"),
    Action(_OF + "assign_tag", Tag, assign_tag, idempotent=True, summary="Give a person or company a tag.",
           endpoint="POST /customers/tags/assign"),
    Action(_OF + "unassign_tag", Tag, unassign_tag, idempotent=True, summary="Take a tag from a person or company.",
           endpoint="POST /customers/tags/unassign"),
    Action(_OF + "delete_workflow_definition", ById, _delete("/workflows/definitions/{id}"), idempotent=True,
           summary="Delete a definition.", endpoint="DELETE /workflows/definitions/{id}"),
    Action(_OF + "delete_webhook", ById, _delete("/webhooks/{id}"), idempotent=True,
           summary="Delete an endpoint of webhooks.", endpoint="DELETE /webhooks/{id}"),
)  # fmt: skip
