"""How long after its webhook a vendor is called, at 50 events a second.

Invariant: the time runs from the moment that the event was due to be posted to the moment that the vendor notes its
call, on one clock; every event is matched with its own call by the order's number.
"""

import time
from datetime import datetime
from typing import Any

from bench.figures import MILLISECONDS, RATIO, Figure, percentile, under
from bench.load import Load, pace
from bench.orders import ACCOUNT, order_numbers, signed_requests
from bench.stage import BenchError, Vendors, end, open_stage

RATE = 50
CONNECTIONS = 16
_WARM_UP = 50
_PATIENCE_SECONDS = 60.0


def latency(seconds: float) -> list[Figure]:
    """The time from POST to vendor call, and its ratio to a relay that calls the vendor while it is being called."""
    numbers = order_numbers(_WARM_UP + max(RATE, int(seconds * RATE)))
    with open_stage() as stage:
        vendors = stage.start_sandbox()
        bare_process = stage.start_bare()
        relayed = [
            request.replace(f"/webhooks/{ACCOUNT}".encode(), b"/relay", 1) for request in signed_requests(numbers)
        ]
        bare = _measured(stage.bare_port, numbers, relayed, vendors)
        end(bare_process)
        stage.start_servers()
        stage.start_workers()
        stage.start_receiver()
        ours = _measured(stage.receiver_port, numbers, signed_requests(numbers), vendors)
    p50, p99 = percentile(ours, 50), percentile(ours, 99)
    bare_p50, bare_p99 = percentile(bare, 50), percentile(bare, 99)
    return [
        Figure("ratio_p50", p50 / bare_p50, RATIO, "of a relay with nothing in between"),
        Figure("ratio_p99", p99 / bare_p99, RATIO),
        Figure("p50", p50, MILLISECONDS, f"POST to vendor call at {RATE}/s"),
        Figure("p99", p99, MILLISECONDS, f"POST to vendor call at {RATE}/s", under(500)),
        Figure("bare_p50", bare_p50, MILLISECONDS, "the same through the relay"),
        Figure("bare_p99", bare_p99, MILLISECONDS),
    ]


def _measured(port: int, numbers: list[str], requests: list[bytes], vendors: Vendors) -> list[float]:
    """Return the milliseconds of each event; the first are for warming up and do not count."""
    vendors.clear()
    load = pace(port, requests, connections=CONNECTIONS, per_second=RATE)
    load.require_all_ok()
    called_at = _called_at(vendors, len(numbers))
    return _spans(load, numbers, called_at)[_WARM_UP:]


def _spans(load: Load, numbers: list[str], called_at: dict[str, float]) -> list[float]:
    missing = [number for number in numbers if number not in called_at]
    if missing:
        raise BenchError(f"no vendor call for {len(missing)} of {len(numbers)} events")
    # The vendor notes whole milliseconds, cut off: half of one is added on average.
    return [(called_at[n] - due) * 1000 + 0.5 for n, due in zip(numbers, load.due_at, strict=True)]


def _called_at(vendors: Vendors, count: int) -> dict[str, float]:
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while vendors.count() < count and time.monotonic() < give_up_at:
        time.sleep(0.1)
    return {_number(request): datetime.fromisoformat(str(request["at"])).timestamp() for request in vendors.requests()}


def _number(request: dict[str, Any]) -> str:
    return str(request["params"]["templateVariable-value-2"])
