"""Open Mercato beside customers and sales: business rules, records of own entities, toggles, the audit log, webhooks.

Source: the OpenAPI dump and the public source. Making webhook endpoints and rotating their secrets is left to people:
the secret shows once, and nothing here keeps one.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from tasks.actions.open_mercato.parameters import ById, Given, Id, Json, Moment, Paged, Text, Text200, Text1000
from tasks.actions.open_mercato.reading import found
from tasks.actions.operations import Operation
from webhooks import fields
from worker.acting import Call, Outcome

RECORD = {"record_id": ("item.recordId",), "entity_id": ("item.entityId",)}
EntityId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+(:[a-z0-9_]+)?$", max_length=200)]


class RunRules(Given):
    """Ask the business rules about something."""

    entity_type: Text
    data: Any
    entity_id: Text | None = None
    event_type: Text | None = None
    dry_run: bool = False


class CreateRecord(Given):
    """A record of an own entity."""

    entity_id: EntityId
    values: Json
    record_id: UUID | None = None


class UpdateRecord(Given):
    """Change a record of an own entity."""

    entity_id: EntityId
    record_id: UUID = Field(description="Anything else than a UUID would make a new record.")
    values: Json


class FindRecords(Paged):
    """Records of an own entity."""

    entity_id: EntityId
    with_deleted: bool | None = None


class Toggle(Given):
    """A feature toggle."""

    identifier: Text
    type: Literal["boolean", "string", "number", "json"] = "boolean"


class FindLog(Given):
    """What was done, or looked at."""

    after: Moment | None = None
    before: Moment | None = None
    limit: Annotated[int, Field(ge=1, le=200)] | None = None


class FindActions(FindLog):
    """What was done."""

    undoable_only: bool | None = None


class Undo(Given):
    """What is to be undone."""

    undo_token: Text


class Redo(Given):
    """What is to be done again."""

    log_id: Id


class UpdateWebhook(ById):
    """Change what is given of an endpoint."""

    name: Text200 | None = None
    url: Text | None = None
    subscribed_events: Annotated[list[Text], Field(min_length=1)] | None = None
    description: Text1000 | None = None
    http_method: Literal["POST", "PUT", "PATCH"] | None = None
    custom_headers: dict[str, str] | None = None
    max_retries: Annotated[int, Field(ge=0, le=30)] | None = None
    timeout_ms: Annotated[int, Field(ge=1000, le=60000)] | None = None
    rate_limit_per_minute: Annotated[int, Field(ge=0)] | None = None
    auto_disable_threshold: Annotated[int, Field(ge=0)] | None = None
    is_active: bool | None = None


class TestWebhook(ById):
    """What an endpoint is tried with."""

    event_type: Text | None = None
    payload: Json | None = None


def rules_told(_call: Call, answer: dict[str, Any]) -> Outcome:
    """Tell whether the rules allow it: a refusal is an answer, not a failure."""
    executed = answer.get("executedRules")
    result: dict[str, Any] = {"executed": len(executed) if isinstance(executed, list) else 0}
    if isinstance(allowed := answer.get("allowed"), bool):
        result["allowed"] = allowed
    return Outcome(result)


def toggle_told(_call: Call, answer: dict[str, Any]) -> Outcome:
    """Tell a toggle's value and where it comes from."""
    value = answer.get("enabled", answer.get("value"))
    source = {"source": text} if (text := fields.text(answer.get("source"))) else {}
    return Outcome({"value": value, **source})


_OF = "open_mercato."
_LOG = "/audit_logs/audit-logs"
OPERATIONS = (
    Operation(_OF + "run_rules", RunRules, "POST", "/business_rules/execute", "Ask the business rules.",
              idempotent=False, finish=rules_told),
    Operation(_OF + "create_record", CreateRecord, "POST", "/entities/records", "Create a record of an own entity.",
              idempotent=False, result=RECORD),
    Operation(_OF + "update_record", UpdateRecord, "PUT", "/entities/records", "Change a record of an own entity.",
              idempotent=True, result=RECORD),
    Operation(_OF + "find_records", FindRecords, "GET", "/entities/records", "List records of an own entity.",
              finish=found),
    Operation(_OF + "check_toggle", Toggle, "GET", "/feature_toggles/check/{type}", "Read a feature toggle.",
              finish=toggle_told),
    Operation(_OF + "find_logged_actions", FindActions, "GET", f"{_LOG}/actions", "List what was done.", finish=found),
    Operation(_OF + "find_logged_reads", FindLog, "GET", f"{_LOG}/access", "List what was looked at.", finish=found),
    Operation(_OF + "undo", Undo, "POST", f"{_LOG}/actions/undo", "Undo what was done.", idempotent=False,
              result={"log_id": ("logId",)}),
    Operation(_OF + "redo", Redo, "POST", f"{_LOG}/actions/redo", "Do again what was undone.", idempotent=False,
              result={"log_id": ("logId",)}),
    Operation(_OF + "find_webhooks", Paged, "GET", "/webhooks", "List the endpoints of webhooks.", finish=found),
    Operation(_OF + "get_webhook", ById, "GET", "/webhooks/{id}", "Read an endpoint.", result={"id": ("id",)}),
    Operation(_OF + "update_webhook", UpdateWebhook, "PUT", "/webhooks/{id}", "Change an endpoint.", idempotent=True,
              result={"id": ("id",)}),
    Operation(_OF + "test_webhook", TestWebhook, "POST", "/webhooks/{id}/test", "Let an endpoint be tried.",
              idempotent=False),
    Operation(_OF + "find_webhook_events", Paged, "GET", "/webhooks/events", "List what can be subscribed.",
              finish=found),
    Operation(_OF + "find_webhook_deliveries", Paged, "GET", "/webhooks/deliveries", "List what was sent.",
              finish=found),
    # The same webhook id goes out again: whoever gets it twice can tell.
    Operation(_OF + "retry_webhook_delivery", ById, "POST", "/webhooks/deliveries/{id}/retry", "Send one again.",
              idempotent=True),
)  # fmt: skip
