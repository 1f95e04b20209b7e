"""What each edition of Scalev's payloads says, field by field: orders, buyers and checkout intents."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from config.accounts import ScalevAccount
from config.subjects import CUSTOMER_FIELDS, INTENT_FIELDS, ORDER_FIELDS
from webhooks.examples import example_names, load_example
from webhooks.inbound import Inbound
from webhooks.sources.scalev.orders import buyer_facts, order_facts, order_patch
from webhooks.sources.scalev.source import SOURCE
from webhooks.verification import Match
from worker.reading import Fact, Stored, Understanding
from worker.snapshots import Patch, Snapshot

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
ACCOUNT = ScalevAccount.model_validate({"vendor": "scalev", "signing_secrets": ["long-enough"], "api_key": "k"})
FIRST_SEEN = "scalev.customer.first_seen"


def understood(name: str, **data: Any) -> Understanding:
    """Read an example, some of its data changed."""
    body = load_example("scalev", name)
    body["data"] |= data
    raw = json.dumps(body).encode()
    return SOURCE.read(Stored("toko", "", raw, "application/json", None, {}, None, NOW), ACCOUNT, "ID")


def patches(what: Understanding) -> dict[str, Patch]:
    """Return what is said, by the kind of the subject."""
    return {patch.subject.partition(":")[0]: patch for patch in what.patches}


def order(name: str, **data: Any) -> dict[str, Any]:
    """Return the order that an example tells."""
    return patches(understood(name, **data))["order"].values


def snapshot(*names: str) -> Snapshot:
    """Return the order that several examples tell, in the order in which they came in."""
    known = Snapshot()
    for name in names:
        known = known.merged(patches(understood(name))["order"])
    return known


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("order.created", {"handler": None, "customer_id": "28024", "total_weight": 500, "courier_code": "ninja"}),
        ("order.created", {"payment_bank": "Bank Negara Indonesia", "shipping_cost": "19000.00"}),
        ("order.created", {"business": "tokocontoh"}),
        ("order.created", {"final_variants": {"Produk Contoh": 1}, "awb_status": "unavailable", "tags": []}),
        ("order.created", {"warehouse": "Gudang Contoh", "subdistrict": "Gayungan"}),
        ("order.created", {"pending_at": "2025-08-04T03:10:08+00:00"}),
        ("order.created__without_id", {"id": None, "order_id": "250301ABCDEF", "payment_bank": "bca"}),
        ("order.created__observed_fields", {"handler": "CS Contoh", "handler_id": "7"}),
        ("order.created__observed_fields", {"handler_email": "cs1@example.com"}),
        ("order.created__observed_fields", {"external_id": "TIKTOK-1001", "advertiser": "ADV Contoh"}),
        ("order.created__observed_fields", {"scalev_fee": "1500.00"}),
        ("order.created__observed_fields", {"utm_source": "facebook", "utm_medium": "cpc", "utm_campaign": "agustus"}),
        ("order.created__observed_fields", {"tags": ["vip", "repeat"], "net_payment_revenue": "167224.00"}),
        ("order.created__handler_as_name", {"handler": "CS Contoh", "handler_id": None, "handler_email": None}),
        ("order.created__handler_as_id", {"handler": "CS Contoh", "handler_id": "7"}),
        ("order.created__payment_link", {"payment_method": "payment_link", "is_from_payment_link": True}),
        ("order.created__two_lines_no_address", {"products": ["Produk Contoh", "Kelas Contoh"], "city": None}),
        ("order.created__two_lines_no_address", {"phone": "+628123456789", "phone_raw": "08123456789", "email": None}),
        ("order.payment_status_changed__integer_id", {"id": "9100001", "transferproof_url": None}),
        ("order.payment_status_changed__ids_and_times", {"payment_status": "paid", "customer_id": None}),
        ("order.payment_status_changed__ids_and_times", {"gross_revenue": None}),
        ("payment.received__qris", {"payment_qr": "00020101021226EXAMPLE", "payment_url": None, "payment_code": None}),
        ("payment.received__ewallet", {"payment_url": "https://pay.example.com/dana/1", "epayment_provider": "xendit"}),
        ("payment.received__card", {"payment_url": "https://pay.example.com/card/1", "payment_qr": None}),
        ("payment.received__invoice", {"payment_url": "https://pay.example.com/invoice/1"}),
        ("payment.received__shop_counter", {"payment_code": "TEST123456", "payment_qr": None}),
        ("order.deleted", {"is_deleted": True, "status": None}),
        ("order.updated", {"is_deleted": None}),
    ],
)  # fmt: skip
def test_each_edition_tells_its_fields(name: str, expected: dict[str, Any]) -> None:
    """The samples of all years, and the keys that only real deliveries have."""
    found = order(name)

    assert set(found) == set(ORDER_FIELDS)
    assert {field: found[field] for field in expected} == expected


def test_a_line_is_read_from_texts_and_from_numbers() -> None:
    """Webhooks write amounts as text, the API as numbers; a blank stock number is none."""
    lines = [
        {"product_name": "Cup", "quantity": 2, "variant_price": 99000, "product_price": "198000.00", "variant_sku": ""}
    ]

    [line] = order("order.created", orderlines=lines)["orderlines"]

    assert {name: value for name, value in line.items() if value is not None} == {
        "product_name": "Cup", "quantity": 2, "variant_price": "99000", "product_price": "198000.00",
    }  # fmt: skip
    assert Decimal(line["product_price"]) == 2 * Decimal(line["variant_price"])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"metadata": {"event_source_url": "https://x.example/?utm_source=a&utm_term=b%20c"}}, ("a", "b c")),
        ({"message_variables": {"event_source_url": "https://x.example/?utm_source=a"}}, ("a", None)),
        ({"utm_source": "said", "metadata": {"event_source_url": "https://x.example/?utm_source=a"}}, ("said", None)),
        ({"metadata": {"utm_source": "below"}}, ("below", None)),
        ({"metadata": {"event_source_url": "https://[broken"}}, (None, None)),
        ({"metadata": {"event_source_url": "?" + "a=1&" * 500}}, (None, None)),
        ({"metadata": "text"}, (None, None)),
    ],
)
def test_where_the_buyer_came_from(data: dict[str, Any], expected: tuple[str | None, str | None]) -> None:
    """Said outright, or in the address of the page; an address that cannot be read says nothing."""
    found = order("order.created", **data)

    assert (found["utm_source"], found["utm_term"]) == expected


@pytest.mark.parametrize(
    "given", [[], {}, {"id": {}}, 3.5, True, {"name": 5}, [7], "", {"fullname": None, "id": True}], ids=str
)
def test_a_handler_in_a_fourth_shape_breaks_nothing(given: Any) -> None:
    """What cannot be read is nobody, or the name that stands elsewhere."""
    found = order("order.created", handler=given, message_variables={"handler": "CS"})

    assert found["handler"] in {"CS", "5", "3.5"}
    assert found["handler_id"] is None


def test_a_statement_is_as_young_as_the_youngest_status_it_tells() -> None:
    """`last_updated_at` that lags behind does not make a new status look old."""
    lagging = patches(understood("order.status_changed", last_updated_at="2025-08-04T03:10:08Z"))["order"]

    assert lagging.as_of == datetime(2025, 8, 5, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("names", "status", "payment_status"),
    [
        (("order.created", "order.status_changed", "order.status_changed__completed"), "completed", "unpaid"),
        (("order.status_changed__completed", "order.status_changed", "order.created"), "completed", "unpaid"),
        (("order.status_changed__moved_back", "order.status_changed"), "pending", None),
        (("payment.received__settled", "payment.received", "order.created"), "pending", "settled"),
        (("order.created", "order.payment_status_changed__back_to_unpaid", "payment.received"), "pending", "unpaid"),
    ],
)
def test_what_is_told_late_rewinds_nothing(names: tuple[str, ...], status: str, payment_status: str | None) -> None:
    """Whatever the order of arrival, the newest state stands, and what only the older one told is kept."""
    known = snapshot(*names)

    assert known.values["status"] == status
    assert known.values.get("payment_status") == payment_status
    if "order.created" in names:
        assert known.values["customer_name"] == "Budi Contoh"


def test_an_order_that_is_first_told_completed_was_paid_and_shipped() -> None:
    """Times that stayed are evidence of what no event said."""
    known = snapshot("order.updated__completed")

    assert set(order_facts(known)) == {"scalev.order.shipped", "scalev.order.completed", "scalev.order.paid"}
    assert known.values["shipped_at"] == "2025-08-05T02:00:00+00:00"
    assert order_facts(snapshot("order.status_changed__moved_back")) == ()


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("order.created", "customer:28024"),
        ("order.created__observed_fields", "customer:28025"),
        ("payment.received", "customer:28024"),
        ("order.status_changed", None),
        ("order.payment_status_changed__ids_and_times", None),
        ("order.spam_created", None),
    ],
)
def test_a_buyer_is_seen_for_the_first_time(name: str, subject: str | None) -> None:
    """By the customer's id; an event that names no buyer, and a spam order, are the first of nobody."""
    what = understood(name)

    facts = what.other_facts(snapshot(name))
    assert facts == ((Fact(FIRST_SEEN, subject),) if subject else ())
    assert FIRST_SEEN in what.possible_facts
    if subject:
        buyer = patches(what)["customer"]
        assert buyer.subject == subject
        assert buyer.values["customer_id"] == subject.partition(":")[2]
        assert set(buyer.values) <= set(CUSTOMER_FIELDS)


def test_a_buyer_without_an_id_is_known_by_the_phone() -> None:
    """Any spelling of the number gives one customer."""
    given = [
        order_patch({"order_id": "1", "destination_address": {"phone": phone}}, NOW, "ID")
        for phone in ("0812-3456-789", "+62 812 3456 789", "8123456789")
    ]

    assert {buyer_facts(Snapshot().merged(patch)) for patch in given if patch} == {
        (Fact(FIRST_SEEN, "customer:+628123456789"),)
    }


def test_the_buyer_is_the_customer_and_not_the_address() -> None:
    """A present goes to somebody else: the customer's own block counts where there is one."""
    buyer = {"id": 9, "name": "Sari", "phone": "0811-2345-678", "email": "S@Example.com", "status": "active"}
    both = patches(understood("order.created", customer=buyer, customer_id=9))
    alone = patches(understood("order.created"))

    assert both["order"].values["customer_name"] == "Budi Contoh"
    expected = {"name": "Sari", "phone": "+628112345678", "email": "s@example.com", "status": "active"}
    assert {name: both["customer"].values[name] for name in expected} == expected
    assert alone["customer"].values["name"] == "Budi Contoh"
    assert alone["customer"].values["city"] == "Kota Surabaya"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("checkout_intent.abandoned", {"status": "abandoned", "email": "budi@example.com", "phone": None}),
        ("checkout_intent.abandoned", {"order_id": None}),
        ("checkout_intent.abandoned", {"estimated_total": "200000", "item_quantity": 2, "utm_source": "newsletter"}),
        ("checkout_intent.abandoned", {"products": ["Produk Contoh"], "is_follow_up_email_sent": False}),
        ("checkout_intent.abandoned__phone_only", {"phone": "+628123456789", "phone_raw": "0812-3456-789"}),
        ("checkout_intent.abandoned__phone_only", {"email": None}),
        ("checkout_intent.abandoned__phone_only", {"utm_campaign": "ramadan", "handler": "CS Contoh"}),
        ("checkout_intent.abandoned__phone_only", {"handler_id": "7"}),
        ("checkout_intent.completed", {"status": "completed", "order_id": "250804QWERTY", "recovery_url": None}),
    ],
)  # fmt: skip
def test_a_checkout_intent_is_a_subject_of_its_own(name: str, expected: dict[str, Any]) -> None:
    """What a buyer left lying, with everything a rule needs to call him back."""
    what = understood(name)

    [patch] = what.patches
    assert what.subject == patch.subject == f"intent:{load_example('scalev', name)['data']['id']}"
    assert set(patch.values) == set(INTENT_FIELDS)
    assert {field: patch.values[field] for field in expected} == expected


def test_an_intent_told_abandoned_after_it_was_completed_stays_completed() -> None:
    """The vendor says that this can happen."""
    late = understood("checkout_intent.abandoned").patches[0]
    known = Snapshot().merged(understood("checkout_intent.completed").patches[0]).merged(late)

    assert known.values["status"] == "completed"
    assert known.values["recovery_url"] == late.values["recovery_url"]


@pytest.mark.parametrize("name", [name for name in example_names("scalev") if not name.startswith("business")])
def test_an_app_delivery_says_the_same_under_another_id(name: str) -> None:
    """Two events, one saying; a change of anything is another saying."""
    body = load_example("scalev", name)
    twin = body | {"unique_id": "event_ANOTHER00000000000001", "timestamp": "2026-03-05T11:59:59Z"}
    inbounds = [Inbound("toko", json.dumps(one).encode(), {}, "", None, None, NOW) for one in (body, twin)]
    keys = {
        SOURCE.identify(inbound, one, Match(0), ACCOUNT)[0].dedupe_key
        for inbound, one in zip(inbounds, (body, twin), strict=True)
    }
    sayings = [
        SOURCE.read(Stored("toko", "", inbound.body, None, None, {}, None, NOW), ACCOUNT, "ID").same_as
        for inbound in inbounds
    ]

    assert len(keys) == 2
    assert sayings[0] is not None
    assert sayings[0] == sayings[1]
    assert understood(name, last_updated_at="2026-03-05T11:00:00Z").same_as != sayings[0]


def test_what_is_known_by_name_only_is_never_taken_for_a_repetition() -> None:
    """Two triggers of one content are two: nothing tells them apart but their ids."""
    body = {"event": "agent.system_trigger", "unique_id": "event_1", "data": {"name": "daily"}}
    stored = Stored("toko", "", json.dumps(body).encode(), None, None, {}, None, NOW)

    assert SOURCE.read(stored, ACCOUNT, "ID").same_as is None
