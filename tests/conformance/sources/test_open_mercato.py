"""Open Mercato's webhooks after open_mercato.md sections 4 and 6: ids and little more, in two spellings."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from config.accounts import OpenMercatoAccount
from config.subjects import FIELDS
from tests.conformance.sources.vendors.open_mercato import CASE
from webhooks.examples import load_example
from webhooks.inbound import Inbound
from webhooks.sources.open_mercato.records import COMPANY, DEAL, PERSON, SALES_ORDER, record_patch
from webhooks.sources.open_mercato.source import SOURCE
from webhooks.verification import Match
from worker.reading import Completion, Stored, Understanding
from worker.snapshots import Snapshot
from worker.states import Handling

NOW = datetime(2026, 11, 20, 17, tzinfo=UTC)
ACCOUNT = OpenMercatoAccount.model_validate({"vendor": "open_mercato", **CASE.account})
PERSON_ID = "4f6d1b2a-9c03-4e7d-8a51-2b3c4d5e6f70"


def read(body: Any) -> Understanding:
    """Read a body as a stored event."""
    stored = Stored("erp", "", json.dumps(body).encode(), "application/json", None, {}, None, NOW)
    return SOURCE.read(stored, ACCOUNT, "ID")


def event(type_: str, **data: Any) -> dict[str, Any]:
    """Return an event's body."""
    return {"type": type_, "timestamp": "2026-11-20T16:58:24.463Z", "data": data}


@pytest.mark.parametrize(
    ("name", "type_", "handling"),
    [
        ("customers.person.created", "customers.person.created", Handling.HANDLED),
        ("customers.people.created", "customers.person.created", Handling.HANDLED),
        ("customers.companies.updated", "customers.company.updated", Handling.HANDLED),
        ("customers.deals.won", "customers.deal.won", Handling.HANDLED),
        ("customers.activities.created", "customers.activity.created", Handling.HANDLED),
        ("sales.orders.created", "sales.order.created", Handling.HANDLED),
        ("sales.shipments.updated", "sales.shipment.updated", Handling.HANDLED),
        ("sales.credit_memos.created", "sales.credit_memo.created", Handling.HANDLED),
        ("Sales.Order.Created", "sales.order.created", Handling.HANDLED),
        ("webhooks.test.ping", "webhooks.test.ping", Handling.IGNORED),
        ("search.index_record", "search.index_record", Handling.IGNORED),
        ("notifications.notification.created", "notifications.notification.created", Handling.IGNORED),
        ("query_index.coverage.refreshed", "query_index.coverage.refreshed", Handling.IGNORED),
        ("sales.document.totals.calculated", "sales.document.totals.calculated", Handling.IGNORED),
        (
            "customers.customer_person_profile.updated",
            "customers.customer_person_profile.updated",
            Handling.IGNORED,
        ),
        ("catalog.products.created", "catalog.products.created", Handling.UNKNOWN),
        ("sales.order.exploded", "sales.order.exploded", Handling.UNKNOWN),
        ("people", "people", Handling.UNKNOWN),
        (None, "unrecognized", Handling.UNKNOWN),
        ("no name", "unrecognized", Handling.UNKNOWN),
    ],
)
def test_both_spellings_are_one_type_and_the_servers_talk_to_itself_is_ignored(
    name: str | None, type_: str, handling: Handling
) -> None:
    """Older servers name things in the plural; who subscribes to everything gets internal events by the dozen."""
    understanding = read({"type": name, "data": {"id": "x"}})

    assert (understanding.type, understanding.handling) == (f"open_mercato.{type_}", handling)


@pytest.mark.parametrize(
    ("name", "subject", "action"),
    [
        ("customers.person.created", f"person:{PERSON_ID}", "get_person"),
        ("customers.company.updated", "company:70f6e5d4-c3b2-4a19-8877-665544332211", "get_company"),
        ("customers.deal.won", "deal:3e2d1c0b-a998-4776-8554-43322110ffee", "get_deal"),
        ("sales.order.created", "sales_order:9a7c5e31-2b4d-4f60-8e91-7d6c5b4a3f20", "get_order"),
    ],
)
def test_an_event_names_its_record_and_the_read_that_tells_the_rest(name: str, subject: str, action: str) -> None:
    """By the entity's id, which the API takes, not by the profile's; what was known is out of date."""
    understanding = read(load_example("open_mercato", name))

    [patch] = understanding.patches
    assert understanding.subject == patch.subject == subject
    assert (patch.complete, patch.outdates) == (False, True)
    assert understanding.completion == Completion(f"open_mercato.{action}", {"id": subject.partition(":")[2]})


def test_a_persons_own_two_ids_are_kept_apart() -> None:
    """`id` is the profile's in an event, and the entity's in an answer."""
    [patch] = read(load_example("open_mercato", "customers.person.created")).patches

    assert patch.values["id"] == PERSON_ID
    assert patch.values["profile_id"] == "a1f0c9d8-7b6e-4d5c-9a3b-2c1d0e9f8a7b"


def test_what_a_won_deal_says_is_known_before_it_is_read() -> None:
    """One of the few events that say more than ids."""
    [patch] = read(load_example("open_mercato", "customers.deal.won")).patches

    known = {name: value for name, value in patch.values.items() if value is not None}
    assert known == {
        "id": "3e2d1c0b-a998-4776-8554-43322110ffee", "title": "Spring valve order", "value_amount": "18500.00",
        "value_currency": "USD",
    }  # fmt: skip


def test_what_was_deleted_is_not_read() -> None:
    """The API would say 404."""
    understanding = read(load_example("open_mercato", "customers.person.deleted"))

    assert understanding.completion is None
    assert understanding.patches[0].values["deleted"] is True
    assert not understanding.patches[0].outdates


def test_of_everything_else_the_ids_are_passed_on() -> None:
    """Shipments, payments, workflows: rules get what came, who did it among that."""
    understanding = read(event("sales.payment.created", id="p-1", userId="api_key:1"))

    assert (understanding.subject, understanding.patches, understanding.completion) == (None, (), None)
    assert understanding.data == {"id": "p-1", "userId": "api_key:1"}


def test_the_key_is_the_message_id_over_all_repeats() -> None:
    """Sent twice within a second, each signed anew; without the header the body is the key."""

    def key(body: Any, **headers: tuple[str, ...]) -> str:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        inbound = Inbound("erp", json.dumps(body).encode(), given, "", None, None, NOW)
        return SOURCE.identify(inbound, body, Match(0), ACCOUNT)[0].dedupe_key

    body = load_example("open_mercato", "sales.order.created")
    assert key(body, webhook_id=("msg_1",), webhook_timestamp=("1",)) == "msg_1"
    assert key(body, webhook_id=("msg_1",), webhook_timestamp=("2",)) == "msg_1"
    assert key(body).startswith("sha256:")


@pytest.mark.parametrize(
    ("kind", "record", "expected"),
    [
        (PERSON, {"person": {"id": "e", "displayName": "Avery Doe", "primaryPhone": "+1 202 555 0143"}},
         {"id": "e", "name": "Avery Doe", "phone": "+12025550143"}),
        (PERSON, {"person": {"id": "e"}, "profile": {"id": "p", "firstName": "Avery"}},
         {"id": "e", "first_name": "Avery"}),
        (PERSON, {"id": "e", "display_name": "Avery Doe", "primary_phone": "0812-3456-789", "status": ""},
         {"id": "e", "name": "Avery Doe", "phone": "+628123456789", "status": None}),
        (COMPANY, {"company": {"id": "c", "primaryEmail": " Office@Example.com "}},
         {"id": "c", "email": "office@example.com"}),
        (DEAL, {"id": "d", "value_amount": "100.00", "person_ids": ["a", 5, None]},
         {"value_amount": "100.00", "person_ids": ["a", "5"]}),
        (DEAL, {"id": "d", "valueAmount": 100, "companyIds": [{"id": "c"}]},
         {"value_amount": "100", "company_ids": ["c"]}),
        (SALES_ORDER, {"order": {"id": "o", "grandTotalGrossAmount": 11.5, "orderNumber": "S-1"}},
         {"id": "o", "total_gross": "11.5", "order_number": "S-1"}),
    ],
)  # fmt: skip
def test_a_record_is_read_in_either_spelling(kind: Any, record: Any, expected: dict[str, Any]) -> None:
    """Details and lists, camel case and underscores, amounts as text and as numbers."""
    patch = record_patch(kind, record, NOW, "ID")

    assert patch is not None
    assert {name: patch.values[name] for name in expected} == expected
    assert set(patch.values) <= set(FIELDS[kind.name])


@pytest.mark.parametrize("record", [None, [], {}, {"person": {}}, {"id": {"a": 1}}, {"id": "x" * 500}])
def test_what_is_no_record_is_none(record: Any) -> None:
    """Nothing is taken in without an id."""
    assert record_patch(PERSON, record, NOW, "ID") is None


def test_an_event_after_the_read_asks_again_and_one_before_does_not() -> None:
    """An id says that something changed: the record is read anew, once."""
    [told] = read(load_example("open_mercato", "customers.person.updated")).patches
    whole = record_patch(PERSON, {"id": PERSON_ID, "displayName": "Avery Doe"}, NOW, "ID")
    assert whole is not None
    older = record_patch(PERSON, {"id": PERSON_ID}, datetime(2026, 1, 1, tzinfo=UTC), "ID")
    assert older is not None

    assert Snapshot().merged(whole).merged(told).complete
    assert not Snapshot().merged(older).merged(told).complete
