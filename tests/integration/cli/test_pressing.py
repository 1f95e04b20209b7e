"""What people press by the command line, beside single deliveries: pauses, jobs, and the audit of all of it."""

from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from tests.integration.cli.test_commands import document, hookyard
from tests.support.shop import Shop
from worker.clock import system_clock
from worker.ledger.plans import Planned, plan
from worker.ledger.tables import events
from worker.states import EventState, Handling, Reason


def test_a_pause_is_told_wherever_one_looks(shop: Shop) -> None:
    """`circuits` and `doctor` show who paused what and why; the second pause is refused, and resuming ends it."""
    document(shop, "pause", "account", "wa", "--comment", "key is being changed")

    [listed] = document(shop, "circuits")
    checked = hookyard("doctor", "--only", "paused account", environ=shop.environ)
    again = hookyard("pause", "account", "wa", environ=shop.environ)
    document(shop, "resume", "account", "wa", "--comment", "done")

    assert (listed["account"], listed["reason"]) == ("wa", "paused")
    assert "key is being changed" in listed["error"]
    assert (checked.returncode, "key is being changed" in checked.stdout) == (0, True)
    assert again.returncode == 1
    assert "already" in again.stderr
    assert document(shop, "circuits") == []
    said = [(row.action, row.target, row.details["comment"]) for row in shop.rows("SELECT * FROM audit ORDER BY id")]
    assert said == [("pause", "account/wa", "key is being changed"), ("resume", "account/wa", "done")]


def test_only_what_there_is_can_be_paused(shop: Shop) -> None:
    """A wrong name is told with the right one; what is not paused is not resumed."""
    wrong = hookyard("pause", "rule", "tell-buyer-shiped", environ=shop.environ)
    idle = hookyard("resume", "account", "wa", environ=shop.environ)

    assert (wrong.returncode, idle.returncode) == (1, 1)
    assert "tell-buyer-shipped" in wrong.stderr
    assert "is not paused" in idle.stderr
    assert shop.rows("SELECT 1 FROM audit") == []


@pytest.fixture
def dead(shop: Shop, ledger: Engine) -> Shop:
    """A shop with three dead messages and nothing running."""
    now = system_clock()
    with ledger.begin() as connection:
        for _ in range(3):
            event = {
                "id": uuid4(), "account": "toko", "dedupe_key": uuid4().hex, "type": "scalev.order.created",
                "handling": Handling.HANDLED, "state": EventState.PROCESSED, "received_at": now, "occurred_at": now,
            }  # fmt: skip
            connection.execute(events.insert(), event)
            wanted = Planned(
                event["id"], "tell-buyer-shipped", "template", "wabotick.send_template", "wa", None, now,
                failure=(Reason.TEMPLATE, "Message template not found."),
            )  # fmt: skip
            plan(connection, wanted, now, 15)
    return shop


def test_many_are_pressed_after_it_was_said_what_that_means(dead: Shop, ledger: Engine) -> None:
    """The preview changes nothing; without a reason nothing is done; the job works without a worker, and is kept."""
    planned = hookyard("retry", "--account", "wa", "--dry-run", environ=dead.environ)
    unasked = hookyard("retry", "--account", "wa", "--yes", environ=dead.environ)
    with ledger.connect() as connection:
        before = connection.scalars(text("SELECT DISTINCT state FROM deliveries")).all()
    done = hookyard("retry", "--account", "wa", "--yes", "--comment", "approved again", environ=dead.environ)

    assert "3 deliveries would be retried; 3 messages of these would be sent to people." in planned.stdout
    assert (unasked.returncode, before) == (1, ["dead"])
    assert "--comment" in unasked.stderr
    assert (done.returncode, "done: 3 retried" in done.stdout) == (0, True)
    assert [row.state for row in dead.deliveries()] == ["ready"] * 3
    [job] = document(dead, "jobs")
    assert document(dead, "jobs", "show", job["id"])["refusals"] == {}
    stopped = hookyard("jobs", "stop", job["id"], environ=dead.environ)
    assert "done already" in stopped.stderr


def test_a_job_that_ends_early_says_what_it_left(dead: Shop) -> None:
    """Somebody cancels one between the preview and the end: it is told; cancelling many leaves nothing to send."""
    found = document(dead, "cancel", "--state", "dead", "--account", "wa", "--comment", "not wanted")

    again = document(dead, "cancel", "--state", "dead", "--account", "wa", "--comment", "not wanted")

    assert (found["done"], found["refused"], again["total"]) == (3, 0, 0)


@pytest.mark.parametrize("command", ["retry", "cancel", "replay"])
def test_an_id_or_a_filter_is_wanted(shop: Shop, command: str) -> None:
    """Neither, or both, is a wrong call."""
    neither = hookyard(command, environ=shop.environ)
    both = hookyard(command, str(uuid4()), "--account", "wa", environ=shop.environ)

    assert (neither.returncode, both.returncode) == (2, 2)
    assert "name an id" in neither.stderr


def test_the_audit_is_listed_by_who_and_what(dead: Shop) -> None:
    """Newest first, narrowed as asked, with the reason of each."""
    document(dead, "retry", "--account", "wa", "--comment", "approved again")
    document(dead, "pause", "account", "wa", "--comment", "key is being changed")

    listed = document(dead, "audit")
    [pause] = document(dead, "audit", "--action", "pause", "--target", "account/wa", "--since", "1h")
    unheard_of = hookyard("audit", "--action", "paused", environ=dead.environ)
    older = document(dead, "audit", "--before", pause["id"], "--limit", "2")

    assert [entry["action"] for entry in listed] == ["pause", "retry", "retry", "retry", "begin_job"]
    assert pause["details"]["comment"] == "key is being changed"
    assert [entry["action"] for entry in older] == ["retry", "retry"]
    assert document(dead, "audit", "--actor", "nobody") == []
    assert unheard_of.returncode == 2
    assert "'pause'" in unheard_of.stderr
