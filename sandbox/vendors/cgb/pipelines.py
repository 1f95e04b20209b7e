"""CGB's pipelines: opportunities and their comments.

Invariant: an opportunity keeps its contact for good: an update takes every field but that one.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Effect, Json
from sandbox.vendors.cgb.accounts import found
from sandbox.vendors.cgb.contacts import identity
from sandbox.vendors.cgb.state import Record, utc_text
from sandbox.vendors.cgb.words import RefusedError, data, json_fields, json_text, ok, whole_number

if TYPE_CHECKING:
    from sandbox.vendors.cgb.vendor import Cgb

DEFAULT_LIMIT = 100
FIELDS = ("title", "description", "stage_id", "value", "status", "priority", "assigned_admins")


def list_pipelines(vendor: "Cgb", call: Call) -> Answer:
    """GET /pipelines/."""
    return _page(call, ({"id": row["id"], "name": row["name"]} for row in vendor.bot.pipelines.values()))


def show_pipeline(vendor: "Cgb", call: Call) -> Answer:
    """GET /pipelines/{pipeline_id}."""
    pipeline = _pipeline(vendor, call)
    return Answer(200, {"id": pipeline["id"], "name": pipeline["name"]})


def list_stages(vendor: "Cgb", call: Call) -> Answer:
    """GET /pipelines/{pipeline_id}/stages."""
    return data(_pipeline(vendor, call)["stages"])


def list_opportunities(vendor: "Cgb", call: Call) -> Answer:
    """GET /pipelines/{pipeline_id}/opportunities."""
    pipeline, contact_id = _pipeline(vendor, call), call.query.get("contact_id")
    rows = (row for row in vendor.bot.opportunities.values() if row["pipeline_id"] == pipeline["id"])
    return _page(call, (_shown(vendor, row) for row in rows if contact_id in (None, row["contact_id"])))


def create_opportunity(vendor: "Cgb", call: Call) -> Answer:
    """POST /pipelines/{pipeline_id}/opportunities: the answer is a LIST with the new one in it."""
    pipeline, title = _pipeline(vendor, call), json_text(call, "title")
    contact_id = str(json_fields(call).get("contact_id") or "")
    if contact_id not in vendor.bot.contacts:
        raise RefusedError("contact_id is not a contact")
    number = vendor.ids.number("opportunity", 5_000)
    row: Record = {"id": number, "pipeline_id": pipeline["id"], "contact_id": contact_id}
    row |= {**dict.fromkeys(FIELDS), **_fields(call, pipeline), "title": title}
    row["created_at"] = row["updated_at"] = utc_text(vendor.setup.clock())
    vendor.bot.opportunities[str(number)] = row
    return Answer(200, {"data": [_shown(vendor, row)]}, effects=(_effect("opportunity", row),))


def show_opportunity(vendor: "Cgb", call: Call) -> Answer:
    """GET /pipelines/{pipeline_id}/opportunities/{opportunity_id}."""
    return Answer(200, _shown(vendor, _opportunity(vendor, call)))


def update_opportunity(vendor: "Cgb", call: Call) -> Answer:
    """POST /pipelines/{pipeline_id}/opportunities/{opportunity_id}."""
    row, fields = _opportunity(vendor, call), _fields(call, _pipeline(vendor, call))
    if not fields:
        raise RefusedError("nothing to update")
    row.update({**fields, "updated_at": utc_text(vendor.setup.clock())})
    return ok(_effect("opportunity_update", row))


def delete_opportunity(vendor: "Cgb", call: Call) -> Answer:
    """DELETE /pipelines/{pipeline_id}/opportunities/{opportunity_id}."""
    row = _opportunity(vendor, call)
    del vendor.bot.opportunities[str(row["id"])]
    return ok(_effect("opportunity_delete", row))


def list_comments(vendor: "Cgb", call: Call) -> Answer:
    """GET /pipelines/{pipeline_id}/opportunities/{opportunity_id}/comments."""
    row = _opportunity(vendor, call)
    return _page(call, (_comment(c) for c in vendor.bot.comments.values() if c["opportunity_id"] == row["id"]))


def add_comment(vendor: "Cgb", call: Call) -> Answer:
    """POST /pipelines/{pipeline_id}/opportunities/{opportunity_id}/comments."""
    row, content = _opportunity(vendor, call), json_text(call, "content")
    comment: Record = {
        "id": vendor.ids.number("comment", 7_000),
        "opportunity_id": row["id"],
        "data": content,
        "created_at": utc_text(vendor.setup.clock()),
        "created_by": vendor.bot.admins[0]["id"],
    }
    vendor.bot.comments[str(comment["id"])] = comment
    effect = {"kind": "comment", "id": comment["id"], "opportunity_id": row["id"]}
    return Answer(200, _comment(comment), effects=(effect,))


def delete_comment(vendor: "Cgb", call: Call) -> Answer:
    """DELETE /pipelines/{pipeline_id}/opportunities/{opportunity_id}/comments/{comment_id}."""
    row, comment = _opportunity(vendor, call), found(vendor.bot.comments, call.ids["comment_id"], "Comment")
    if comment["opportunity_id"] != row["id"]:
        raise RefusedError("Comment not found", 404)
    del vendor.bot.comments[call.ids["comment_id"]]
    return ok({"kind": "comment_delete", "id": comment["id"], "opportunity_id": row["id"]})


def _page(call: Call, rows: Iterable[Json]) -> Answer:
    offset = whole_number(call.query.get("offset", 0), "offset")
    limit = whole_number(call.query.get("limit", DEFAULT_LIMIT), "limit")
    return data(list(rows)[offset : offset + limit])


def _pipeline(vendor: "Cgb", call: Call) -> Record:
    return found(vendor.bot.pipelines, call.ids["pipeline_id"], "Pipeline")


def _opportunity(vendor: "Cgb", call: Call) -> Record:
    pipeline, row = _pipeline(vendor, call), found(vendor.bot.opportunities, call.ids["opportunity_id"], "Opportunity")
    if row["pipeline_id"] != pipeline["id"]:
        raise RefusedError("Opportunity not found", 404)
    return row


def _fields(call: Call, pipeline: Record) -> Record:
    fields = {name: value for name, value in json_fields(call).items() if name in FIELDS}
    stages = [str(stage["id"]) for stage in pipeline["stages"]]
    if fields.get("stage_id") is not None and str(fields["stage_id"]) not in stages:
        raise RefusedError("stage_id is not a stage of this pipeline")
    if not isinstance(fields.get("assigned_admins") or [], list):
        raise RefusedError("assigned_admins must be a list")
    return fields


def _shown(vendor: "Cgb", row: Record) -> Record:
    """Return an opportunity: its contact id goes in as text and comes out as a number."""
    return {**row, "contact_id": identity(vendor, row["contact_id"], seen_as_text=False)}


def _comment(comment: Record) -> Record:
    return {name: comment[name] for name in ("id", "data", "created_at", "created_by")}


def _effect(kind: str, row: Record) -> Effect:
    return {"kind": kind, **{name: row[name] for name in ("id", "contact_id", "title", "stage_id", "status")}}
