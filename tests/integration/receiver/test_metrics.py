"""What Prometheus reads: the same from each process, whichever counted it, and nothing personal."""

import json
from uuid import uuid4

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.receiver.conftest import TOKEN, Running
from tests.support.programs import eventually
from tests.support.shop import Shop, order_created
from worker import health
from worker.ledger import figures
from worker.states import BEAT_HEARTBEAT

PHONE = "628123456789"


def samples(running: Running) -> dict[tuple[str, ...], float]:
    """Scrape: by name and the values of the labels."""
    page = httpx.get(f"{running.shop.receiver_url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    assert PHONE not in page
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def test_receivers_count_duplicates_refusals_and_how_fast_they_acknowledge(running: Running) -> None:
    """Two processes answer; what each of them counted is in every scrape, soon."""
    before = samples(running)
    body = json.dumps(order_created() | {"unique_id": f"event_{uuid4().hex}"}).encode()
    for _ in range(20):
        running.post_signed(body).raise_for_status()
    for _ in range(10):
        assert running.post_signed(body, "not the secret").status_code == 401
    assert running.post(f"/webhooks/{PHONE}").status_code == 404

    def grown(*name: str) -> float:
        return samples(running).get(name, 0) - before.get(name, 0)

    eventually(lambda: grown("hookyard_duplicates_total", "toko") == 19, "19 duplicates are counted")
    eventually(lambda: grown("hookyard_acknowledgement_seconds_count", "toko") == 20, "20 were timed")
    eventually(lambda: grown("hookyard_refused_total", "toko", "signature_mismatch") == 10, "10 refusals are counted")
    eventually(lambda: grown("hookyard_refused_total", "", "unknown_endpoint") == 1, "one was for nobody")
    after = samples(running)
    assert (
        after["hookyard_acknowledgement_seconds_bucket", "toko", "+Inf"]
        == after["hookyard_acknowledgement_seconds_count", "toko"]
    )
    assert after["hookyard_acknowledgement_seconds_sum", "toko"] > 0


def test_what_nobody_has_seen_yet_is_told_as_such(running: Running) -> None:
    """Without a worker and a beat their signs of life are infinitely old; every queue is there, empty or not."""
    found = samples(running)

    assert found["hookyard_heartbeat_age_seconds", "worker"] == float("inf")
    assert found["hookyard_heartbeat_age_seconds", "beat"] == float("inf")
    assert found["hookyard_workers",] == 0
    assert found["hookyard_broker_up",] == 1
    assert {"events", "control", "deliver.scalev"} <= {key[1] for key in found if key[0] == "hookyard_queue_messages"}
    assert {"events", "deliver.wabotick"} <= {key[1] for key in found if key[0] == "hookyard_queue_due"}
    assert found["hookyard_backlog", "deliveries_dead"] == 0


def test_beat_and_worker_count_what_the_receiver_took_in(shop: Shop) -> None:
    """The processes as they run: an event is in the totals soon, and beat says that it lives."""
    shop.start_all()
    shop.post_scalev(order_created()).raise_for_status()

    def received() -> bool:
        with shop.engine.connect() as connection:
            return any((row.account, row.name) == ("toko", "received") for row in figures.totals(connection))

    def beats() -> bool:
        with shop.engine.connect() as connection:
            return health.last_beat(connection, BEAT_HEARTBEAT) is not None

    eventually(beats, "beat says that it lives")
    eventually(received, "the event is counted", seconds=60)
