"""Proton: creates that know a repetition, changes that keep what a list had, bulk rows, owners, lost answers."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from tasks.actions.registry import ACTIONS
from tests.conformance.actions.conftest import Caller
from tests.conformance.actions.vendors.proton import CASE, CONTACT, HARBORLINE, NOTE, OPPORTUNITY, PLACE, USER, api
from tests.support.sandbox import Sandbox
from worker.acting import Settled
from worker.states import Scope

MAYBE, LATER, NEVER = "UncertainError", "RetryableError", "PermanentError"
SINCE_LONG, NEVER_YET = datetime(2020, 1, 1, tzinfo=UTC), datetime(2098, 1, 1, tzinfo=UTC)
CUSTOMER = f"/v1/customers/{HARBORLINE}"


def record(sandbox: Sandbox, path: str) -> Any:
    """Read a record, as nobody of us does."""
    with api(sandbox) as http:
        body = http.get(path).raise_for_status().json()
    return body.get("data", body)


def fields_of(found: Any) -> dict[str, Any]:
    """Return the custom fields of a record by id."""
    return {entry.get("custom_field_id") or entry["field_id"]: entry["value"] for entry in found["custom_fields"]}


def methods(sandbox: Sandbox) -> list[str]:
    """Return the methods of what was asked."""
    return [request["method"] for request in sandbox.requests()]


# Creating.


def test_a_customer_that_is_there_is_not_made_twice(caller: Caller, sandbox: Sandbox) -> None:
    """The second create is refused with a 400, a read confirms it: done, and the record fills the snapshot."""
    first, again = caller.run("proton.create_customer"), caller.run("proton.create_customer", name="Another name")

    assert first.outcome is not None
    assert again.outcome is not None
    assert (first.outcome.result["created"], again.outcome.result["created"]) == (True, False)
    assert first.outcome.result["id"] == again.outcome.result["id"]
    assert again.outcome.patches[0].values["name"] == "Copper Ridge"
    assert len(sandbox.effects("customer")) == 1


def test_a_duplicate_that_nothing_confirms_is_a_refusal(caller: Caller, sandbox: Sandbox) -> None:
    """The words alone are not believed."""
    error = {"code": "INVALID_REQUEST", "message": "customer_id HL-30001 already exists"}
    sandbox.fail(vendor="proton", method="POST", status=400, body={"status_message": "error", "error": error})

    assert caller.run("proton.create_customer").verdict == (NEVER, "invalid_request")


def test_custom_fields_of_a_new_customer_name_their_type(caller: Caller, sandbox: Sandbox) -> None:
    """Text, number, yes or no, list and date each have a key."""
    given = {"t": "x", "n": 2.5, "i": 3, "b": True, "l": ["a"], "d": {"date_val": "2026-01-01"}}

    assert caller.run("proton.create_customer", custom_fields=given).error is None

    [request] = sandbox.requests("*/customers")
    sent = {field.pop("custom_field_id"): field for field in request["params"]["custom_fields"]}
    assert sent == {
        "t": {"string_val": "x"}, "n": {"float_val": 2.5}, "i": {"float_val": 3}, "b": {"bool_val": True},
        "l": {"string_val_list": ["a"]}, "d": {"date_val": "2026-01-01"},
    }  # fmt: skip


@pytest.mark.parametrize("there", [True, False])
def test_ensuring_finds_or_creates(there: bool, caller: Caller, sandbox: Sandbox) -> None:
    """One read where it is there; a create where it is not."""
    tried = caller.run("proton.ensure_customer", **({"customer_id": HARBORLINE} if there else {}))

    assert tried.outcome is not None
    assert tried.outcome.result["created"] is not there
    assert methods(sandbox) == (["GET"] if there else ["GET", "POST"])


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_ensuring_is_safe_to_repeat(method: str, when: str, caller: Caller, sandbox: Sandbox) -> None:
    """Wherever the answer is lost, the next run ends with one customer."""
    sandbox.fail(vendor="proton", method=method, when=when, times=1, hang=True)

    assert caller.run("proton.ensure_customer").error is not None
    assert caller.run("proton.ensure_customer").error is None
    assert len(sandbox.effects("customer")) == 1


def test_bulk_tells_rows_apart(caller: Caller, sandbox: Sandbox) -> None:
    """A row that is there already is done; all the others count."""
    first = caller.run("proton.create_customers", items=[{"customer_id": HARBORLINE, "name": "A"}, NEW_ROW])
    again = caller.run("proton.create_customers", items=[{"customer_id": HARBORLINE, "name": "A"}, NEW_ROW])

    assert first.outcome is not None
    assert again.outcome is not None
    assert first.outcome.result == {"total": 2, "created": 1, "existing": 1, "failed": 0}
    assert again.outcome.result == {"total": 2, "created": 0, "existing": 2, "failed": 0}
    assert len(sandbox.effects("customer")) == 1


NEW_ROW = {"customer_id": "HL-40001", "name": "New"}


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (["required"], (NEVER, "rejected")),
        (["internal_error"], (LATER, "server_error")),
        (["internal_error", "required"], (NEVER, "rejected")),
        ([], (NEVER, "rejected")),
    ],
)
def test_bulk_answers_200_with_failed_rows(
    codes: list[str], expected: tuple[str, str], caller: Caller, sandbox: Sandbox
) -> None:
    """It is no success; which rows and why is said, of nobody in them."""
    errors = [{"field": "name", "code": code, "message": "Budi", "value": "Budi"} for code in codes]
    rows = [{"index": 0, "success": True, "created": True}, {"index": 1, "success": False, "errors": errors}]
    sandbox.fail(vendor="proton", status=200, body={"status_message": "success", "data": {"results": rows}})

    tried = caller.run("proton.create_customers")

    assert tried.verdict == expected
    assert "1 of 2 rows refused (1 made): row 1" in str(tried.error)
    assert "Budi" not in str(tried.error)


@pytest.mark.parametrize("data", [None, {}, {"results": []}, {"results": [{}]}, {"summary": {"failed": 0}}])
def test_a_bulk_answer_that_does_not_tell_of_every_row_is_uncertain(
    data: Any, caller: Caller, sandbox: Sandbox
) -> None:
    """Nobody knows what was made."""
    sandbox.fail(vendor="proton", status=200, body={"status_message": "success", "data": data})

    assert caller.run("proton.create_customers").verdict == (MAYBE, "unreadable_answer")


def test_a_contact_id_of_ours_is_a_key(caller: Caller, sandbox: Sandbox) -> None:
    """The same contact again is done; the same id at another customer is a refusal."""
    with api(sandbox) as http:
        http.post("/v1/customers", json={"customer_id": "HL-2", "name": "Two"}).raise_for_status()
    first, again = caller.run("proton.create_contact"), caller.run("proton.create_contact")

    assert first.outcome is not None
    assert again.outcome is not None
    assert again.outcome.result == first.outcome.result | {"created": False}
    assert caller.run("proton.create_contact", customer_id="HL-2").verdict == (NEVER, "invalid_request")
    assert len(sandbox.effects("contact")) == 1


# Changing.


def test_a_change_that_adds_keeps_what_was_there(caller: Caller, sandbox: Sandbox) -> None:
    """The vendor replaces lists: read, added to, written; numbers stay numbers."""
    added = {"custom_fields": {"cf_tier": "gold"}, "representative_ids": ["lee.park@harborline.example"]}

    tried = caller.run("proton.update_customer", city=None, add=added)

    assert tried.error is None
    found = record(sandbox, CUSTOMER)
    assert fields_of(found) == {"cf_industry": "HVAC contractor", "cf_credit_limit": 25000.5, "cf_tier": "gold"}
    assert found["representative_ids"] == ["dana.ortiz@harborline.example", "lee.park@harborline.example"]
    assert caller.run("proton.update_customer", city=None, add=added).error is None
    assert record(sandbox, CUSTOMER)["representative_ids"] == found["representative_ids"]


def test_a_change_that_sets_replaces_and_one_that_clears_empties(caller: Caller, sandbox: Sandbox) -> None:
    """As the vendor means it; what is not named stays."""
    assert (
        caller.run("proton.update_customer", custom_fields={"cf_a": True}, clear=["email", "visibility_ids"]).error
        is None
    )

    found = record(sandbox, CUSTOMER)
    assert fields_of(found) == {"cf_a": True}
    assert (found["email"], found["visibility_ids"], found["city"]) == (None, [], "Dublin")
    assert found["representative_ids"] == ["dana.ortiz@harborline.example"]
    assert methods(sandbox).count("PATCH") == 1


def test_a_contacts_lists_and_address_are_added_to(caller: Caller, sandbox: Sandbox) -> None:
    """E-mail addresses, numbers, parts of the address, and fields under their other name."""
    added = {
        "emails": ["new@brightwater.example"], "phone_numbers": [{"phone_number": "+1-614-555-0177", "type": "work"}],
        "address": {"city": "Dublin"}, "custom_fields": {"cf": "x"},
    }  # fmt: skip

    assert caller.run("proton.update_contact", position=None, add=added).error is None

    found = record(sandbox, f"/v1/contacts/{CONTACT}")
    assert found["emails"] == [{"email": "marta@brightwater.example"}, {"email": "new@brightwater.example"}]
    assert found["phone_numbers"] == [{"phone_number": "+1-614-555-0177", "type": "work"}]
    assert (found["address"]["city"], fields_of(found)) == ("Dublin", {"cf": "x"})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"notes": "New."}, ("New.", "email")),
        ({"call_type": "visit"}, ("Called.", "visit")),
        ({"tagged_users": [{"user_id": "lee.park@harborline.example"}]}, ("Called.", "email")),
        ({"clear": ["notes"]}, ("", "email")),
    ],
)
def test_a_note_keeps_what_an_edit_would_reset(
    changes: dict[str, Any], expected: tuple[str, str], caller: Caller, sandbox: Sandbox
) -> None:
    """The vendor empties `notes` and `call_type` when they are left out: both are always sent."""
    CASE.prepare(sandbox)
    with api(sandbox) as http:
        http.put(f"/v1/call_notes/{NOTE}", json={"notes": "Called.", "call_type": "email"}).raise_for_status()

    assert caller.run("proton.update_call_note", **{"notes": None, "call_type": None, **changes}).error is None

    found = record(sandbox, f"/v1/call_notes/{NOTE}")
    assert (found["notes"], found["call_type"]) == expected


def test_what_is_to_be_added_to_has_to_be_there(caller: Caller, sandbox: Sandbox) -> None:
    """In the vendor's own words; and nothing is written."""
    tried = caller.run("proton.update_opportunity", identifier="nobody", stage_id=None, add={"owner": [USER]})

    assert tried.verdict == (NEVER, "not_found")
    assert methods(sandbox) == ["GET"]


def test_an_opportunitys_lists_are_added_to(caller: Caller, sandbox: Sandbox) -> None:
    """Owners, fields and groupings, each by what tells them apart."""
    CASE.prepare(sandbox)
    for value in ("a", "b"):
        added = {"owner": [USER], "custom_fields": {"cf": value}, "groupings": [{"field": "g", "value": value}]}
        assert caller.run("proton.update_opportunity", stage_id=None, add=added).error is None

    found = record(sandbox, f"/opportunities/{OPPORTUNITY}")
    assert found["owner"] == [USER]
    assert (fields_of(found), found["groupings"]) == ({"cf": "b"}, [{"field": "g", "value": "b"}])


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("proton.update_customer", {"city": None}),
        ("proton.update_customer", {"clear": ["customer_id"]}), ("proton.update_customer", {"clear": ["city"]}),
        ("proton.update_customer", {"custom_fields": {"x": "y"}, "add": {"custom_fields": {"z": "y"}}}),
        ("proton.update_customer", {"customer_id": "X"}), ("proton.create_customers", {"items": []}),
        ("proton.create_customers", {"items": [NEW_ROW, NEW_ROW]}),
        ("proton.create_customers", {"items": [{**NEW_ROW, "customer_id": str(n)} for n in range(1001)]}),
        ("proton.create_customer", {"account_type": "other"}), ("proton.create_call_note", {"customer_ids": []}),
        ("proton.create_call_note", {"pitched_items": [
            {"pitch_key": "product_id", "pitch_value": "A", "subject": "s", "product_id": "B"}]}),
        ("proton.create_call_note", {"associations": [{"type": "planet"}]}),
        ("proton.search_call_notes", {"count": 101}), ("proton.search_customers", {"query": ""}),
        ("proton.search_customers", {"filters": {"email": {"eq": "x"}}}),
        ("proton.search_customers", {"filters": {"state": {"is": "OH"}}}),
        ("proton.create_custom_field", {"options": []}), ("proton.track", {"event": "seen"}),
        ("proton.get_recommendations_by_kind", {"product_id": None}), ("proton.edit_task", {"completed": "maybe"}),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_before_it_is_sent(name: str, changes: dict[str, Any]) -> None:
    """Each limit that the vendor documents, and each change that says nothing or two things."""
    given = {field: value for field, value in {**CASE.parameters[name], **changes}.items() if value is not None}
    with pytest.raises(ValidationError):
        ACTIONS[name].parameters.model_validate(given)


# Answers.


def test_a_note_of_somebody_else_is_not_ours_to_change(caller: Caller, sandbox: Sandbox) -> None:
    """A 401 that is about the owner, not the key: this delivery only."""
    with api(sandbox) as http:
        other = {"X-User-Id": "dana.ortiz@harborline.example"}
        made = {"user_id": "dana.ortiz@harborline.example", "customer_ids": [HARBORLINE]}
        note = http.post("/v1/call_notes", json=made, headers=other).json()["call_notes"][0]["interaction_id"]

    for name in ("proton.update_call_note", "proton.delete_call_note"):
        tried = caller.run(name, identifier=note)
        assert tried.verdict == (NEVER, "forbidden")
        assert tried.error is not None
        assert tried.error.scope is Scope.DELIVERY


def test_a_refused_key_is_the_accounts_matter(caller: Caller, sandbox: Sandbox) -> None:
    """A 401 without that code."""
    sandbox.fail(vendor="proton", status=401, body="")

    error = caller.run("proton.get_customer").error

    assert error is not None
    assert error.scope is Scope.ACCOUNT


def test_a_customer_outside_the_account_groups_is_forbidden(caller: Caller, sandbox: Sandbox) -> None:
    """This customer only."""
    sandbox.set_trap("proton", forbidden_customers=[HARBORLINE])

    tried = caller.run("proton.update_customer")

    assert tried.verdict == (NEVER, "forbidden")
    assert tried.error is not None
    assert tried.error.scope is Scope.DELIVERY


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("proton.delete_contact", {"identifier": "nobody"}),
        ("proton.delete_call_note", {"identifier": "nobody"}),
        ("proton.delete_opportunity", {"opportunity_id": "nobody"}),
        ("proton.delete_custom_field", {"custom_field_id": "nobody"}),
    ],
)
def test_what_is_gone_already_is_taken_away(name: str, changes: dict[str, Any], caller: Caller) -> None:
    """The vendor's NOT_FOUND is a yes; a bare 404 is tried with every action."""
    assert caller.run(name, **changes).error is None


def test_searches_tell_ids_and_counts(caller: Caller, sandbox: Sandbox) -> None:
    """Filters go beside the query; null can be asked for."""
    CASE.prepare(sandbox)
    found = caller.run("proton.search_opportunities", filters={"contact_id": {"eq": None}, "value": {"neq": 5}})

    assert found.outcome is not None
    assert found.outcome.result["opportunity_ids"] == [OPPORTUNITY]
    [request] = sandbox.requests("*/opportunities/search")
    assert request["params"] == {"contact_id": {"eq": None}, "value": {"neq": 5}}
    customers = caller.run("proton.search_customers")
    assert customers.outcome is not None
    assert customers.outcome.result == {"total_count": "1", "customer_ids": [HARBORLINE]}
    one = caller.run("proton.get_pipeline_metrics", pipeline_id="pipeline-sales")
    assert one.outcome is not None
    assert one.outcome.result["total_count"] == "1"


def test_a_read_note_fills_its_snapshot(caller: Caller, sandbox: Sandbox) -> None:
    """Here its custom fields go by another name."""
    CASE.prepare(sandbox)
    with api(sandbox) as http:
        fields = [{"custom_field_id": "call_outcome", "value": "won"}]
        http.put(f"/v1/call_notes/{NOTE}", json={"notes": "x", "custom_fields": fields}).raise_for_status()

    tried = caller.run("proton.get_call_note")

    assert tried.outcome is not None
    [patch] = tried.outcome.patches
    assert (patch.subject, patch.complete) == (f"call_note:{NOTE}", True)
    assert patch.values["custom_fields"] == {"call_outcome": "won"}


def test_a_task_is_a_form_with_json_inside(caller: Caller, sandbox: Sandbox) -> None:
    """Multipart, its associations as text."""
    assert caller.run("proton.create_task").error is None

    [task] = sandbox.state("proton")["companies"]["harborline"]["tasks"]
    assert task["associations"] == [{"type": "customer", "customer_id": HARBORLINE}]


# Unknown outcomes.


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("proton.create_opportunity", "*/opportunities"),
        ("proton.create_call_note", "*/call_notes"),
        ("proton.create_contact", "*/contacts"),
        ("proton.create_custom_field", "*/custom_field/create"),
    ],
)
def test_what_was_made_after_all_is_found(name: str, path: str, caller: Caller, sandbox: Sandbox) -> None:
    """The answer was lost; the record is there, and its id is told. Where it is not there, nobody knows."""
    sandbox.fail(vendor="proton", path=path, method="POST", when="before", times=1, hang=True)
    lost = caller.run(name)
    assert lost.verdict == (MAYBE, "timeout")
    assert caller.settle(name, SINCE_LONG).settled is Settled.NOT_KNOWN
    sandbox.fail(vendor="proton", path=path, method="POST", when="after", times=1, hang=True)
    assert caller.run(name).verdict == (MAYBE, "timeout")

    found = caller.settle(name, SINCE_LONG)

    assert found.settled is Settled.HAPPENED
    assert None not in found.outcome.result.values()


def test_an_older_one_of_the_same_title_is_no_proof(caller: Caller, sandbox: Sandbox) -> None:
    """Nor are two."""
    name = "proton.create_opportunity"
    caller.run(name)

    assert caller.settle(name, NEVER_YET).settled is Settled.NOT_KNOWN
    assert caller.run(name).error is None
    assert caller.settle(name, SINCE_LONG).settled is Settled.NOT_KNOWN
    with api(sandbox) as http:
        http.post("/opportunities", json={**PLACE, "title": "Another", "customer_id": HARBORLINE}).raise_for_status()
    assert caller.settle(name, SINCE_LONG, title="Another").settled is Settled.HAPPENED


def test_a_note_with_a_date_of_its_own_cannot_be_settled(caller: Caller) -> None:
    """Its date says nothing of when it was made."""
    name = "proton.create_call_note"
    caller.run(name, date="2026-01-01T00:00:00Z")

    assert caller.settle(name, SINCE_LONG, date="2026-01-01T00:00:00Z").settled is Settled.NOT_KNOWN
