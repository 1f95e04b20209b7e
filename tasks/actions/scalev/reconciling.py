"""The orders of Scalev that changed in a span of time: for whoever looks whether a webhook was missed.

Source: the list has no filter on changes and is sorted by the time of creation, newest first. So it is walked back to
where creation leaves the window that is looked back on, and by the status times that it does filter on.
Invariant: reading changes nothing, and whoever asks sets the pace: `before_each` comes before every request.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from tasks.actions.judging import looking
from tasks.actions.scalev.client import ask
from tasks.actions.scalev.parameters import MOST_IN_PAGE
from tasks.actions.scalev.results import rows_of
from webhooks import fields
from worker.acting import Call
from worker.errors import PermanentError
from worker.states import Reason

LOOK_BACK = timedelta(days=7)
"""How old an order may be for any change of it to be found; of older ones only those below are."""
MOST_PAGES = 400
_FILTERED_TIMES = ("confirmed_time", "shipped_time", "completed_time")
# The default columns are not documented, so each one that is read is asked for.
_COLUMNS = "id,order_id,created_at,last_updated_at"

Knows = Callable[[str, datetime | None], bool]
"""Whether the state of an order, by its human number and the time of its last change, is known already."""


def nothing_known(_order_id: str, _changed_at: datetime | None) -> bool:
    """Say that no order is known."""
    return False


def at_once() -> None:
    """Wait for nothing."""


def orders_updated_between(
    call: Call,
    since: datetime,
    until: datetime,
    *,
    knows: Knows = nothing_known,
    before_each: Callable[[], None] = at_once,
    look_back: timedelta = LOOK_BACK,
) -> Iterator[dict[str, Any]]:
    """Yield each order that changed in `[since, until)` and is not known, whole, as Scalev's API tells it.

    An order whose row tells no time of change is read all the same. Raises RetryableError when an answer does not
    come, also half-way: what was yielded until then stands.
    """
    seen: set[str] = set()
    for row in _candidates(call, since, until, look_back, before_each):
        key, order_id = fields.text(row.get("id")), fields.key_text(row.get("order_id"))
        changed = fields.moment(row.get("last_updated_at"))
        if key is None or order_id is None or key in seen:
            continue
        seen.add(key)
        if (changed is not None and not since <= changed < until) or knows(order_id, changed):
            continue
        before_each()
        if order := _order(call, key):
            yield order


def _candidates(
    call: Call, since: datetime, until: datetime, look_back: timedelta, before_each: Callable[[], None]
) -> Iterator[dict[str, Any]]:
    oldest = since - look_back
    for row in _rows(call, {}, before_each):
        created = fields.moment(row.get("created_at"))
        if created is not None and created < oldest:
            break
        yield row
    for name in _FILTERED_TIMES:
        yield from _rows(call, {f"{name}_since": _zulu(since), f"{name}_until": _zulu(until)}, before_each)


def _rows(call: Call, filters: dict[str, str], before_each: Callable[[], None]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a list, page after page."""
    query = {**filters, "columns": _COLUMNS, "page_size": str(MOST_IN_PAGE)}
    for _ in range(MOST_PAGES):
        before_each()
        with looking():
            page = ask(call, "GET", "/orders", params=query)
            rows = rows_of(page)
        yield from (row for row in rows if isinstance(row, dict))
        cursor = fields.text(fields.at(page, "next_cursor"))
        if cursor is None or cursor == query.get("next_cursor"):
            return
        query["next_cursor"] = cursor


def _order(call: Call, key: str) -> dict[str, Any] | None:
    """Return an order whole; None when it was deleted meanwhile."""
    try:
        with looking():
            order = ask(call, "GET", f"/orders/{quote(key, safe='')}")
    except PermanentError as error:
        if error.reason is Reason.NOT_FOUND:
            return None
        raise
    return order if isinstance(order, dict) else None


def _zulu(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
