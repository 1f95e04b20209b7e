"""Accepting over real HTTP: 200 means stored, once; what is kept and logged holds no secret."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from sqlalchemy import create_engine

from console.stack.directories import run_directory
from console.stack.postgres import DATABASE, EmbeddedPostgres
from tests.integration.receiver.conftest import TOKEN, Running, signature
from tests.support.programs import eventually, free_port
from tests.support.shop import FLOW_SECRET, OLD_SIGNING_SECRET, PROTON_SECRET, SIGNING_SECRET, Shop, order_created
from webhooks.examples import load_example
from worker.ledger.migrating import migrate

SECRETS = (SIGNING_SECRET, OLD_SIGNING_SECRET, FLOW_SECRET, PROTON_SECRET, TOKEN)


def _sent(running: Running, body: object, **headers: str) -> httpx.Response:
    return running.post_signed(json.dumps(body).encode(), **headers)


def test_an_event_is_stored_before_it_is_acknowledged_and_once(running: Running) -> None:
    """200 accepted with the id of a row that is there; again: 200 duplicate, the same id, counted on the first."""
    event = order_created()

    first, again = _sent(running, event), _sent(running, event)

    assert (first.status_code, first.json()["status"]) == (200, "accepted")
    assert (again.status_code, again.json()["status"]) == (200, "duplicate")
    assert first.json()["id"] == again.json()["id"]
    [row] = running.shop.rows("SELECT * FROM events WHERE dedupe_key = :key", key=event["unique_id"])
    assert (str(row.id), row.duplicates, row.type) == (first.json()["id"], 1, "scalev.order.created")
    assert bytes(row.body) == json.dumps(event).encode()


def test_unknown_types_and_the_test_event_in_both_forms_are_accepted(running: Running) -> None:
    """What a vendor may send is 200, whether anything follows from it or not."""
    for name in ("business.test_event", "business.test_event__without_id"):
        assert _sent(running, load_example("scalev", name)).status_code == 200
    for body in ({"event": "never.heard.of", "data": {}}, {}, [], None, 5):
        assert _sent(running, body).status_code == 200

    rows = running.shop.rows("SELECT type, handling FROM events WHERE body = 'null' OR type ~ 'never|test' ORDER BY 1")
    assert [tuple(row) for row in rows] == [
        ("scalev.business.test_event", "ignored"),
        ("scalev.business.test_event", "ignored"),
        ("scalev.never.heard.of", "unknown"),
        ("scalev.unrecognized", "unknown"),
    ]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"chat_id": "628123456789", "postbackid": "json"}', "application/json"),
        (b"chat_id=628123456789&postbackid=form&odd=%00", "application/x-www-form-urlencoded"),
        (b'{"chat_id": "628123456789", "postbackid": "\\u0000\\ud800"}', "text/plain"),
    ],
)
def test_wabotick_sends_json_or_forms_to_a_secret_url(running: Running, body: bytes, content_type: str) -> None:
    """The URL is the credential and says which trigger it is; what no database stores is no reason to refuse."""
    answer = running.post(f"/webhooks/wa/{FLOW_SECRET}?order_id=ORD%00", body, {"Content-Type": content_type})

    assert answer.status_code == 200
    [row] = running.shop.rows("SELECT * FROM events WHERE id = :id", id=answer.json()["id"])
    assert (row.trigger, row.secret_index, row.type) == ("flow", 0, "wabotick.postback")


def test_which_secret_matched_is_recorded(running: Running) -> None:
    """During a rotation it can be seen when the old secret is used no more."""
    answers = [
        running.post_signed(json.dumps(order_created()).encode(), secret)
        for secret in (SIGNING_SECRET, OLD_SIGNING_SECRET)
    ]

    found = [
        running.shop.rows("SELECT secret_index FROM events WHERE id = :id", id=answer.json()["id"])[0].secret_index
        for answer in answers
    ]
    assert found == [0, 1]
    metrics = httpx.get(f"{running.shop.receiver_url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    assert 'hookyard_events_by_secret{account="toko",secret="1"} 1.0' in metrics


def test_handled_ignored_and_unknown_events_are_counted_apart(running: Running) -> None:
    """What nobody has heard of shows itself, beside what is left alone on purpose."""

    def counted() -> dict[str, float]:
        page = httpx.get(f"{running.shop.receiver_url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
        found = re.findall(r'hookyard_events_by_handling\{account="toko",handling="(\w+)"\} ([\d.]+)', page)
        return {handling: float(total) for handling, total in found}

    before = counted()
    bodies = [{"event": "business.test_event", "unique_id": "event_tested", "data": {}}]
    bodies += [{"event": "order.unheard_of", "unique_id": f"event_{number}", "data": {}} for number in range(2)]
    for body in (*bodies, order_created()):
        running.post_signed(json.dumps(body).encode()).raise_for_status()

    grown = {handling: total - before.get(handling, 0) for handling, total in counted().items()}
    assert grown == {"handled": 1, "ignored": 1, "unknown": 2}


def test_a_hundred_at_once_are_one_event(running: Running) -> None:
    """The same event posted 100 times in parallel: one row, 99 duplicates counted, every answer 200."""
    body = json.dumps(order_created()).encode()
    with ThreadPoolExecutor(25) as threads:
        answers = list(threads.map(lambda _: running.post_signed(body), range(100)))

    assert {answer.status_code for answer in answers} == {200}
    assert [answer.json()["status"] for answer in answers].count("accepted") == 1
    [row] = running.shop.rows("SELECT duplicates FROM events WHERE body = :body", body=body)
    assert row.duplicates == 99


def test_what_is_kept_and_logged_holds_no_secret_and_the_log_nothing_personal(running: Running) -> None:
    """Headers that matter are kept, credentials are not; the log has ids, types and reasons."""
    event = order_created()
    personal = (event["data"]["destination_address"]["name"], event["data"]["destination_address"]["phone"])
    headers = {"User-Agent": "scalev/1", "X-Scalev-App-Id": "app_1", "Authorization": "Bearer x", "Cookie": "c=1"}

    event_id = _sent(running, event, **headers).json()["id"]
    running.post(f"/webhooks/{FLOW_SECRET}", b"{}")
    _sent(running, "{", **{"X-Scalev-Hmac-Sha256": signature(b"other")})

    [row] = running.shop.rows("SELECT headers, source_ip FROM events WHERE id = :id", id=event_id)
    assert row.headers["user-agent"] == "scalev/1"
    assert row.headers["x-scalev-app-id"] == "app_1"
    assert not {"authorization", "cookie", "x-scalev-hmac-sha256"} & set(row.headers)
    assert row.source_ip == "127.0.0.1"
    held = str(running.shop.rows("SELECT evidence, headers, query FROM quarantine"))
    eventually(lambda: event_id in running.program.log, "the event is logged")
    for text in SECRETS:
        assert text not in held
        assert text not in running.program.log
    for text in personal:
        assert text not in running.program.log


def test_health_readiness_and_metrics(running: Running) -> None:
    """/healthz and /readyz are open, /metrics wants its token; none of them says more than it must."""
    url = running.shop.receiver_url

    assert httpx.get(f"{url}/healthz").json() == {"status": "ok"}
    ready = httpx.get(f"{url}/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "ledger": "ok", "broker": "ok"})
    for wrong in ({}, {"Authorization": "Bearer x"}, {"Authorization": b"Bearer \xff"}):
        assert httpx.get(f"{url}/metrics", headers=wrong).status_code == 401
    metrics = httpx.get(f"{url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert metrics.status_code == 200
    assert "hookyard_ledger_up 1.0" in metrics.text
    assert "hookyard_broker_up 1.0" in metrics.text


def test_without_a_token_there_is_no_metrics_page(shop: Shop) -> None:
    """Figures are shown to nobody by default."""
    shop.start_receiver()

    assert httpx.get(f"{shop.receiver_url}/metrics").status_code == 404


def test_without_redis_events_are_accepted_and_readiness_says_so(shop: Shop) -> None:
    """The broker is a wake-up only: 200, the row is there, and a sweep will find it."""
    shop.start_receiver(HOOKYARD_REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")

    assert shop.post_scalev(order_created()).status_code == 200

    assert len(shop.rows("SELECT 1 FROM events WHERE state = 'received' AND wake_at IS NOT NULL")) == 1
    ready = httpx.get(f"{shop.receiver_url}/readyz")
    assert (ready.status_code, ready.json()["broker"]) == (200, "away")
    assert shop.post_scalev(order_created()).status_code == 200


@contextmanager
def _own_postgres() -> Iterator[EmbeddedPostgres]:
    with TemporaryDirectory(prefix="hookyard-ledger-") as folder:
        server = EmbeddedPostgres(Path(folder), run_directory(Path(folder)))
        server.start()
        try:
            engine = create_engine(server.dsn())
            migrate(engine)
            engine.dispose()
            yield server
        finally:
            server.stop()


def test_without_the_ledger_nothing_is_acknowledged_until_it_is_back(shop: Shop) -> None:
    """503 with Retry-After, never a 200; the next delivery after its return is accepted."""
    event = order_created()
    with _own_postgres() as server:
        shop.start_receiver(HOOKYARD_DATABASE_URL=server.dsn(DATABASE), HOOKYARD_METRICS_TOKEN=TOKEN)
        assert shop.post_scalev(order_created()).status_code == 200
        server.stop()

        for answer in (shop.post_scalev(event), shop.post_scalev(b"{}", **{"X-Scalev-Hmac-Sha256": "wrong"})):
            assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")
            assert int(answer.headers["Retry-After"]) > 0
        assert httpx.get(f"{shop.receiver_url}/readyz").status_code == 503
        assert httpx.get(f"{shop.receiver_url}/healthz").status_code == 200
        scraped = httpx.get(f"{shop.receiver_url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert scraped.status_code == 200
        assert "hookyard_ledger_up 0.0" in scraped.text
        assert "hookyard_broker_up 1.0" in scraped.text
        assert "hookyard_backlog" not in scraped.text

        server.start()
        eventually(lambda: shop.post_scalev(event).status_code == 200, "the ledger is back")
        assert shop.post_scalev(event).json()["status"] == "duplicate"
