"""Single records at Proton: customers, contacts, call notes, opportunities, tasks, quotes.

Invariant: a read that fills a snapshot says which record it read, or is no answer.
"""

from typing import Any

from pydantic import Field, model_validator

from tasks.actions.operations import Operation
from tasks.actions.parameters import Parameters, Text
from tasks.actions.proton.parameters import LegacyNotes, LowerText, Texts
from tasks.actions.proton.shapes import MOST_PAGE, Associations
from webhooks import fields
from webhooks.sources.proton.records import call_note_patch, customer_patch
from worker.acting import Call, Outcome
from worker.errors import UncertainError
from worker.snapshots import Patch
from worker.states import Reason


class Identified(Parameters):
    """One record, by the vendor's id or its UUID."""

    identifier: Text


class Opportunity(Parameters):
    """One opportunity."""

    opportunity_id: Text


class ActivityFeed(Opportunity):
    """What happened around an opportunity; `start_date` and `end_date` are seconds since 1970."""

    mode: Text | None = None
    start_date: int | None = None
    end_date: int | None = None
    order_id: Text | None = None
    product_id: Text | None = None
    product_super_category: Text | None = None
    manufacturer: Text | None = None
    cursor: Text | None = None
    count: int | None = Field(default=None, ge=1, le=MOST_PAGE)
    sort: Text | None = None


class PipelineUsers(Parameters):
    """Users of a pipeline."""

    pipeline_id: Text
    q: str | None = None
    active_only: bool | None = None
    count: int | None = Field(default=None, ge=1, le=MOST_PAGE)
    offset: int | None = Field(default=None, ge=0)


class NewTask(Parameters):
    """A task for one user; `due_date` in ISO 8601."""

    user_id: LowerText
    title: Text
    due_date: Text | None = None
    note: str | None = None
    associations: Associations


class TaskChange(Parameters):
    """A change of a task; here `user_id` is a list."""

    task_id: Text
    title: Text | None = None
    due_date: Text | None = None
    note: str | None = None
    completed: bool | None = None
    user_id: Texts
    requesting_user_id: Text | None = None
    associations: Associations

    @model_validator(mode="after")
    def _something_changes(self) -> "TaskChange":
        if not self.model_fields_set - {"task_id", "requesting_user_id"}:
            raise ValueError("nothing to change is given")
        return self


class Quote(Parameters):
    """One quote."""

    quote_id: Text


class QuoteLine(Parameters):
    """A line of a quote, by its interaction_id."""

    interaction_id: Text
    product_id: Text | None = None
    quantity: float | None = Field(default=None, allow_inf_nan=False)
    net_price: float | None = Field(default=None, allow_inf_nan=False)
    list_price: float | None = Field(default=None, allow_inf_nan=False)
    margin: float | None = Field(default=None, allow_inf_nan=False)
    quote_status: Text | None = None


class QuoteChange(Quote):
    """A change of a quote; each line is sent with what is named of it."""

    customer_id: Text | None = None
    contact_id: Text | None = None
    notes: str | None = None
    quote_lines: list[QuoteLine] = Field(default_factory=list)

    @model_validator(mode="after")
    def _something_changes(self) -> "QuoteChange":
        if not self.model_fields_set - {"quote_id"}:
            raise ValueError("nothing to change is given")
        return self


def _read_as(patch: Patch | None, names: tuple[str, ...]) -> Outcome:
    if patch is None:
        raise UncertainError(Reason.UNREADABLE_ANSWER, "Proton's answer is not such a record")
    return Outcome({name: patch.values[name] for name in names if patch.values[name]}, (patch,))


def _customer(call: Call, data: Any) -> Outcome:
    return _read_as(customer_patch(data, call.session.clock(), call.country), ("customer_id", "id"))


def _call_note(call: Call, data: Any) -> Outcome:
    return _read_as(call_note_patch(data, call.session.clock()), ("interaction_id", "customer_id", "call_type"))


def _interactions(_call: Call, data: Any) -> Outcome:
    found = [fields.text(fields.at(row, "interaction_id")) for row in data] if isinstance(data, list) else []
    if not found or None in found:
        raise UncertainError(Reason.UNREADABLE_ANSWER, "accepted, but the answer does not name the notes")
    return Outcome({"interaction_ids": found})


def _activities(_call: Call, data: Any) -> Outcome:
    rows = fields.at(data, "activities")
    ids = [fields.text(fields.at(row, "activity_id")) for row in rows] if isinstance(rows, list) else []
    return Outcome({"activity_ids": [one for one in ids if one], "cursor": fields.text(fields.at(data, "cursor"))})


def _users(_call: Call, data: Any) -> Outcome:
    return Outcome({"count": len(data) if isinstance(data, list) else 0})


_CONTACT = {
    "contact_id": ("contact_id",), "id": ("id",), "customer_id": ("customer_id",), "calls_count": ("calls_count",),
    "quotes_count": ("quotes_count",), "orders_count": ("orders_count",), "emails_count": ("emails_count",),
}  # fmt: skip
_OPPORTUNITY = {
    "opportunity_id": ("opportunity_id",), "pipeline_id": ("pipeline_id",), "stage_id": ("stage_id",),
    "customer_id": ("customer_id",), "value": ("value",),
}  # fmt: skip
_QUOTE = {
    "quote_id": ("quote_id",), "customer_id": ("customer_id",), "status": ("status",), "total_value": ("total_value",),
    "remaining_value": ("remaining_value",),
}  # fmt: skip
_TASK = {"task_id": ("task_id",)}

OPERATIONS = (
    Operation(
        "proton.get_customer", Identified, "GET", "/v1/customers/{identifier}",
        "Read a customer by its customer_id or UUID.", finish=_customer,
    ),
    Operation(
        "proton.get_contact", Identified, "GET", "/v1/contacts/{identifier}", "Read a contact.", result=_CONTACT,
        must_tell=True,
    ),
    Operation(
        "proton.get_call_note", Identified, "GET", "/v1/call_notes/{identifier}",
        "Read a call note by its interaction_id or UUID.", finish=_call_note,
    ),
    Operation(
        "proton.create_interaction_call_notes", LegacyNotes, "POST", "/create/interaction/call_note",
        "Write call notes by the older call, of which no webhook tells.", idempotent=False, encoding="multipart",
        finish=_interactions,
    ),
    Operation(
        "proton.get_opportunity", Opportunity, "GET", "/opportunities/{opportunity_id}", "Read an opportunity.",
        result=_OPPORTUNITY, must_tell=True,
    ),
    Operation(
        "proton.get_activity_feed", ActivityFeed, "GET", "/opportunities/{opportunity_id}/activity_feed",
        "List what happened around an opportunity.", finish=_activities,
    ),
    Operation(
        "proton.list_pipeline_users", PipelineUsers, "GET", "/pipelines/{pipeline_id}/mock_users",
        "Count a pipeline's users.", finish=_users,
    ),
    Operation(
        "proton.create_task", NewTask, "POST", "/create/task", "Create a task.", idempotent=False,
        encoding="multipart", result=_TASK, must_tell=True,
    ),
    Operation(
        "proton.edit_task", TaskChange, "POST", "/edit/task", "Change a task.", idempotent=True, result=_TASK,
        must_tell=True,
    ),
    Operation("proton.get_quote", Quote, "GET", "/quotes/{quote_id}", "Read a quote.", result=_QUOTE, must_tell=True),
    Operation(
        "proton.get_quote_header", Quote, "GET", "/quote_headers/{quote_id}", "Read a quote without its lines.",
        result=_QUOTE, must_tell=True,
    ),
    # What the vendor answers is not documented: nothing is demanded of it.
    Operation("proton.update_quote", QuoteChange, "PATCH", "/quotes/{quote_id}", "Change a quote.", idempotent=True),
)  # fmt: skip

REMOVALS = (
    Operation(
        "proton.delete_contact", Identified, "DELETE", "/v1/contacts/{identifier}", "Delete a contact for good.",
        idempotent=True,
    ),
    Operation(
        "proton.delete_call_note", Identified, "DELETE", "/v1/call_notes/{identifier}",
        "Delete a call note of our own user.", idempotent=True,
    ),
    Operation(
        "proton.delete_opportunity", Opportunity, "DELETE", "/opportunities/{opportunity_id}",
        "Mark an opportunity as deleted.", idempotent=True,
    ),
)  # fmt: skip
