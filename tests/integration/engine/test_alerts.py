"""Failures in the ledger are told to a webhook, to Slack and by mail: once, whoever looks, and after all when late."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from config.alerts import Alerts
from config.webhook_auth import StandardWebhooksScheme
from tasks.alerting.alerter import Alerter
from tasks.alerting.sending import Sender
from tests.integration.engine.conftest import Works
from tests.support.listening import Listener, listening, mail_server
from tests.support.shop import order_created
from webhooks.inbound import Inbound
from webhooks.verification import standard_webhooks_scheme
from worker.alerting import News
from worker.errors import WorkerError

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def target() -> Iterator[Listener]:
    """A program that is told."""
    with listening() as listener:
        yield listener


def alerter(works: Works, targets: dict[str, Any], **limits: Any) -> Alerter:
    """Return an alerter with these targets, that watches these limits only."""
    names = Alerts().failure_limits.model_dump()
    given = {"targets": targets, "failure_limits": dict.fromkeys(names) | limits}
    config = replace(works.config, alerts=Alerts.model_validate(given))
    return Alerter(works.engine, config, works.clock, Sender("test", works.clock, timeout_seconds=2))


def hook(target: Listener, **more: Any) -> dict[str, Any]:
    """Return a webhook target."""
    return {"kind": "webhook", "url": f"{target.url}/alerts", **more}


def fail(works: Works, count: int, state: str = "dead", minutes_ago: float = 1, account: str = "wa") -> None:
    """Let so many deliveries have ended in a state."""
    event_id = works.accept(order_created())
    at = works.clock() - timedelta(minutes=minutes_ago)
    statement = text(
        """
        INSERT INTO deliveries (id, event_id, rule, step, action, account, state, due_at, created_at, updated_at)
        VALUES (:id, :event_id, 'r', :step, 'wabotick.send_text', :account, :state, :at, :at, :at)
        """
    )
    with works.engine.begin() as connection:
        for step in range(count):
            given = {"id": uuid4(), "event_id": event_id, "step": str(step), "account": account}
            connection.execute(statement, {**given, "state": state, "at": at})


def told(target: Listener) -> list[dict[str, Any]]:
    """Return the bodies that a target was sent."""
    return [json.loads(heard.body) for heard in target.heard]


def test_a_webhook_is_told_once_and_that_it_is_over(works: Works, target: Listener) -> None:
    """Half the limit of dead letters is one message; an hour later they count no more, and it is over."""
    alarm = alerter(works, {"ops": hook(target)}, dead_letters=4)
    fail(works, 2)
    for _ in range(3):
        alarm.run()
        works.clock.pass_(60)

    [first] = told(target)
    assert first["installation"] == "test"
    [alert] = first["alerts"]
    assert (alert["cause"], alert["account"], alert["percent"], alert["state"]) == ("dead_letters", "wa", 50, "firing")
    for _ in range(70):
        works.clock.pass_(60)
        alarm.run()
    assert [body["alerts"][0]["state"] for body in told(target)] == ["firing", "recovered"]


def test_several_causes_are_one_message(works: Works, target: Listener) -> None:
    """What is new in the same minute is told together, each account by itself."""
    fail(works, 3, "dead", account="wa")
    fail(works, 4, "unknown", account="crm")
    alerter(works, {"ops": hook(target)}, dead_letters=3, unknown=4).run()

    [body] = told(target)
    assert {(one["cause"], one["account"]) for one in body["alerts"]} == {("dead_letters", "wa"), ("unknown", "crm")}


def test_several_workers_tell_once(works: Works, target: Listener) -> None:
    """Eight look at the same time."""
    fail(works, 5)
    alarm = alerter(works, {"ops": hook(target)}, dead_letters=5)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: alarm.run(), range(8)))
    alarm.run()

    assert len(told(target)) == 1


def test_who_cannot_be_reached_is_told_later(works: Works, target: Listener) -> None:
    """Others are told meanwhile; all that waited comes as one message, with the same id when it is sent again."""
    with listening() as broken:
        broken.status = 500
        alarm = alerter(works, {"down": hook(broken), "ops": hook(target)}, dead_letters=4)
        fail(works, 2)
        alarm.run()
        fail(works, 2)
        alarm.run()
        assert [body["alerts"][0]["percent"] for body in told(target)] == [50, 100]
        before = len(broken.heard)
        broken.status = 204
        works.clock.pass_(300)
        alarm.run()

        [body] = told(broken)[before:]
        assert [alert["percent"] for alert in body["alerts"]] == [100]
        alarm.run()
        assert len(broken.heard) == before + 1


def test_a_signature_proves_itself(works: Works, target: Listener) -> None:
    """A webhook with a secret is signed as our own receiver would accept it."""
    fail(works, 5)
    alerter(works, {"ops": hook(target, secret=SECRET)}, dead_letters=5).run()

    [heard] = target.heard
    headers = {name: (value,) for name, value in heard.headers.items()}
    now = works.clock()
    inbound = Inbound("ops", heard.body, headers, "", None, None, now)
    scheme = standard_webhooks_scheme(StandardWebhooksScheme(scheme="standard_webhooks", secrets=[SecretStr(SECRET)]))
    assert scheme.check(scheme.evidence(inbound), heard.body, now).secret_index == 0


def test_slack_gets_its_format(works: Works, target: Listener) -> None:
    """One text, with the command that shows more."""
    fail(works, 5)
    alerter(works, {"ops": {"kind": "slack", "url": f"{target.url}/services/T0/B0/x"}}, dead_letters=5).run()

    [body] = told(target)
    assert list(body) == ["text"]
    assert "wa: 5 deliveries became dead" in body["text"]
    assert "hookyard dead list" in body["text"]
    assert target.heard[0].path == "/services/T0/B0/x"


def test_a_mail_is_sent(works: Works) -> None:
    """To each recipient, with the worst in its subject."""
    fail(works, 5)
    with mail_server() as (port, mails):
        given = {"kind": "email", "to": ["a@toko.example", "b@toko.example"], "from": "hookyard@toko.example"}
        targets = {"ops": given | {"host": "127.0.0.1", "port": port, "security": "none"}}
        alerter(works, targets, dead_letters=5).run()

    [mail] = mails
    assert mail["To"] == "a@toko.example, b@toko.example"
    assert "5 deliveries became dead" in str(mail["Subject"]).replace("\n", "")
    assert b"hookyard dead list" in bytes(mail.get_payload(decode=True))  # type: ignore[arg-type]


def test_mail_is_not_sent_in_clear_where_tls_is_wanted(works: Works) -> None:
    """A server that offers no TLS gets no mail; why is said without its address."""
    with mail_server() as (port, mails):
        given = {"kind": "email", "to": ["a@toko.example"], "from": "hookyard@toko.example"}
        targets = {"ops": given | {"host": "127.0.0.1", "port": port}}
        alarm = alerter(works, targets)
        with pytest.raises(WorkerError) as raised:
            alarm.sender.send(alarm.config.alerts.targets["ops"], (), "id")

    assert not mails
    assert "127.0.0.1" not in str(raised.value)


@pytest.mark.parametrize("wrong", ["redirect", "private", "closed"])
def test_rules_of_outgoing_calls_hold(works: Works, target: Listener, wrong: str) -> None:
    """No redirect is followed, no name of a private address called; the error shows nothing of the address."""
    target.status, target.location = 307, f"{target.url}/elsewhere"
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{bound.getsockname()[1]}/secret-path"
        private = f"http://127.1:{target.port}/secret-path"
        url = {"redirect": f"{target.url}/secret-path", "private": private, "closed": closed}[wrong]
        alarm = alerter(works, {"ops": {"kind": "webhook", "url": url}})
        with pytest.raises(WorkerError) as raised:
            alarm.sender.send(alarm.config.alerts.targets["ops"], (), "id")

    assert "secret-path" not in str(raised.value)
    assert len(target.heard) == (1 if wrong == "redirect" else 0)


def news_of(works: Works, **limits: Any) -> list[tuple[str, str, int]]:
    """Return what is told with these limits and no target."""
    found: list[News] = alerter(works, {}, **limits).run()
    return [(str(one.cause), one.account, round(one.value)) for one in found]


def test_what_is_old_counts_no_more(works: Works) -> None:
    """Dead letters and failed events of more than an hour ago are for the lists, not for an alert."""
    fail(works, 5, minutes_ago=61)

    assert news_of(works, dead_letters=1) == []


def test_a_backlog_is_measured_by_its_oldest(works: Works) -> None:
    """An event that nobody routes, and due work; what is planned for later is none."""
    fail(works, 1, "waiting", minutes_ago=-60)
    works.clock.pass_(240)

    assert news_of(works, backlog_seconds=300) == [("backlog_seconds", "", 240)]


def test_quarantined_bodies_are_counted(works: Works) -> None:
    """By account."""
    with works.engine.begin() as connection:
        for digest in range(3):
            connection.execute(
                text(
                    """
                    INSERT INTO quarantine (id, account, digest, reason, evidence, body, received_at)
                    VALUES (:id, 'toko', :digest, 'mismatch', '{}', '', :now)
                    """
                ),
                {"id": uuid4(), "digest": bytes([digest]), "now": works.clock()},
            )

    assert news_of(works, quarantined=4) == [("quarantined", "toko", 3)]


def test_a_held_account_is_told_by_its_seconds(works: Works) -> None:
    """A circuit that has been open for an hour."""
    opened_at = works.clock() - timedelta(hours=1)
    with works.engine.begin() as connection:
        connection.execute(
            text(
                """
                INSERT INTO holds (account, kind, key, reason, error, action, opened_at, failures, probes)
                VALUES ('wa', 'account', '', 'unavailable', 'down', 'x', :at, 5, 0)
                """
            ),
            {"at": opened_at},
        )

    assert news_of(works, held_seconds=3600) == [("held_seconds", "wa", 3600)]


def test_a_share_needs_enough_attempts(works: Works) -> None:
    """Of ten attempts six failed: sixty percent; nine tell nothing."""
    fail(works, 9, "dead")
    attempts = text(
        """
        INSERT INTO attempts (id, delivery_id, number, started_at, finished_at, worker, state)
        SELECT CAST(:prefix || lpad(row_number() OVER ()::text, 12, '0') AS uuid), id, 1, :now, :now, 'w',
               CASE WHEN row_number() OVER () > 4 THEN 'dead' ELSE 'succeeded' END
        FROM deliveries
        """
    )
    milliseconds = f"{int(works.clock().timestamp() * 1000):012x}"
    prefix = f"{milliseconds[:8]}-{milliseconds[8:]}-7000-8000-"
    with works.engine.begin() as connection:
        connection.execute(attempts, {"prefix": prefix, "now": works.clock()})
    assert news_of(works, failing_percent=50) == []

    with works.engine.begin() as connection:
        connection.execute(text("DELETE FROM attempts"))
    fail(works, 1, "dead")
    with works.engine.begin() as connection:
        connection.execute(attempts, {"prefix": prefix, "now": works.clock()})
    assert news_of(works, failing_percent=50) == [("failing_percent", "wa", 60)]


def test_failed_events_are_counted(works: Works) -> None:
    """By account, from the hour in which they failed."""
    event_id = works.accept(order_created())
    with works.engine.begin() as connection:
        connection.execute(
            text("UPDATE events SET state = 'failed', processed_at = :now WHERE id = :id"),
            {"id": event_id, "now": works.clock()},
        )

    assert news_of(works, failed_events=1) == [("failed_events", "toko", 1)]
