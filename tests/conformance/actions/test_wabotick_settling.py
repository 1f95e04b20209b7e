"""A send at Wabotick whose answer was lost is looked up in the conversation."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conformance.actions.conftest import Caller
from tests.conformance.actions.vendors.wabotick import answer
from tests.support.sandbox import Sandbox
from worker.acting import Settled

MAYBE, LATER, NEVER = "UncertainError", "RetryableError", "PermanentError"


# A lost answer.

SENDS = ["send_template", "send_message", "send_interactive_buttons", "send_file"]


@pytest.mark.parametrize("name", SENDS)
def test_a_lost_send_is_found_in_the_conversation(name: str, caller: Caller, sandbox: Sandbox) -> None:
    """Sent, answer lost: the conversation has it, with its id."""
    since = datetime.now(UTC)
    sandbox.fail(vendor="wabotick", when="after", reset=True, times=1)
    assert caller.run(f"wabotick.{name}").verdict == (MAYBE, "connection_lost")

    found = caller.settle(f"wabotick.{name}", since)

    assert found.settled is Settled.HAPPENED
    assert found.outcome.result["message_id"] == sandbox.effects("message")[0]["id"]


@pytest.mark.parametrize("name", SENDS)
def test_a_send_that_is_not_in_the_conversation_stays_unknown(name: str, caller: Caller, sandbox: Sandbox) -> None:
    """It may come late: that it is not there yet proves nothing."""
    since = datetime.now(UTC)
    sandbox.fail(vendor="wabotick", when="before", reset=True, times=1)
    assert caller.run(f"wabotick.{name}").verdict == (MAYBE, "connection_lost")

    assert caller.settle(f"wabotick.{name}", since).settled is Settled.NOT_KNOWN


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("send_message", {"message": "Another text."}),
        ("send_interactive_buttons", {"message": "Another?"}),
        ("send_template", {"variables": ["Budi Contoh", "ANOTHER"]}),
        ("send_template", {"template_id": "257001"}),
        ("send_file", {"media_url": "https://shop.example/other.pdf"}),
    ],
)
def test_another_message_is_not_taken_for_it(
    name: str, changes: dict[str, Any], caller: Caller, sandbox: Sandbox
) -> None:
    """Text, values, template and file have to be the same."""
    since = datetime.now(UTC)
    assert caller.run(f"wabotick.{name}").error is None
    assert sandbox.effects("message")

    assert caller.settle(f"wabotick.{name}", since, **changes).settled is Settled.NOT_KNOWN


def test_two_messages_that_are_the_same_leave_it_unknown(caller: Caller) -> None:
    """Which of them is ours cannot be told."""
    since = datetime.now(UTC)
    for _ in range(2):
        assert caller.run("wabotick.send_message").error is None

    assert caller.settle("wabotick.send_message", since).settled is Settled.NOT_KNOWN


@pytest.mark.parametrize(
    ("earlier", "settled"),
    [
        (timedelta(0), Settled.HAPPENED),
        (timedelta(hours=7), Settled.HAPPENED),  # its clock is another zone's
        (timedelta(hours=-5, minutes=-45), Settled.HAPPENED),  # likewise, Nepal's
        (timedelta(minutes=7), Settled.NOT_KNOWN),  # no zone differs by seven minutes
        (timedelta(days=1), Settled.NOT_KNOWN),
        (timedelta(days=-2), Settled.NOT_KNOWN),
    ],
)
def test_times_without_a_zone_still_tell_something(earlier: timedelta, settled: Settled, caller: Caller) -> None:
    """Zones differ by whole quarters of an hour: a message of another moment is not taken for this one."""
    since = datetime.now(UTC)
    assert caller.run("wabotick.send_message").error is None

    assert caller.settle("wabotick.send_message", since + earlier).settled is settled


@pytest.mark.parametrize("file", ["conversation.array", "conversation.json_string"])
def test_a_conversation_is_read_in_both_shapes(file: str, caller: Caller, sandbox: Sandbox) -> None:
    """The recorded answers hold one message with buttons; what is no message of ours, or unreadable, is passed over."""
    recorded = answer(file)
    if isinstance(recorded["message"], list):
        odd = [
            {},
            {"sender": "bot", "message_content": "{", "conversation_time": "2026-01-15 10:00:00"},
            {"sender": "user"},
        ]
        recorded["message"] += odd
    sandbox.fail(vendor="wabotick", status=200, body=recorded)

    found = caller.settle("wabotick.send_interactive_buttons", datetime(2026, 1, 15, 10, 0, tzinfo=UTC))

    assert found.settled is Settled.HAPPENED
    assert found.outcome.result["message_id"].startswith("wamid.")
