"""Scalev's webhooks, sentence by sentence after scalev.md."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from config.accounts import ScalevAccount
from webhooks.examples import load_example
from webhooks.inbound import Inbound
from webhooks.sources.scalev.orders import FACTS, order_facts, order_patch
from webhooks.sources.scalev.source import SOURCE
from webhooks.verification import Match
from worker.reading import Completion, Stored, Understanding
from worker.snapshots import Snapshot
from worker.states import Handling

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
ACCOUNT = ScalevAccount.model_validate({"vendor": "scalev", "signing_secrets": ["long-enough"], "api_key": "k"})
# For a time the key was an integer; older deliveries lack it.
IDS = [("0198-uuid", "0198-uuid"), (4711, "4711"), (None, None)]


def _read(body: Any) -> Understanding:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return SOURCE.read(Stored("toko", "", raw, "application/json", None, {}, None, NOW), ACCOUNT, "ID")


def _dedupe_key(body: Any) -> str:
    inbound = Inbound("toko", json.dumps(body).encode(), {}, "", None, None, NOW)
    return SOURCE.identify(inbound, body, Match(0), ACCOUNT)[0].dedupe_key


def _values(**data: Any) -> dict[str, Any]:
    patch = order_patch({"order_id": "250804QWERTY", **data}, NOW, "ID")
    assert patch
    return patch.values


def test_a_created_order_is_the_whole_order_in_our_words() -> None:
    """order.created carries everything; it completes the snapshot and needs nothing of the API."""
    understanding = _read(load_example("scalev", "order.created"))

    patch, _ = understanding.patches
    given = load_example("scalev", "order.created")["data"]
    assert understanding.subject == patch.subject == f"order:{given['order_id']}"
    assert (patch.complete, understanding.completion) == (True, None)
    assert understanding.data == given
    expected = {
        "id": given.get("id"), "status": given["status"], "payment_status": given["payment_status"],
        "customer_name": given["destination_address"]["name"], "phone_raw": given["destination_address"]["phone"],
        "phone": "+628123456789", "gross_revenue": given["gross_revenue"], "store": given["store"]["name"],
        "products": [line["product_name"] for line in given["orderlines"]], "tags": given["tags"],
    }  # fmt: skip
    assert {name: patch.values[name] for name in expected} == expected


@pytest.mark.parametrize(
    "name", ["order.status_changed", "order.payment_status_changed", "payment.received", "payment.failed"]
)
def test_a_partial_event_erases_nothing_and_asks_the_api_for_the_rest(name: str) -> None:
    """What a partial event does not say is None, which says nothing; the order is read when it was never seen."""
    whole = _read(load_example("scalev", "order.created")).patches[0]
    body = load_example("scalev", name)
    body["data"]["order_id"] = whole.values["order_id"]
    body["data"]["last_updated_at"] = "2026-12-01T00:00:00Z"
    understanding = _read(body)

    patch = understanding.patches[0]
    merged = Snapshot().merged(whole).merged(patch)
    assert not patch.complete
    assert understanding.completion == Completion("scalev.get_order", {"id": body["data"]["id"]})
    kept = ("customer_name", "phone", "gross_revenue", "products", "city")
    assert {key: merged.values[key] for key in kept} == {key: whole.values[key] for key in kept}


@pytest.mark.parametrize(("given", "kept"), IDS)
def test_an_order_without_a_primary_key_is_asked_for_by_its_number(given: Any, kept: str | None) -> None:
    """Ids are text, whatever type they came in; deliveries from before mid 2026 carry the human number only."""
    body = load_example("scalev", "order.status_changed")
    body["data"] |= {"id": given, "order_id": "250804QWERTY"}

    understanding = _read(body)

    assert understanding.patches[0].values["id"] == kept
    asked = {"id": kept} if kept else {"order_id": "250804QWERTY"}
    assert understanding.completion == Completion("scalev.get_order", asked)


@pytest.mark.parametrize(
    ("data", "field", "expected"),
    [
        ({"destination_address": {"phone": "0812-3456-789"}}, "phone", "+628123456789"),
        ({"destination_address": {"phone": ""}, "customer": {"phone": "8123456789"}}, "phone", "+628123456789"),
        ({"destination_address": None, "message_variables": {"phone": "628123456789"}}, "phone", "+628123456789"),
        ({"destination_address": {"phone": "abc"}}, "phone", None),
        ({"destination_address": {"phone": "abc"}}, "phone_raw", "abc"),
        ({"customer": {"name": " Budi "}}, "customer_name", "Budi"),
        ({"customer": {"email": " Budi@Example.COM "}}, "email", "budi@example.com"),
        ({"gross_revenue": "168724.00"}, "gross_revenue", "168724.00"),
        ({"gross_revenue": 168724}, "gross_revenue", "168724"),
        ({"net_revenue": 168724.0}, "net_revenue", "168724.0"),
        ({"gross_revenue": None}, "gross_revenue", None),
        ({"is_probably_spam": False}, "is_probably_spam", False),
        ({"is_probably_spam": "yes"}, "is_probably_spam", None),
        ({"total_quantity": 0}, "total_quantity", 0),
        ({"total_quantity": True}, "total_quantity", None),
        ({"paid_time": None, "settled_time": "2026-01-02T03:04:05Z"}, "paid_at", "2026-01-02T03:04:05+00:00"),
        ({"courier_service": {"name": "REG", "courier": {"name": "JNE"}}}, "courier", "JNE"),
        ({"courier_service": {"name": "REG"}}, "courier", "REG"),
        ({"courier_service": "REG"}, "courier", None),
        ({"shipment_receipt": ""}, "shipment_receipt", None),
        ({"tags": ["vip", 1, None]}, "tags", ["vip"]),
        ({"orderlines": [{"product_name": "Cup"}, {}, None, 5]}, "products", ["Cup"]),
        ({"orderlines": []}, "products", []),
    ],
)
def test_each_field_is_read_from_the_first_place_that_has_something(
    data: dict[str, Any], field: str, expected: object
) -> None:
    """The table of places and types: blanks are nothing, 0 and false are something."""
    assert _values(**data)[field] == expected


def test_a_statement_is_dated_by_the_order_not_by_its_arrival() -> None:
    """last_updated_at decides which of two statements is newer; without it the event's own time."""
    body = load_example("scalev", "order.status_changed")
    body["data"]["last_updated_at"] = "2026-01-02T03:04:05Z"
    assert _read(body).patches[0].as_of.isoformat() == "2026-01-02T03:04:05+00:00"

    del body["data"]["last_updated_at"]
    body["timestamp"] = "2026-01-03T00:00:00.000001Z"
    assert _read(body).patches[0].as_of.isoformat() == "2026-01-03T00:00:00.000001+00:00"

    del body["timestamp"]
    assert _read(body).patches[0].as_of == NOW


@pytest.mark.parametrize(
    ("values", "facts"),
    [
        ({"status": "shipped"}, ("scalev.order.shipped",)),
        ({"status": "completed", "payment_status": "paid"}, ("scalev.order.completed", "scalev.order.paid")),
        ({"status": "canceled", "payment_status": "unpaid"}, ("scalev.order.canceled",)),
        ({"status": "rts", "payment_status": "settled"}, ("scalev.order.returned", "scalev.order.paid")),
        ({"status": "confirmed", "payment_status": "conflict"}, ()),
        ({"status": "shipped_rts"}, ()),
        # The time of shipping stays: told first of what came after, the order was shipped all the same ...
        ({"status": "completed", "shipped_at": "x"}, ("scalev.order.shipped", "scalev.order.completed")),
        ({"status": "rts", "shipped_at": "x"}, ("scalev.order.shipped", "scalev.order.returned")),
        ({"status": "closed", "shipped_at": "x"}, ("scalev.order.shipped",)),
        ({"status": "completed", "shipped_at": None}, ("scalev.order.completed",)),
        # ... but not that it is, once it was moved back or canceled.
        ({"status": "pending", "shipped_at": "x"}, ()),
        ({"status": "canceled", "shipped_at": "x"}, ("scalev.order.canceled",)),
        ({"payment_status": "unpaid", "paid_at": "x"}, ()),
        ({"status": "shipped", "payment_status": "paid", "is_probably_spam": True}, ()),
        ({}, ()),
    ],
)
def test_facts_follow_from_the_newest_state(values: dict[str, Any], facts: tuple[str, ...]) -> None:
    """Paid and settled are one payment; fulfilment and payment are independent; a spam order amounts to nothing."""
    assert order_facts(Snapshot(values)) == facts
    assert set(facts) <= set(FACTS)


@pytest.mark.parametrize("name", ["business.test_event", "business.test_event__without_id"])
def test_the_test_event_is_accepted_in_both_of_its_forms(name: str) -> None:
    """With and without unique_id, data empty: ignored on purpose, never missed in a check of fields."""
    understanding = _read(load_example("scalev", name))

    assert understanding.handling is Handling.IGNORED
    assert understanding.data == {}


def test_the_key_is_the_unique_id_and_without_one_the_body() -> None:
    """A retry keeps unique_id; two events without one are told apart by their bytes."""
    body = load_example("scalev", "order.created")
    without = load_example("scalev", "business.test_event__without_id")

    assert _dedupe_key(body) == body["unique_id"]
    assert _dedupe_key(without).startswith("sha256:")
    assert _dedupe_key(without) != _dedupe_key(without | {"timestamp": "2026-01-01T00:00:00Z"})


@pytest.mark.parametrize("event", ["order.exploded", "subscription.created", "refund", "Order.Created"])
def test_unknown_and_undocumented_names_are_kept_by_their_name(event: str) -> None:
    """What Scalev invents is stored under its name; capitals do not make another event."""
    understanding = _read({"event": event, "unique_id": "event_x", "data": {"a": 1}})

    known = f"scalev.{event.lower()}" in SOURCE.event_types
    assert understanding.type == f"scalev.{event.lower()}"
    assert understanding.handling is (Handling.HANDLED if known else Handling.UNKNOWN)
    assert understanding.data == {"a": 1}


@pytest.mark.parametrize("event", [None, "", True, {}, "a b", "<script>", "x" * 500, "order.paid", "order.shipped"])
def test_what_is_no_name_or_the_name_of_a_fact_is_unrecognized(event: object) -> None:
    """Facts are ours: rules on them count on "at most once per order", whatever a vendor may call its events."""
    understanding = _read({"event": event, "data": {"order_id": "250804QWERTY"}})

    assert (understanding.type, understanding.handling) == ("scalev.unrecognized", Handling.UNKNOWN)
    assert not understanding.patches
