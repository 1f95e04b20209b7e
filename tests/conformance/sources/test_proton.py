"""Proton's webhooks after proton.md section 6: the vendor names five events, all else is read tolerantly."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from config.accounts import ProtonAccount
from webhooks.examples import load_example
from webhooks.inbound import Inbound
from webhooks.sources.proton.source import SOURCE
from webhooks.verification import Match
from worker.reading import Completion, Stored, Understanding
from worker.states import Handling

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
ACCOUNT = ProtonAccount.model_validate(
    {"vendor": "proton", "company": "harborline", "user_id": "u", "api_key": "k",
     "webhook_auth": {"scheme": "hmac", "header": "X-Sig", "secrets": ["long-enough"]}}
)  # fmt: skip
CUSTOMER = {"customer_id": "HL-1", "id": "uuid-1", "name": "Brightwater"}


def _read(body: Any) -> Understanding:
    raw = json.dumps(body).encode()
    return SOURCE.read(Stored("crm", "", raw, "application/json", None, {}, None, NOW), ACCOUNT, "ID")


def _key(body: Any, **headers: str) -> str:
    given = {name.replace("_", "-"): (value,) for name, value in headers.items()}
    inbound = Inbound("crm", json.dumps(body).encode(), given, "", None, None, NOW)
    return SOURCE.identify(inbound, body, Match(0), ACCOUNT)[0].dedupe_key


@pytest.mark.parametrize("name", ["event", "type", "event_type", "event_name", "topic"])
def test_the_events_name_may_stand_under_any_of_five_keys(name: str) -> None:
    """The first of them that has a name wins."""
    assert _read({name: "customer.created", "data": CUSTOMER}).type == "proton.customer.created"


@pytest.mark.parametrize(
    ("body", "type_"),
    [
        ({"event": {"id": 1}, "type": "customer.created"}, "proton.customer.created"),
        ({"type": "contractor", "topic": "customer.updated", "customer_id": "HL-1"}, "proton.customer.updated"),
        ({"event": "quote.created"}, "proton.quote.created"),
        ({"event": "Customer.Created"}, "proton.customer.created"),
        ({}, "proton.unrecognized"),
        ({"event": "not a name!"}, "proton.unrecognized"),
    ],
)
def test_a_name_we_know_goes_before_one_we_do_not(body: dict[str, Any], type_: str) -> None:
    """A record without an envelope has a `type` of its own; unknown events are accepted under their name."""
    understanding = _read(body)

    assert understanding.type == type_
    assert understanding.handling is SOURCE.event_types.get(type_, Handling.UNKNOWN)


@pytest.mark.parametrize(
    ("body", "headers", "key"),
    [
        ({"id": "e1", "data": {}}, {"webhook_id": "msg_1"}, "msg_1"),
        ({"id": "e1", "data": {}}, {"svix_id": "msg_2"}, "msg_2"),
        ({"id": "e1", "data": CUSTOMER}, {}, "e1"),
        ({"id": "record", "event_id": "e2", "customer_id": "HL-1"}, {}, "e2"),
        ({"delivery_id": "e3", "data": CUSTOMER}, {}, "e3"),
        ({"uuid": 4711, "data": CUSTOMER}, {}, "4711"),
        ({"id": {"odd": 1}, "uuid": "e4", "data": CUSTOMER}, {}, "e4"),
    ],
)
def test_the_events_id_is_the_first_that_is_there(body: dict[str, Any], headers: dict[str, str], key: str) -> None:
    """Headers first; a body's own `id` only where the record stands apart from it."""
    assert _key(body, **headers) == key


def test_without_an_id_the_body_is_the_identity() -> None:
    """A flat record's `id` names the record, not the event: two updates of one customer are two events."""
    one, two = CUSTOMER | {"event": "customer.updated"}, CUSTOMER | {"event": "customer.updated", "name": "B"}

    assert _key(one).startswith("sha256:")
    assert _key(one) == _key(dict(one)) != _key(two)


@pytest.mark.parametrize(
    "body",
    [
        {"data": CUSTOMER},
        {"data": {"object": CUSTOMER}},
        {"data": CUSTOMER | {"object": "customer"}},
        {"payload": CUSTOMER},
        {"object": "event", "resource": CUSTOMER},
        {"object": CUSTOMER},
        {"customer": CUSTOMER},
        {**CUSTOMER},
    ],
)
def test_the_record_may_stand_in_any_of_the_usual_places(body: dict[str, Any]) -> None:
    """data, data.object, payload, object, resource, a key of its kind, or the whole body without its envelope."""
    understanding = _read({"event": "customer.created", **body})

    assert understanding.subject == "customer:HL-1"
    assert understanding.patches[0].values["name"] == "Brightwater"
    assert "event" not in understanding.data


@pytest.mark.parametrize(
    ("envelope", "expected"),
    [
        ({"timestamp": "2026-03-02T14:05:31.412Z"}, "2026-03-02T14:05:31.412000+00:00"),
        ({"occurred_at": "2026-03-02T14:05:31"}, "2026-03-02T14:05:31+00:00"),
        ({"created_at": 1772460331}, "2026-03-02T14:05:31+00:00"),
        ({"date": "1772460331000"}, "2026-03-02T14:05:31+00:00"),
        ({"timestamp": "soon"}, NOW.isoformat()),
        ({}, NOW.isoformat()),
    ],
)
def test_the_time_is_the_events_own_else_that_of_receipt(envelope: dict[str, Any], expected: str) -> None:
    """ISO with and without offset (UTC), epoch seconds and milliseconds."""
    understanding = _read({"event": "customer.updated", "data": CUSTOMER, **envelope})

    assert understanding.occurred_at.isoformat() == understanding.patches[0].as_of.isoformat() == expected


def test_a_thin_event_asks_for_the_customer_and_a_full_one_is_complete() -> None:
    """When data holds nothing but ids the customer is read before anything follows."""
    thin = _read(load_example("proton", "customer.created__thin"))
    full = _read(load_example("proton", "customer.created"))

    assert thin.subject == full.subject == "customer:HL-20418"
    assert (thin.patches[0].complete, full.patches[0].complete) == (False, True)
    assert thin.completion == Completion("proton.get_customer", {"identifier": "HL-20418"})


def test_a_customer_is_known_by_its_number_then_by_its_uuid() -> None:
    """customer_id, then id; with neither nothing is known of anybody."""
    assert _read({"event": "customer.created", "data": {"id": "uuid-1"}}).subject == "customer:uuid-1"
    assert _read({"event": "customer.created", "data": {"name": "Nobody"}}).subject is None


def test_call_notes_are_passed_on_as_they_come() -> None:
    """A deleted note's record is gone: nothing is asked of the API, rules get the data."""
    for name in ("call_note.created", "call_note.updated", "call_note.deleted"):
        understanding = _read(load_example("proton", name))

        assert (understanding.handling, understanding.completion) == (Handling.HANDLED, None)
        assert understanding.data["interaction_id"] == "0d4c7b9e-2a61-4e7a-b1f3-8c5d6e7f8091"


@pytest.mark.parametrize(
    ("phone", "country", "expected"),
    [
        ("+1-614-555-0142", "US", "+16145550142"),
        ("614-555-0142", "US", "+16145550142"),
        ("614-555-0142", "us", "+16145550142"),
        ("0812-3456-789", "United States", "+628123456789"),
        ("0812-3456-789", None, "+628123456789"),
        (None, "US", None),
    ],
)
def test_a_phone_is_read_in_the_customers_country_else_in_the_accounts(
    phone: str | None, country: str | None, expected: str | None
) -> None:
    """Only a country that is one counts."""
    data = CUSTOMER | {"office_phone_number": phone, "country": country}

    assert _read({"event": "customer.created", "data": data}).patches[0].values["phone"] == expected
