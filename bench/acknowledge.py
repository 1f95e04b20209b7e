"""How fast a webhook is acknowledged: a signed 3 KB event, on disk before the answer, against answering alone.

Invariant: every request is an event that was never seen, and every answer that counts is a 200.
"""

import os
import time
from pathlib import Path

from bench.figures import MILLISECONDS, PER_SECOND, RATIO, Figure, at_least, percentile, under
from bench.load import Load, pace, saturate
from bench.orders import order_numbers, signed_requests
from bench.stage import BenchError, Stage, end, open_stage

CONNECTIONS = 64
FIXED_RATE = 200
_MOST_PER_SECOND = 5_000  # of prepared requests; a server that is faster is asked for less long
_WARM_UP = 500
_SYNCS = 200


def acknowledge(seconds: float) -> list[Figure]:
    """Acknowledgements a second at saturation, their ratio to bare answers, and the latency at a fixed rate."""
    with open_stage() as stage:
        sync = _sync_seconds(stage.folder)
        stage.start_servers()
        bare_process = stage.start_bare()
        bare = _saturated(stage.bare_port, seconds)
        end(bare_process)
        stage.start_receiver()
        ours = _saturated(stage.receiver_port, seconds)
        steady = pace(
            stage.receiver_port, signed_requests(order_numbers(max(1, int(seconds * FIXED_RATE)))),
            connections=CONNECTIONS, per_second=FIXED_RATE,
        )  # fmt: skip
        steady.require_all_ok()
        _check_stored(stage, sum(ours.statuses.values()) + sum(steady.statuses.values()) + _WARM_UP)
    milliseconds = [value * 1000 for value in steady.seconds]
    return [
        Figure("ratio", ours.per_second / bare.per_second, RATIO, "acknowledged / bare answers"),
        Figure("acknowledged", ours.per_second, PER_SECOND, f"{CONNECTIONS} connections", at_least(1000)),
        Figure("bare_answers", bare.per_second, PER_SECOND, "the same Flask and Granian, nothing behind"),
        Figure("p50", percentile(milliseconds, 50), MILLISECONDS, f"at {FIXED_RATE}/s"),
        Figure("p99", percentile(milliseconds, 99), MILLISECONDS, f"at {FIXED_RATE}/s", under(50)),
        Figure("disk_sync", sync * 1000, MILLISECONDS, "write and fdatasync of 8 KB in the same folder, median"),
    ]


def _saturated(port: int, seconds: float) -> Load:
    saturate(port, signed_requests(order_numbers(_WARM_UP)), connections=CONNECTIONS, seconds=60).require_all_ok()
    requests = signed_requests(order_numbers(int(seconds * _MOST_PER_SECOND)))
    load = saturate(port, requests, connections=CONNECTIONS, seconds=seconds)
    load.require_all_ok()
    return load


def _check_stored(stage: Stage, expected: int) -> None:
    with stage.ledger.connect() as connection:
        stored = int(connection.exec_driver_sql("SELECT count(*) FROM events").scalar_one())
    if stored != expected:
        raise BenchError(f"{expected} events were acknowledged, {stored} are in the ledger")


def _sync_seconds(folder: Path) -> float:
    """Return how long this disk takes to keep 8 KB: no acknowledgement is faster."""
    times: list[float] = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(_SYNCS):
            began = time.perf_counter()
            file.write(bytes(8192))
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return percentile(times, 50)
