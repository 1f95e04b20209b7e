"""Open Mercato's workflows: instances, signals, tasks, definitions.

Source: the OpenAPI dump and the public source. An instance runs in the background: a signal that follows its start at
once may find nobody waiting, and is a 200 all the same. A malformed signal is answered 500, so it is checked here.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from tasks.actions.open_mercato.client import ask as ask_vendor
from tasks.actions.open_mercato.client import rows_of
from tasks.actions.open_mercato.parameters import ById, Given, Id, Json, Part, Sliced, Text, Text4000
from tasks.actions.open_mercato.reading import found
from tasks.actions.operations import Operation
from webhooks import fields
from worker.acting import Call, Outcome, Settled, Settlement

Name = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Status = Literal[
    "RUNNING", "PAUSED", "COMPLETED", "FAILED", "CANCELLED", "COMPENSATING", "COMPENSATED", "WAITING_FOR_ACTIVITIES"
]
INSTANCE = {"id": ("data.instance.id", "data.id", "id"), "status": ("data.instance.status", "data.status")}


class About(Part):
    """What an instance is about."""

    entity_type: Text | None = None
    entity_id: Text | None = None
    initiated_by: Text | None = None
    labels: dict[str, str] | None = None


class Start(Given):
    """Start a workflow."""

    workflow_id: Name
    version: Annotated[int, Field(ge=1)] | None = None
    correlation_key: Name | None = None
    initial_context: Json | None = None
    metadata: About | None = None


class FindInstances(Sliced):
    """Instances that fit all of this."""

    workflow_id: Name | None = None
    status: Status | None = None
    correlation_key: Name | None = None
    entity_type: Text | None = None
    entity_id: Text | None = None


class Signal(ById):
    """A signal to one instance."""

    signal_name: Name
    payload: Json = Field(default_factory=dict)


class FindEvents(Sliced):
    """What happened to instances."""

    event_type: Text | None = None


class EventsOf(FindEvents):
    """What happened to one instance."""

    id: Id


class CompleteTask(ById):
    """What a person's task came to."""

    form_data: Json
    comments: Text4000 | None = None


class FindDefinitions(Sliced):
    """Definitions of a workflow."""

    workflow_id: Name | None = None


class Definition(Given):
    """A workflow, step by step."""

    workflow_id: Name
    workflow_name: Name
    version: Annotated[int, Field(ge=1)] = 1
    definition: Json = Field(description="`steps` and `transitions`, with a START and an END.")
    description: Text4000 | None = None
    enabled: bool | None = None

    @model_validator(mode="after")
    def _begins_and_ends(self) -> Self:
        steps = self.definition.get("steps")
        kinds = {step.get("stepType") for step in steps if isinstance(step, dict)} if isinstance(steps, list) else set()
        if not {"START", "END"} <= kinds or not isinstance(self.definition.get("transitions"), list):
            raise ValueError("definition: steps with a START and an END, and transitions, are wanted")
        return self


class UpdateDefinition(Definition):
    """Put a workflow in another's place."""

    id: Id


def instance_of_key(call: Call, workflow_id: str, correlation_key: str) -> dict[str, Any] | None:
    """Return the newest instance of a workflow with a correlation key."""
    wanted = {"workflowId": workflow_id, "correlationKey": correlation_key, "limit": "100"}
    rows = rows_of(ask_vendor(call, "GET", "/workflows/instances", params=wanted))
    # A filter that the server does not know is ignored by it.
    fitting = [row for row in rows if all(row.get(name) == wanted[name] for name in ("workflowId", "correlationKey"))]
    return max(fitting, key=lambda row: str(row.get("createdAt") or ""), default=None)


def instance_told(row: Mapping[str, Any]) -> Outcome:
    """Return what is kept of an instance."""
    return Outcome({name: text for name in ("id", "status") if (text := fields.text(row.get(name)))})


def _settle_start(call: Call, since: datetime) -> Settlement:
    key = call.parameters.correlation_key
    if key is None:
        return Settlement(Settled.NOT_KNOWN)
    row = instance_of_key(call, call.parameters.workflow_id, key)
    if row is None:
        return Settlement(Settled.DID_NOT_HAPPEN)
    began_at = fields.moment(row.get("createdAt"))
    # An older instance says nothing of this one; their clock and ours may differ, so no more than that.
    happened = began_at is not None and began_at >= since
    return Settlement(Settled.HAPPENED, instance_told(row)) if happened else Settlement(Settled.NOT_KNOWN)


def _settle_definition(call: Call, _since: datetime) -> Settlement:
    page = ask_vendor(call, "GET", "/workflows/definitions", params={"workflowId": call.parameters.workflow_id})
    same = (
        row for row in rows_of(page)
        if (row.get("workflowId"), row.get("version")) == (call.parameters.workflow_id, call.parameters.version)
    )  # fmt: skip
    if row := next(same, None):
        return Settlement(Settled.HAPPENED, Outcome({"id": fields.text(row.get("id"))}))
    return Settlement(Settled.NOT_KNOWN)


def _reads(name: str, parameters: Any, path: str, summary: str, **more: Any) -> Operation:
    return Operation(f"open_mercato.{name}", parameters, "GET", path, summary, **{"finish": found, **more})


def _moves(name: str, parameters: Any, path: str, summary: str, **more: Any) -> Operation:
    """Return an operation that a second time would find another state."""
    return Operation(
        f"open_mercato.{name}", parameters, "POST", path, summary, **{"idempotent": False, "result": INSTANCE, **more}
    )  # fmt: skip


OPERATIONS = (
    _moves("start_workflow", Start, "/workflows/instances", "Start a workflow.", settle=_settle_start,
           settled_by="its correlation key, where one was given"),
    _reads("find_workflows", FindInstances, "/workflows/instances", "Find instances of workflows."),
    _reads("get_workflow", ById, "/workflows/instances/{id}", "Read an instance.", finish=None, result=INSTANCE),
    _moves("signal_workflow", Signal, "/workflows/instances/{id}/signal", "Send a signal to one instance."),
    _moves("cancel_workflow", ById, "/workflows/instances/{id}/cancel", "Cancel an instance."),
    _moves("retry_workflow", ById, "/workflows/instances/{id}/retry", "Let an instance that failed try again."),
    _moves("advance_workflow", ById, "/workflows/instances/{id}/advance", "Let an instance go on past its wait."),
    _reads("find_workflow_events", FindEvents, "/workflows/events", "List what happened to instances."),
    _reads("find_events_of_workflow", EventsOf, "/workflows/instances/{id}/events", "List what happened to one."),
    _reads("find_workflow_tasks", Sliced, "/workflows/tasks", "List people's tasks."),
    _moves("claim_workflow_task", ById, "/workflows/tasks/{id}/claim", "Take a task."),
    _moves("complete_workflow_task", CompleteTask, "/workflows/tasks/{id}/complete", "Complete a task."),
    _reads("find_workflow_definitions", FindDefinitions, "/workflows/definitions", "List definitions."),
    _moves("create_workflow_definition", Definition, "/workflows/definitions", "Create a definition.",
           settle=_settle_definition, settled_by="its id and version"),
    Operation("open_mercato.update_workflow_definition", UpdateDefinition, "PUT", "/workflows/definitions/{id}",
              "Replace a definition.", idempotent=True, result=INSTANCE),
)  # fmt: skip
