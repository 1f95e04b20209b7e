"""The outgoing side of all vendors. Invariant: what is listed is what the receiver saw."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest

from tests.conformance.sandbox.receiver import Receiver, running_receiver
from tests.support.programs import eventually

Post = Callable[..., httpx.Response]
Starter = Callable[..., AbstractContextManager[tuple[str, "subprocess.Popen[str]"]]]

PHONE = "12025550143"


def aim(sandbox: httpx.Client, receiver: Receiver, trigger: str = "incoming", **more: Any) -> None:
    """Let a trigger of Wabotick go to the receiver."""
    target = {"url": f"{receiver.url}/webhooks/wa/a-secret-of-the-address", **more}
    assert sandbox.put("/_sandbox/webhooks/wabotick", json={trigger: target}).status_code == 200


def write(sandbox: httpx.Client, *texts: str) -> None:
    """Let a customer write: each text is one webhook on `incoming`."""
    for text in texts:
        body = {"phone_number": PHONE, "message": text}
        assert sandbox.post("/_sandbox/state/wabotick/incoming", json=body).status_code == 200


def pending(sandbox: httpx.Client) -> set[str]:
    """Return whose webhooks are on their way."""
    return {item["vendor"] for item in sandbox.get("/_sandbox/emissions?pending=1").json()}


def emissions(sandbox: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    """Return what was sent, once nothing is on its way."""
    found: list[dict[str, Any]] = sandbox.get("/_sandbox/emissions", params={"settle": 10, **query}).json()
    return found


def texts(receiver: Receiver) -> list[str]:
    return [body["user_message"] for body in receiver.bodies()]


def test_sends_webhooks_in_order_and_lists_them(sandbox: httpx.Client, receiver: Receiver) -> None:
    """Each webhook arrives once as JSON, in order, and is listed with its address but not with the secret part."""
    aim(sandbox, receiver)
    write(sandbox, "one", "two", "three")
    listed = emissions(sandbox)

    assert texts(receiver) == ["one", "two", "three"]
    assert receiver.received[0].headers["content-type"] == "application/json"
    assert receiver.received[0].path == "/webhooks/wa/a-secret-of-the-address"
    assert [(item["number"], item["state"], item["attempts"], item["statuses"]) for item in listed] == [
        (1, "sent", 1, [200]),
        (2, "sent", 1, [200]),
        (3, "sent", 1, [200]),
    ]
    assert listed[0]["url"] == f"{receiver.url}/webhooks/wa/***"
    assert listed[0]["body"] == receiver.bodies()[0]


def test_lists_a_webhook_that_has_no_target(sandbox: httpx.Client) -> None:
    """Without a target nothing is sent, and the list says so."""
    write(sandbox, "hello")
    (item,) = emissions(sandbox)

    assert (item["state"], item["trigger"], item["url"], item["attempts"]) == ("no target", "incoming", None, 0)
    assert emissions(sandbox, pending=1) == []


@pytest.mark.parametrize(("trigger", "count"), [("*", 1), ("incoming", 1), ("status", 0)])
def test_chooses_the_target_by_trigger(sandbox: httpx.Client, receiver: Receiver, trigger: str, count: int) -> None:
    """A trigger has its own target, or the one of `*`."""
    aim(sandbox, receiver, trigger)
    write(sandbox, "hello")
    emissions(sandbox)

    assert len(receiver.received) == count


def test_repeats_what_was_not_accepted(sandbox: httpx.Client, receiver: Receiver) -> None:
    """A refused webhook is sent again after the next one, with the same body."""
    sandbox.put("/_sandbox/webhooks/wabotick/traps", json={"retry_seconds": [0.3, 0.3]})
    receiver.statuses += [503]
    aim(sandbox, receiver)
    write(sandbox, "one", "two")
    first, second = emissions(sandbox)

    assert texts(receiver) == ["one", "two", "one"]
    assert (first["state"], first["attempts"], first["statuses"]) == ("sent", 2, [503, 200])
    assert second["attempts"] == 1


def test_gives_up_after_its_repetitions(sandbox: httpx.Client, receiver: Receiver) -> None:
    """A redirect is no acceptance; after the last repetition the webhook has failed."""
    sandbox.put("/_sandbox/webhooks/wabotick/traps", json={"retry_seconds": [0]})
    receiver.statuses += [302, 500]
    aim(sandbox, receiver)
    write(sandbox, "one")
    (item,) = emissions(sandbox)

    assert (item["state"], item["attempts"], item["statuses"]) == ("failed", 2, [302, 500])


def test_survives_a_receiver_that_is_not_there(sandbox: httpx.Client, receiver: Receiver) -> None:
    """No connection is an error in the list, without any secret of the address."""
    sandbox.put("/_sandbox/webhooks/wabotick/traps", json={"retry_seconds": []})
    sandbox.put("/_sandbox/webhooks/wabotick", json={"*": {"url": "http://127.0.0.1:9/webhooks/wa/top-secret"}})
    write(sandbox, "one")
    answer = sandbox.get("/_sandbox/emissions", params={"settle": 10})

    assert (answer.json()[0]["state"], answer.json()[0]["error"]) == ("failed", "ClientConnectorError")
    assert "top-secret" not in answer.text
    assert receiver.received == []


def test_duplicates_drops_and_delays(sandbox: httpx.Client, receiver: Receiver) -> None:
    """Each is sent twice at once; every third is lost; a delayed one is pending until it went."""
    aim(sandbox, receiver)
    sandbox.put("/_sandbox/webhooks/wabotick/traps", json={"duplicate": True, "drop": 3})
    write(sandbox, "one", "two", "three")
    assert [item["state"] for item in emissions(sandbox)] == ["sent", "sent", "dropped"]
    assert sorted(texts(receiver)) == ["one", "one", "two", "two"]

    sandbox.put("/_sandbox/webhooks/wabotick/traps", json={"duplicate": False, "drop": None, "delay_seconds": 3600})
    write(sandbox, "late")
    (waiting,) = sandbox.get("/_sandbox/emissions", params={"pending": 1}).json()
    assert (waiting["state"], waiting["body"]["user_message"]) == ("waiting", "late")


def test_shuffles_what_comes_close_together(sandbox: httpx.Client, receiver: Receiver) -> None:
    """All arrive, in another order than they were sent in."""
    aim(sandbox, receiver, "status")
    sandbox.put("/_sandbox/webhooks/wabotick/traps", json={"shuffle": True})
    form = {"apiToken": "1|x", "phone_number_id": "100000000000001", "phone_number": PHONE, "message": "Hi"}
    sandbox.post("/wabotick/api/v1/whatsapp/send", data=form)
    emissions(sandbox)

    statuses = [body["message_status"] for body in receiver.bodies()]
    assert statuses == ["delivered", "sent"]


def test_reset_puts_the_targets_of_the_start_back(start_sandbox: Starter, receiver: Receiver) -> None:
    """`SANDBOX_WEBHOOKS` names the targets of the start; reset returns to them and forgets the list and the traps."""
    targets = {"wabotick": {"*": {"url": f"{receiver.url}/webhooks/start"}}}
    with start_sandbox(SANDBOX_WEBHOOKS=json.dumps(targets)) as (url, _), httpx.Client(base_url=url) as client:
        client.put("/_sandbox/webhooks/wabotick", json={}).raise_for_status()
        client.put("/_sandbox/webhooks/wabotick/traps", json={"drop": 1}).raise_for_status()
        write(client, "nowhere")
        client.post("/_sandbox/reset")
        assert emissions(client) == []
        write(client, "home")
        emissions(client)

        shown = client.get("/_sandbox/webhooks/wabotick").json()
    assert texts(receiver) == ["home"]
    assert shown == {"*": {"url": f"{receiver.url}/webhooks/start", "secret": None, "headers": {}}}


def test_shows_no_secret_of_a_target(sandbox: httpx.Client) -> None:
    """Address, secret and headers come back masked."""
    target = {
        "url": "http://u:s3cret@127.0.0.1:8000/webhooks/wa/s3cret?key=s3cret",
        "secret": "s3cret",
        "headers": {"X-Key": "s3cret"},
    }
    answer = sandbox.put("/_sandbox/webhooks/wabotick", json={"flow": target})

    assert answer.json()["flow"]["url"] == "http://127.0.0.1:8000/webhooks/wa/***?***"
    assert "s3cret" not in answer.text


@pytest.mark.parametrize(
    ("targets", "word"),
    [
        ({"flow": {"url": "ftp://127.0.0.1/x"}}, "flow.url"),
        ({"flow": {"url": "http://127.0.0.1:99999/x"}}, "flow.url"),
        ({"flow": {"url": "http://203.0.113.9/x"}}, "SANDBOX_ALLOW_REMOTE"),
        ({"flow": {"url": "http://localhost.example/x"}}, "SANDBOX_ALLOW_REMOTE"),
        ({"nothing": {"url": "http://127.0.0.1/x"}}, "wabotick.nothing"),
        ({"flow": {"uri": "http://127.0.0.1/x"}}, "flow.uri"),
        ({"flow": {"url": "http://127.0.0.1/x", "headers": {"a": "b\r\nc: d"}}}, "flow.headers"),
        ([], "body"),
    ],
)
def test_refuses_wrong_targets_by_name(sandbox: httpx.Client, targets: Any, word: str) -> None:
    """A target that cannot be called, is elsewhere, or belongs to no trigger is refused, and nothing changes."""
    answer = sandbox.put("/_sandbox/webhooks/wabotick", json=targets)

    assert answer.status_code == 400
    assert word in answer.json()["error"]
    assert sandbox.get("/_sandbox/webhooks/wabotick").json() == {}


@pytest.mark.parametrize("changes", [{"drop": 0}, {"batch": 0}, {"delay_seconds": -1}, {"other": 1}, []])
def test_refuses_wrong_traps(sandbox: httpx.Client, changes: Any) -> None:
    """A trap that does not exist or a value it cannot have is a 400."""
    assert sandbox.put("/_sandbox/webhooks/wabotick/traps", json=changes).status_code == 400


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{", "not valid JSON"),
        ('{"nobody": {}}', "nobody"),
        ('{"wabotick": {"x": {"url": "http://127.0.0.1/s3cret"}}}', "wabotick.x"),
        ('{"wabotick": {"*": {"url": "http://203.0.113.9/s3cret"}}}', "SANDBOX_ALLOW_REMOTE"),
        ('{"wabotick": {"*": {"url": "s3cret"}}}', "wabotick.*.url"),
    ],
)
def test_refuses_to_start_with_wrong_targets(text: str, word: str) -> None:
    """A fault in `SANDBOX_WEBHOOKS` is one line on stderr and status 1, without the address."""
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", "--port", "0"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={"SANDBOX_WEBHOOKS": text},
    )

    assert done.returncode == 1
    assert done.stderr.startswith("sandbox: SANDBOX_WEBHOOKS: ")
    assert word in done.stderr
    assert "s3cret" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_can_be_allowed_to_call_elsewhere(start_sandbox: Starter) -> None:
    """`SANDBOX_ALLOW_REMOTE=1` takes targets on other machines."""
    with start_sandbox(SANDBOX_ALLOW_REMOTE="1") as (url, _):
        answer = httpx.put(f"{url}/_sandbox/webhooks/wabotick", json={"flow": {"url": "https://shop.example/hook"}})

    assert answer.status_code == 200


def test_a_receiver_that_hangs_holds_up_nobody_else(sandbox: httpx.Client, wabotick: Post, meta: httpx.Client) -> None:
    """The API answers, the webhook is on its way, other vendors' arrive, and reset forgets it."""
    with socket.create_server(("127.0.0.1", 0)) as silent, running_receiver() as receiver:
        aim(sandbox, Receiver(f"http://127.0.0.1:{silent.getsockname()[1]}"), "*")
        sandbox.put("/_sandbox/webhooks/meta", json={"*": {"url": receiver.url}})
        sent = wabotick("send", phone_number=PHONE, message="Hi")
        meta.post("/messages", json={"messaging_product": "whatsapp", "to": PHONE, "text": {"body": "Hi"}})
        silent.accept()[0].close()

        assert sent.json()["status"] == "1"
        eventually(
            lambda: len(receiver.received) >= 2 and pending(sandbox) == {"wabotick"}, "only the hanging one waits"
        )
        sandbox.post("/_sandbox/reset")
        assert emissions(sandbox) == []
