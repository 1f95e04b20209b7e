"""The quarantine: what failed verification is kept within caps, and released in order once a secret was mended."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, func, select

from tests.support.programs import eventually
from tests.support.shop import ACCOUNTS, SIGNING_SECRET, Shop, order_created, order_status_changed
from worker.ledger import quarantine
from worker.ledger.quarantine import Caps, Refused
from worker.ledger.tables import quarantine as table

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)


def _refused(body: bytes, at: datetime = NOW) -> Refused:
    return Refused("toko", "signature_mismatch", {"sig": "x"}, body, None, None, {}, None, at)


def _held(ledger: Engine) -> list[bytes]:
    with ledger.connect() as connection:
        return [bytes(row.body) for row in quarantine.held(connection)]


def _keep(ledger: Engine, caps: Caps, *refused: Refused) -> None:
    for one in refused:
        with ledger.begin() as connection:
            quarantine.keep(connection, one, caps)


def test_it_never_holds_more_rows_bytes_or_days_than_it_may(ledger: Engine) -> None:
    """The oldest go first, whichever cap is reached."""
    _keep(ledger, Caps(3, 1_000, 30), *(_refused(b"%d" % number) for number in range(5)))
    assert _held(ledger) == [b"2", b"3", b"4"]

    _keep(ledger, Caps(3, 100, 30), _refused(b"x" * 99))
    assert _held(ledger) == [b"4", b"x" * 99]

    _keep(ledger, Caps(3, 1_000, 30), _refused(b"later", NOW + timedelta(days=31)))
    assert _held(ledger) == [b"later"]


def test_the_same_refusal_again_is_counted_not_kept(ledger: Engine) -> None:
    """A vendor that retries with a wrong secret fills one row."""
    _keep(ledger, Caps(10, 1_000, 30), *[_refused(b"same")] * 5, _refused(b"other"))

    with ledger.connect() as connection:
        assert connection.scalars(select(table.c.times).order_by(table.c.id)).all() == [5, 1]
        assert connection.scalar(select(func.count()).select_from(table)) == 2


def _json(shop: Shop, *arguments: str) -> Any:
    program = shop.command(*arguments, "--json")
    assert program.process.returncode == 0, program.log
    return json.loads(program.log)


def test_after_mending_a_secret_everything_is_released_in_order_and_processed(shop: Shop) -> None:
    """401 and kept; list, verify and release; the events exist in the order of their receipt and are worked on."""
    accounts = shop.folder / "config" / "accounts.yaml"
    accounts.write_text(ACCOUNTS.replace(SIGNING_SECRET, "another-secret-by-mistake"))
    shop.start_receiver()
    events = [order_created(), order_status_changed("shipped")]
    assert [shop.post_scalev(event).status_code for event in [*events, events[0]]] == [401] * 3
    assert shop.post_scalev(b"not json").status_code == 401

    held = _json(shop, "quarantine", "list")
    assert [row["times"] for row in held] == [2, 1, 1]
    assert {row["reason"] for row in held} == {"signature_mismatch"}
    refused = _json(shop, "quarantine", "release")
    assert {row["still_refused"] for row in refused} == {"signature_mismatch"}

    accounts.write_text(ACCOUNTS)
    verified = _json(shop, "quarantine", "verify")
    assert [row["still_refused"] for row in verified] == [None, None, "not_readable"]
    released = _json(shop, "quarantine", "release")

    rows = shop.rows("SELECT id, type, dedupe_key FROM events ORDER BY id")
    assert [str(row.id) for row in rows] == [row["event_id"] for row in released[:2]]
    assert [row.dedupe_key for row in rows] == [event["unique_id"] for event in events]
    assert [row["bytes"] for row in _json(shop, "quarantine", "list")] == [len(b"not json")]
    assert _json(shop, "quarantine", "release")[0]["event_id"] is None
    shop.start("beat")
    shop.start_worker()
    eventually(
        lambda: all(row.state == "processed" for row in shop.rows("SELECT state FROM events")), "both are processed"
    )


def test_a_released_event_that_came_again_meanwhile_is_one_event(shop: Shop) -> None:
    """The vendor's own retry and the release are the same event, whichever was first."""
    event = order_created()
    accounts = shop.folder / "config" / "accounts.yaml"
    accounts.write_text(ACCOUNTS.replace(SIGNING_SECRET, "another-secret-by-mistake"))
    program = shop.start_receiver()
    shop.post_scalev(event)
    program.stop()
    accounts.write_text(ACCOUNTS)
    shop.start_receiver()

    assert shop.post_scalev(event).json()["status"] == "accepted"
    [released] = _json(shop, "quarantine", "release")

    [row] = shop.rows("SELECT id, duplicates FROM events WHERE parent_id IS NULL")
    assert (str(row.id), row.duplicates) == (released["event_id"], 1)
