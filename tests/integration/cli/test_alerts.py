"""`hookyard alerts`: what nears its limit, who is told; a test message; faults of its configuration."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from tests.integration.cli.test_commands import document, hookyard
from tests.support.listening import listening
from tests.support.shop import Shop
from worker.alerting import Cause, Measure, Watch
from worker.clock import system_clock
from worker.ledger import alerts


def tell(shop: Shop, yaml: str) -> None:
    """Add a part to the configuration."""
    path = shop.folder / "config" / "accounts.yaml"
    path.write_text(path.read_text() + yaml)


def test_what_fires_and_who_is_told_are_listed(shop: Shop, ledger: Engine) -> None:
    """Since when, how much of the limit, when it was told; a target of which nothing is known yet is there, too."""
    tell(shop, "alerts: {targets: {ops: {kind: slack, url: 'https://hooks.slack.example/T0/secret'}}}\n")
    since = system_clock() - timedelta(minutes=9)
    with ledger.begin() as connection:
        measure = Measure(Cause.UNKNOWN, "wa", 7, 10)
        alerts.remember(connection, Watch(measure, since, {70: since}, 70))
        alerts.remember(connection, Watch(Measure(Cause.DEAD_LETTERS, "wa", 0, 20), None, {70: since}))

    found = document(shop, "alerts")

    [firing] = found["firing"]
    assert (firing["cause"], firing["account"], firing["percent"]) == ("unknown", "wa", 70)
    assert firing["since"] == firing["told_at"] == since.isoformat()
    assert [(one["target"], one["last_sent_at"]) for one in found["targets"]] == [("ops", None)]
    table = hookyard("alerts", environ=shop.environ).stdout
    assert "unknown" in table
    assert "secret" not in table


@pytest.mark.parametrize("status", [200, 500])
def test_a_test_message_says_whom_it_reached(shop: Shop, status: int) -> None:
    """Each target with its outcome; exit 1 when one was not reached."""
    with listening() as listener:
        listener.status = status
        tell(shop, f"alerts: {{targets: {{ops: {{kind: webhook, url: '{listener.url}/secret'}}}}}}\n")
        done = hookyard("alerts", "test", environ=shop.environ)

    assert done.returncode == (0 if status == 200 else 1)
    assert "ops" in done.stdout
    assert "secret" not in done.stdout + done.stderr
    assert [b"hookyard.test" in heard.body for heard in listener.heard] == [True]


def test_nobody_to_tell_is_said(shop: Shop) -> None:
    """A list without targets says what is missing; a test message is refused."""
    assert "alerts.targets" in hookyard("alerts", environ=shop.environ).stdout
    done = hookyard("alerts", "test", environ=shop.environ)
    assert done.returncode == 1
    assert "alerts.targets" in done.stderr


def test_every_fault_is_told_at_once(shop: Shop) -> None:
    """Wrong targets and limits, each by its line, none with its secret."""
    tell(
        shop,
        """
alerts:
  targets:
    a: {kind: slack, urll: "https://hooks.slack.example/secret"}
    b: {kind: webhook, url: "ftp://secret.example", secret: "whsec_%%%secret"}
    c: {kind: email, to: [a@b.example], from: a@b.example, host: smtp.example, user: secret}
    d: {kind: email, to: [a@b.example], from: a@b.example, host: h, security: none, user: u, password: secret}
    e: {kind: pigeon}
  failure_limits: {dead_leters: 3, unknown: 0}
""",
    )
    done = hookyard("check", environ=shop.environ)

    assert done.returncode == 1
    for part in ('did you mean "url"', "https://", "whsec_", "belong together", "over TLS", "pigeon"):
        assert part in done.stdout + done.stderr, part
    for part in ('did you mean "dead_letters"', "greater than 0"):
        assert part in done.stdout + done.stderr
    assert "secret.example" not in done.stdout + done.stderr
    assert "%%%secret" not in done.stdout + done.stderr
