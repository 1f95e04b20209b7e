"""The broker is only a wake-up: emptied, away, doubled or slow, it costs seconds and no effect."""

import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

from console.stack.directories import run_directory
from console.stack.redis import EmbeddedRedis
from tests.chaos.test_killed import customer
from tests.support.programs import eventually
from tests.support.sandbox import Sandbox
from tests.support.servers import Servers
from tests.support.shop import Shop, order_created, order_status_changed
from worker.broker import queue_lengths


def customers_served(shop: Shop, count: int) -> bool:
    """Whether so many customers have their opportunity; each must have one only."""
    served = [effect["customer_id"] for effect in shop.sandbox.effects("opportunity")]
    assert len(served) == len(set(served)), "an effect was doubled"
    return len(served) == count


def test_everything_in_the_broker_is_lost(shop: Shop, servers: Servers) -> None:
    """FLUSHALL with work queued: the sweep finds it all in the ledger."""
    shop.start_receiver()
    for number in range(20):
        shop.post_proton(customer(number)).raise_for_status()
    broker = redis.Redis.from_url(servers.redis.client_url)
    eventually(lambda: queue_lengths(broker, ["events"])["events"], "work is queued")

    broker.flushall()
    broker.close()
    shop.start("beat")
    shop.start("worker")

    eventually(lambda: customers_served(shop, 20), "every event had its effect")


@pytest.fixture
def own_redis() -> Iterator[EmbeddedRedis]:
    """A Redis that this test may stop."""
    folder = Path(tempfile.mkdtemp(prefix="hookyard-tests-"))
    server = EmbeddedRedis(folder, run_directory(folder))
    server.start()
    yield server
    server.stop()


def test_the_broker_goes_away_and_comes_back(
    own_redis: EmbeddedRedis, database_url: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Events are taken while Redis is down; the same worker goes on once it is back, by itself."""
    shop = Shop(tmp_path, database_url, own_redis.url, sandbox)
    try:
        shop.start_all()
        worker = shop.programs[1]
        own_redis.stop()

        slowest = 0.0
        for number in range(10):
            began = time.monotonic()
            assert shop.post_proton(customer(number)).status_code == 200
            slowest = max(slowest, time.monotonic() - began)
        assert slowest < 20, "acknowledging must not wait for the broker"
        own_redis.start()

        eventually(lambda: customers_served(shop, 10), "what came meanwhile had its effect")
        shop.post_proton(customer(10)).raise_for_status()
        eventually(lambda: customers_served(shop, 11), "what came afterwards, too")
        assert worker.process.poll() is None
    finally:
        shop.stop()


def test_everything_twice(shop: Shop) -> None:
    """Two beats, two workers, 200 events, some posted twice: every effect once."""
    shop.start("beat")
    shop.start("worker")
    shop.start_all()

    def post(number: int) -> None:
        body = customer(number)
        assert {shop.post_proton(body).status_code for _ in range(2 if number % 4 == 0 else 1)} == {200}

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(post, range(200)))

    eventually(lambda: customers_served(shop, 200), "every event had its effect", seconds=60)
    eventually(lambda: len(shop.deliveries("succeeded")) == 200, "every delivery is settled")
    assert len(shop.rows("SELECT id FROM events")) == 200


def test_one_event_a_hundred_times_at_once(shop: Shop) -> None:
    """All are answered 200, one is stored, one effect follows, and the others are counted."""
    shop.start_all()
    body = customer(1)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: shop.post_proton(body), range(100)))

    assert {answer.status_code for answer in answers} == {200}
    assert sum(answer.json()["status"] == "accepted" for answer in answers) == 1
    eventually(lambda: customers_served(shop, 1), "the effect is there")
    shop.wait_for_deliveries(1, "succeeded")
    [event] = shop.rows("SELECT * FROM events")
    assert event.duplicates == 99


def test_a_dead_vendor_does_not_hold_up_another(shop: Shop) -> None:
    """Wabotick hangs with more deliveries than it has slots; Proton's go through at once."""
    shop.environ |= {
        "HOOKYARD_VENDOR_TIMEOUT_SECONDS": "30", "HOOKYARD_LEASE_SECONDS": "60",
        "HOOKYARD_DESTINATION_CONCURRENCY": "4",
    }  # fmt: skip
    shop.sandbox.fail(vendor="wabotick", hang=True)
    shop.start_all()
    for number in range(30):
        shop.post_scalev(order_created(f"O-{number}"))
        shop.post_scalev(order_status_changed("shipped", f"O-{number}"))
    # Not all deliveries: an event that overtakes its order's first one reads the order at Scalev, too.
    wanted = "SELECT id FROM deliveries WHERE account = 'wa'"
    eventually(lambda: len(shop.rows(f"{wanted} AND state = 'in_flight'")) == 4, "every slot of Wabotick is taken")
    eventually(lambda: len(shop.rows(wanted)) == 30, "more wait for one")

    for number in range(10):
        shop.post_proton(customer(number)).raise_for_status()

    eventually(lambda: customers_served(shop, 10), "the other vendor is served")
    assert len(shop.sandbox.requests("*template")) == 4
