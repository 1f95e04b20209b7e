"""Proton's webhooks after proton.md section 6: the vendor names five events, all else is read tolerantly."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from config.accounts import ProtonAccount
from webhooks.examples import load_example
from webhooks.inbound import Inbound
from webhooks.sources.proton.source import SOURCE
from webhooks.verification import Match, VerificationError
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


def test_call_notes_are_read_and_a_thin_one_is_asked_for() -> None:
    """By two of their three ids; a deleted note's record is gone, so that nothing is asked."""
    asked = Completion("proton.get_call_note", {"identifier": "0d4c7b9e-2a61-4e7a-b1f3-8c5d6e7f8091"})
    for name, completion in {"call_note.created": asked, "call_note.updated": asked, "call_note.deleted": None}.items():
        understanding = _read(load_example("proton", name))

        assert (understanding.handling, understanding.completion) == (Handling.HANDLED, completion)
        assert understanding.subject == "call_note:0d4c7b9e-2a61-4e7a-b1f3-8c5d6e7f8091"
        [patch] = understanding.patches
        assert (patch.values["contact_id"], patch.values["customer_id"]) == ("CONT-3307", "HL-20418")
        assert patch.complete
    thin = _read({"event": "call_note.created", "data": {"interaction_id": "i-1", "call_id": "c-1"}})
    assert (thin.subject, thin.patches[0].complete) == ("call_note:i-1", False)
    only_call = _read({"event": "call_note.created", "data": {"call_id": "c-1"}})
    assert (only_call.subject, only_call.completion) == ("call_note:c-1", None)


def test_a_note_is_as_new_as_its_last_edit() -> None:
    """Its own time without an offset is UTC, and goes before the envelope's."""
    patch = _read(load_example("proton", "call_note.updated")).patches[0]

    assert patch.as_of.isoformat() == "2026-03-05T10:21:09.804512+00:00"


@pytest.mark.parametrize(
    "given",
    [
        [{"custom_field_id": "cf", "value": 25000.5}],
        [{"field_id": "cf", "value": 25000.5, "display_value": {"en": "x"}}],
        [{"custom_field_id": "cf", "float_val": 25000.5, "string_val": None}],
        {"cf": 25000.5},
        {"cf": {"value": 25000.5}},
    ],
)
def test_custom_fields_are_values_by_id_in_any_shape(given: Any) -> None:
    """Three shapes of entries, in a list or an object; amounts are exact texts."""
    understanding = _read({"event": "customer.updated", "data": CUSTOMER | {"custom_fields": given}})

    assert understanding.patches[0].values["custom_fields"] == {"cf": "25000.5"}


def test_a_list_holds_events_each_of_its_own() -> None:
    """Every entry has its place, its name and its key, also under one header for all."""
    body = load_example("proton", "batch")
    inbound = Inbound("crm", json.dumps(body).encode(), {"webhook-id": ("msg_1",)}, "", None, None, NOW)

    identities = SOURCE.identify(inbound, body, Match(0), ACCOUNT)

    assert [identity.part for identity in identities] == ["0", "1", "2"]
    assert [identity.type for identity in identities] == [
        "proton.customer.created", "proton.customer.updated", "proton.call_note.created",
    ]  # fmt: skip
    assert len({identity.dedupe_key for identity in identities}) == 3
    stored = Stored("crm", "", inbound.body, "application/json", None, {}, None, NOW, part="1")
    assert SOURCE.read(stored, ACCOUNT, "ID").patches[0].values["city"] == "Dublin"


@pytest.mark.parametrize("part", ["7", "x", "-1", "٣"])
def test_a_place_that_is_not_there_holds_nothing(part: str) -> None:
    """A stored event whose body is not what it was is unknown, not an error."""
    stored = Stored("crm", "", b"[{}]", "application/json", None, {}, None, NOW, part=part)

    assert SOURCE.read(stored, ACCOUNT, "ID").handling is Handling.UNKNOWN


@pytest.mark.parametrize(
    ("body", "headers", "handling"),
    [
        ({"company": "harborline"}, {}, Handling.HANDLED),
        ({"company": "Harborline"}, {}, Handling.HANDLED),
        ({}, {"x-company": "harborline"}, Handling.HANDLED),
        ({}, {}, Handling.HANDLED),
        ({"tenant": "acme"}, {}, Handling.IGNORED),
        ({"company_id": "acme"}, {"x-company": "harborline"}, Handling.IGNORED),
        ({}, {"x-company": "acme"}, Handling.IGNORED),
    ],
)
def test_another_companys_event_touches_nothing(
    body: dict[str, Any], headers: dict[str, str], handling: Handling
) -> None:
    """It is stored, and neither snapshot nor rule hears of it."""
    raw = {"event": "customer.created", "data": CUSTOMER, **body}
    stored = Stored("crm", "", json.dumps(raw).encode(), "application/json", None, headers, None, NOW)
    inbound = Inbound("crm", stored.body, {name: (value,) for name, value in headers.items()}, "", None, None, NOW)

    understanding = SOURCE.read(stored, ACCOUNT, "ID")

    assert understanding.handling is SOURCE.identify(inbound, raw, Match(0), ACCOUNT)[0].handling is handling
    assert bool(understanding.patches) is (handling is Handling.HANDLED)


@pytest.mark.parametrize(
    ("body", "named", "type_"),
    [
        ({"data": CUSTOMER}, "customer.created", "proton.customer.created"),
        ({"event": "customer.updated", "data": CUSTOMER}, "customer.created", "proton.customer.updated"),
        (CUSTOMER | {"type": "contractor"}, "customer.created", "proton.customer.created"),
        (CUSTOMER | {"type": "contractor"}, "customer.merged", "proton.customer.merged"),
        ({"event": "order.created", "data": CUSTOMER}, "customer.created", "proton.customer.created"),
        (CUSTOMER | {"type": "contractor"}, None, "proton.contractor"),
    ],
)
def test_a_header_may_name_the_event(body: dict[str, Any], named: str | None, type_: str) -> None:
    """Where the account says so: after what the body says, before the `type` of a record that is the body itself."""
    account = ProtonAccount.model_validate(
        {"vendor": "proton", "company": "harborline", "user_id": "u", "api_key": "k", "event_header": "X-Event",
         "webhook_auth": [{"scheme": "static", "header": "X-Secret", "secrets": ["long-enough"]}]}
    )  # fmt: skip
    headers = {"x-event": named} if named else {}
    stored = Stored("crm", "", json.dumps(body).encode(), "application/json", None, headers, None, NOW)

    assert SOURCE.read(stored, account, "ID").type == type_
    assert account.kept_headers == ["x-event"]
    assert _read(body).type != "proton.customer.created" or "event" in body


def test_two_updates_that_say_the_same_are_one_effect() -> None:
    """Under different ids; not where something else is said, later, of another record, or where nothing is said."""
    at = {"timestamp": "2026-03-05T12:00:00Z"}
    said = {"event": "customer.updated", "id": "e1", "data": CUSTOMER, **at}

    same = _read(said).same_as

    assert same is not None
    assert same == _read(said | {"id": "e2", "timestamp": "2026-03-05T12:01:00Z"}).same_as
    for other in (
        {"data": CUSTOMER | {"name": "B"}}, {"data": CUSTOMER | {"customer_id": "HL-2"}},
        {"timestamp": "2026-03-05T13:00:00Z"},
    ):  # fmt: skip
        assert _read(said | other).same_as not in (same, None)
    assert _read(said | {"data": {"customer_id": "HL-1"}}).same_as is None
    assert _read(said | {"event": "customer.created"}).same_as is None


def test_every_one_of_several_proofs_is_demanded() -> None:
    """A signature and a secret: neither alone is enough."""
    account = ProtonAccount.model_validate(
        {"vendor": "proton", "company": "harborline", "user_id": "u", "api_key": "k",
         "webhook_auth": [{"scheme": "hmac", "header": "X-Sig", "secrets": ["key-of-the-body"]},
                          {"scheme": "static", "header": "X-Secret", "secrets": ["shared-secret"]}]}
    )  # fmt: skip
    [scheme] = SOURCE.schemes(account)
    signature = hmac.new(b"key-of-the-body", b"{}", hashlib.sha256).hexdigest()

    def check(**headers: str) -> Match:
        given = {name.replace("_", "-"): (value,) for name, value in headers.items()}
        inbound = Inbound("crm", b"{}", given, "", None, None, NOW)
        return scheme.check(scheme.evidence(inbound), inbound.body, NOW)

    assert check(x_sig=signature, x_secret="shared-secret") == Match(0)
    for wrong in (
        {"x_sig": signature}, {"x_secret": "shared-secret"}, {"x_sig": signature, "x_secret": "another"},
        {"x_sig": "00", "x_secret": "shared-secret"}, {},
    ):  # fmt: skip
        with pytest.raises(VerificationError):
            check(**wrong)


def test_two_proofs_in_one_place_are_refused() -> None:
    """They could not both stand there."""
    static = {"scheme": "static", "header": "X-Secret", "secrets": ["long-enough"]}
    with pytest.raises(ValidationError, match="same place"):
        ProtonAccount.model_validate(
            {"vendor": "proton", "company": "c", "user_id": "u", "api_key": "k", "webhook_auth": [static, static]}
        )


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
