"""Proton's tasks: created by a multipart form, edited by JSON.

Invariant: a create takes one user as text, an edit a list of them; both answer only the id.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Json
from sandbox.vendors.proton.state import Record
from sandbox.vendors.proton.words import InvalidError, found, objects, success, text, texts

if TYPE_CHECKING:
    from sandbox.vendors.proton.vendor import Proton


def create(vendor: "Proton", call: Call) -> Answer:
    """POST /{company}/create/task: a multipart form, with JSON text in `associations`."""
    task: Record = {name: text(call, name) for name in ("user_id", "due_date", "note")}
    task["title"] = text(call, "title", required=True)
    task["associations"] = objects(call.params, "associations")
    task |= {"task_id": vendor.ids.uuid("task"), "completed": False}
    vendor.company(call).tasks[task["task_id"]] = task
    effect = {"kind": "task", "id": task["task_id"], "title": task["title"], "user_id": task["user_id"]}
    return success({"task_id": task["task_id"]}, "SUCCESS", effect)


def edit(vendor: "Proton", call: Call) -> Answer:
    """POST /{company}/edit/task: what is named changes."""
    params = call.params
    task = found(vendor.company(call).tasks.get(str(text(params, "task_id", required=True))), "Task")
    fields = _fields(params)
    task.update(fields)
    effect = {"kind": "task_update", "id": task["task_id"], "title": task["title"], "fields": sorted(fields)}
    return success({"task_id": task["task_id"]}, "SUCCESS", effect)


def _fields(params: Mapping[str, Json]) -> Record:
    fields: Record = {name: text(params, name) for name in ("title", "due_date", "note") if name in params}
    if "user_id" in params:
        fields["user_id"] = texts(params, "user_id")
    if "associations" in params:
        fields["associations"] = objects(params, "associations")
    if "completed" in params:
        if not isinstance(params["completed"], bool):
            raise InvalidError("completed must be a boolean")
        fields["completed"] = params["completed"]
    return fields
