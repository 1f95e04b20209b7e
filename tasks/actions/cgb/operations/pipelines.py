"""Pipelines at ChatGPT Builder: stages, opportunities, comments.

Invariant: creating has no key of its own, so what a lost answer made is looked for among the newest, and a match that
may be older is no proof.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field, model_validator

from tasks.actions.cgb.client import ask
from tasks.actions.cgb.contents import Id, listed, named, rows
from tasks.actions.operations import Operation
from tasks.actions.parameters import Parameters, Text
from webhooks import fields
from worker.acting import Call, Outcome, Settled, Settlement
from worker.errors import UncertainError
from worker.states import Reason

# The vendor's clock may be behind ours, and its times have no fractions.
_CLOCK_SKEW = timedelta(seconds=5)


class Page(Parameters):
    """A part of a list."""

    offset: int | None = Field(default=None, ge=0)
    limit: int | None = Field(default=None, ge=1, description="100 when not given.")


class Pipeline(Parameters):
    """One pipeline."""

    pipeline_id: Id


class Opportunities(Pipeline, Page):
    """The opportunities of a pipeline, of one contact or all."""

    contact_id: Id | None = None


class OpportunityFields(Pipeline):
    """What an opportunity holds."""

    title: Text | None = None
    description: str | None = None
    stage_id: Id | None = None
    value: float | None = None
    status: Text | int | None = None
    priority: Text | int | None = None
    assigned_admins: list[Id] = Field(default_factory=list)


class CreateOpportunity(OpportunityFields):
    """An opportunity to be made."""

    contact_id: Id
    title: Text


class Opportunity(Pipeline):
    """One opportunity."""

    opportunity_id: Id


class UpdateOpportunity(OpportunityFields, Opportunity):
    """Changes of an opportunity; its contact stays for good."""

    @model_validator(mode="after")
    def _something_changes(self) -> "UpdateOpportunity":
        if not self.model_fields_set - {"pipeline_id", "opportunity_id"}:
            raise ValueError("nothing to change is given")
        return self


class Comments(Opportunity, Page):
    """The comments on an opportunity."""


class CreateComment(Opportunity):
    """A comment to be made."""

    content: Text


class Comment(Opportunity):
    """One comment."""

    comment_id: Id


_PIPELINE = "/pipelines/{pipeline_id}"
_OPPORTUNITIES = _PIPELINE + "/opportunities"
_OPPORTUNITY = _OPPORTUNITIES + "/{opportunity_id}"
_COMMENTS = _OPPORTUNITY + "/comments"
_STATE = {"opportunity_id": ("id",), "stage_id": ("stage_id",), "status": ("status",)}


def _created(_call: Call, answer: Any) -> Outcome:
    """Tell the id of a new opportunity: the vendor's sample is a LIST with it, other answers were not seen."""
    row = next(iter(rows(answer)), None) or (answer.get("data") if isinstance(answer, dict) else None) or answer
    found = fields.text(fields.at(row, "id"))
    if found is None:
        raise UncertainError(Reason.UNREADABLE_ANSWER, "accepted, but the answer names no opportunity")
    return Outcome({"opportunity_id": found})


def _newest(found: Iterable[dict[str, Any]], since: datetime, name: str) -> Settlement:
    """Return what those of the right words say: one made since then is it, and anything else proves nothing."""
    new = [row for row in found if (at := fields.moment(row.get("created_at"))) and at >= since - _CLOCK_SKEW]
    if len(new) != 1:
        return Settlement(Settled.NOT_KNOWN)
    return Settlement(Settled.HAPPENED, Outcome({name: str(fields.text(new[0].get("id")))}))


def _settle_opportunity(call: Call, since: datetime) -> Settlement:
    wanted: CreateOpportunity = call.parameters
    path = _OPPORTUNITIES.format(pipeline_id=wanted.pipeline_id)
    found = rows(ask(call, "GET", path, params={"contact_id": wanted.contact_id}))
    return _newest((row for row in found if row.get("title") == wanted.title), since, "opportunity_id")


def _settle_comment(call: Call, since: datetime) -> Settlement:
    wanted: CreateComment = call.parameters
    path = _COMMENTS.format(pipeline_id=wanted.pipeline_id, opportunity_id=wanted.opportunity_id)
    return _newest((row for row in rows(ask(call, "GET", path)) if row.get("data") == wanted.content), since, "id")


OPERATIONS = (
    Operation("cgb.list_pipelines", Page, "GET", "/pipelines/", "List the pipelines.", finish=named),
    Operation("cgb.get_pipeline", Pipeline, "GET", _PIPELINE, "Read a pipeline.",
              result={"id": ("id",), "name": ("name",)}),
    Operation("cgb.list_stages", Pipeline, "GET", _PIPELINE + "/stages", "List a pipeline's stages.", finish=named),
    Operation("cgb.list_opportunities", Opportunities, "GET", _OPPORTUNITIES, "List opportunities.", finish=listed),
    Operation(
        "cgb.create_opportunity", CreateOpportunity, "POST", _OPPORTUNITIES, "Make an opportunity of a contact.",
        idempotent=False, finish=_created, settle=_settle_opportunity,
        settled_by="one opportunity of the contact with that title, made since",
    ),
    Operation("cgb.get_opportunity", Opportunity, "GET", _OPPORTUNITY, "Read an opportunity.", result=_STATE),
    Operation(
        "cgb.update_opportunity", UpdateOpportunity, "POST", _OPPORTUNITY, "Change an opportunity.", idempotent=True
    ),
    Operation("cgb.list_comments", Comments, "GET", _COMMENTS, "List the ids of comments.", finish=listed),
    Operation(
        "cgb.create_comment", CreateComment, "POST", _COMMENTS, "Comment on an opportunity.", idempotent=False,
        result={"id": ("id",)}, must_tell=True, settle=_settle_comment,
        settled_by="one comment with those words, made since",
    ),
)  # fmt: skip

REMOVALS = (
    Operation("cgb.delete_opportunity", Opportunity, "DELETE", _OPPORTUNITY, "Delete an opportunity.", idempotent=True),
    Operation(
        "cgb.delete_comment", Comment, "DELETE", _COMMENTS + "/{comment_id}", "Delete a comment.", idempotent=True
    ),
)
