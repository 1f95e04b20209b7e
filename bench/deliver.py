"""How many deliveries a second the workers of `hookyard up` make at a vendor that takes 100 ms.

Invariant: the events are in the ledger before the worker starts, and every one leads to exactly one call.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import httpx
import psutil
from sqlalchemy import select

from bench.bare import send_template_form
from bench.figures import MILLISECONDS, PER_SECOND, RATIO, Figure, at_least
from bench.load import saturate
from bench.orders import order_numbers, signed_requests
from bench.stage import SEND_TEMPLATE, BenchError, Stage, Vendors, end, open_stage
from config.load import load_config
from config.settings import Settings, load_settings
from tasks.actions.registry import make_catalog
from webhooks.registry import SOURCES
from worker.clock import system_clock
from worker.ledger.tables import events
from worker.routing import Router

VENDOR_SECONDS = 0.1
EVENTS_PER_SECOND = 300
_PATIENCE_FACTOR = 30
WORKERS = int(Settings.model_fields["worker_processes"].default)
THREADS = int(Settings.model_fields["destination_concurrency"].default)


def deliver(seconds: float) -> list[Figure]:
    """Deliveries a second, their ratio to the most that is possible and to bare calls, and what one costs."""
    count = max(THREADS, int(seconds * EVENTS_PER_SECOND))
    possible = WORKERS * THREADS / VENDOR_SECONDS
    ours, cpu, bare = _drained(count, routed=True)
    with_routing, cpu_with_routing, _ = _drained(count, routed=False)
    return [
        Figure(
            "ratio_to_possible",
            ours / possible,
            RATIO,
            f"of {WORKERS * THREADS} calls at once",
        ),
        Figure("ratio_to_bare", ours / bare, RATIO, "of bare httpx calls by as many threads"),
        Figure("delivered", ours, PER_SECOND, f"{count} deliveries that were ready", at_least(200)),
        Figure("with_routing", with_routing, PER_SECOND, f"{count} events, from routing to the vendor's answer"),
        Figure("bare_calls", bare, PER_SECOND),
        Figure("possible", possible, PER_SECOND),
        Figure("worker_cpu", cpu, MILLISECONDS, "of the workers per delivery, start included"),
        Figure("worker_cpu_with_routing", cpu_with_routing, MILLISECONDS, "the same per event"),
    ]


def _drained(count: int, *, routed: bool) -> tuple[float, float, float]:
    """Return deliveries a second, the worker's CPU for one in ms, and bare calls a second."""
    with open_stage() as stage:
        vendors = stage.start_sandbox()
        vendors.take(VENDOR_SECONDS)
        bare = _bare_calls(stage.sandbox_url + SEND_TEMPLATE, count)
        vendors.clear()
        stage.start_servers()
        _store(stage, count)
        if routed:
            _route(stage)
        workers = [psutil.Process(worker.pid) for worker in stage.start_workers()]
        _drain(vendors, count, lambda: _succeeded(stage))
        busy = sum(sum(worker.cpu_times()[:2]) for worker in workers)
        return _rate(vendors, count), busy * 1000 / count, bare


def _route(stage: Stage) -> None:
    """Ask the rules about every event, without waking anybody."""
    settings = load_settings(stage.environ)
    config = load_config(settings.config_dir, stage.environ, make_catalog())
    readers = {vendor: source.read for vendor, source in SOURCES.items()}
    router = Router(settings, config, readers, system_clock)
    with stage.ledger.connect() as connection:
        for event_id in connection.scalars(select(events.c.id)).all():
            router.route(connection, event_id)
            connection.commit()


def _bare_calls(url: str, count: int) -> float:
    forms = [send_template_form(number) for number in order_numbers(count)]
    limits = httpx.Limits(max_connections=WORKERS * THREADS, max_keepalive_connections=WORKERS * THREADS)
    with httpx.Client(limits=limits, trust_env=False) as client, ThreadPoolExecutor(WORKERS * THREADS) as pool:
        began = time.perf_counter()
        statuses = list(pool.map(lambda form: client.post(url, data=form).status_code, forms))
        elapsed = time.perf_counter() - began
    if set(statuses) != {200}:
        raise BenchError(f"bare calls were answered {set(statuses)}")
    return count / elapsed


def _store(stage: Stage, count: int) -> None:
    """Take the events in, then let the receiver go: from here on only the worker works."""
    receiver = stage.start_receiver()
    load = saturate(stage.receiver_port, signed_requests(order_numbers(count)), connections=32, seconds=600)
    load.require_all_ok()
    end(receiver)


def _drain(vendors: Vendors, count: int, succeeded: Callable[[], int]) -> None:
    give_up_at = time.monotonic() + 30 + _PATIENCE_FACTOR * count / EVENTS_PER_SECOND
    while vendors.count() < count or succeeded() < count:
        if time.monotonic() > give_up_at:
            raise BenchError(f"only {succeeded()} of {count} deliveries succeeded, {vendors.count()} calls were made")
        time.sleep(0.25)


def _succeeded(stage: Stage) -> int:
    with stage.ledger.connect() as connection:
        query = "SELECT count(*) FROM deliveries WHERE state = 'succeeded'"
        return int(connection.exec_driver_sql(query).scalar_one())


def _rate(vendors: Vendors, count: int) -> float:
    """Return the calls a second between the first and the last call, as the vendor saw them."""
    moments = [datetime.fromisoformat(str(request["at"])) for request in vendors.requests()]
    if len(moments) != count:
        raise BenchError(f"{count} events led to {len(moments)} calls")
    return (count - 1) / (max(moments) - min(moments)).total_seconds()
