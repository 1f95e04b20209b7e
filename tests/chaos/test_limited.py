"""Limits and circuits with real workers: two processes share one pace, and a vendor's outage costs no attempts."""

from datetime import datetime

from tests.chaos.test_killed import customer
from tests.support.programs import eventually
from tests.support.shop import Shop


def test_two_workers_keep_to_one_limit(shop: Shop) -> None:
    """Thirty customers at ten a second take at least most of three seconds, and each is served once."""
    accounts = shop.folder / "config" / "accounts.yaml"
    accounts.write_text(accounts.read_text().replace("proton: {per_second: null}", "proton: {per_second: 10}"))
    shop.start_receiver()
    for number in range(30):
        shop.post_proton(customer(number)).raise_for_status()
    shop.start("beat")
    shop.start_worker()
    shop.start_worker()

    shop.wait_for_deliveries(30, "succeeded")

    moments = sorted(datetime.fromisoformat(one["at"]) for one in shop.sandbox.requests())
    assert len(moments) == 30
    # The first may leave late, and so closer to the second: what is shorter by more than that is a burst.
    assert (moments[-1] - moments[0]).total_seconds() > 2
    assert max(row.attempts for row in shop.deliveries()) == 1


def test_an_outage_is_sat_out(shop: Shop) -> None:
    """Nobody answers: the circuit opens, what comes meanwhile is not tried at all, and in the end all is done once."""
    shop.sandbox.fail(vendor="proton", status=503)
    shop.start_all()
    for number in range(8):
        shop.post_proton(customer(number)).raise_for_status()
    eventually(lambda: shop.rows("SELECT 1 FROM holds WHERE kind = 'account' AND opened_at IS NOT NULL"), "it opened")
    for number in range(8, 16):
        shop.post_proton(customer(number)).raise_for_status()
    eventually(lambda: len(shop.deliveries()) == 16, "all is planned")
    [held] = shop.rows("SELECT probes, (SELECT count(*) FROM attempts) AS tried FROM holds WHERE kind = 'account'")
    shop.sandbox.heal()

    assert shop.command("circuits", "close", "crm").process.returncode == 0

    shop.wait_for_deliveries(16, "succeeded")
    assert held.tried <= 8 + held.probes, "those that came after it opened were tried"
    assert len(shop.sandbox.effects("opportunity")) == 16


def test_a_circuit_outlives_its_workers(shop: Shop) -> None:
    """A worker that is replaced does not try again what the account refuses."""
    shop.sandbox.fail(vendor="proton", status=401)
    shop.start_all()
    shop.post_proton(customer(1)).raise_for_status()
    [row] = shop.wait_for_deliveries(1, "retrying")
    shop.programs[1].kill()

    shop.start_worker()
    for number in range(2, 5):
        shop.post_proton(customer(number)).raise_for_status()
    eventually(lambda: len(shop.deliveries()) == 4, "all is planned")

    assert row.reason == "credentials_refused"
    assert len(shop.rows("SELECT DISTINCT delivery_id FROM attempts")) == 1
