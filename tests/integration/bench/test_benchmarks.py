"""Each benchmark runs on this machine and prints its figures. Invariant: no test asserts a time."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[3]
FIGURES = {
    "acknowledge": {"ratio", "acknowledged", "bare_answers", "p50", "p99", "disk_sync"},
    "deliver": {"ratio_to_possible", "ratio_to_bare", "delivered", "bare_calls", "possible", "worker_cpu"},
    "latency": {"ratio_p50", "ratio_p99", "p50", "p99", "bare_p50", "bare_p99"},
    "footprint": {"memory", "memory_receiver", "memory_worker", "memory_postgres", "ready", "first_ready"},
}


def _bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", FIGURES)
def test_prints_its_figures(name: str) -> None:
    """With very small numbers a benchmark ends well and has every figure, each a number above zero."""
    done = _bench(name, "--seconds", "0.2", "--json")

    assert done.returncode == 0, done.stderr
    figures: dict[str, dict[str, Any]] = json.loads(done.stdout)["benchmarks"][name]
    assert set(figures) >= FIGURES[name]
    assert all(math.isfinite(figure["value"]) and figure["value"] > 0 for figure in figures.values())


def test_an_unknown_benchmark_is_a_wrong_call() -> None:
    """A name that is none ends with status 2 and says which there are."""
    done = _bench("speed")

    assert done.returncode == 2
    assert "acknowledge" in done.stderr


def test_every_page_of_the_console_is_asked() -> None:
    """The pages are found by themselves, lists and searches beside them; each has a figure and its mark."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.scale", "--events", "2000", "--rounds", "2", "--no-mark", "--json"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    pages: dict[str, dict[str, Any]] = json.loads(done.stdout)["pages"]
    assert {"/", "/events", "/events/<uuid:event_id>", "/deliveries/<uuid:delivery_id>"} <= set(pages)
    assert {figure["mark"] for figure in pages.values()} == {"under 300", "under 1,000"}
