"""What Sentry is sent beside reports: check-ins of regular jobs, and how much work went well."""

import gzip
import json
import subprocess
import sys
from typing import Any

import pytest

from tests.support.listening import Heard, listening

# Sentry belongs to a process, so it has one of its own.
PROGRAM = """
import sys
from config.settings import load_settings
from worker.sentry import CheckIns, counted, report, start_sentry

start_sentry(load_settings({"HOOKYARD_SENTRY_DSN": sys.argv[1]} if sys.argv[1] else {}), "worker")

@counted
def work(phone):
    if phone:
        report(ValueError(phone), {"reason": "bug"})
    return 7

for phone in ("", "", "+628123456789"):
    assert work(phone) == 7
sweep, alert = CheckIns("hookyard.sweep", 1), CheckIns("hookyard.alert", 90)
for _ in range(5):
    with sweep.around():
        pass
try:
    with alert.around():
        raise ValueError("+628123456789")
except ValueError:
    pass
"""


def items(heard: list[Heard]) -> list[tuple[str, dict[str, Any]]]:
    """Return what came in as pairs of type and content."""
    found = []
    for one in heard:
        body = gzip.decompress(one.body) if one.headers.get("content-encoding") == "gzip" else one.body
        lines = [json.loads(line) for line in body.splitlines()[1:] if line]
        found += [(head["type"], payload) for head, payload in zip(lines[::2], lines[1::2], strict=True)]
    return found


@pytest.fixture(scope="module")
def sent() -> list[tuple[str, dict[str, Any]]]:
    """All that a process sent which worked three times, swept five times, and failed to alert once."""
    with listening() as listener:
        dsn = f"http://key@127.0.0.1:{listener.port}/1"
        subprocess.run([sys.executable, "-c", PROGRAM, dsn], check=True, timeout=60)
        return items(listener.heard)


def test_a_job_of_every_second_checks_in_once_a_minute(sent: list[tuple[str, dict[str, Any]]]) -> None:
    """With the schedule that Sentry should expect, so that it needs no setting up there."""
    [sweep] = [one for kind, one in sent if kind == "check_in" and one["monitor_slug"] == "hookyard-sweep"]

    assert sweep["status"] == "ok"
    assert sweep["monitor_config"]["schedule"] == {"type": "interval", "value": 1, "unit": "minute"}


def test_a_job_that_failed_says_so(sent: list[tuple[str, dict[str, Any]]]) -> None:
    """Its check-in is an error, and holds nothing of why."""
    [alert] = [one for kind, one in sent if kind == "check_in" and one["monitor_slug"] == "hookyard-alert"]

    assert alert["status"] == "error"
    assert alert["monitor_config"]["schedule"]["value"] == 2


def test_work_is_counted_for_the_release(sent: list[tuple[str, dict[str, Any]]]) -> None:
    """Three pieces of work, one of them with a report."""
    [sessions] = [one for kind, one in sent if kind == "sessions"]

    assert sessions["attrs"]["release"].startswith("hookyard@")
    assert sum(one.get("exited", 0) for one in sessions["aggregates"]) == 2
    assert sum(one.get("errored", 0) for one in sessions["aggregates"]) == 1


def test_nothing_personal_is_sent(sent: list[tuple[str, dict[str, Any]]]) -> None:
    """Neither the data that an exception quotes, nor the name of the machine."""
    assert [kind for kind, _ in sent].count("event") == 1
    assert "8123456789" not in json.dumps(sent)
    assert not [kind for kind, one in sent if "server_name" in one]


def test_without_a_dsn_work_is_just_done() -> None:
    """The same program runs through and sends nothing."""
    subprocess.run([sys.executable, "-c", PROGRAM, ""], check=True, timeout=60)
