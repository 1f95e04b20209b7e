"""What a press of many selects: by a text too, all of it, and where time is up only what was looked through."""

from dataclasses import replace

import pytest
from sqlalchemy import Connection, literal_column, select, table, text

from worker.ledger.selecting import Matching, Selection, Told, mark_of, matching, targets
from worker.states import JobKind

MOST = 100_000
BY_TEXT = [
    (JobKind.REPLAY, Selection(text="DEWI", state="processed"), "events", "state = 'processed' AND {body}"),
    (
        JobKind.REPLAY,
        Selection(text="Dewi", state="processed", account="toko"),
        "events",
        "state = 'processed' AND account = 'toko' AND {body}",
    ),
    (
        JobKind.RETRY,
        Selection(text="dewi"),
        "deliveries",
        "state = 'dead' AND event_id IN (SELECT id FROM events WHERE {body})",
    ),
]


def counted(connection: Connection, name: str, condition: str) -> Told:
    """Return how many rows a condition holds for, and their mark."""
    of = text(condition.format(body="convert_from(coalesce(body, ''), 'UTF8') ILIKE '%dewi%'"))
    rows = select(literal_column("id")).select_from(table(name)).where(of).subquery()
    total, mark = connection.execute(select(literal_column("count(*)"), mark_of(rows.c.id)).select_from(rows)).one()
    return Told(total, mark)


def in_pieces(connection: Connection, kind: JobKind, wanted: Selection) -> list[Matching]:
    """Look for it without any time, going on each time where it was up."""
    found = [matching(connection, kind, wanted, MOST, seconds=0)]
    while (until := found[-1].looked_to) is not None:
        found.append(matching(connection, kind, replace(wanted, until=until), MOST, seconds=0))
    return found


@pytest.mark.parametrize(
    ("kind", "wanted", "name", "condition"), BY_TEXT, ids=["events", "events of an account", "deliveries"]
)
def test_all_that_have_a_text_are_selected(
    connection: Connection, kind: JobKind, wanted: Selection, name: str, condition: str
) -> None:
    """Just those, in whatever letters it was typed; and what is told is what is pressed."""
    found = matching(connection, kind, wanted, MOST)

    pressed = connection.execute(targets(connection, kind, found.selection, MOST)).all()
    assert found.told == counted(connection, name, condition)
    assert found.told.total == len(pressed) > 0


def test_where_time_is_up_only_what_was_looked_through_is_meant(connection: Connection) -> None:
    """Each look says how far it came and means nothing older; going on from there, together they mean all of it."""
    kind, wanted, name, condition = BY_TEXT[0]

    pieces = in_pieces(connection, kind, wanted)

    whole = counted(connection, name, condition)
    marks = 0
    for piece in pieces:
        marks ^= piece.told.mark
        pressed = connection.execute(targets(connection, kind, piece.selection, MOST)).all()
        assert len(pressed) == piece.told.total
    assert len(pieces) > 3
    assert Told(sum(piece.told.total for piece in pieces), marks) == whole


def test_no_more_are_selected_than_one_job_presses(connection: Connection) -> None:
    """However many have the text, the count ends at the most."""
    found = matching(connection, JobKind.REPLAY, Selection(text="a", state="processed"), most=700)

    assert found.told.total == 700
