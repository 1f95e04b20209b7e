"""Proton's searches: a free query, and filters of `{field: {operator: operand}}`.

Invariant: a field or operator that the vendor does not document is refused before anything is sent; a result holds ids
and counts.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import Field, model_validator

from tasks.actions.parameters import Parameters, Text
from tasks.actions.proton.client import ask
from tasks.actions.proton.shapes import MOST_PAGE
from webhooks import fields
from worker.acting import Action, Call, Outcome
from worker.errors import UncertainError
from worker.states import Reason

Scalar = str | int | float | bool | None
Operator = Literal[
    "eq", "neq", "gt", "gte", "lt", "lte", "contains", "not_contains", "exists", "includes"
]  # every search takes some of these; which ones for which field, the vendor answers
Condition = Annotated[dict[Operator, Scalar | list[Scalar]], Field(min_length=1)]
Query = Annotated[Text, Field(description="Three characters or more are advised.")]
Page = Annotated[int, Field(ge=1, le=MOST_PAGE)]
Offset = Annotated[int, Field(ge=0)]
Place = Literal["street_address", "city", "state", "zip_code", "region", "country"]


class _Paged(Parameters):
    """A part of what is found."""

    count: Page | None = None
    offset: Offset | None = None


class SearchCustomers(_Paged):
    """Customers; an e-mail address or phone number is found only by the free query."""

    query: Query
    filters: dict[
        Place | Literal["name", "type", "branch", "location", "account_type", "representative_ids", "bill_to_id"],
        Condition,
    ] = Field(default_factory=dict)


class SearchContacts(_Paged):
    """Contacts."""

    query: Query
    filters: dict[Literal["customer_id", "contact_type", "position"], Condition] = Field(default_factory=dict)


class SearchLeads(_Paged):
    """Leads."""

    query: Query
    filters: dict[Place, Condition] = Field(default_factory=dict)


class SearchCallNotes(_Paged):
    """Call notes."""

    query: str | None = None
    filters: dict[
        Literal["customer_id", "user_id", "bill_to_id", "call_type", "date", "customer_is_active"], Condition
    ] = Field(default_factory=dict)
    sort_field: Text | None = None
    sort_order: Literal["asc", "desc"] | None = None


class OpportunityFilters(Parameters):
    """Which opportunities: by any of their attributes, their custom fields, or those of their customer or product."""

    filters: dict[Text, Condition] = Field(default_factory=dict)
    custom_fields: list[dict[str, Any]] = Field(
        default_factory=list, description="{custom_field_id, <operator>: …} each."
    )
    inherited_fields: list[dict[str, Any]] = Field(
        default_factory=list, description="{inherited_field_id, inherit_from: customer or product, eq: …} each."
    )
    view_as_user_id: Text | None = None


class SearchOpportunities(OpportunityFilters):
    """Opportunities."""

    count: Page | None = None
    offset: Offset | None = None


class OfPipeline(OpportunityFilters):
    """The opportunities of a pipeline."""

    pipeline_id: Text


class OfPipelines(OpportunityFilters):
    """The opportunities of one pipeline, or of all."""

    pipeline_id: Text | None = None


class SearchQuotes(_Paged):
    """Quotes."""

    filters: dict[Text, Condition] = Field(default_factory=dict)
    sort_field: Text | None = None
    sort_order: Literal["asc", "desc"] | None = None
    all_accounts: bool | None = None
    requesting_user_id: Text | None = None

    @model_validator(mode="after")
    def _sorted_by_something(self) -> "SearchQuotes":
        if self.sort_order and not self.sort_field:
            raise ValueError("sort_order: by which sort_field?")
        return self


@dataclass(frozen=True)
class _Search:
    """One search."""

    name: str
    parameters: type[Parameters]
    summary: str
    path: str
    rows: str = ""
    """Where the answer has what was found, and by what each is named."""
    key: str = ""
    totals: tuple[str, ...] = field(default=("total_count",))
    """What else the answer tells; the first has to be there."""


def _run(search: _Search, call: Call) -> Outcome:
    given = call.parameters.model_dump(mode="json", exclude_none=True)
    pipeline = given.pop("pipeline_id", None)
    conditions = given.pop("filters", {})
    body = {name: value for name, value in given.items() if value != []} | conditions
    path = search.path.format(pipeline=f"{quote(pipeline, safe='')}/" if pipeline else "")
    answer = ask(call, "POST", path, json=body)
    told = {name: fields.text(fields.at(answer, name)) for name in search.totals}
    if told[search.totals[0]] is None:
        raise UncertainError(Reason.UNREADABLE_ANSWER, f"the answer has no {search.totals[0]}")
    if not search.rows:
        return Outcome(told)
    found = fields.at(answer, search.rows)
    ids = [fields.text(fields.at(row, search.key)) for row in found] if isinstance(found, list) else []
    return Outcome(told | {f"{search.key}s": [one for one in ids if one]})


_SEARCHES = (
    _Search(
        "proton.search_customers", SearchCustomers, "Find customers.", "/v2/customers/search", "items", "customer_id"
    ),
    _Search("proton.search_contacts", SearchContacts, "Find contacts.", "/v1/contacts/search", "items", "contact_id"),
    _Search("proton.search_leads", SearchLeads, "Find leads.", "/v1/leads/search", "items", "lead_id"),
    _Search(
        "proton.search_call_notes", SearchCallNotes, "Find call notes.", "/v1/call_notes/search", "items",
        "interaction_id",
    ),
    _Search(
        "proton.search_opportunities", SearchOpportunities, "Find opportunities.", "/opportunities/search",
        "opportunities", "opportunity_id", ("total_count", "total_value"),
    ),
    _Search(
        "proton.search_quotes", SearchQuotes, "Find quotes.", "/quote_headers/search", "quote_headers", "quote_id"
    ),
    _Search(
        "proton.export_pipeline", OfPipeline, "Get the address of a CSV of opportunities.",
        "/pipelines/{pipeline}export", totals=("url",),
    ),
    _Search(
        "proton.get_pipeline_metrics", OfPipelines, "Count and add up the opportunities of a pipeline, or of all.",
        "/pipelines/{pipeline}metrics", totals=("total_count", "total_value", "forecast_value"),
    ),
)  # fmt: skip


def _action(search: _Search) -> Action:
    def run(call: Call) -> Outcome:
        return _run(search, call)

    return Action(
        search.name, search.parameters, run, idempotent=True, is_read=True, summary=search.summary,
        endpoint=f"POST {search.path.format(pipeline='{pipeline_id}/')}",
    )  # fmt: skip


ACTIONS = tuple(map(_action, _SEARCHES))
