"""Turn Open Mercato's answers into outcomes: what was found, and records for the snapshots.

Invariant: a result holds ids, states and counts; names and addresses go into snapshots only.
"""

from collections.abc import Callable
from typing import Any

from tasks.actions.open_mercato.client import ask, rows_of
from webhooks import fields
from webhooks.sources.open_mercato.records import Kind, record_patch
from worker.acting import Call, Outcome
from worker.errors import PermanentError, UncertainError
from worker.states import Reason

MOST_IDS = 50
MOST_ROWS = 100
_TOTALS = ("total", "pagination.total")

ID = {"id": ("id",)}
"""Where most creates have their id."""


def found(_call: Call, page: dict[str, Any]) -> Outcome:
    """Tell what a list has: how many, their ids, and what state the first is in."""
    rows = rows_of(page)
    ids = [text for row in rows if (text := fields.text(fields.first(row, ("id", "recordId"))))]
    result: dict[str, Any] = {"count": len(rows), "ids": ids[:MOST_IDS]}
    if ids:
        result["id"] = ids[0]
    for name, places in {"total": _TOTALS, "value": ("0",)}.items():
        if (total := fields.text(fields.first(page, places))) is not None:
            result[name] = total
    return Outcome(result)


def values_found(call: Call, page: dict[str, Any]) -> Outcome:
    """Tell which values a dictionary has, with the ids that stand for them."""
    rows = rows_of(page)
    named = {
        fields.text(fields.first(row, ("value", "code", "name", "slug"))): fields.text(row.get("id")) for row in rows
    }
    entries = {name: entry for name, entry in list(named.items())[:MOST_IDS] if name and entry}
    return Outcome(found(call, page).result | {"entries": entries})


def one_record(kind: Kind) -> Callable[[Call, Any], Outcome]:
    """Return how a detail is read into the snapshot."""

    def finish(call: Call, record: Any) -> Outcome:
        patch = record_patch(kind, record, call.session.clock(), call.country)
        if patch is None:
            raise UncertainError(Reason.UNREADABLE_ANSWER, f"the answer is no {kind.name}")
        shown = {name: patch.values[name] for name in ("id", "status") if patch.values.get(name)}
        return Outcome(shown, (patch,))

    return finish


def first_record(kind: Kind) -> Callable[[Call, Any], Outcome]:
    """Return how the one row that was asked for by its id is read out of a list."""
    one = one_record(kind)

    def finish(call: Call, page: Any) -> Outcome:
        wanted = call.parameters.id
        row = next((row for row in rows_of(page) if fields.text(row.get("id")) == wanted), None)
        if row is None:
            raise PermanentError(Reason.NOT_FOUND, f"Open Mercato knows no {kind.name} {wanted}")
        return one(call, row)

    return finish


def all_rows(call: Call, path: str, **params: str) -> list[dict[str, Any]]:
    """Return the first hundred rows of a search."""
    return rows_of(ask(call, "GET", path, params={**params, "pageSize": str(MOST_ROWS)}))
