"""Lists of what is in the ledger: narrowed, a page at a time, and never by looking at everything."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, event, text

from tests.integration.ledger.conftest import NOW
from worker.ids import first_id, moment_of
from worker.ledger import lists
from worker.ledger.lists import Filter, Page, list_attempts, list_deliveries, list_events

DAY = timedelta(days=1)
LISTS = {"events": list_events, "deliveries": list_deliveries, "attempts": list_attempts}
NARROWED: list[tuple[str, dict[str, Any], str]] = [
    ("events", {}, "true"),
    ("events", {"account": "crm"}, "account = 'crm'"),
    ("events", {"account": "nobody"}, "false"),
    ("events", {"type": "proton.something.new"}, "type = 'proton.something.new'"),
    ("events", {"type": "scalev.order.created", "account": "toko"}, "type = 'scalev.order.created'"),
    ("events", {"type": "scalev.order.created", "account": "wa"}, "false"),
    ("events", {"state": "failed"}, "state = 'failed'"),
    ("events", {"state": "processed"}, "state = 'processed'"),
    ("events", {"state": "waiting", "account": "toko"}, "state = 'waiting' AND account = 'toko'"),
    ("events", {"handling": "unknown"}, "handling = 'unknown'"),
    ("events", {"reason": "unreadable_event"}, "reason = 'unreadable_event'"),
    ("events", {"subject": "order:000000100"}, "subject = 'order:000000100'"),
    ("events", {"ambiguous": True}, "(tap ->> 'ambiguous') = 'true'"),
    ("events", {"text": "buyer77@"}, "convert_from(body, 'UTF8') LIKE '%buyer77@%'"),
    ("events", {"text": "dewi lestari", "state": "failed"}, "state = 'failed' AND encode(body, 'escape') ~ 'Dewi'"),
    ("events", {"since": NOW - 9 * DAY, "until": NOW - DAY}, "received_at >= '2/20/26' AND received_at < '2/28/26'"),
    ("deliveries", {}, "true"),
    ("deliveries", {"account": "wa", "state": "dead"}, "account = 'wa' AND state = 'dead'"),
    ("deliveries", {"type": "wabotick.send_media"}, "action = 'wabotick.send_media'"),
    ("deliveries", {"rule": "rule-1-4"}, "rule = 'rule-1-4'"),
    ("deliveries", {"state": "succeeded", "rule": "rule-0-0"}, "state = 'succeeded' AND rule = 'rule-0-0'"),
    ("deliveries", {"reason": "exhausted"}, "reason = 'exhausted'"),
    ("deliveries", {"reason": "exhausted", "state": "cancelled"}, "false"),
    ("deliveries", {"subject": "order:000000100"}, "subject = 'order:000000100'"),
    ("deliveries", {"text": "000000100/301"}, "effect_key = '000000100/301'"),
    ("attempts", {}, "true"),
    ("attempts", {"state": "dead"}, "state = 'dead'"),
    ("attempts", {"reason": "server_error"}, "reason = 'server_error'"),
]  # fmt: skip


def ids(connection: Connection, table: str, condition: str) -> list[UUID]:
    """Return which rows a condition holds for, newest first."""
    return list(connection.scalars(text(f"SELECT id FROM {table} WHERE {condition} ORDER BY id DESC")))  # noqa: S608


def pages(connection: Connection, table: str, wanted: Filter, seconds: float = 1000) -> list[Page]:
    """Return every page, from the newest on."""
    found = [LISTS[table](connection, wanted, seconds)]
    while found[-1].older is not None:
        found.append(LISTS[table](connection, replace(wanted, before=found[-1].older), seconds))
    return found


@pytest.mark.parametrize(("table", "narrowed", "condition"), NARROWED)
def test_pages_hold_each_row_that_matches_once(
    connection: Connection, table: str, narrowed: dict[str, Any], condition: str
) -> None:
    """All pages together are what the condition in plain SQL finds, newest first."""
    expected = ids(connection, table, condition)

    found = pages(connection, table, Filter(**narrowed, limit=max(7, len(expected) // 5)))

    assert [row.id for page in found for row in page.rows] == expected
    assert len(found) <= 7
    assert found[0].newer is None
    assert all(page.searched_to is None for page in found)


@pytest.mark.parametrize("table", LISTS)
@pytest.mark.parametrize("narrowed", [{}, {"state": "retrying"}, {"account": "crm"}], ids=str)
def test_pages_go_back_the_way_they_went(connection: Connection, table: str, narrowed: dict[str, Any]) -> None:
    """The page before a page is the one that led to it."""
    wanted = Filter(**narrowed, limit=10)
    first = LISTS[table](connection, wanted)
    second = LISTS[table](connection, replace(wanted, before=first.older))
    third = LISTS[table](connection, replace(wanted, before=second.older))

    back = LISTS[table](connection, replace(wanted, after=third.newer))
    further = LISTS[table](connection, replace(wanted, after=back.newer))

    assert [row.id for row in back.rows] == [row.id for row in second.rows]
    assert [row.id for row in further.rows] == [row.id for row in first.rows]
    assert (back.older, further.older, further.newer) == (second.older, first.older, None)


@pytest.mark.parametrize(
    ("table", "narrowed"),
    [
        ("events", {"text": "no body has this"}),
        ("events", {"text": "buyer1@"}),
        ("deliveries", {"account": "wa", "rule": "rule-2-0", "text": "000005"}),
        ("attempts", {"account": "crm", "state": "dead"}),
    ],
    ids=str,
)
@pytest.mark.parametrize("backwards", [True, False])
def test_what_was_not_looked_at_is_said(
    connection: Connection, table: str, narrowed: dict[str, Any], *, backwards: bool
) -> None:
    """A search whose time is up says how far it came, and goes on from there: nothing is left out, nothing twice."""
    wanted = Filter(**narrowed, limit=3)
    whole = [row.id for page in pages(connection, table, wanted) for row in page.rows]
    [end] = ids(connection, table, "true")[-1:]
    found, stops = list[UUID](), 0
    wanted = wanted if backwards else replace(wanted, after=UUID(int=end.int - 1))
    while True:
        page = LISTS[table](connection, wanted, 1e-9)
        found += [row.id for row in (page.rows if backwards else page.rows[::-1])]
        stops += page.searched_to is not None
        on = page.older if backwards else page.newer
        if on is None:
            break
        wanted = replace(wanted, before=on) if backwards else replace(wanted, after=on)

    assert found == (whole if backwards else whole[::-1])
    assert stops


@pytest.mark.parametrize(("table", "narrowed", "condition"), NARROWED)
def test_no_list_looks_at_everything(
    connection: Connection, table: str, narrowed: dict[str, Any], condition: str
) -> None:
    """No statement of a list goes through a whole table, nor sorts one: each has an index that serves it."""
    statements: list[tuple[str, Any]] = []

    @event.listens_for(connection, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: Any) -> None:
        statements.append((statement, parameters))

    LISTS[table](connection, Filter(**narrowed))
    event.remove(connection, "before_cursor_execute", note)

    plans = ["\n".join(connection.exec_driver_sql(f"EXPLAIN {sql}", given).scalars()) for sql, given in statements]
    assert plans
    assert condition
    for plan in plans:
        assert not re.search(r"Seq Scan on (events|deliveries|attempts)", plan), plan


@pytest.mark.parametrize(
    ("table", "narrowed", "index"),
    [
        ("events", {"account": "crm"}, "ix_events_of_account"),
        ("events", {"type": "scalev.order.created"}, "ix_events_of_type"),
        ("events", {"subject": "order:000000100"}, "ix_events_of_subject"),
        ("events", {"reason": "unreadable_event"}, "ix_events_of_reason"),
        ("deliveries", {"account": "wa"}, "ix_deliveries_of_account"),
        ("deliveries", {"type": "wabotick.send_template"}, "ix_deliveries_of_action"),
        ("deliveries", {"rule": "rule-1-4"}, "ix_deliveries_of_rule"),
        ("deliveries", {"state": "dead"}, "ix_deliveries_of_state"),
        ("deliveries", {"reason": "exhausted"}, "ix_deliveries_of_reason"),
        ("attempts", {"reason": "server_error"}, "ix_attempts_of_reason"),
    ],
)  # fmt: skip
def test_each_condition_is_served_by_its_own_index(
    connection: Connection, table: str, narrowed: dict[str, Any], index: str
) -> None:
    """Whatever PostgreSQL believes about how common a value is: no walk through all ids in the hope of meeting it."""
    statements: list[tuple[str, Any]] = []

    @event.listens_for(connection, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: Any) -> None:
        statements.append((statement, parameters))

    LISTS[table](connection, Filter(**narrowed))
    event.remove(connection, "before_cursor_execute", note)

    [(sql, given)] = [pair for pair in statements if f"FROM {table}" in pair[0]]
    plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {sql}", given).scalars())
    assert f"using {index}" in plan
    assert "Sort" not in plan


def test_counts_stop_at_a_bound(connection: Connection) -> None:
    """How many there are is told exactly up to a bound, and not at all where each would have to be looked at."""
    few, all_ = Filter(state="failed"), Filter()

    counted = lists.count_events(connection, few)
    bounded = lists.count_deliveries(connection, all_, most=100)

    assert counted == lists.Bounded(len(ids(connection, "events", "state = 'failed'")), more=False)
    assert bounded == lists.Bounded(100, more=True)
    assert lists.count_events(connection, Filter(text="x")) is None


@pytest.mark.parametrize("value", ["\x00", "\ud800", "'", "%", "\\", "x" * 10_000, "order:\x00"])
def test_any_text_can_be_asked_for(connection: Connection, value: str) -> None:
    """What no database can hold matches nothing, and breaks nothing."""
    for name in ("account", "type", "subject", "reason", "text"):
        page = list_events(connection, Filter(**{name: value}, since=NOW - DAY))
        assert page.rows == [] or (name, value) in {("text", "'"), ("text", "%"), ("text", "\\")}


def test_times_are_those_of_ids() -> None:
    """Ids sort by time; moments before and after all ids are no error."""
    assert moment_of(first_id(NOW)) == NOW
    assert first_id(datetime(1, 1, 1, tzinfo=UTC)) < first_id(NOW) < first_id(datetime(9999, 1, 1, tzinfo=UTC))
