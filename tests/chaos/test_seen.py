"""What operators see of a running worker: Flower's task events, Sentry's reports, logs; and what they must not hold."""

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from celery.events import EventReceiver
from sqlalchemy import text

from tests.chaos.test_killed import customer, know_the_order
from tests.support.programs import eventually
from tests.support.shop import Shop, order_created, order_status_changed
from webhooks.examples import load_example
from worker.celery_app import DELIVER, PROCESS_EVENTS, make_celery

PERSONAL = ("8123456789", "Budi Contoh", "budi@", "JX1234567890", "Jalan", "Brightwater", "Customer 1")
SECRETS = ("test-wabotick-token", "sk_test_scalev", "proton-test-key", "scalev-signing-secret", "wabotick-flow-url")


@pytest.fixture
def task_events(shop: Shop) -> Iterator[list[dict[str, Any]]]:
    """Every task event that Flower would receive, as it comes."""
    found: list[dict[str, Any]] = []
    app = make_celery(shop.settings, shop.config)
    with app.connection() as connection:
        receiver = EventReceiver(connection, handlers={"*": found.append}, app=app)

        def listen() -> None:
            for _ in receiver.consume(limit=None, timeout=None, wakeup=False, safety_interval=0.1):
                pass

        thread = threading.Thread(target=listen)
        thread.start()
        yield found
        receiver.should_stop = True
        thread.join()
    app.close()


@pytest.fixture
def sentry() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that takes Sentry's reports: its DSN, and what came in."""
    found: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            lines = [json.loads(line) for line in body.splitlines() if line.strip()]
            found.extend(line for line in lines if "exception" in line or "monitor_slug" in line)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://key@127.0.0.1:{server.server_address[1]}/1", found
        server.shutdown()
        thread.join()


def ship(shop: Shop) -> str:
    """Post an order that is shipped; return the id of the delivery that follows."""
    know_the_order(shop)
    shop.post_scalev(order_status_changed("shipped")).raise_for_status()
    eventually(shop.deliveries, "a delivery was planned")
    return str(shop.deliveries()[0].id)


def test_flower_sees_a_retry_with_its_reason_and_time(shop: Shop, task_events: list[dict[str, Any]]) -> None:
    """The task's id is the delivery's, RETRY says why and until when, and arguments are ids only."""
    shop.sandbox.fail(vendor="wabotick", retry_after=3600)
    shop.start_all()

    delivery_id = ship(shop)

    def retried() -> list[dict[str, Any]]:
        return [event for event in task_events if event["type"] == "task-retried" and event["uuid"] == delivery_id]

    eventually(retried, "the retry was announced")
    [row] = shop.wait_for_deliveries(1, "retrying")
    [retry] = retried()
    assert "rate_limited" in retry["exception"]
    assert f"{row.due_at:%Y-%m-%d %H:%M:%S} UTC" in retry["exception"]
    received = [event for event in task_events if event["type"] == "task-received"]
    [delivering] = {event["args"] for event in received if event["name"] == DELIVER}
    assert delivering == f"['{delivery_id}']"
    events = {str(event.id) for event in shop.rows("SELECT id FROM events WHERE parent_id IS NULL")}
    routed = " ".join(event["args"] for event in received if event["name"] == PROCESS_EVENTS)
    assert events == {part for part in routed.replace("'", " ").split() if part.count("-") == 4}
    shown = json.dumps(task_events, default=str)
    assert not [word for word in (*PERSONAL, *SECRETS) if word in shown]


def test_sentry_sees_dead_letters_and_bugs_and_no_retries(shop: Shop, sentry: tuple[str, list[dict[str, Any]]]) -> None:
    """Each report leads to the ledger by its tags and holds nothing of anybody; the log holds nothing either."""
    dsn, everything = sentry
    shop.environ["HOOKYARD_SENTRY_DSN"] = dsn
    shop.sandbox.fail(
        vendor="wabotick", status=200, body={"status": "0", "message": "Message template not found. +628123456789"}
    )
    shop.sandbox.fail(vendor="proton", retry_after=3600)
    with shop.engine.begin() as connection:  # the database's own words will quote the row
        connection.execute(text("ALTER TABLE subjects ADD CONSTRAINT buggy CHECK (key <> 'order:BUG')"))
    shop.start_all()

    delivery_id = ship(shop)
    shop.post_proton(customer(1)).raise_for_status()
    shop.post_scalev(order_created("BUG")).raise_for_status()
    shop.post_wabotick(load_example("wabotick", "postback")).raise_for_status()
    shop.wait_for_deliveries(1, "dead")
    shop.wait_for_deliveries(1, "retrying")
    [failing] = shop.rows("SELECT id FROM events WHERE type = 'scalev.order.created' ORDER BY id DESC LIMIT 1")

    def reported() -> list[dict[str, Any]]:
        return [one for one in everything if "exception" in one]

    eventually(lambda: len({one["tags"]["event_id"] for one in reported()}) >= 2, "both faults were reported")
    eventually(lambda: any(one.get("monitor_slug") == "hookyard-sweep" for one in everything), "the sweep checked in")
    reports = reported()

    dead = [one for one in reports if one["tags"].get("delivery_id") == delivery_id]
    assert [one["tags"]["reason"] for one in dead] == ["template"], [one["tags"] for one in reports]
    assert "Message template not found" in dead[0]["exception"]["values"][-1]["value"]
    bugs = [one for one in reports if one["tags"]["event_id"] == str(failing.id)]
    assert bugs[0]["exception"]["values"][-1]["type"] == "IntegrityError"
    assert len(dead) + len(bugs) == len(reports), "a retry is not an error"
    assert {(one["release"][:9], one["environment"]) for one in reports} == {("hookyard@", "production")}
    log = "".join(program.log for program in shop.programs)
    for place in (json.dumps(reports), log):
        assert not [word for word in (*PERSONAL, *SECRETS) if word in place]
    lines = [json.loads(line) for line in shop.programs[1].log.splitlines()]
    assert {line["event"] for line in lines if line["level"] == "error"} == {"event.routing_bug"}
    assert str(failing.id) in log
