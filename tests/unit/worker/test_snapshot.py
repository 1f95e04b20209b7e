"""A snapshot moves forward only, whatever the order of arrival."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from config.subjects import CUSTOMER_FIELDS, ORDER_FIELDS
from worker.context import Subject, expression_context, personal_values
from worker.ids import ids_from, new_id, parse_id
from worker.ledger.database import is_away
from worker.snapshots import Patch, Snapshot
from worker.states import FREE_STATES, OPEN_STATES, DeliveryState, EventState

BEGIN = datetime(2026, 1, 15, tzinfo=UTC)
VALUES = st.dictionaries(
    st.sampled_from("abcd"), st.none() | st.integers(0, 9) | st.sampled_from(["", "x"]), max_size=4
)


def merged(patches: list[Patch]) -> Snapshot:
    """Take patches in, in this order."""
    snapshot = Snapshot()
    for patch in patches:
        snapshot = snapshot.merged(patch)
    return snapshot


@given(st.data(), st.lists(VALUES, max_size=6))
def test_any_order_of_arrival_gives_the_same_snapshot(data: st.DataObject, said: list[dict[str, Any]]) -> None:
    """The vendor's times decide, not ours."""
    zones = [UTC, timezone(timedelta(hours=7))]
    patches = [
        Patch("order:1", values, (BEGIN + timedelta(seconds=n)).astimezone(zones[n % 2]), complete=n == 2)
        for n, values in enumerate(said)
    ]

    assert merged(data.draw(st.permutations(patches))) == merged(patches)


@given(VALUES, VALUES)
def test_nothing_is_erased(first: dict[str, Any], second: dict[str, Any]) -> None:
    """A None says nothing; 0 and the empty text are values."""
    snapshot = merged(
        [Patch("s", first, BEGIN, complete=True), Patch("s", second, BEGIN + timedelta(1), complete=False)]
    )

    said = {name: value for name, value in first.items() if value is not None}
    assert snapshot.values == said | {name: value for name, value in second.items() if value is not None}
    assert snapshot.complete


def test_what_changed_in_a_way_that_was_not_said_is_not_whole_until_it_is_read_again() -> None:
    """A change before the newest full record outdates nothing; no value is lost meanwhile."""
    whole = Patch("s", {"a": 1}, BEGIN, complete=True)
    before, after = (
        Patch("s", {"id": "s"}, BEGIN + timedelta(hours=hours), complete=False, outdates=True) for hours in (-1, 1)
    )
    again = Patch("s", {"a": 2}, BEGIN + timedelta(hours=2), complete=True)

    assert merged([whole, before]).complete
    assert not merged([whole, after]).complete
    assert merged([whole, after]).values == {"a": 1, "id": "s"}
    assert merged([whole, after, again]).complete
    assert merged([whole, after, again, after]).complete


def test_a_patch_may_say_how_it_is_taken_in() -> None:
    """Where the newest value of each field is not enough."""

    def longest(snapshot: Snapshot, patch: Patch) -> Snapshot:
        known, said = str(snapshot.values.get("a", "")), str(patch.values["a"])
        return snapshot if len(known) > len(said) else snapshot.with_newest(patch)

    patches = [
        Patch("s", {"a": "long"}, BEGIN, complete=False, merge=longest),
        Patch("s", {"a": "no"}, BEGIN + timedelta(hours=1), complete=False, merge=longest),
    ]

    assert merged(patches).values == {"a": "long"}


def test_the_states_of_deliveries_are_told_apart() -> None:
    """Open: may be claimed. Free: surely had no effect. The others: under way, done, or nobody knows."""
    others = {DeliveryState.IN_FLIGHT, DeliveryState.SUCCEEDED, DeliveryState.UNKNOWN}

    assert set(OPEN_STATES) | set(FREE_STATES) | others == set(DeliveryState)
    assert len(OPEN_STATES) + len(FREE_STATES) + len(others) == len(DeliveryState)
    assert {str(state) for state in EventState} == {"received", "waiting", "processed", "failed"}


def test_later_ids_are_greater() -> None:
    """Ids sort by time, also those of one moment."""
    ids = [new_id() for _ in range(5_000)]

    assert all(earlier < later for earlier, later in pairwise(ids))


def test_ids_of_another_source_are_taken_within_it_only() -> None:
    """What is to be played again has the same ids again; whatever runs beside it has its own."""
    wanted = [UUID(int=1), UUID(int=2)]
    source = iter(wanted)

    with ThreadPoolExecutor(1) as beside, ids_from(lambda: next(source)):
        taken, other = [new_id(), new_id()], beside.submit(new_id).result()

    assert taken == wanted
    assert {new_id(), other}.isdisjoint(wanted)


@pytest.mark.parametrize("text", ["", "x", "{01890000-0000-7000-8000-000000000000}", "urn:uuid:0189", "0189\n", "١٢٣"])
def test_what_is_no_id_is_none(text: str) -> None:
    """Only a whole id, spelled plainly, is one."""
    assert parse_id(text) is None


def test_every_name_of_the_expression_language_has_its_fields() -> None:
    """A rule may ask for any field of an order or a customer: None where nothing is known."""
    context = expression_context({"account": "toko"}, {}, Subject("toko", "order:1"), {"status": "shipped"}, BEGIN)

    assert context["order"] == dict.fromkeys(ORDER_FIELDS) | {"status": "shipped"}
    assert context["customer"] == dict.fromkeys(CUSTOMER_FIELDS)


def test_personal_values_are_found_as_texts_or_numbers() -> None:
    """Phones may come as numbers; blanks and booleans are nobody's name."""
    data = {"chat_id": 628123456789, "name": "Budi", "first_name": "", "email": True, "status": "x"}
    context = expression_context({"account": "wa"}, data, Subject("wa", None), {}, BEGIN)

    assert personal_values(context) == {"628123456789", "Budi"}


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (OperationalError("x", None, Exception()), True),
        (InterfaceError("x", None, Exception()), True),
        (PoolTimeoutError(), True),
        (DBAPIError("x", None, Exception(), connection_invalidated=True), True),
        (DataError("x", None, Exception()), False),
        (IntegrityError("x", None, Exception()), False),
        (ProgrammingError("x", None, Exception()), False),
    ],
)
def test_an_outage_is_told_from_a_fault(error: Any, away: bool) -> None:
    """What fails again however often it is tried must not be tried for ever."""
    assert is_away(error) is away
