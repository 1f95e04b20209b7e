"""`hookyard circuits`: what is held, in a list and lifted by a person; doctor and metrics tell of it."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from tests.integration.cli.test_commands import document, hookyard
from tests.support.shop import Shop
from worker.clock import system_clock
from worker.holding import Hold, person_key
from worker.ledger import holds
from worker.states import HoldKind, Reason

PHONE = "+628123456789"


@pytest.fixture
def held(shop: Shop, ledger: Engine) -> Shop:
    """A shop with an open circuit and a person who opted out."""
    now = system_clock()
    circuit = Hold(
        "wa", HoldKind.ACCOUNT, "", Reason.PAYMENT_PROBLEM, "HTTP 200: payment", "wabotick.send_template",
        opened_at=now, until=now + timedelta(minutes=5), failures=1,
    )  # fmt: skip
    person = Hold("wa", HoldKind.RECIPIENT, person_key(PHONE), Reason.OPTED_OUT, "stopped", "x", opened_at=now)
    with ledger.begin() as connection:
        holds.write(connection, circuit)
        holds.write(connection, person)
    return shop


def test_what_is_held_is_listed(held: Shop) -> None:
    """Accounts first, with reason and the next probe's moment; no phone in clear."""
    listed = document(held, "circuits")

    assert [(hold["account"], hold["kind"], hold["reason"]) for hold in listed] == [
        ("wa", "account", "payment_problem"),
        ("wa", "recipient", "opted_out"),
    ]
    assert listed[0]["until"] > listed[0]["opened_at"]
    assert "8123456789" not in str(listed)


def test_doctor_finds_an_open_circuit(held: Shop) -> None:
    """It is one line with the reason, and something is wrong."""
    done = hookyard("doctor", "--only", "circuit wa", environ=held.environ)

    assert done.returncode == 1
    assert "payment_problem" in done.stdout


def test_a_person_lifts_what_is_held(held: Shop) -> None:
    """By the account, or by the person's phone; a second time there is nothing to lift."""
    document(held, "circuits", "close", "wa", "--comment", "paid")
    document(held, "circuits", "close", "wa", "--phone", PHONE)

    assert [hold["kind"] for hold in document(held, "circuits")] == ["pace"]
    assert hookyard("circuits", "close", "wa", environ=held.environ).returncode == 1
    audited = [(row.action, row.details.get("comment")) for row in held.rows("SELECT * FROM audit ORDER BY id")]
    assert audited == [("close", "paid"), ("close", None)]
