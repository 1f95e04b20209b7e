"""The faked Proton's call notes. Invariant: bare bodies, and only the creator changes a note."""

import json
from typing import Any

import httpx
import pytest

CUSTOMER = "HL-20418"
USER = "ops@harborline.example"
PITCH = {"pitch_key": "product_id", "pitch_value": "VLV-2210", "subject": "2in brass ball valve"}
OTHER = {"X-User-Id": "dana.ortiz@harborline.example"}


def assert_refused(answer: httpx.Response, status: int, code: str) -> None:
    """Check the documented error body."""
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code


def write(proton: httpx.Client, **fields: Any) -> list[dict[str, Any]]:
    """Write call notes and return them."""
    answer = proton.post("/v1/call_notes", json={"user_id": USER, "customer_ids": [CUSTOMER], **fields})
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"call_notes"}
    found: list[dict[str, Any]] = answer.json()["call_notes"]
    return found


def told(sandbox: httpx.Client) -> list[dict[str, Any]]:
    """Return the bodies of all webhooks in order."""
    listed = sandbox.get("/_sandbox/emissions", params={"vendor": "proton", "settle": 10}).json()
    return [emission["body"] for emission in listed]


def test_writes_a_note_with_a_bare_answer(proton: httpx.Client) -> None:
    """The user is in lower case, null keys and pitched items are left out."""
    (note,) = write(proton, user_id="Ops@Harborline.example", notes="<p>Hello</p>", pitched_items=[PITCH])

    assert (note["user_id"], note["call_type"], note["notes"]) == (USER, "phone", "<p>Hello</p>")
    assert note["activity_id"] == f"phone_{note['call_id']}"
    assert (note["mode"], note["action"]) == ("phone", "general_call_notes")
    assert None not in note.values()
    assert not {"pitched_items", "shared_call_id"} & set(note)


def test_writes_one_note_for_each_customer(proton: httpx.Client, sandbox: httpx.Client) -> None:
    """Doubled customers count once; several notes share a call id and are told one by one, or once when told so."""
    sandbox.put("/_sandbox/state/proton/customers/HL-9", json={"name": "Second"})
    notes = write(proton, customer_ids=[CUSTOMER, "HL-9", CUSTOMER])

    assert [note["customer_id"] for note in notes] == [CUSTOMER, "HL-9"]
    assert notes[0]["shared_call_id"] == notes[1]["shared_call_id"]
    assert notes[0]["interaction_id"] != notes[1]["interaction_id"]
    assert len(told(sandbox)) == 2
    sandbox.put("/_sandbox/settings/proton", json={"note_events": "per_call"})
    write(proton, customer_ids=[CUSTOMER, "HL-9"])
    assert len(told(sandbox)) == 3


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"user_id": None}, "INVALID_REQUEST"),
        ({"customer_ids": []}, "INVALID_REQUEST"),
        ({"customer_ids": [CUSTOMER, "nobody"]}, "BAD_REQUEST"),
        ({"pitched_items": [{**PITCH, "pitch_value": "NONE"}]}, "BAD_REQUEST"),
        ({"pitched_items": [{**PITCH, "product_id": "FLT-1045"}]}, "INVALID_REQUEST"),
        ({"pitched_items": [{"pitch_key": "product_id"}]}, "INVALID_REQUEST"),
        ({"associations": [{"type": "moon"}]}, "INVALID_REQUEST"),
        ({"custom_fields": "x"}, "INVALID_REQUEST"),
    ],
)
def test_refuses_a_wrong_note(proton: httpx.Client, sandbox: httpx.Client, fields: dict[str, Any], code: str) -> None:
    """Unknown customers and products are BAD_REQUEST; nothing is written or told."""
    body = {"user_id": USER, "customer_ids": [CUSTOMER], **fields}

    assert_refused(proton.post("/v1/call_notes", json=body), 400, code)
    assert told(sandbox) == []


def test_takes_a_note_with_attachments_as_multipart(proton: httpx.Client) -> None:
    """With files the lists are JSON text inside form fields."""
    form = {
        "user_id": (None, USER),
        "customer_ids": (None, json.dumps([CUSTOMER])),
        "associations": (None, json.dumps([{"type": "quote", "quote_id": "S100731.001"}])),
        "attachments": ("photo.png", b"\x89PNG", "image/png"),
    }
    answer = proton.post("/v1/call_notes", files=form)

    assert answer.json()["call_notes"][0]["associations"][0]["quote_id"] == "S100731.001"


def test_shows_a_note_by_two_ids_but_not_by_its_call(proton: httpx.Client) -> None:
    """`interaction_id` and `id` find it, `call_id` does not; custom fields are under `field_id` here."""
    (note,) = write(proton, custom_fields=[{"custom_field_id": "outcome", "value": "won"}], pitched_items=[PITCH])
    shown = proton.get(f"/v1/call_notes/{note['interaction_id']}").json()

    assert shown["custom_fields"] == [{"field_id": "outcome", "value": "won"}]
    assert shown["pitched_items"][0]["product_blob"]["product_name"] == "2in brass ball valve"
    assert shown["customer_info"]["customer_id"] == CUSTOMER
    assert proton.get(f"/v1/call_notes/{note['id']}").json() == shown
    assert_refused(proton.get(f"/v1/call_notes/{note['call_id']}"), 404, "NOT_FOUND")


def test_fails_to_show_a_note_whose_customer_is_gone(proton: httpx.Client, sandbox: httpx.Client) -> None:
    """A missing customer record is a 500 without a body."""
    (note,) = write(proton)
    sandbox.delete(f"/_sandbox/state/proton/customers/{CUSTOMER}")
    answer = proton.get(f"/v1/call_notes/{note['interaction_id']}")

    assert (answer.status_code, answer.content) == (500, b"")


def test_resets_what_an_edit_leaves_out(proton: httpx.Client) -> None:
    """`notes` and `call_type` are reset, the lists stay, an empty list clears, the date is fixed."""
    tagged = [{"user_id": "lee.park@harborline.example"}]
    (note,) = write(proton, notes="Hello", call_type="visit", tagged_users=tagged, date="2026-03-04T15:55:00Z")
    path = f"/v1/call_notes/{note['interaction_id']}"
    edited = proton.put(path, json={"date": "2020-01-01T00:00:00Z", "tagged_users": None}).json()

    assert (edited["notes"], edited["call_type"], edited["tagged_users"]) == ("", "phone", tagged)
    assert edited["date"] == "2026-03-04T15:55:00Z"
    assert not edited["last_edited_date"].endswith("Z")
    assert proton.put(path, json={"notes": "x", "tagged_users": []}).json()["tagged_users"] == []


def test_lets_only_the_creator_change_a_note(proton: httpx.Client, sandbox: httpx.Client) -> None:
    """Another user gets a 401 with a body that says UNAUTHORIZED: the key is fine."""
    (note,) = write(proton)
    path = f"/v1/call_notes/{note['interaction_id']}"

    assert_refused(proton.put(path, json={"notes": "x"}, headers=OTHER), 401, "UNAUTHORIZED")
    assert_refused(proton.delete(path, headers=OTHER), 401, "UNAUTHORIZED")
    assert proton.get(path, headers=OTHER).status_code == 200
    assert [body["event"] for body in told(sandbox)] == ["call_note.created"]


def test_deletes_a_note(proton: httpx.Client, sandbox: httpx.Client) -> None:
    """A bare message; the webhook still has the whole note and its pitches."""
    (note,) = write(proton, pitched_items=[PITCH])
    path = f"/v1/call_notes/{note['interaction_id']}"

    assert set(proton.delete(path).json()) == {"message"}
    assert proton.get(path).status_code == 404
    deleted = told(sandbox)[-1]
    assert (deleted["event"], deleted["data"]["interaction_id"]) == ("call_note.deleted", note["interaction_id"])
    assert deleted["data"]["pitched_items"][0]["product_id"] == "VLV-2210"


def test_keeps_a_note_with_attributed_pitches(proton: httpx.Client) -> None:
    """What was attributed to a sale can never be deleted."""
    (note,) = write(proton, pitched_items=[{**PITCH, "attributed": True}])

    assert_refused(proton.delete(f"/v1/call_notes/{note['interaction_id']}"), 400, "BAD_REQUEST")


@pytest.mark.parametrize(
    ("body", "notes"),
    [
        ({}, ["Alpha", "Beta"]),
        ({"query": "BETA"}, ["Beta"]),
        ({"call_type": {"eq": "visit"}}, ["Beta"]),
        ({"date": {"gte": "2026-01-01T00:00:00Z", "lte": "2026-01-31T00:00:00Z"}}, ["Alpha"]),
        ({"customer_is_active": {"eq": True}, "sort_field": "date", "sort_order": "desc"}, ["Beta", "Alpha"]),
        ({"count": 1, "offset": 1}, ["Beta"]),
    ],
)
def test_searches_notes(proton: httpx.Client, body: dict[str, Any], notes: list[str]) -> None:
    """Nothing is required; filters, a range of dates and sorting work, and pitched items come along."""
    write(proton, notes="Alpha", date="2026-01-15T00:00:00Z")
    write(proton, notes="Beta", call_type="visit", date="2026-02-15T00:00:00Z")
    data = proton.post("/v1/call_notes/search", json=body).json()["data"]

    assert [item["notes"] for item in data["items"]] == notes
    assert all("pitched_items" in item for item in data["items"])


@pytest.mark.parametrize("body", [{"date": {"contains": "2026"}}, {"count": 101}, {"mode": {"eq": "phone"}}])
def test_refuses_wrong_searches_of_notes(proton: httpx.Client, body: dict[str, Any]) -> None:
    """An operator that does not fit the field, too large a page and other fields are refused."""
    answer = proton.post("/v1/call_notes/search", json=body)

    assert_refused(answer, 400, "INVALID_REQUEST")
    if "date" in body:
        assert "gte" in answer.json()["error"]["message"]


def test_takes_legacy_notes_in_a_form_field(proton: httpx.Client, sandbox: httpx.Client) -> None:
    """A JSON array as text in `interactions`; shouted success; no webhook is known for it."""
    entry = {"user_id": USER, "customer_id": CUSTOMER, "action": "general_call_notes", "notes": "Hi"}
    path = "/create/interaction/call_note"
    answer = proton.post(path, files={"interactions": (None, json.dumps([entry]))})

    assert answer.json()["status_message"] == "SUCCESS"
    assert [note["notes"] for note in answer.json()["data"]] == ["Hi"]
    assert told(sandbox) == []
    for wrong in ("{}", "[]", "not json"):
        assert_refused(proton.post(path, files={"interactions": (None, wrong)}), 400, "INVALID_REQUEST")
    assert_refused(proton.post(path, json={"interactions": [entry]}), 400, "INVALID_REQUEST")
