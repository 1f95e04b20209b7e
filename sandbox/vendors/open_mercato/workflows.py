"""Open Mercato's workflows: instances that wait for signals and people.

Invariant: an instance moves only when it is looked at or spoken to, and then as far as its steps let it at that time.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Json
from sandbox.vendors.open_mercato.kinds import Kind
from sandbox.vendors.open_mercato.state import stamp
from sandbox.vendors.open_mercato.words import INTERNAL, Record, RefusedError, refused, slice_of, validation_failed

if TYPE_CHECKING:
    from sandbox.vendors.open_mercato.vendor import OpenMercato

INSTANCES = Kind("instances", "workflows.instances", "workflows.instance", "workflow_instance")
WAITS = ("WAIT_FOR_SIGNAL", "USER_TASK", "WAIT_FOR_TIMER")
ENDED = ("COMPLETED", "CANCELLED", "FAILED", "COMPENSATED")


def start(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /workflows/instances: it begins to run in the background, not necessarily before the answer."""
    fields = call.params
    problems = {} if isinstance(fields.get("workflowId"), str) and fields["workflowId"] else {"workflowId": "Required"}
    for name in ("initialContext", "metadata"):
        if not isinstance(fields.get(name) or {}, dict):
            problems[name] = "must be an object"
    if problems:
        raise validation_failed(problems)
    definition = _definition(vendor, fields["workflowId"], fields.get("version"))
    names = ("correlationKey", "metadata")
    instance = vendor.store.add(
        "instances",
        {
            "workflowId": definition["workflowId"],
            "definitionId": definition["id"],
            "version": definition["version"],
            "status": "RUNNING",
            "currentStepId": definition["definition"]["steps"][0]["stepId"],
            "context": fields.get("initialContext") or {},
            **{name: fields.get(name) for name in names},
        },
        vendor.now(),
    )
    # A running instance keeps the steps it began with, whatever becomes of its definition.
    vendor.store.steps[instance["id"]] = definition["definition"]["steps"]
    note(vendor, instance, "started")
    effect = vendor.done(INSTANCES, None, instance)
    shown = {**instance}
    settle(vendor)
    body = {"data": {"instance": shown, "execution": {"status": "RUNNING"}}, "message": "Workflow started"}
    return Answer(201, body, effects=(effect,))


def listing(vendor: "OpenMercato", call: Call) -> Answer:
    """GET /workflows/instances."""
    settle(vendor)
    exact = ("workflowId", "status", "correlationKey")
    rows = [row for row in vendor.store.rows("instances") if all(call.query.get(n) in (None, row[n]) for n in exact)]
    for name in ("entityType", "entityId"):
        rows = [row for row in rows if call.query.get(name) in (None, (row["metadata"] or {}).get(name))]
    return slice_of(call, rows)


def show(vendor: "OpenMercato", call: Call) -> Answer:
    """GET /workflows/instances/{id}."""
    settle(vendor)
    return Answer(200, {"data": find(vendor, call)})


def signal_all(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /workflows/signals: who does not wait for it is passed over, and nobody at all is a 200 with count 0."""
    key, name = call.params.get("correlationKey"), call.params.get("signalName")
    payload = call.params.get("payload", {})
    if not isinstance(key, str) or not isinstance(name, str) or not key or not name or not isinstance(payload, dict):
        raise RefusedError(500, INTERNAL)  # a bad body is a 500 here, read and seen
    settle(vendor)
    rows = [row for row in vendor.store.rows("instances") if row["correlationKey"] == key]
    reached = [row for row in rows if row["status"] == "PAUSED" and awaited(vendor, row) == name]
    for instance in reached:
        resume(vendor, instance, {**payload, f"signal_{name}_payload": payload}, name)
    effects = tuple({"kind": "signal", "id": row["id"], "label": name} for row in reached)
    if vendor.settings.dump_answers:
        return Answer(201, {}, effects=effects)
    count = len(reached)
    body = {"success": True, "message": f"Signal sent to {count} workflow(s)", "count": count}
    return Answer(200, body, effects=effects)


def signal_one(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /workflows/instances/{id}/signal."""
    settle(vendor)
    instance, name, payload = find(vendor, call), call.params.get("signalName"), call.params.get("payload", {})
    if not isinstance(name, str) or not isinstance(payload, dict):
        raise RefusedError(500, INTERNAL)
    expected = awaited(vendor, instance)
    if instance["status"] != "PAUSED" or expected is None:
        raise refused(409, "Workflow is not waiting for a signal")
    if expected != name:
        raise refused(400, f"Workflow is waiting for {expected}")
    resume(vendor, instance, {**payload, f"signal_{name}_payload": payload}, name)
    effect = {"kind": "signal", "id": instance["id"], "label": name}
    return Answer(200, {"success": True, "message": "Signal sent"}, effects=(effect,))


def cancel(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /workflows/instances/{id}/cancel."""
    settle(vendor)
    instance = find(vendor, call)
    if instance["status"] in ENDED:
        raise refused(400, f"Cannot cancel a workflow that is {instance['status']}")
    return _moved(vendor, instance, "CANCELLED", "cancelled")


def retry(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /workflows/instances/{id}/retry: only what failed."""
    instance = find(vendor, call)
    if instance["status"] != "FAILED":
        raise refused(400, f"Cannot retry a workflow that is {instance['status']}")
    return _moved(vendor, instance, "RUNNING", "resumed")


def advance(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /workflows/instances/{id}/advance: past the step it waits at."""
    settle(vendor)
    instance = find(vendor, call)
    if instance["status"] != "PAUSED":
        raise refused(400, f"Cannot advance a workflow that is {instance['status']}")
    resume(vendor, instance, {})
    effect = {"kind": "workflow_instance_update", "id": instance["id"], "label": instance["workflowId"]}
    return Answer(200, {"data": instance, "message": "Workflow advanced"}, effects=(effect,))


def list_events(vendor: "OpenMercato", call: Call) -> Answer:
    """GET /workflows/events and /workflows/instances/{id}/events."""
    settle(vendor)
    rows, one, kind = vendor.store.rows("workflow_events"), call.ids.get("id"), call.query.get("eventType")
    rows = [row for row in rows if one in (None, row["workflowInstanceId"]) and kind in (None, row["eventType"])]
    return slice_of(call, rows)


def find(vendor: "OpenMercato", call: Call) -> Record:
    """Return the instance of a call.

    Raises:
        RefusedError: 404, there is none.
    """
    instance = vendor.store.find(("instances",), call.ids["id"])
    if instance is None:
        raise refused(404, "Workflow instance not found")
    return instance


def settle(vendor: "OpenMercato") -> None:
    """Let every running instance go on to its next wait, once it had the time to begin."""
    begun = vendor.now() - timedelta(seconds=vendor.settings.start_delay_seconds)
    for instance in vendor.store.table("instances").values():
        if instance["status"] == "RUNNING" and datetime.fromisoformat(instance["createdAt"]) <= begun:
            _run(vendor, instance)


def resume(vendor: "OpenMercato", instance: Record, news: Record, signal: str = "") -> None:
    """Let an instance go on with what it was told."""
    instance["context"] = {**instance["context"], **news}
    if signal:
        instance["context"][f"signal_{signal}_receivedAt"] = stamp(vendor.now())
    steps = _steps(vendor, instance)
    position = [step["stepId"] for step in steps].index(instance["currentStepId"])
    instance.update(status="RUNNING", currentStepId=steps[min(position + 1, len(steps) - 1)]["stepId"])
    note(vendor, instance, "resumed")
    _run(vendor, instance)


def awaited(vendor: "OpenMercato", instance: Record) -> str | None:
    """Return the signal an instance waits for: the configured name, else the id of the step."""
    step = _current(vendor, instance)
    if step["stepType"] != "WAIT_FOR_SIGNAL":
        return None
    config = step.get("signalConfig")
    named = config.get("signalName") if isinstance(config, dict) else None
    return str(named or step["stepId"])


def note(vendor: "OpenMercato", instance: Record, what: str) -> None:
    """Write down and tell what an instance does."""
    event = {"workflowInstanceId": instance["id"], "eventType": f"WORKFLOW_{what.upper()}"}
    vendor.store.add("workflow_events", event, vendor.now())
    data: dict[str, Json] = {"id": instance["id"], **vendor.scope()}
    vendor.raise_event(f"workflows.instance.{what}", data)


def _run(vendor: "OpenMercato", instance: Record) -> None:
    """Go through the steps in their order up to the next one that waits; branches are beyond this sandbox."""
    steps = _steps(vendor, instance)
    position = [step["stepId"] for step in steps].index(instance["currentStepId"])
    for step in steps[position:]:
        instance["currentStepId"] = step["stepId"]
        if step["stepType"] in WAITS:
            instance["status"] = "PAUSED"
            if step["stepType"] == "USER_TASK":
                task = {"workflowInstanceId": instance["id"], "taskName": step.get("stepName"), "status": "PENDING"}
                vendor.store.add("workflow_tasks", task, vendor.now())
            note(vendor, instance, "paused")
            return
    instance["status"] = "COMPLETED"
    note(vendor, instance, "completed")


def _moved(vendor: "OpenMercato", instance: Record, status: str, what: str) -> Answer:
    instance["status"] = status
    note(vendor, instance, what)
    settle(vendor)
    effect = {"kind": "workflow_instance_update", "id": instance["id"], "label": instance["workflowId"]}
    return Answer(200, {"data": instance, "message": f"Workflow {what}"}, effects=(effect,))


def _definition(vendor: "OpenMercato", workflow_id: str, version: Json) -> Record:
    rows = [row for row in vendor.store.rows("definitions") if row["workflowId"] == workflow_id]
    found = [row for row in rows if version in (None, row["version"])]
    if not found:
        raise refused(404, "Workflow definition not found")
    if not found[0]["enabled"]:
        raise refused(400, "Workflow definition is disabled")
    return max(found, key=lambda row: int(row["version"]))


def _steps(vendor: "OpenMercato", instance: Record) -> list[Record]:
    return vendor.store.steps[instance["id"]]


def _current(vendor: "OpenMercato", instance: Record) -> Record:
    return next(step for step in _steps(vendor, instance) if step["stepId"] == instance["currentStepId"])
