"""The faked Open Mercato's workflows, rules, records, toggles, audit, freight. Invariant: a refusal may be a 200."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def erp(base_url: str) -> Iterator[httpx.Client]:
    """A client with Open Mercato's key."""
    headers = {"X-Api-Key": "omk_0a1b2c3d.example"}
    with httpx.Client(base_url=f"{base_url}/open_mercato/api", headers=headers, timeout=60) as client:
        yield client
    assert httpx.get(f"{base_url}/").status_code == 200  # the page has words for every effect


def set_trap(sandbox: httpx.Client, **settings: Any) -> None:
    assert sandbox.put("/_sandbox/settings/open_mercato", json=settings).status_code == 200


def effects(sandbox: httpx.Client) -> list[str]:
    found = sandbox.get("/_sandbox/effects", params={"vendor": "open_mercato"}).json()
    return [effect["kind"] for effect in found]


def start(erp: httpx.Client, key: str = "order:1") -> str:
    body = {"workflowId": "order_follow_up", "correlationKey": key, "initialContext": {"order": "1"}}
    answer = erp.post("/workflows/instances", json=body)
    assert (answer.status_code, answer.json()["data"]["instance"]["status"]) == (201, "RUNNING")
    identity: str = answer.json()["data"]["instance"]["id"]
    return identity


def status(erp: httpx.Client, identity: str) -> str:
    found: str = erp.get(f"/workflows/instances/{identity}").json()["data"]["status"]
    return found


def signal(erp: httpx.Client, key: str = "order:1", name: str = "payment_received") -> dict[str, Any]:
    body = {"correlationKey": key, "signalName": name, "payload": {"paid": 5}}
    answer = erp.post("/workflows/signals", json=body)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def test_starts_a_workflow_and_signals_it(erp: httpx.Client, sandbox: httpx.Client) -> None:
    """A signal resumes who waits for it, once; its payload is in the context; a task ends the instance."""
    identity = start(erp)
    assert status(erp, identity) == "PAUSED"
    assert signal(erp, name="other")["count"] == 0
    assert signal(erp) == {"success": True, "message": "Signal sent to 1 workflow(s)", "count": 1}
    assert signal(erp)["count"] == 0
    context = erp.get(f"/workflows/instances/{identity}").json()["data"]["context"]
    assert (context["order"], context["paid"]) == ("1", 5)
    assert context["signal_payment_received_payload"] == {"paid": 5}
    assert "signal_payment_received_receivedAt" in context

    (task,) = erp.get("/workflows/tasks").json()["data"]
    assert erp.post(f"/workflows/tasks/{task['id']}/claim").status_code == 200
    assert erp.post(f"/workflows/tasks/{task['id']}/complete", json={}).status_code == 400
    assert erp.post(f"/workflows/tasks/{task['id']}/complete", json={"formData": {"boxes": 2}}).status_code == 200
    assert status(erp, identity) == "COMPLETED"
    assert effects(sandbox) == ["workflow_instance", "signal", "workflow_task_claim", "workflow_task"]
    events = erp.get(f"/workflows/instances/{identity}/events").json()["data"]
    assert [event["eventType"] for event in events[::-1]][:2] == ["WORKFLOW_STARTED", "WORKFLOW_PAUSED"]


def test_signals_nobody_right_after_a_slow_start(erp: httpx.Client, sandbox: httpx.Client) -> None:
    """An instance that still runs is passed over in silence: count 0 in HTTP 200."""
    set_trap(sandbox, start_delay_seconds=3600)
    identity = start(erp)
    assert signal(erp)["count"] == 0
    assert status(erp, identity) == "RUNNING"
    set_trap(sandbox, start_delay_seconds=0)
    assert signal(erp)["count"] == 1


def test_finds_instances_by_key(erp: httpx.Client) -> None:
    """Instances, one of them there from the start, are paged by limit and offset and found by correlation key."""
    first, second = start(erp, "a"), start(erp, "b")
    page = erp.get("/workflows/instances", params={"limit": 1}).json()
    assert page["pagination"] == {"total": 3, "limit": 1, "offset": 0, "hasMore": True}
    assert [row["id"] for row in page["data"]] == [second]
    found = erp.get("/workflows/instances", params={"correlationKey": "a"}).json()["data"]
    assert [row["id"] for row in found] == [first]


def test_signals_one_instance(erp: httpx.Client) -> None:
    """404 for an unknown one, 400 for another name, 409 when it does not wait."""
    path = f"/workflows/instances/{start(erp)}/signal"
    assert erp.post(f"/workflows/instances/{NOBODY}/signal", json={"signalName": "x"}).status_code == 404
    assert erp.post(path, json={"signalName": "x"}).status_code == 400
    assert erp.post(path, json={"signalName": "payment_received"}).status_code == 200
    assert erp.post(path, json={"signalName": "payment_received"}).status_code == 409


@pytest.mark.parametrize("body", [{}, {"correlationKey": "a"}, {"correlationKey": 1, "signalName": "x"}])
def test_fails_on_a_bad_signal(erp: httpx.Client, body: dict[str, Any]) -> None:
    """A malformed signal is a 500, not a 400."""
    assert erp.post("/workflows/signals", json=body).status_code == 500


def test_answers_signals_as_the_contract_has_it(erp: httpx.Client, sandbox: httpx.Client) -> None:
    """With the trap on, a signal is a 201 without content."""
    set_trap(sandbox, dump_answers=True)
    answer = erp.post("/workflows/signals", json={"correlationKey": "a", "signalName": "b"})
    assert (answer.status_code, answer.json()) == (201, {})


def test_moves_an_instance(erp: httpx.Client) -> None:
    """Advance passes the step it waits at, cancel ends it, retry is for failed ones only."""
    identity = start(erp)
    path = f"/workflows/instances/{identity}"
    assert erp.post(f"{path}/advance").status_code == 200
    assert erp.post(f"{path}/retry").status_code == 400
    assert erp.post(f"{path}/cancel").status_code == 200
    assert status(erp, identity) == "CANCELLED"
    assert erp.post(f"{path}/cancel").status_code == 400
    assert signal(erp)["count"] == 0


def test_refuses_to_start_what_is_not_there(erp: httpx.Client) -> None:
    """Unknown is a 404, disabled and invalid a 400."""
    assert erp.post("/workflows/instances", json={"workflowId": "nothing"}).status_code == 404
    assert erp.post("/workflows/instances", json={"workflowId": "retired"}).status_code == 400
    assert erp.post("/workflows/instances", json={}).json()["error"] == "Validation failed"


def test_keeps_definitions(erp: httpx.Client) -> None:
    """A definition needs START and END, is unique by id and version, and can be changed and deleted."""
    steps = [{"stepId": "a", "stepType": "START"}, {"stepId": "b", "stepType": "END"}]
    body = {"workflowId": "mine", "workflowName": "Mine", "definition": {"steps": steps, "transitions": []}}
    bad = {**body, "definition": {"steps": steps[:1], "transitions": []}}
    assert erp.post("/workflows/definitions", json=bad).status_code == 400
    made = erp.post("/workflows/definitions", json=body)
    assert made.status_code == 201
    assert erp.post("/workflows/definitions", json=body).status_code == 409
    path = f"/workflows/definitions/{made.json()['data']['id']}"
    assert erp.put(path, json={"workflowName": "Ours"}).json()["data"]["workflowName"] == "Ours"
    run = erp.post("/workflows/instances", json={"workflowId": "mine"}).json()["data"]["instance"]["id"]
    assert erp.delete(path).status_code == 200
    assert erp.put(path, json={}).status_code == 404
    assert status(erp, run) == "COMPLETED"
    assert erp.get("/workflows/definitions", params={"workflowId": "mine"}).json()["data"] == []


def test_runs_rules(erp: httpx.Client, sandbox: httpx.Client) -> None:
    """A refusal is `allowed: false` in HTTP 200; a dry run leaves no log."""
    set_trap(sandbox, refused_entity_types=["sales:order"])
    body = {"entityType": "sales:order", "data": {"total": 5}}
    refused = erp.post("/business_rules/execute", json=body)
    assert (refused.status_code, refused.json()["allowed"]) == (200, False)
    assert {"ruleId", "ruleName", "conditionResult", "executionTime"} <= set(refused.json()["executedRules"][0])
    assert len(refused.json()["logIds"]) == 1
    dry = erp.post("/business_rules/execute", json={**body, "entityType": "other", "dryRun": True}).json()
    assert (dry["allowed"], "logIds" in dry) == (True, False)
    assert erp.post("/business_rules/execute", json={"entityType": "x"}).status_code == 400


def test_keeps_records_of_custom_entities(erp: httpx.Client) -> None:
    """Prefixes go, ids that are no UUID are replaced, and an update with such an id makes a new record."""
    body = {"entityId": "user:parcel", "recordId": "mine", "values": {"cf_weight": 5, "state": "new"}}
    item = erp.post("/entities/records", json=body).json()["item"]
    assert item["entityId"] == "user:parcel"
    assert item["recordId"] != "mine"
    assert erp.put("/entities/records", json={**body, "recordId": item["recordId"], "values": {"state": "out"}}).json()[
        "ok"
    ]
    (record,) = erp.get("/entities/records", params={"entityId": "user:parcel", "state": "out"}).json()["items"]
    assert (record["weight"], record["id"]) == (5, item["recordId"])
    assert erp.put("/entities/records", json=body).status_code == 200
    assert erp.get("/entities/records", params={"entityId": "user:parcel"}).json()["total"] == 2
    assert erp.put("/entities/records", json={**body, "recordId": NOBODY}).status_code == 404
    refused = erp.post("/entities/records", json={"entityId": "x"})
    assert (refused.status_code, set(refused.json())) == (400, {"error", "fields"})


@pytest.mark.parametrize(
    ("kind", "identifier", "name", "value"),
    [
        ("boolean", "new_checkout", "enabled", True),
        ("string", "greeting", "value", "Hello"),
        ("number", "free_shipping_from", "value", 50),
        ("json", "banner", "value", {"color": "red"}),
    ],
)
def test_checks_toggles(erp: httpx.Client, kind: str, identifier: str, name: str, value: Any) -> None:
    """A toggle tells its value, where it comes from and its ids; an unknown one is a 404."""
    path = f"/feature_toggles/check/{kind}"
    found = erp.get(path, params={"identifier": identifier}).json()
    assert found[name] == value
    assert {"source", "toggleId", "identifier", "tenantId"} <= set(found)
    assert erp.get(path, params={"identifier": "nothing"}).status_code == 404
    assert erp.get(path).status_code == 400


def test_switches_a_toggle_from_outside(erp: httpx.Client, sandbox: httpx.Client) -> None:
    """The control API changes a toggle as a person would."""
    sandbox.put("/_sandbox/state/open_mercato/toggles/new_checkout", json={"value": False})
    found = erp.get("/feature_toggles/check/boolean", params={"identifier": "new_checkout"}).json()
    assert (found["enabled"], found["source"]) == (False, "override")


def test_undoes_and_does_again(erp: httpx.Client) -> None:
    """Every command is in the log with both sides; undo and redo move between them, once each."""
    identity = erp.post("/customers/deals", json={"title": "Old"}).json()["id"]
    erp.put("/customers/deals", json={"id": identity, "title": "New"})
    log = "/audit_logs/audit-logs/actions"
    change, creation = erp.get(log).json()["items"]
    assert (change["commandId"], change["resourceKind"]) == ("customers.deals.update", "customers.deal")
    assert change["changes"]["title"] == {"from": "Old", "to": "New"}
    assert creation["snapshotBefore"] is None

    def titles() -> list[str]:
        found = erp.get("/customers/deals", params={"id": identity})
        return [deal["title"] for deal in found.json()["items"]]

    undo = {"undoToken": change["undoToken"]}
    assert erp.post(f"{log}/undo", json=undo).status_code == 200
    assert titles() == ["Old"]
    assert erp.post(f"{log}/undo", json=undo).status_code == 400
    assert erp.post(f"{log}/redo", json={"logId": change["id"]}).status_code == 200
    assert titles() == ["New"]
    assert len(erp.get(log, params={"undoableOnly": "true", "limit": "1"}).json()["items"]) == 1
    assert erp.get("/audit_logs/audit-logs/access").json() == {"items": []}


def test_keeps_freight_shipments(erp: httpx.Client, sandbox: httpx.Client) -> None:
    """A shipment is found by its container number, changed, and has containers, documents and tasks."""
    body = {"containerNumber": "MSKU7382913", "bookingNumber": "253816047", "carrier": "maersk"}
    identity = erp.post("/shipments", json=body).json()["id"]
    (found,) = erp.get("/shipments", params={"search": "msku738"}).json()["items"]
    assert (found["id"], found["status"]) == (identity, "booked")
    assert erp.put(f"/shipments/{identity}", json={"eta": "2026-03-21T10:00:00Z"}).status_code == 200
    assert erp.get(f"/shipments/{identity}").json()["eta"] == "2026-03-21T10:00:00Z"
    bad = erp.put(f"/shipments/{identity}", json={"eta": "soon"})
    assert (bad.status_code, set(bad.json())) == (400, {"error"})
    assert erp.put(f"/shipments/{NOBODY}", json={}).status_code == 400
    (box,) = erp.get(f"/shipments/{identity}/containers").json()["items"]
    assert erp.put(f"/shipments/containers/{box['id']}", json={"sealNumber": "S1"}).status_code == 200
    assert erp.get("/shipments/containers").json()["items"][0]["sealNumber"] == "S1"
    assert erp.post(f"/shipments/{identity}/tasks", json={"title": "Call"}).status_code == 201
    assert erp.get(f"/shipments/{identity}/tasks").json()["total"] == 1
    assert erp.get(f"/shipments/{identity}/documents").json()["total"] == 0
    assert effects(sandbox) == ["freight_shipment", "freight_shipment_update", "container_update", "freight_task"]


def test_keeps_the_tracking_settings_and_their_secret(erp: httpx.Client, sandbox: httpx.Client) -> None:
    """The settings are read back by the API and hidden by the sandbox."""
    path = "/fms_tracking/settings/freighttech"
    settings = {"apiKey": "ft-key", "apiBaseUrl": "https://tracking.example"}
    assert erp.put(path, json={"apiKey": "ft-key"}).status_code == 400
    assert erp.put(path, json=settings).status_code == 200
    assert erp.get(path).json() == settings
    assert "ft-key" not in sandbox.get("/_sandbox/state/open_mercato").text
