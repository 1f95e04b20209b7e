"""The command line: one JSON document with --json, plain errors, exit statuses 0, 1 and 2."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text
from typer.main import get_command

from console.cli.main import COMMANDS, make_command
from tests.support.shop import Shop, order_status_changed


def hookyard(
    *arguments: str, environ: dict[str, str] | None = None, typed: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; `typed`: what it is answered when it asks."""
    command = [sys.executable, "-m", "console.cli.main", *arguments]
    given = {"PATH": os.environ["PATH"], "HOOKYARD_DATA_DIR": "/nowhere", **(environ or {})}
    return subprocess.run(command, env=given, input=typed, capture_output=True, text=True, timeout=60, check=False)


def document(shop: Shop, *arguments: str) -> Any:
    """Run a command with --json on a shop's ledger and return its one document."""
    done = hookyard(*arguments, "--json", environ=shop.environ)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


NOBODYS = str(UUID(int=7))
"""The id of nothing; the same in every run, as the names of tests are."""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    """`--help` works for each command, without a configuration."""
    done = hookyard(command, "--help")

    assert done.returncode == 0
    assert "Usage:" in done.stdout


GO_ON = {"up", "receiver", "worker", "beat", "console", "flower", "sandbox"}
"""What runs until it is ended, and logs."""


def test_every_command_that_ends_speaks_json() -> None:
    """`--json` is known wherever something is printed."""
    found: list[tuple[str, Any]] = [("", get_command(make_command([])))]
    silent = set()
    while found:
        name, command = found.pop()
        below = getattr(command, "commands", {})
        found += [(f"{name} {word}".strip(), one) for word, one in below.items()]
        if not below and not any("--json" in option.opts for option in command.params):
            silent.add(name)
    assert silent == GO_ON


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("events", "--nonsense"),
        ("events", "--limit", "0"),
        ("deliveries", "--state", "nonsense"),
        ("show",),
        ("resolve", NOBODYS),
    ],
    ids=" ".join,
)
def test_a_wrong_call_exits_with_2(arguments: tuple[str, ...], shop: Shop) -> None:
    """What cannot be understood is a usage error, told on stderr."""
    done = hookyard(*arguments, environ=shop.environ)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("show", NOBODYS), "there is no event or delivery"),
        (("show", "42"), "is not an id"),
        (("retry", NOBODYS), "there is no delivery"),
        (("cancel", NOBODYS), "there is no delivery"),
        (("resolve", NOBODYS, "--sent"), "there is no delivery"),
        (("replay", NOBODYS), "there is no event"),
        (("events", "--since", "yesterday"), "is not a time"),
        (("events", "--since", "999999999d"), "is not a time"),
        (("retry", "--until", "0001-01-01T00:00+14:00", "--dry-run"), "is not a time"),
        (("send", "scalev", "order.craeted"), "order.created"),
        (("send", "sclaev", "order.created"), 'did you mean "scalev"'),
        (("send", "scalev", "order.created"), "no receiver at"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_done_exits_with_1_and_says_why(arguments: tuple[str, ...], told: str, shop: Shop) -> None:
    """A refusal is one plain sentence on stderr, never a trace."""
    done = hookyard(*arguments, environ=shop.environ)

    assert (done.returncode, done.stdout) == (1, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_ledger_a_command_says_what_to_do() -> None:
    """No server and no setting: the error names the setting."""
    done = hookyard("events")

    assert done.returncode == 1
    assert "HOOKYARD_DATABASE_URL" in done.stderr


def test_an_unmigrated_ledger_is_told_as_such(shop: Shop, servers: Any) -> None:
    """Before the migrations the error says which command applies them; the command does, and says so."""
    with servers.database(f"empty_{uuid4().hex}", template="template0") as url:
        environ = shop.environ | {"HOOKYARD_DATABASE_URL": url.replace("+psycopg", "")}
        refused = hookyard("events", environ=environ)
        migrated = hookyard("db", "migrate", "--json", environ=environ)
        again = hookyard("db", "migrate", environ=environ)
        worked = hookyard("events", "--json", environ=environ)

    assert "hookyard db migrate" in refused.stderr
    assert json.loads(migrated.stdout)["applied"][0].startswith("0001")
    assert again.stdout.strip() == "the ledger is up to date"
    assert json.loads(worked.stdout) == []


def test_lists_and_stories_have_the_promised_keys(shop: Shop) -> None:
    """Events and deliveries as --json prints them, filtered as asked."""
    shop.start_all()
    shop.know_order()
    shop.post_scalev(order_status_changed("shipped")).raise_for_status()
    shop.wait_for_deliveries(1, "succeeded")

    events = document(shop, "events", "--subject", "order:250804QWERTY")
    [created] = document(shop, "events", "--type", "scalev.order.created", "--account", "toko", "--since", "1h")
    [fact] = document(shop, "events", "--type", "scalev.order.shipped")
    [delivery] = document(shop, "deliveries", "--account", "wa", "--state", "succeeded")
    story = document(shop, "show", delivery["event_id"])

    assert len(events) == 3
    assert {
        "id",
        "account",
        "type",
        "subject",
        "state",
        "received_at",
        "occurred_at",
        "duplicates",
        "parent_id",
    } <= set(created)
    assert fact["parent_id"] in {event["id"] for event in events}
    assert {
        "id", "event_id", "rule", "step", "action", "account", "state", "reason", "effect_key", "due_at", "attempts",
        "last_error", "result",
    } <= set(delivery)  # fmt: skip
    assert (delivery["attempts"], delivery["effect_key"]) == (1, "250804QWERTY:shipped")
    assert story["deliveries"][0]["tries"][0]["number"] == 1
    told = hookyard("show", delivery["event_id"], environ=shop.environ).stdout
    assert "wabotick.send_template attempt 1: succeeded" in told
    assert "628123456789" not in told
    assert "Budi" not in told


def test_dead_letters_are_listed_and_retried_by_filter(shop: Shop) -> None:
    """`retry` with a filter retries what matches, after it said what that means."""
    shop.start_all()
    shop.sandbox.fail(vendor="wabotick", status=200, body='{"status": "0", "message": "Message template not found."}')
    shop.know_order()
    shop.post_scalev(order_status_changed("shipped")).raise_for_status()
    shop.wait_for_deliveries(1, "dead")
    shop.sandbox.heal()

    [dead] = document(shop, "dead", "list", "--reason", "template")
    assert document(shop, "dead") == [dead]
    nothing = document(shop, "retry", "--reason", "rate_limited")
    planned = document(shop, "retry", "--reason", "template", "--dry-run")
    retried = document(shop, "retry", "--action", "wabotick.send_template", "--comment", "mended")
    shop.wait_for_deliveries(1, "succeeded")

    assert dead["last_error"].endswith("Message template not found.")
    assert (nothing["total"], planned["total"], planned["messages"]) == (0, 1, 1)
    assert (retried["state"], retried["done"], retried["refusals"]) == ("done", 1, {})
    [entry] = document(shop, "show", dead["id"])["audit"]
    assert (entry["action"], entry["details"]["comment"]) == ("retry", "mended")
    assert len(shop.sandbox.effects("message")) == 1


def test_an_unknown_outcome_is_settled_by_a_person(shop: Shop) -> None:
    """The vendor acted but its answer was lost: not sent again until somebody says that it was not sent."""
    shop.start_all()
    shop.sandbox.fail(vendor="wabotick", when="after", reset=True, times=1)
    shop.know_order()
    shop.post_scalev(order_status_changed("shipped")).raise_for_status()
    [unknown] = shop.wait_for_deliveries(1, "unknown")

    refused = hookyard("retry", str(unknown.id), environ=shop.environ)
    settled = document(shop, "resolve", str(unknown.id), "--sent")

    assert refused.returncode == 1
    assert "hookyard resolve" in refused.stderr
    assert settled["state"] == "succeeded"
    assert len(shop.sandbox.effects("message")) == 1


def test_check_tells_every_fault_with_file_and_line(shop: Shop) -> None:
    """Faults of all files at once, exit 1; as JSON too."""
    (Path(shop.environ["HOOKYARD_CONFIG_DIR"]) / "rules" / "extra.yaml").write_text(
        "rules:\n  - name: one\n    on: [scalev.order.craeted]\n    steps:\n      - action: wabotick.send_tempalte\n"
    )

    told = hookyard("check", environ=shop.environ)
    as_json = hookyard("check", "--json", environ=shop.environ)

    assert told.returncode == as_json.returncode == 1
    assert (
        'rules/extra.yaml:3: unknown event type "scalev.order.craeted": did you mean "scalev.order.created"?'
        in told.stderr
    )
    assert (
        'rules/extra.yaml:5: unknown action "wabotick.send_tempalte": did you mean "wabotick.send_template"?'
        in told.stderr
    )
    assert [fault["where"] for fault in json.loads(as_json.stdout)["faults"]] == [
        "rules/extra.yaml:3",
        "rules/extra.yaml:5",
    ]


def test_junk_in_quarantine_alarms_nobody_and_can_be_thrown_away(shop: Shop) -> None:
    """What any stranger can send is no fault of ours; what our own secret refused is, until it is released."""
    shop.start_receiver()
    httpx.post(f"{shop.receiver_url}/webhooks/toko", content=b"junk", headers={"X-Scalev-Hmac-Sha256": "AAAA"})
    [held] = document(shop, "quarantine", "list")

    doctor = hookyard("doctor", "--only", "quarantine", environ=shop.environ)
    unknown = hookyard("quarantine", "discard", NOBODYS, "--yes", environ=shop.environ)
    discarded = document(shop, "quarantine", "discard", held["id"], "--comment", "a stranger")

    assert doctor.returncode == 0
    assert "1 held, 0 of them would be accepted now" in doctor.stdout
    assert (unknown.returncode, "is held" in unknown.stderr) == (1, True)
    assert discarded == {"discarded": 1, "kept": 0}
    assert document(shop, "quarantine", "list") == document(shop, "quarantine") == []
    [entry] = shop.rows("SELECT * FROM audit")
    assert (entry.action, entry.details["comment"]) == ("discard", "a stranger")


def test_flower_on_a_public_address_needs_a_login(shop: Shop) -> None:
    """Whoever sees Flower can stop workers, so it does not start without a login where others can reach it."""
    refused = hookyard("flower", environ=shop.environ | {"HOOKYARD_BIND": "192.0.2.1"})

    assert refused.returncode == 1
    assert "HOOKYARD_FLOWER_AUTH" in refused.stderr


def test_beat_ends_at_once_while_the_broker_is_away(shop: Shop) -> None:
    """A stop is a stop, also while it waits for Redis."""
    beat = shop.start("beat", HOOKYARD_REDIS_URL="redis://127.0.0.1:1/0")
    beat.wait_for(lambda: "beat.started" in beat.log, "beat has started")

    assert beat.stop() == 0


def test_doctor_notices_a_worker_that_does_not_consume(shop: Shop) -> None:
    """Without a heartbeat through the queue the doctor says so and exits 1; with one all is well."""
    before = hookyard("doctor", "--json", environ=shop.environ)
    shop.start_all()
    after = hookyard("doctor", "--json", environ=shop.environ)

    findings = {finding["check"]: finding["ok"] for finding in json.loads(before.stdout)["findings"]}
    assert (before.returncode, findings["worker"], findings["ledger"]) == (1, False, True)
    assert (after.returncode, json.loads(after.stdout)["ok"]) == (0, True)


def test_a_broker_that_is_away_does_not_spoil_the_document(shop: Shop) -> None:
    """A press is done and its document is whole; that nobody could be woken is said on stderr."""
    shop.start_receiver()
    shop.post_scalev(order_status_changed("shipped")).raise_for_status()
    [event] = document(shop, "events")
    with shop.engine.begin() as connection:
        connection.execute(text("UPDATE events SET state = 'processed'"))

    done = hookyard(
        "replay", event["id"], "--json", environ=shop.environ | {"HOOKYARD_REDIS_URL": "redis://127.0.0.1:1/0"}
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "received"
    assert "wakeup.failed" in done.stderr
