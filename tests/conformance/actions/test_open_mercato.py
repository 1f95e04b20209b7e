"""Open Mercato's answers after open_mercato.md: judged, and its composed actions begun again half-way."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from config.accounts import AccountsFile
from tasks.actions.http import HttpSession
from tasks.actions.registry import ACTIONS
from tests.conformance.actions.conftest import NOW, TIMEOUT_SECONDS, Caller
from tests.conformance.actions.vendors.open_mercato import CASE, MADE, SCOPE, prepare
from tests.support.sandbox import Sandbox
from worker.acting import Call, Settled, Settlement
from worker.masking import mask

MAYBE, LATER, NEVER = "UncertainError", "RetryableError", "PermanentError"
VENDOR = "open_mercato"
TAKEN = {"error": "Internal server error", "message": "Something went wrong. Please try again later."}
UPSERT, ENSURE, START = (f"{VENDOR}.{name}" for name in ("upsert_person", "ensure_order", "ensure_workflow"))


def settled(caller: Caller, name: str, **changes: Any) -> Settlement:
    """Ask the vendor what became of an action."""
    given = {"vendor": VENDOR, "base_url": caller.url + CASE.mount, **CASE.account}
    account = AccountsFile.model_validate({"accounts": {"a": given}}).accounts["a"]
    action = ACTIONS[name]
    parameters = action.parameters.model_validate({**CASE.parameters[name], **changes}, context={"country": "ID"})
    session = HttpSession(caller.client, account.base_url, TIMEOUT_SECONDS, lambda: NOW)
    assert action.settle is not None
    return action.settle(Call("a", account, "ID", parameters, session, caller.memory), NOW - timedelta(days=365))


def posts(sandbox: Sandbox, path: str) -> list[dict[str, Any]]:
    """Return what was posted to a path."""
    return [request for request in sandbox.requests(path) if request["method"] == "POST"]


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, {"error": "Unauthorized"}, (NEVER, "credentials_refused")),
        (403, {"error": "Forbidden", "requiredFeatures": ["customers.deals.manage"]}, (NEVER, "forbidden")),
        (400, {"error": "Invalid input", "details": [{"path": ["title"], "message": "x"}]}, (NEVER, "invalid_request")),
        (400, {"error": "Validation failed", "fields": {"title": "x"}}, (NEVER, "invalid_request")),
        (404, {"error": "Not found"}, (NEVER, "not_found")),
        (409, {"error": "Conflict"}, (NEVER, "rejected")),
        (422, {"error": "no"}, (NEVER, "invalid_request")),
        (500, TAKEN, (MAYBE, "server_error")),
        (201, {}, ("", "")),
        (200, {"ok": True}, ("", "")),
        (204, "", ("", "")),
        (200, [], (MAYBE, "unreadable_answer")),
    ],
)
def test_a_status_says_it_and_any_success_is_one(
    status: int, body: Any, expected: tuple[str, str], caller: Caller, sandbox: Sandbox
) -> None:
    """The dump's answers are not what the code sends: any 2xx with an object is a yes, with or without an id."""
    sandbox.fail(vendor=VENDOR, status=status, body=body)

    assert caller.run(f"{VENDOR}.create_deal").verdict == expected


def test_an_error_names_the_permission_and_the_field(caller: Caller, sandbox: Sandbox) -> None:
    """So that whoever runs the server knows what to grant."""
    sandbox.set_trap(VENDOR, missing_features=["customers.deals.manage"])
    assert "the key lacks customers.deals.manage" in str(caller.run(f"{VENDOR}.create_deal").error)

    sandbox.fail(vendor=VENDOR, status=400, body={
        "error": "Invalid input", "details": [{"path": ["address", 0], "message": "Required"}, "?", {"path": 5}],
    })  # fmt: skip
    assert "Invalid input; address.0: Required" in str(caller.run(f"{VENDOR}.create_company").error)


@pytest.mark.parametrize("name", ["create_deal", "update_company", "ensure_order", "put_freighttech_settings"])
def test_organization_and_tenant_go_with_what_is_written(name: str, caller: Caller, sandbox: Sandbox) -> None:
    """Both, also where the key would say them."""
    sandbox.set_trap(VENDOR, require_scope=True)

    assert caller.run(f"{VENDOR}.{name}").error is None
    written = [request for request in sandbox.requests() if request["method"] != "GET"]
    assert {name: written[-1]["params"][name] for name in SCOPE} == SCOPE


def test_what_is_sent_has_the_vendors_spelling(caller: Caller, sandbox: Sandbox) -> None:
    """In parts too; amounts are numbers, times keep their zone, what was not given is not sent."""
    caller.run(f"{VENDOR}.create_order", placed_at="2026-01-15T10:00:00+07:00")
    [request] = posts(sandbox, "/sales/orders")
    assert request["params"]["placedAt"] == "2026-01-15T10:00:00+07:00"
    assert request["params"]["lines"] == [{"name": "Cup", "quantity": 2.0, "unitPriceGross": 84362.0}]
    assert "externalReference" not in request["params"]


@pytest.mark.parametrize(
    ("name", "changes", "field"),
    [
        ("create_deal", {"title": "x" * 201}, "title"),
        ("create_deal", {"value_currency": "idr"}, "value_currency"),
        ("create_deal", {"probability": 101}, "probability"),
        ("create_deal", {"expected_close_at": "2026-01-15T10:00:00"}, "expected_close_at"),
        ("create_person", {"primary_phone": "12"}, "primary_phone"),
        ("create_person", {"first_name": " "}, "first_name"),
        ("check_phone", {"digits": "+62"}, "digits"),
        ("create_tag", {"slug": "No Slug"}, "slug"),
        ("create_shipment", {"items": []}, "items"),
        ("update_order", {"external_reference": None}, ""),
        ("update_record", {"record_id": "r-1"}, "record_id"),
        ("signal_workflows", {"payload": "text"}, "payload"),
        ("create_workflow_definition", {"definition": {"steps": []}}, ""),
        ("request", {"path": "https://elsewhere.example"}, "path"),
        ("request", {"path": "/../admin"}, "path"),
        ("request", {"path": "/a?b=c"}, "path"),
        ("request", {"path": "/a/%2e%2e/b"}, "path"),
        ("get_person", {"id": ".."}, "id"),
    ],
)
def test_what_the_vendor_would_refuse_is_refused_with_the_field_named(
    name: str, changes: dict[str, Any], field: str
) -> None:
    """Its limits, and the bodies that it would answer with a plain 500."""
    full = f"{VENDOR}.{name}"
    given = {name: value for name, value in {**CASE.parameters[full], **changes}.items() if value is not None}
    with pytest.raises(ValidationError) as caught:
        ACTIONS[full].parameters.model_validate(given, context={"country": "ID"})
    assert {error["loc"][:1] for error in caught.value.errors()} == ({(field,)} if field else {()})


@pytest.mark.parametrize("encrypted", [True, False])
def test_a_person_is_found_whether_or_not_phones_are_encrypted(
    encrypted: bool, caller: Caller, sandbox: Sandbox
) -> None:
    """The look-up by phone finds nobody then, the search by name does."""
    sandbox.set_trap(VENDOR, encrypted_phones=encrypted)

    tried = caller.run(UPSERT, primary_phone="+12025550143", first_name="Avery", last_name="Doe", job_title="Buyer")

    assert tried.outcome is not None
    assert tried.outcome.result == {"id": "4f6d1b2a-9c03-4e7d-8a51-2b3c4d5e6f70", "created": False}
    assert [effect["kind"] for effect in sandbox.effects()] == ["person_update"]


def test_a_person_is_created_once_and_remembered_without_the_phone(caller: Caller, sandbox: Sandbox) -> None:
    """The second time what is remembered is enough, whatever name is given."""
    first = caller.run(UPSERT)
    second = caller.run(UPSERT, first_name="B.", last_name="C.")

    assert first.outcome is not None
    assert second.outcome is not None
    assert first.outcome.result["created"] is True
    assert second.outcome.result == {"id": first.outcome.result["id"], "created": False}
    assert len(sandbox.effects("person")) == 1
    assert len(sandbox.requests("check-phone")) == 1


def test_a_person_that_is_gone_is_looked_for_anew(caller: Caller, sandbox: Sandbox) -> None:
    """What was remembered was right once."""
    caller.run(UPSERT)
    sandbox.reset()

    tried = caller.run(UPSERT)

    assert tried.outcome is not None
    assert tried.outcome.result["created"] is True
    assert len(sandbox.effects("person")) == 1


def test_a_person_whose_creation_was_not_answered_is_found_later(caller: Caller, sandbox: Sandbox) -> None:
    """The one call of it that cannot be repeated blindly; that nobody is found proves nothing."""
    assert settled(caller, UPSERT).settled is Settled.NOT_KNOWN
    sandbox.fail(vendor=VENDOR, path="*/customers/people", method="POST", when="after", reset=True, times=1)

    assert caller.run(UPSERT).verdict == (MAYBE, "connection_lost")

    found = settled(caller, UPSERT)
    assert found.settled is Settled.HAPPENED
    assert caller.run(UPSERT).verdict == ("", "")
    assert len(sandbox.effects("person")) == 1


def test_two_at_once_do_not_make_two_persons(caller: Caller, sandbox: Sandbox) -> None:
    """While one is inside for a phone, the other waits for its next attempt."""
    caller.run(UPSERT)
    held = [key for key in _keys(caller) if key.startswith("alone:person:")]
    with caller.memory.alone(held[0].removeprefix("alone:")):
        assert caller.run(UPSERT).verdict == (LATER, "not_yet")
    assert len(sandbox.effects("person")) == 1
    assert not any("8123456789" in key for key in _keys(caller))


def _keys(caller: Caller) -> list[str]:
    from sqlalchemy import text  # noqa: PLC0415 - this look into the table is the test's only one

    with caller.memory.engine.connect() as connection:
        query = text("SELECT key FROM memory WHERE account = :account")
        return list(connection.scalars(query, {"account": caller.memory.account}))


def test_an_order_is_made_once_whatever_number_of_times_it_is_asked_for(caller: Caller, sandbox: Sandbox) -> None:
    """Looked up first; a longer number that contains it is another order."""
    caller.run(f"{VENDOR}.create_order", order_number="S-20010")
    results = [caller.run(ENSURE).outcome for _ in range(2)]

    assert [outcome and outcome.result["created"] for outcome in results] == [True, False]
    assert len(sandbox.effects("order")) == 2


@pytest.mark.parametrize("fault", [{"status": 500, "body": TAKEN}, {"reset": True}, {"status": 504, "body": ""}])
def test_an_order_whose_answer_was_lost_is_found_by_its_number(
    fault: dict[str, Any], caller: Caller, sandbox: Sandbox
) -> None:
    """A number that is taken is a plain 500, too: whoever made the order, it is there."""
    sandbox.fail(vendor=VENDOR, path="*/sales/orders", method="POST", when="after", times=1, **fault)

    tried = caller.run(ENSURE)

    assert tried.outcome is not None
    assert tried.outcome.result["id"]
    assert len(sandbox.effects("order")) == 1


def test_an_order_that_was_not_made_stays_uncertain(caller: Caller, sandbox: Sandbox) -> None:
    """A 500 without an order of that number may have been anything."""
    sandbox.fail(vendor=VENDOR, path="*/sales/orders", method="POST", status=500, body=TAKEN)

    assert caller.run(ENSURE).verdict == (MAYBE, "server_error")
    assert settled(caller, f"{VENDOR}.create_order").settled is Settled.DID_NOT_HAPPEN


def test_creates_with_a_key_of_their_own_are_settled_by_it(caller: Caller, sandbox: Sandbox) -> None:
    """An order's number, a shipment's, a correlation key, a definition's id; without a key nobody knows."""
    prepare(sandbox)
    keyed = ("create_order", "create_shipment", "create_workflow_definition", "create_freight_shipment")
    before = [settled(caller, f"{VENDOR}.{name}").settled for name in (*keyed, "ensure_workflow")]
    for name in (*keyed, "ensure_workflow"):
        assert caller.run(f"{VENDOR}.{name}").error is None

    happened, missing, unknown = Settled.HAPPENED, Settled.DID_NOT_HAPPEN, Settled.NOT_KNOWN
    assert before == [missing, missing, unknown, unknown, missing]
    assert [settled(caller, f"{VENDOR}.{name}").settled for name in (*keyed, "ensure_workflow")] == [happened] * 5
    assert settled(caller, f"{VENDOR}.create_order", order_number=None).settled is unknown
    assert settled(caller, f"{VENDOR}.create_shipment", shipment_number=None).settled is unknown
    assert settled(caller, f"{VENDOR}.start_workflow", correlation_key=None).settled is unknown


def test_a_workflow_is_started_once_for_a_key(caller: Caller, sandbox: Sandbox) -> None:
    """Looked up first, and again when the answer was lost."""
    sandbox.fail(vendor=VENDOR, path="*/workflows/instances", method="POST", when="after", reset=True, times=1)

    first, second = caller.run(START), caller.run(START)

    assert first.outcome is not None
    assert second.outcome is not None
    assert first.outcome.result["id"] == second.outcome.result["id"]
    assert (first.outcome.result["created"], second.outcome.result["created"]) == (True, False)
    assert len(sandbox.effects("workflow_instance")) == 1


@pytest.mark.parametrize(
    ("if_nobody", "verdict"), [("retry", (LATER, "not_yet")), ("fail", (NEVER, "rejected")), ("done", ("", ""))]
)
def test_a_signal_that_nobody_waits_for_is_what_the_rule_says_it_is(
    if_nobody: str, verdict: tuple[str, str], caller: Caller
) -> None:
    """It is a 200 with count 0."""
    tried = caller.run(f"{VENDOR}.signal_workflows", correlation_key="nobody", if_nobody=if_nobody)

    assert tried.verdict == verdict
    if tried.outcome:
        assert tried.outcome.result == {"count": 0}


def test_a_signal_whose_answer_says_nothing_was_sent(caller: Caller, sandbox: Sandbox) -> None:
    """The dump's 201 with an empty object."""
    prepare(sandbox)
    sandbox.set_trap(VENDOR, dump_answers=True)

    tried = caller.run(f"{VENDOR}.signal_workflows")

    assert tried.outcome is not None
    assert tried.outcome.result == {}
    assert sandbox.effects("signal")


def test_what_was_done_before_is_done(caller: Caller, sandbox: Sandbox) -> None:
    """A tag that is assigned, a slug that is taken, a definition that is gone."""
    prepare(sandbox)
    for name, told in (("assign_tag", "already"), ("delete_workflow_definition", "already"), ("create_tag", "created")):
        results = [caller.run(f"{VENDOR}.{name}").outcome for _ in range(2)]
        assert [outcome and outcome.result[told] for outcome in results] == (
            [False, True] if told == "already" else [True, False]
        )


def test_a_refusal_of_the_rules_is_an_answer(caller: Caller, sandbox: Sandbox) -> None:
    """The rule that asked decides what follows."""
    sandbox.set_trap(VENDOR, refused_entity_types=["order"])

    tried = caller.run(f"{VENDOR}.run_rules")

    assert tried.outcome is not None
    assert tried.outcome.result == {"allowed": False, "executed": 1}


def test_a_container_of_two_shipments_is_not_guessed(caller: Caller, sandbox: Sandbox) -> None:
    """A container travels more than once."""
    prepare(sandbox)
    caller.run(f"{VENDOR}.create_freight_shipment", container_number="MSKU7382913")

    assert caller.run(f"{VENDOR}.update_container_shipment").verdict == (NEVER, "rejected")
    gone = caller.run(f"{VENDOR}.update_container_shipment", container_number="TCLU4943827")
    assert gone.verdict == (NEVER, "not_found")


def test_a_status_is_set_by_its_value_and_its_id_is_remembered(caller: Caller, sandbox: Sandbox) -> None:
    """The dictionary is asked once; a status that is none is said so."""
    prepare(sandbox)
    name = f"{VENDOR}.set_order_status"
    for status in ("shipped", "Shipped", "draft"):
        assert caller.run(name, status=status).error is None

    assert len(sandbox.requests("order-statuses")) == 2
    assert sandbox.state(VENDOR)["orders"][0]["statusEntryId"] == "11111111-0000-4000-8000-000000000001"
    assert caller.run(name, status="lost").verdict == (NEVER, "not_found")


@pytest.mark.parametrize("name", ["get_person", "get_company", "get_deal", "get_order"])
def test_a_record_is_taken_into_the_snapshot(name: str, caller: Caller, sandbox: Sandbox) -> None:
    """Whole, under the kind that rules know it by; the result has nothing personal."""
    prepare(sandbox)
    outcome = caller.run(f"{VENDOR}.{name}").outcome
    assert outcome is not None
    [patch] = outcome.patches

    kind = {"get_order": "sales_order"}.get(name, name.removeprefix("get_"))
    named = {"person": "name", "company": "name", "deal": "title", "sales_order": "order_number"}[kind]
    assert patch.subject == f"{kind}:{CASE.parameters[f'{VENDOR}.{name}']['id']}"
    assert patch.complete
    assert patch.values[named] in {"Avery Doe", "Brightwater Mechanical LLC", "Spring valve order", "S-1000"}
    assert set(outcome.result) <= {"id", "status"}


def test_a_record_that_is_not_there_is_not_another(caller: Caller) -> None:
    """A filter that a server does not know gives the first page of all."""
    assert caller.run(f"{VENDOR}.get_deal", id=MADE["deals"]).verdict == (NEVER, "not_found")


def test_a_read_by_request_harms_nothing(caller: Caller, sandbox: Sandbox) -> None:
    """Of any other method nobody knows what was done when no answer comes."""
    sandbox.fail(vendor=VENDOR, reset=True)

    verdicts = [caller.run(f"{VENDOR}.request", method=m, path="/webhooks").verdict[0] for m in ("GET", "DELETE")]
    assert verdicts == [LATER, MAYBE]


def test_what_is_written_down_names_nobody(caller: Caller) -> None:
    """Names in camel case are names."""
    tried = caller.run(f"{VENDOR}.create_person", primary_email="budi@contoh.example", display_name="Budi Contoh")

    written = str(mask(tried.session.exchanges, [], [CASE.secrets[0]]))
    assert not [word for word in ("Budi", "Contoh", "8123456789", "budi@") if word in written]
