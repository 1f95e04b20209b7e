"""Reconciling with real processes: the schedule runs it, and a killed run keeps nobody out."""

from tests.support.programs import Program, eventually
from tests.support.shop import Shop


def test_the_schedule_reconciles(shop: Shop) -> None:
    """Beat has the vendors asked again and again, without anybody pressing anything."""
    shop.environ["HOOKYARD_RECONCILE_MINUTES"] = "0.02"
    shop.start_all()

    eventually(lambda: len(shop.rows("SELECT at FROM watermarks")) == 2, "both accounts were asked")
    [before] = shop.rows("SELECT min(at) AS at FROM watermarks")
    eventually(lambda: shop.rows("SELECT 1 FROM watermarks WHERE at > :at", at=before.at), "they were asked again")


def test_a_run_that_is_killed_keeps_nobody_out(shop: Shop) -> None:
    """kill -9 while the vendor is being asked: the next one begins at once, where the last whole one ended."""
    shop.sandbox.fail(vendor="scalev", hang=True)
    shop.environ["HOOKYARD_VENDOR_TIMEOUT_SECONDS"] = "30"
    shop.environ["HOOKYARD_LEASE_SECONDS"] = "60"
    arguments = ["reconcile", "--account", "toko"]
    hanging = Program(arguments, shop.environ, shop.folder / "hanging.log")
    eventually(lambda: shop.sandbox.requests("*orders"), "the vendor is being asked")
    assert "somebody else is at it" in shop.command(*arguments).log

    hanging.kill()
    shop.sandbox.heal()

    eventually(lambda: shop.command(*arguments).process.returncode == 0, "another run does it")
    assert len(shop.rows("SELECT at FROM watermarks")) == 1
