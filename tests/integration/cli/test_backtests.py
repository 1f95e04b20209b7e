"""Backtests in the background at the command line: begun, shown and stopped as on the console's pages."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.integration.cli.test_commands import document, hookyard
from tests.integration.engine.conftest import Works
from tests.integration.engine.test_backtest import TELL
from tests.support.programs import eventually
from tests.support.shop import Shop, order_created, order_status_changed
from worker.clock import system_clock


@pytest.fixture
def recorded(shop: Shop) -> Iterator[Works]:
    """A ledger with two events of an hour ago."""
    shop.write_rules(TELL)
    works = Works(shop)
    works.clock.now = system_clock() - timedelta(minutes=50)
    works.receive(order_created())
    works.receive(order_status_changed("shipped"))
    yield works
    works.close()


def test_a_worker_plays_what_was_begun(recorded: Works) -> None:
    """Told by the queue; the result is the one that the command prints itself, and stays to be shown."""
    shop = recorded.shop
    shop.start("beat")
    shop.start_worker()

    begun = document(shop, "rules", "backtest", "--since", "2h", "--background")
    eventually(lambda: document(shop, "jobs", "show", begun["id"])["state"] != "running", "it is played")
    found = document(shop, "jobs", "show", begun["id"])
    itself = document(shop, "rules", "backtest", "--since", "2h")
    told = hookyard("jobs", "show", begun["id"], environ=shop.environ).stdout

    assert (begun["begun"], begun["kind"], found["state"], found["done"]) == (True, "backtest", "done", 2)
    assert found["report"]["totals"] == itself["totals"]
    assert "2 events played" in told
    assert "1 deliveries would be made, 1 of them messages" in told
    assert "backtest" in hookyard("jobs", environ=shop.environ).stdout


def test_one_that_waits_is_named_and_stopped(recorded: Works) -> None:
    """The second call names the one that is under way; stopped, it is told by whom, and cannot be stopped again."""
    shop = recorded.shop
    first = document(shop, "rules", "backtest", "--background")

    second = hookyard("rules", "backtest", "--background", environ=shop.environ)
    waiting = hookyard("jobs", "show", first["id"], environ=shop.environ).stdout
    stopped = document(shop, "jobs", "stop", first["id"], "--comment", "wrong time")
    again = hookyard("jobs", "stop", first["id"], environ=shop.environ)

    assert f"jobs show {first['id']}" in second.stdout
    assert "no other was begun" in second.stdout
    assert "waits for a worker" in waiting
    assert (stopped["state"], again.returncode) == ("stopped", 1)
    assert "stopped already" in again.stderr


def test_other_rules_are_played_at_once_only(recorded: Works, tmp_path: Path) -> None:
    """A worker may be on another machine, where the folder is not."""
    done = hookyard(
        "rules", "backtest", "--background", "--rules", str(tmp_path), environ=recorded.shop.environ
    )  # fmt: skip

    assert done.returncode == 1
    assert "leave out --rules or --background" in done.stderr
    assert recorded.shop.rows("SELECT 1 FROM jobs") == []
