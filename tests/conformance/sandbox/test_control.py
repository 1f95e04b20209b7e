"""The control API: evidence, settings, reset. Invariant: no credential can be read back from it."""

import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest

from sandbox.vendors.registry import VENDORS

Post = Callable[..., httpx.Response]
Starter = Callable[..., AbstractContextManager[tuple[str, "subprocess.Popen[str]"]]]

TEMPLATE = {
    "template_id": "257000",
    "phone_number": "628123456789",
    "templateVariable-name-1": "Budi",
    "templateVariable-receipt-2": "JX123",
}
RECORD_KEYS = {
    "number",
    "at",
    "vendor",
    "method",
    "path",
    "query",
    "headers",
    "params",
    "problem",
    "status",
    "fault",
    "effect",
    "effects",
    "refusal",
}


def requests(sandbox: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sandbox.get("/_sandbox/requests", params=query).json()
    return found


def test_says_that_it_is_a_sandbox(sandbox: httpx.Client, scalev: httpx.Client) -> None:
    """Readiness tells the vendors and counts their requests, not its own."""
    scalev.get("/me")

    assert sandbox.get("/_sandbox").json() == {
        "sandbox": True,
        "vendors": [vendor.name for vendor in VENDORS],
        "requests": 1,
    }


def test_records_requests_oldest_first(
    sandbox: httpx.Client, scalev: httpx.Client, wabotick: Post, proton: httpx.Client
) -> None:
    """Each record holds the request, the status and the effect; a read has none."""
    scalev.get("/orders", params={"status": "pending"})
    identity = wabotick("send/template", TEMPLATE).json()["wa_message_id"]
    proton.post("/opportunities", json={"title": "T"})
    read, sent, created = requests(sandbox)

    assert set(read) == RECORD_KEYS
    assert (read["number"], read["method"], read["path"], read["query"]) == (
        1,
        "GET",
        "/scalev/v3/orders",
        {"status": "pending"},
    )
    assert (read["status"], read["effect"], read["fault"]) == (200, None, None)
    assert sent["effect"]["id"] == identity
    assert sent["params"]["templateVariable-receipt-2"] == "JX123"
    assert created["params"] == {"title": "T"}


def test_records_a_refusal_with_its_reason(sandbox: httpx.Client, wabotick: Post) -> None:
    """A failure in HTTP 200 is told apart by its refusal and missing effect."""
    wabotick("send/template", {**TEMPLATE, "template_id": "1"})
    (record,) = requests(sandbox)

    assert (record["status"], record["effect"], record["refusal"]) == (200, None, "Message template not found.")


def test_lists_every_effect_of_a_bulk_change(sandbox: httpx.Client, scalev: httpx.Client) -> None:
    """A bulk change has one record with all its effects; the effect list has one each."""
    scalev.post("/orders/change-status", json={"ids": [9100001, 9100002], "status": "shipped"})
    (record,) = requests(sandbox)
    effects = sandbox.get("/_sandbox/effects").json()

    assert record["effect"] == record["effects"][0]
    assert [effect["order_id"] for effect in effects] == ["250804QWERTY", "250804ASDFGH"]
    assert {effect["number"] for effect in effects} == {1}


def test_filters_requests_and_effects(
    sandbox: httpx.Client, scalev: httpx.Client, wabotick: Post, proton: httpx.Client
) -> None:
    """By vendor, by path pattern or its end, by number; effects by vendor and kind."""
    scalev.get("/me")
    scalev.get("/orders")
    wabotick("send/template", TEMPLATE)
    proton.post("/opportunities", json={"title": "T"})

    assert [record["number"] for record in requests(sandbox, vendor="scalev")] == [1, 2]
    assert [record["number"] for record in requests(sandbox, path="/scalev/*")] == [1, 2]
    assert [record["number"] for record in requests(sandbox, path="/send/template")] == [3]
    assert [record["number"] for record in requests(sandbox, since=2)] == [3, 4]
    kinds = [effect["kind"] for effect in sandbox.get("/_sandbox/effects", params={"kind": "message"}).json()]
    assert kinds == ["message"]
    assert sandbox.get("/_sandbox/effects", params={"vendor": "scalev"}).json() == []
    assert sandbox.get("/_sandbox/requests", params={"since": "yesterday"}).status_code == 400


def test_masks_every_credential(sandbox: httpx.Client, base_url: str) -> None:
    """No key or token comes back, wherever it was sent, also in bodies the vendor refused."""
    secret = "s3cret-credential"
    form = {"apiToken": secret, "nested": "x"}
    headers = {"Authorization": f"Bearer {secret}", "X-Api-Key": secret, "Cookie": f"a={secret}"}
    for url in ("/scalev/v3/me", "/wabotick/api/v1/whatsapp/send", "/proton/harborline/opportunities"):
        sandbox.post(url, data=form, headers=headers, params={"apiToken": secret})
        sandbox.post(url, json={"apiToken": secret, "list": [{"access_token": secret}]}, headers=headers)
        sandbox.post(url, content=f"{secret}{{", headers={**headers, "Content-Type": "application/json"})

    assert secret not in sandbox.get("/_sandbox/requests").text
    assert secret not in httpx.get(base_url).text
    record = requests(sandbox)[0]
    assert record["headers"]["authorization"] == "Bearer ***"
    assert record["params"]["apiToken"] == record["query"]["apiToken"] == "***"


def test_clears_requests_and_effects_only(sandbox: httpx.Client, scalev: httpx.Client) -> None:
    """DELETE forgets the evidence and keeps the vendors' state."""
    scalev.post("/orders/change-status", json={"ids": [9100001], "status": "shipped"})
    sandbox.delete("/_sandbox/requests")

    assert requests(sandbox) == sandbox.get("/_sandbox/effects").json() == []
    assert scalev.get("/orders/9100001").json()["status"] == "shipped"


def test_resets_everything_to_the_seed(sandbox: httpx.Client, scalev: httpx.Client, wabotick: Post) -> None:
    """State, settings, faults and recordings are as at the start."""
    before = [sandbox.get(f"/_sandbox/state/{vendor}").json() for vendor in ("scalev", "proton")]
    scalev.post("/orders/change-status", json={"ids": [9100001], "status": "shipped"})
    sandbox.put("/_sandbox/state/proton/customers/X", json={"name": "X"})
    wabotick("send/template", TEMPLATE)
    sandbox.put("/_sandbox/settings/wabotick", json={"shape": "document"})
    sandbox.put("/_sandbox/faults", json=[{"vendor": "scalev", "status": 500}])
    sandbox.post("/_sandbox/reset")

    assert [sandbox.get(f"/_sandbox/state/{vendor}").json() for vendor in ("scalev", "proton")] == before
    assert sandbox.get("/_sandbox/state/wabotick").json()["messages"] == []
    assert sandbox.get("/_sandbox/settings/wabotick").json()["shape"] == "white_label"
    assert sandbox.get("/_sandbox/faults").json() == requests(sandbox) == []


def test_names_things_by_the_seed(sandbox: httpx.Client, wabotick: Post, start_sandbox: Starter) -> None:
    """The same calls give the same ids for a seed, and others for another seed."""
    form = {"apiToken": "x", "phone_number_id": "100000000000001", **TEMPLATE}

    def two_ids(url: str) -> list[str]:
        path = f"{url}/wabotick/api/v1/whatsapp/send/template"
        return [httpx.post(path, data=form).json()["wa_message_id"] for _ in range(2)]

    first = two_ids(str(sandbox.base_url).rstrip("/"))
    sandbox.post("/_sandbox/reset")
    again = [wabotick("send/template", TEMPLATE).json()["wa_message_id"] for _ in range(2)]
    with start_sandbox("--seed", "2") as (url, _):
        other = two_ids(url)

    assert first == again
    assert len({*first, *other}) == 4


def test_changes_only_the_settings_that_are_named(sandbox: httpx.Client) -> None:
    """Settings merge; wrong names and values are refused by name."""
    sandbox.put("/_sandbox/settings/wabotick", json={"shape": "document"})
    settings = sandbox.put("/_sandbox/settings/wabotick", json={"enforce_window": False}).json()

    assert (settings["shape"], settings["enforce_window"]) == ("document", False)
    for change, name in (({"shape": "round"}, "shape"), ({"colour": 1}, "colour"), ([], "object")):
        answer = sandbox.put("/_sandbox/settings/wabotick", json=change)
        assert answer.status_code == 400
        assert name in answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/_sandbox/nothing", 404),
        ("PATCH", "/_sandbox/faults", 405),
        ("GET", "/_sandbox/state/nobody", 404),
        ("PUT", "/_sandbox/settings/nobody", 404),
        ("POST", "/_sandbox/state/scalev/nothing", 404),
        ("GET", "/elsewhere", 404),
        ("GET", "/scalevish/v3", 404),
        ("POST", "/", 405),
    ],
)
def test_answers_wrong_control_calls_in_json(sandbox: httpx.Client, method: str, path: str, status: int) -> None:
    """Unknown paths and methods are JSON errors."""
    answer = sandbox.request(method, path)

    assert answer.status_code == status
    assert set(answer.json()) == {"error"}


def test_refuses_a_state_change_that_is_no_object(sandbox: httpx.Client) -> None:
    """A broken body is a JSON 400."""
    for content in (b"{", b"[1]"):
        answer = sandbox.post("/_sandbox/state/scalev/event", content=content)
        assert answer.status_code == 400
