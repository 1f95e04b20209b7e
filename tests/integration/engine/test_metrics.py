"""The metrics of the engine, on the real ledger: counters that only grow, and what waits by queue."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from prometheus_client.metrics_core import Metric

from tests.integration.engine.test_delivering import plan_message
from tests.integration.engine.test_figures import MINUTE, work
from tests.integration.engine.test_limits import limit
from webhooks import metrics
from worker import health
from worker.ledger.counting import FINAL_AFTER, Counter
from worker.states import BEAT_HEARTBEAT, PauseKind

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works


def scraped(works: "Works", now: datetime | None = None) -> dict[tuple[str, ...], float]:
    """Read all metrics: by name and the values of the labels."""
    with works.engine.connect() as connection:
        families: list[Metric] = list(metrics.read(connection, works.config, now or works.clock()))
    return {(sample.name, *sample.labels.values()): sample.value for one in families for sample in one.samples}


def counters(found: dict[tuple[str, ...], Any]) -> dict[tuple[str, ...], float]:
    """Leave out what may go down."""
    return {key: value for key, value in found.items() if key[0].endswith(("_total", "_bucket", "_count", "_sum"))}


def test_ends_and_attempts_are_told_by_action_and_reason(works: "Works") -> None:
    """One message that succeeded, one change that the vendor refused."""
    work(works)

    Counter(works.engine).count(datetime.now(UTC) + MINUTE)

    found = scraped(works)
    assert found["hookyard_events_received_total", "toko"] == 3
    assert found["hookyard_attempts_total", "wa", "wabotick.send_template", "succeeded", ""] == 1
    assert found["hookyard_deliveries_total", "wa", "wabotick.send_template", "succeeded", ""] == 1
    assert found["hookyard_deliveries_total", "toko", "scalev.change_status", "dead", "rejected"] == 1
    assert found["hookyard_end_to_end_seconds_count", "wa"] == 1
    assert found["hookyard_vendor_seconds_bucket", "wa", "+Inf"] == found["hookyard_vendor_seconds_count", "wa"] >= 1
    assert found["hookyard_backlog", "deliveries_dead"] == 1


def test_counters_never_go_back(works: "Works") -> None:
    """Neither when minutes become final, nor when they are forgotten, nor when a dead letter is begun again."""
    work(works)
    counter, now = Counter(works.engine), datetime.now(UTC) + MINUTE
    counter.count(now)
    before = counters(scraped(works))
    assert before

    [dead] = works.shop.rows("SELECT id FROM deliveries WHERE state = 'dead'")
    with works.people() as people:
        people.retry(dead.id)
    for later in (now, now + FINAL_AFTER + 2 * MINUTE, now + timedelta(days=3)):
        works.clock.now = later
        counter.count(later)
        works.sweeper.tidy()
        assert counters(scraped(works)) == before


def test_what_is_due_is_told_by_queue(works: "Works") -> None:
    """An order that nobody delivers grows old in its vendor's queue; held back, it is no queue's fault."""
    plan_message(works)
    assert scraped(works)["hookyard_queue_due", "deliver.wabotick"] == 1

    works.clock.pass_(90)
    works.sweep()
    found = scraped(works)
    assert found["hookyard_queue_oldest_seconds", "deliver.wabotick"] == 90
    assert found["hookyard_timers_behind", "deliver.wabotick"] == 1
    assert found["hookyard_queue_due", "deliver.scalev"] == 0

    with works.people() as people:
        people.pause(PauseKind.ACCOUNT, "wa")
    found = scraped(works)
    assert found["hookyard_queue_due", "deliver.wabotick"] == 0
    assert found["hookyard_paused", "account", "wa"] == 1


def test_how_full_a_limit_is(works: "Works") -> None:
    """The share of the hour's calls that were made."""
    limit(works, "wabotick", per_hour=40, per_second=1)
    works.deliver(plan_message(works))

    found = scraped(works)

    assert found["hookyard_limit_used_ratio", "wa"] == 1 / 40
    assert found["hookyard_limit_wait_seconds", "wa"] == 1
    works.clock.pass_(2 * 3600)
    assert scraped(works)["hookyard_limit_used_ratio", "wa"] == 0
    assert scraped(works)["hookyard_limit_wait_seconds", "wa"] == 0


def test_beat_says_that_it_lives_past_the_queue(works: "Works") -> None:
    """Its sign of life has an age of its own."""
    with works.engine.begin() as connection:
        health.beat(connection, BEAT_HEARTBEAT, works.clock())
    works.clock.pass_(7)

    found = scraped(works)

    assert found["hookyard_heartbeat_age_seconds", "beat"] == 7
    assert found["hookyard_heartbeat_age_seconds", "worker"] == float("inf")
