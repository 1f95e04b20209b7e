"""Processes that die at the worst moment: kill -9, and the ledger stays true."""

import hashlib
import hmac
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from sqlalchemy import text

from tests.support.programs import eventually
from tests.support.sandbox import Sandbox
from tests.support.servers import Servers, running_servers
from tests.support.shop import PROTON_SECRET, Shop, order_created, order_status_changed
from webhooks.examples import load_example


def customer(number: int) -> dict[str, object]:
    """Return an event of a new customer of its own."""
    body = load_example("proton", "customer.created")
    return body | {"id": uuid4().hex, "data": {"customer_id": f"C-{number}", "name": f"Customer {number}"}}


IMPATIENT = {"HOOKYARD_LEASE_SECONDS": "2", "HOOKYARD_VENDOR_TIMEOUT_SECONDS": "1"}


def replace_worker(shop: Shop) -> None:
    """Kill the worker and start another."""
    shop.programs[1].kill()
    shop.start("worker")


def know_the_order(shop: Shop, **data: str) -> None:
    """Post an order and wait until it is known, so that nothing has to ask the vendor for it."""
    shop.post_scalev(order_created(**data)).raise_for_status()
    eventually(lambda: shop.rows("SELECT id FROM events WHERE state = 'processed'"), "the order is known")


def ship(shop: Shop) -> None:
    """Post an order and that it was shipped."""
    know_the_order(shop)
    shop.post_scalev(order_status_changed("shipped")).raise_for_status()


def tap(shop: Shop) -> None:
    """Post an order and the tap that confirms it."""
    know_the_order(shop, status="draft")
    body = load_example("wabotick", "postback") | {"order_id": "250804QWERTY"}
    shop.post_wabotick(body).raise_for_status()


def test_a_worker_killed_before_the_call(shop: Shop) -> None:
    """It held the delivery and had sent nothing: another worker sends, once."""
    shop.environ |= IMPATIENT
    slow = (
        "CREATE FUNCTION slow() RETURNS trigger AS $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$ LANGUAGE plpgsql"
    )
    when_announcing = "BEFORE UPDATE ON deliveries FOR EACH ROW WHEN (NEW.sending_at IS NOT NULL)"
    with shop.engine.begin() as connection:
        connection.execute(text(slow))
        connection.execute(text(f"CREATE TRIGGER slow {when_announcing} EXECUTE FUNCTION slow()"))
    shop.start_all()
    ship(shop)
    announcing = (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
        "AND state = 'active' AND query LIKE 'UPDATE deliveries SET%sending_at%'"
    )
    eventually(lambda: shop.rows(announcing), "the worker is about to send")

    replace_worker(shop)
    with shop.engine.begin() as connection:
        connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM ({announcing}) AS found"))  # noqa: S608
        connection.execute(text("DROP TRIGGER slow ON deliveries"))
    assert shop.sandbox.requests("*template*") == []

    shop.wait_for_deliveries(1, "succeeded")
    assert len(shop.sandbox.effects("message")) == 1


@pytest.mark.parametrize(("when", "effects"), [("before", 0), ("after", 1)])
def test_a_worker_killed_while_a_message_is_being_sent(shop: Shop, when: str, effects: int) -> None:
    """Whether the vendor acted cannot be known: unknown, never sent again by itself."""
    shop.environ |= IMPATIENT
    shop.sandbox.fail(vendor="wabotick", when=when, hang=True, times=1)
    shop.start_all()
    ship(shop)
    eventually(lambda: shop.sandbox.requests("*template"), "the request reached the vendor")
    eventually(lambda: len(shop.sandbox.effects("message")) == effects, "the vendor did its part")

    replace_worker(shop)

    [unknown] = shop.wait_for_deliveries(1, "unknown")
    assert unknown.reason == "lease_expired"
    assert len(shop.sandbox.effects("message")) == effects
    assert len(shop.sandbox.requests("*template")) == 1


def test_a_worker_killed_while_it_sets_a_status(shop: Shop) -> None:
    """Setting a status twice does no harm: another worker finishes it."""
    shop.environ |= IMPATIENT
    shop.sandbox.fail(vendor="scalev", when="after", hang=True, times=1)
    shop.start_all()
    tap(shop)
    eventually(lambda: shop.sandbox.effects("order_status"), "the vendor acted")

    replace_worker(shop)

    shop.wait_for_deliveries(1, "succeeded")
    assert {effect["status"] for effect in shop.sandbox.effects("order_status")} == {"confirmed"}


def test_a_worker_that_is_asked_to_stop_finishes_its_call(shop: Shop) -> None:
    """A restart for a new version leaves no unknown behind."""
    shop.sandbox.fail(vendor="wabotick", when="after", delay_seconds=0.5, times=1)
    shop.start_all()
    ship(shop)
    eventually(lambda: shop.sandbox.effects("message"), "the vendor acted")

    status = shop.programs[1].stop()

    assert status == 0
    assert [row.state for row in shop.deliveries()] == ["succeeded"]


def test_a_receiver_killed_between_commit_and_answer(shop: Shop) -> None:
    """The vendor posts again, as nobody answered it: a duplicate, and one effect."""
    shop.start_all()
    receiver = shop.programs[-1]
    body = customer(1)
    raw = json.dumps(body).encode()
    signature = hmac.digest(PROTON_SECRET.encode(), raw, hashlib.sha256).hex()
    head = f"POST /webhooks/crm HTTP/1.1\r\nHost: x\r\nX-Proton-Signature: sha256={signature}\r\n"
    with socket.create_connection(("127.0.0.1", shop.receiver_port)) as vendor:
        vendor.sendall(f"{head}Content-Length: {len(raw)}\r\n\r\n".encode() + raw)
        eventually(lambda: shop.rows("SELECT id FROM events"), "the event was committed")
        receiver.kill()
    shop.start_receiver()

    answer = shop.post_proton(body)

    assert answer.json()["status"] == "duplicate"
    shop.wait_for_deliveries(1, "succeeded")
    assert len(shop.sandbox.effects("opportunity")) == 1


@pytest.fixture
def own_servers() -> Iterator[Servers]:
    """A PostgreSQL that this test may kill."""
    with running_servers() as found:
        yield found


def test_the_ledger_killed_under_load(own_servers: Servers, sandbox: Sandbox, tmp_path: Path) -> None:
    """PostgreSQL dies and comes back: every event that was acknowledged has its effect once, or is unknown."""
    with own_servers.database("killed") as url:
        shop = Shop(tmp_path, url, own_servers.redis.url, sandbox)
        try:
            _kill_the_ledger_under_load(shop, own_servers)
        finally:
            shop.stop()


def _kill_the_ledger_under_load(shop: Shop, servers: Servers) -> None:
    count = 60
    shop.sandbox.fail(vendor="proton", delay_seconds=0.2)
    shop.start_all()

    def post_until_it_is_taken(number: int) -> None:
        body = customer(number)
        eventually(lambda: shop.post_proton(body).status_code == 200, "the receiver answers 200")

    with ThreadPoolExecutor(6) as pool:
        posting = [pool.submit(post_until_it_is_taken, number) for number in range(count)]
        eventually(lambda: len(shop.sandbox.effects("opportunity")) >= 5, "the load has begun")
        pid = int((servers.postgres.directory / "postmaster.pid").read_text().split()[0])
        for process in [psutil.Process(pid), *psutil.Process(pid).children()]:
            process.kill()
        servers.postgres.stop()
        servers.postgres.start()
        for one in posting:
            one.result()

    shop.engine.dispose()
    done = "SELECT state FROM deliveries WHERE state IN ('succeeded', 'unknown')"
    eventually(lambda: len(shop.rows(done)) == count, "every delivery was settled")
    effects = [effect["customer_id"] for effect in shop.sandbox.effects("opportunity")]
    assert len(effects) == len(set(effects))
    assert len(effects) >= len(shop.deliveries("succeeded"))
