"""Open Mercato's audit log: what was done, undone and done again.

Invariant: undo puts the record back to the side before, redo to the side after; neither is logged again.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Json
from sandbox.vendors.open_mercato.state import USER_ID, stamp
from sandbox.vendors.open_mercato.words import Record, refused

if TYPE_CHECKING:
    from sandbox.vendors.open_mercato.vendor import OpenMercato

DEFAULT_LIMIT = 50


def note(vendor: "OpenMercato", kind: tuple[str, str, str], before: Record | None, after: Record) -> None:
    """Write down one command. `kind` is its table, its area and what it is called in the log."""
    table, area, resource = kind
    vendor.store.log.append(
        {
            "id": vendor.ids.uuid("log"),
            "commandId": f"{area}.{'create' if before is None else 'update'}",
            "resourceKind": resource,
            "resourceId": after["id"],
            "actorUserId": USER_ID,
            "snapshotBefore": before,
            "snapshotAfter": deepcopy(after),
            "changes": _changes(before or {}, after),
            "undoToken": vendor.ids.uuid("undo token"),
            "executionState": "done",
            "createdAt": stamp(vendor.now()),
            "table": table,
        }
    )


def list_actions(vendor: "OpenMercato", call: Call) -> Answer:
    """GET /audit_logs/audit-logs/actions: newest first."""
    after, before = call.query.get("after", ""), call.query.get("before", "9")
    rows = [row for row in vendor.store.log[::-1] if after < row["createdAt"] < before]
    if call.query.get("undoableOnly") == "true":
        rows = [row for row in rows if row["executionState"] == "done"]
    text = call.query.get("limit", "")
    limit = int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else DEFAULT_LIMIT
    return Answer(200, {"items": [{name: row[name] for name in row if name != "table"} for row in rows[:limit]]})


def list_accesses(vendor: "OpenMercato", call: Call) -> Answer:  # noqa: ARG001 - one signature for the whole table
    """GET /audit_logs/audit-logs/access: this sandbox keeps no log of reads."""
    return Answer(200, {"items": []})


def undo(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /audit_logs/audit-logs/actions/undo."""
    return _put_back(vendor, ("undoToken", call.params.get("undoToken")), "done", "undone", "snapshotBefore")


def redo(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /audit_logs/audit-logs/actions/redo."""
    return _put_back(vendor, ("id", call.params.get("logId")), "undone", "done", "snapshotAfter")


def _put_back(vendor: "OpenMercato", wanted: tuple[str, Json], state: str, then: str, side: str) -> Answer:
    name, value = wanted
    row = next((r for r in vendor.store.log if r[name] == value and r["executionState"] == state), None)
    if row is None:
        raise refused(400, "There is nothing to undo or redo")
    row["executionState"] = then
    table = vendor.store.table(row["table"])
    if row[side] is None:
        table.pop(row["resourceId"], None)
    else:
        table[row["resourceId"]] = deepcopy(row[side])
    effect = {"kind": "undo" if then == "undone" else "redo", "id": row["resourceId"], "label": row["commandId"]}
    return Answer(200, {"ok": True, "logId": row["id"]}, effects=(effect,))


def _changes(before: Mapping[str, Json], after: Mapping[str, Json]) -> Record:
    names = [name for name in after if name != "updatedAt" and before.get(name) != after[name]]
    return {name: {"from": before.get(name), "to": after[name]} for name in names}
