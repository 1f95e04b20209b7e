"""What the console's pages show and press, the command line does too: rules, figures, orders, single bodies."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.cli.test_commands import document, hookyard
from tests.integration.engine.conftest import Works
from tests.support.many import BETWEEN, lay_out
from tests.support.shop import SIGNING_SECRET, Shop, order_created, order_status_changed
from webhooks.examples import load_example
from worker.figures import Key, Name, bucket_of, minute_of
from worker.ledger import figures
from worker.ledger.counting import Counter
from worker.ledger.figures import Amount

NARROWED_DEAD = {"rule": "thank", "text": "citra", "until": BETWEEN, "account": "wa"}


@pytest.fixture
def works(shop: Shop) -> Iterator[Works]:
    """The engine's parts, with the examples' rules and the real time."""
    found = Works(shop)
    found.clock.now = datetime.now(UTC)
    yield found
    found.close()


def test_rules_are_listed_with_their_use(works: Works) -> None:
    """Where each stands, what it listens to, how often it matched, whether it is paused."""
    [first] = [rule for rule in works.config.rules if "scalev.order.shipped" in rule.patterns]
    works.receive(order_created())
    works.receive(order_status_changed("shipped"))
    Counter(works.engine).count(datetime.now(UTC))
    hookyard("pause", "rule", first.name, "--comment", "wrong template", environ=works.shop.environ)

    rows = {row["rule"]: row for row in document(works.shop, "rules", "list")}

    assert set(rows) == {rule.name for rule in works.config.rules}
    assert rows[first.name]["where"] == first.where
    assert (rows[first.name]["ever"], rows[first.name]["paused"]) == (1, True)
    assert first.name in hookyard("rules", "list", environ=works.shop.environ).stdout


def test_a_rule_is_told_in_words(shop: Shop) -> None:
    """Its expressions as they were written; a name that is none is refused."""
    rule = next(rule for rule in shop.config.rules if "scalev.order.shipped" in rule.patterns)

    told = hookyard("rules", "show", rule.name, environ=shop.environ).stdout
    unknown = hookyard("rules", "show", "nothing", environ=shop.environ)

    assert f"{rule.name}  ({rule.where})\n  on scalev.order.shipped" in told
    assert "phone_number: {{ order.phone }}" in told
    assert document(shop, "rules", "show", rule.name)["name"] == rule.name
    assert (unknown.returncode, "there is no rule" in unknown.stderr) == (1, True)


@pytest.mark.parametrize("account", ["toko", "nobody"])
def test_a_body_that_never_came_in_is_tried(shop: Shop, tmp_path: Path, account: str) -> None:
    """From a file; what cannot be read is refused, and nothing is written."""
    (tmp_path / "body.json").write_text(json.dumps(load_example("scalev", "order.created")))

    done = hookyard("rules", "try", account, str(tmp_path / "body.json"), environ=shop.environ)
    (tmp_path / "other").mkdir()
    other = hookyard(
        "rules", "try", account, str(tmp_path / "body.json"), "--rules", str(tmp_path / "other"), environ=shop.environ
    )
    missing = hookyard("rules", "try", account, str(tmp_path / "none.json"), environ=shop.environ)

    assert done.returncode == (0 if account == "toko" else 1)
    if account == "toko":
        assert "[never came in]  account toko" in done.stdout
        assert ("tell-buyer-shipped" in done.stdout, "tell-buyer-shipped" in other.stdout) == (True, False)
    else:
        assert 'no account "nobody"' in done.stderr
    assert (missing.returncode, "cannot be read" in missing.stderr) == (1, True)
    assert not shop.rows("SELECT * FROM events")


def test_figures_are_those_of_the_first_page(shop: Shop) -> None:
    """By step: what came in then, of one account or of all; a name that is no account's is refused."""
    minute = minute_of(datetime.now(UTC) - timedelta(minutes=10))
    received = Key(minute, "toko", Name.RECEIVED), Amount(7)
    acknowledged = Key(minute, "toko", Name.ACKNOWLEDGEMENT, bucket=bucket_of(0.03)), Amount(7, 0.21)
    with shop.engine.begin() as connection:
        figures.add(connection, dict([received, acknowledged]))

    steps = document(shop, "figures", "--span", "hour")
    others = document(shop, "figures", "--span", "hour", "--account", "wa")
    table = hookyard("figures", "--span", "hour", environ=shop.environ).stdout
    wrong = hookyard("figures", "--account", "nobody", environ=shop.environ)

    assert len(steps) == len(others) == 60
    [step] = [step for step in steps if step["received"]]
    assert (datetime.fromisoformat(step["at"]), step["received"], step["succeeded"]) == (minute, 7, 0)
    assert 0.025 < step["acknowledged_p50"] < step["acknowledged_p99"] <= 0.05
    assert step["end_to_end_p50"] is None
    assert not any(step["received"] for step in others)
    assert len(table.splitlines()) == 2
    assert (wrong.returncode, "there is no account" in wrong.stderr) == (1, True)


def test_one_body_is_released_from_quarantine(shop: Shop) -> None:
    """Others stay, though they would pass as well."""
    accounts = shop.folder / "config" / "accounts.yaml"
    right = accounts.read_text()
    accounts.write_text(right.replace(SIGNING_SECRET, "mistyped-signing-secret"))
    shop.start_receiver()
    for number in ("250804FIRST1", "250804SECOND"):
        assert shop.post_scalev(order_created(number)).status_code == 401
    first, second = document(shop, "quarantine", "list")
    accounts.write_text(right)

    [released] = document(shop, "quarantine", "release", second["id"], "--comment", "only this")
    unknown = hookyard("quarantine", "release", second["id"], environ=shop.environ)

    assert released["event_id"]
    assert [row["id"] for row in document(shop, "quarantine", "list")] == [first["id"]]
    assert (unknown.returncode, "is held" in unknown.stderr) == (1, True)


def test_who_looked_at_a_whole_body_is_written_down(shop: Shop) -> None:
    """As on the console's page: who, which, why."""
    shop.start_receiver()
    event = shop.post_scalev(order_created()).raise_for_status().json()["id"]

    document(shop, "show", event)
    assert not shop.rows("SELECT * FROM audit")
    document(shop, "show", event, "--raw", "--comment", "the vendor asks")

    [entry] = shop.rows("SELECT * FROM audit")
    assert (entry.action, str(entry.target), entry.details["comment"]) == ("reveal", event, "the vendor asks")


def test_orders_are_listed_those_heard_of_last_first(works: Works) -> None:
    """How each stands, narrowed by kind and account, and turned over by the event it ends with."""
    for number in ("250804FIRST1", "250804SECOND"):
        works.receive(order_created(number))
    works.receive(order_status_changed("shipped", "250804FIRST1"))
    shop = works.shop

    listed = document(shop, "orders", "--kind", "order", "--account", "toko")
    [first] = document(shop, "orders", "--kind", "order", "--limit", "1")
    rest = document(shop, "orders", "--kind", "order", "--before", first["event_id"])
    table = hookyard("orders", "--kind", "order", "--limit", "1", environ=shop.environ)

    assert [row["subject"] for row in listed] == ["order:250804FIRST1", "order:250804SECOND"]
    assert (first, rest) == (listed[0], listed[1:])
    assert [(row["is_planned"], row["needs_a_person"]) for row in listed] == [(True, False), (False, False)]
    assert "order:250804FIRST1" in table.stdout
    assert f"--before {first['event_id']}" in table.stderr
    assert document(shop, "orders", "--kind", "shipment") == document(shop, "orders", "--account", "wa") == []


def test_dead_letters_take_the_filters_of_deliveries(works: Works) -> None:
    """Only the dead are listed, narrowed likewise; a list that goes on says so."""
    lay_out(works.engine)
    shop = works.shop

    found = {name: document(shop, "dead", "list", f"--{name}", value) for name, value in NARROWED_DEAD.items()}
    short = hookyard("dead", "list", "--limit", "1", environ=shop.environ)

    assert {name: [row["subject"] for row in rows] for name, rows in found.items()} == {
        "rule": ["order:2"], "text": ["customer:3"], "until": ["order:1"], "account": ["order:2", "order:1"],
    }  # fmt: skip
    assert "there are older ones: --before" in short.stderr
