"""Wake-ups are best effort: whatever the broker does, the work they follow is done."""

from typing import TYPE_CHECKING

import redis
from structlog.testing import capture_logs

from tests.support.programs import eventually
from tests.support.servers import Servers
from worker.broker import queue_lengths
from worker.celery_app import CONTROL_QUEUE, EVENTS_QUEUE, delivery_queue, make_celery
from worker.ids import new_id
from worker.ledger.deliveries import Wake
from worker.wakeups import MOST_IDS_A_MESSAGE, BackgroundWakeups, Wakeups

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

QUEUES = [EVENTS_QUEUE, CONTROL_QUEUE, delivery_queue("wabotick")]


def test_wake_ups_travel_by_the_queue_of_their_vendor(works: "Works", servers: Servers) -> None:
    """Events in batches, deliveries one by one; those of an account that is gone by a queue that is always read."""
    app = make_celery(works.settings, works.config)
    wakeups = Wakeups(app, works.config.accounts)

    wakeups.events([new_id() for _ in range(MOST_IDS_A_MESSAGE + 1)])
    wakeups.deliveries([Wake(new_id(), "wa"), Wake(new_id(), "wa"), Wake(new_id(), "gone")])

    with redis.Redis.from_url(servers.redis.client_url) as broker:
        assert queue_lengths(broker, QUEUES) == {EVENTS_QUEUE: 2, CONTROL_QUEUE: 1, delivery_queue("wabotick"): 2}
    app.close()


def test_a_broker_that_is_away_costs_neither_an_error_nor_time(works: "Works") -> None:
    """Nothing is raised, and after the first failure there is silence for a moment."""
    works.shop.environ["HOOKYARD_REDIS_URL"] = "redis://127.0.0.1:1/0"
    app = make_celery(works.shop.settings, works.config)
    wakeups = Wakeups(app, works.config.accounts)

    with capture_logs() as logged:
        wakeups.deliveries(Wake(new_id(), "wa") for _ in range(1_000))

    assert 0 < len([entry for entry in logged if entry["event"] == "wakeup.failed"]) < 100
    app.close()


def test_the_receivers_wake_ups_are_gathered(works: "Works", servers: Servers) -> None:
    """Many events in a short time are few messages, from a thread that nobody waits for."""
    app = make_celery(works.settings, works.config)
    wakeups = BackgroundWakeups(Wakeups(app, works.config.accounts), gather_seconds=0.1)

    for _ in range(100):
        wakeups.event(new_id())

    with redis.Redis.from_url(servers.redis.client_url) as broker:
        eventually(lambda: 2 <= queue_lengths(broker, QUEUES)[EVENTS_QUEUE] <= 5, "a few messages are queued")
    app.close()
