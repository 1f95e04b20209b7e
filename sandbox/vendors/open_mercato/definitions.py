"""Open Mercato's workflow definitions, and the tasks people do in a workflow.

Invariant: a definition begins and ends: without a START and an END step it is refused.
"""

from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call
from sandbox.vendors.open_mercato import workflows
from sandbox.vendors.open_mercato.kinds import Kind
from sandbox.vendors.open_mercato.words import Record, refused, slice_of, validation_failed

if TYPE_CHECKING:
    from sandbox.vendors.open_mercato.vendor import OpenMercato

DEFINITIONS = Kind("definitions", "workflows.definitions", "workflows.definition", "workflow_definition")
STEP_TYPES = (
    "START",
    "END",
    "PARALLEL_FORK",
    "PARALLEL_JOIN",
    "SUB_WORKFLOW",
    "WAIT_FOR_SIGNAL",
    "WAIT_FOR_TIMER",
    "USER_TASK",
    "AUTOMATED",
)


def listing(vendor: "OpenMercato", call: Call) -> Answer:
    """GET /workflows/definitions."""
    wanted = call.query.get("workflowId")
    return slice_of(call, [r for r in vendor.store.rows("definitions") if wanted in (None, r["workflowId"])])


def create(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /workflows/definitions: the same id and version again is a 409."""
    fields = _checked({"version": 1, "enabled": True, **call.params})
    known = ((row["workflowId"], row["version"]) for row in vendor.store.rows("definitions"))
    if (fields["workflowId"], fields["version"]) in known:
        raise refused(409, "A definition with this id and version exists")
    row = vendor.store.add("definitions", {**fields, "id": None}, vendor.now())
    effect = vendor.done(DEFINITIONS, None, row)
    return Answer(201, {"data": row, "message": "Workflow definition created"}, effects=(effect,))


def update(vendor: "OpenMercato", call: Call) -> Answer:
    """PUT /workflows/definitions/{id}."""
    row = _find(vendor, call)
    before = vendor.store.change(row, _checked({**row, **call.params}), vendor.now())
    effect = vendor.done(DEFINITIONS, before, row)
    return Answer(200, {"data": row, "message": "Workflow definition updated"}, effects=(effect,))


def delete(vendor: "OpenMercato", call: Call) -> Answer:
    """DELETE /workflows/definitions/{id}."""
    row = _find(vendor, call)
    del vendor.store.table("definitions")[row["id"]]
    effect = {"kind": "workflow_definition_delete", "id": row["id"], "label": row["workflowId"]}
    return Answer(200, {"message": "Workflow definition deleted"}, effects=(effect,))


def list_tasks(vendor: "OpenMercato", call: Call) -> Answer:
    """GET /workflows/tasks."""
    workflows.settle(vendor)
    return slice_of(call, vendor.store.rows("workflow_tasks"))


def claim_task(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /workflows/tasks/{id}/claim."""
    task = _open_task(vendor, call)
    vendor.store.change(task, {"status": "IN_PROGRESS"}, vendor.now())
    effect = {"kind": "workflow_task_claim", "id": task["id"], "label": task["taskName"]}
    return Answer(200, {"data": task, "message": "Task claimed"}, effects=(effect,))


def complete_task(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /workflows/tasks/{id}/complete: the form goes into the context and the instance goes on."""
    task, form = _open_task(vendor, call), call.params.get("formData")
    if not isinstance(form, dict):
        raise validation_failed({"formData": "Required"})
    changes = {"status": "COMPLETED", "formData": form, "comments": call.params.get("comments")}
    vendor.store.change(task, changes, vendor.now())
    instance = vendor.store.table("instances")[task["workflowInstanceId"]]
    if instance["status"] == "PAUSED":
        workflows.resume(vendor, instance, form)
    effect = {"kind": "workflow_task", "id": task["id"], "label": task["taskName"]}
    return Answer(200, {"data": task, "message": "Task completed"}, effects=(effect,))


def _checked(fields: Record) -> Record:
    problems = {name: "Required" for name in ("workflowId", "workflowName") if not isinstance(fields.get(name), str)}
    if isinstance(fields["version"], bool) or not isinstance(fields["version"], int):
        problems["version"] = "must be a whole number"
    definition = fields.get("definition")
    steps = definition.get("steps") if isinstance(definition, dict) else None
    if (
        not isinstance(steps, list)
        or not isinstance(definition, dict)
        or not isinstance(definition.get("transitions"), list)
    ):
        problems["definition"] = "needs steps and transitions"
    elif not all(isinstance(s, dict) and s.get("stepType") in STEP_TYPES and s.get("stepId") for s in steps):
        problems["definition"] = "each step needs a stepId and a stepType"
    elif not {"START", "END"} <= {step["stepType"] for step in steps}:
        problems["definition"] = "needs a START and an END"
    if problems:
        raise validation_failed(problems)
    return fields


def _find(vendor: "OpenMercato", call: Call) -> Record:
    row = vendor.store.find(("definitions",), call.ids["id"])
    if row is None:
        raise refused(404, "Workflow definition not found")
    return row


def _open_task(vendor: "OpenMercato", call: Call) -> Record:
    task = vendor.store.find(("workflow_tasks",), call.ids["id"])
    if task is None:
        raise refused(404, "Task not found")
    if task["status"] == "COMPLETED":
        raise refused(409, "Task is completed")
    return task
