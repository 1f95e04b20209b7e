"""Rules that change while real workers run: taken over by each, or refused with the old ones still at work."""

from tests.support.programs import Program, eventually
from tests.support.shop import Shop, order_created


def rules(status: str) -> str:
    """Return rules that move each new order to a status."""
    return f"""
rules:
  - name: move-to-{status}
    on: [scalev.order.created]
    steps:
      - action: scalev.change_status
        with: {{ids: ["{{{{ order.id }}}}"], status: {status}}}
"""


def change_rules(shop: Shop, text: str, workers: list[Program], event: str) -> None:
    """Change the rules and wait until each worker has said what it made of them."""
    before = [worker.log.count(event) for worker in workers]
    (shop.folder / "config" / "rules" / "test.yaml").write_text(text)
    eventually(
        lambda: all(worker.log.count(event) > count for worker, count in zip(workers, before, strict=True)), event
    )


def rules_that_followed(shop: Shop, number: str) -> set[str]:
    """Post a new order and return the rules that did something about it."""
    shop.post_scalev(order_created(number)).raise_for_status()
    query = "SELECT rule FROM deliveries WHERE subject = :subject AND state = 'succeeded'"
    eventually(lambda: shop.rows(query, subject=f"order:{number}"), f"order {number} was followed")
    return {row.rule for row in shop.rows(query, subject=f"order:{number}")}


def test_changed_rules_are_taken_over_without_a_restart(shop: Shop) -> None:
    """Two workers, each by itself; then a faulty change is refused by both, loudly, and mended."""
    shop.write_rules(rules("confirmed"))
    shop.start_all()
    workers = [shop.programs[1], shop.start_worker()]
    assert rules_that_followed(shop, "FIRST1") == {"move-to-confirmed"}

    change_rules(shop, rules("in_process"), workers, "rules.reloaded")
    assert rules_that_followed(shop, "SECOND1") == {"move-to-in_process"}

    faulty = rules("ready").replace("change_status", "chnage_status").replace("order.created", "order.craeted")
    change_rules(shop, faulty, workers, "rules.refused")
    assert rules_that_followed(shop, "THIRD1") == {"move-to-in_process"}
    for worker in workers:
        assert "did you mean" in worker.log
        assert "rules/test.yaml:4" in worker.log, "every fault is told"
        assert "rules/test.yaml:6" in worker.log, "every fault is told"
    refused = "SELECT 1 FROM reloads WHERE cardinality(refused) > 0"
    eventually(lambda: len(shop.rows(refused)) == 2, "both wrote it down")
    assert "changed ones are refused" in shop.command("doctor").log

    change_rules(shop, rules("ready"), workers, "rules.reloaded")
    assert rules_that_followed(shop, "FOURTH1") == {"move-to-ready"}
    eventually(lambda: not shop.rows(refused), "nothing is refused any more")
    assert all(worker.process.poll() is None for worker in workers)


def test_changed_accounts_wait_for_a_restart_and_say_so(shop: Shop) -> None:
    """A new account in the file: the worker goes on with those it has, and tells."""
    shop.write_rules(rules("confirmed"))
    shop.start_all()
    worker = shop.programs[1]
    accounts = shop.folder / "config" / "accounts.yaml"

    accounts.write_text(accounts.read_text().replace("  crm:", "  other: {vendor: wabotick}\n  crm:"))

    worker.wait_for(lambda: "accounts.changed" in worker.log, "it was told")
    assert rules_that_followed(shop, "FIRST1") == {"move-to-confirmed"}
    eventually(lambda: shop.rows("SELECT 1 FROM reloads WHERE accounts_changed"), "it was written down")
