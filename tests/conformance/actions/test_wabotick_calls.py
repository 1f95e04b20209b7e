"""Wabotick's calls: what goes out, what comes back in a list, and several calls half-way."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from tasks.actions.registry import ACTIONS
from tasks.actions.wabotick.client import rows_of
from tests.conformance.actions.conftest import Caller
from tests.conformance.actions.vendors.wabotick import AVERY, BUDI, answer, happens, result
from tests.support.sandbox import Sandbox

MAYBE, LATER, NEVER = "UncertainError", "RetryableError", "PermanentError"
SEND = "wabotick.send_template"


# What goes out.


def test_buttons_go_out_as_texts_and_objects(caller: Caller, sandbox: Sandbox) -> None:
    """One with an id of its own is an object, one without is its title."""
    assert caller.run("wabotick.send_interactive_buttons").error is None

    [request] = sandbox.requests()
    assert json.loads(request["params"]["buttons"]) == [{"id": "confirm:1", "title": "Yes"}, "No"]


def test_several_ids_are_one_text_and_fields_are_json(caller: Caller, sandbox: Sandbox) -> None:
    """As the document's forms want it."""
    caller.run("wabotick.assign_labels")
    caller.run("wabotick.assign_custom_fields")

    labels, fields = sandbox.requests()
    assert labels["params"]["label_ids"] == "1,3"
    assert fields["params"]["custom_fields"] == '{"order_id":"ORD-1"}'
    assert labels["params"]["phone_number_id"] == "100000000000001"


def test_creating_a_subscriber_uses_the_vendors_other_names(caller: Caller, sandbox: Sandbox) -> None:
    """In this one call the names are written in another way."""
    caller.run("wabotick.create_subscriber")

    [request] = sandbox.requests()
    assert {"phoneNumberID", "phoneNumber", "name"} < set(request["params"])
    assert not {"phone_number_id", "phone_number"} & set(request["params"])


@pytest.mark.parametrize(
    ("name", "changes", "field"),
    [
        ("send_interactive_buttons", {"buttons": []}, "buttons"),
        ("send_interactive_buttons", {"buttons": ["a", "b", "c", "d"]}, "buttons"),
        ("send_interactive_buttons", {"buttons": ["x" * 21]}, "title"),
        ("send_interactive_buttons", {"media_url": "https://x.example/a.png"}, "media_type"),
        ("send_file", {"media_id": "1"}, "either media_url or media_id"),
        ("send_file", {"media_type": "sticker"}, "media_type"),
        ("send_file", {"media_name": None}, "media_name"),
        ("send_file", {"media_type": "audio", "media_caption_text": "la"}, "media_caption_text"),
        ("upload_media", {"content": "%%%"}, "content"),
        ("update_subscriber", {"first_name": None}, "is wanted"),
        ("get_conversation", {"limit": 51}, "limit"),
        ("change_order_status", {"cart_status": "Lost"}, "cart_status"),
        ("assign_labels", {"label_ids": []}, "label_ids"),
        ("send_message", {"phone_number": "12"}, "phone_number"),
        ("send_template", {"variables": ["two\nlines"]}, "variables"),
    ],
)
def test_what_the_vendor_would_refuse_is_refused_before(
    name: str, changes: dict[str, Any], field: str, caller: Caller
) -> None:
    """With the field named, and no request made."""
    with pytest.raises(ValidationError, match=field):
        caller.run(f"wabotick.{name}", **changes)


def test_whom_a_message_goes_to_is_known() -> None:
    """Sends name their person, and the template where there is one; nothing else does."""
    sends = {"send_template", "send_message", "send_interactive_buttons", "send_file", "trigger_bot"}
    given = {"phone_number": BUDI, "template_id": "257000"}
    parameters = ACTIONS[SEND].parameters.model_validate(given, context={"country": "ID"})

    found = {
        name.partition(".")[2]
        for name, action in ACTIONS.items()
        if name.startswith("wabotick.") and _reaches(action, parameters)
    }

    assert found == sends
    assert ACTIONS[SEND].template(parameters) == "257000"


def _reaches(action: Any, parameters: Any) -> bool:
    return action.recipient(parameters) == "+628123456789"


# Several calls.


def test_a_subscriber_that_exists_is_found(caller: Caller, sandbox: Sandbox) -> None:
    """The ambiguous refusal is told apart by looking: the second run finds what the first made."""
    first = result(caller.run("wabotick.create_subscriber").outcome)
    second = result(caller.run("wabotick.create_subscriber").outcome)

    assert (first["existed"], second["existed"]) == (False, True)
    assert second["subscriber_id"] == sandbox.effects("subscriber")[0]["id"]


def test_a_subscriber_that_went_wrong_is_tried_once_more(caller: Caller, sandbox: Sandbox) -> None:
    """Refused with the ambiguous words and not there: something went wrong."""
    sandbox.fail(
        vendor="wabotick", path="/whatsapp/subscriber/create", status=200, body=answer("fail.subscriber_exists")
    )

    tried = caller.run("wabotick.create_subscriber")

    assert tried.verdict == (LATER, "rejected")
    assert getattr(tried.error, "most_attempts", None) == 2


def test_deleting_twice_is_deleting_once(caller: Caller, sandbox: Sandbox) -> None:
    """A subscriber who is not there is deleted."""
    first = result(caller.run("wabotick.delete_subscriber").outcome)
    second = result(caller.run("wabotick.delete_subscriber").outcome)

    assert (first["existed"], second["existed"]) == (True, False)
    assert len(sandbox.effects("subscriber_delete")) == 1


def test_a_label_is_made_once_and_its_id_is_learned(caller: Caller, sandbox: Sandbox) -> None:
    """The answer does not tell the id, so the list is asked; a second run finds the first one's label."""
    first = result(caller.run("wabotick.create_label").outcome)
    second = result(caller.run("wabotick.create_label").outcome)

    assert first["label_id"] == second["label_id"] == sandbox.effects("label")[0]["id"]
    assert (first["existed"], second["existed"]) == (False, True)
    assert len(sandbox.effects("label")) == 1


def test_a_label_whose_answer_was_lost_is_found_the_next_time(caller: Caller, sandbox: Sandbox) -> None:
    """Half-way: made, not known to be made; run again it is there."""
    sandbox.fail(vendor="wabotick", path="/whatsapp/label/create", when="after", reset=True)

    lost, again = caller.run("wabotick.create_label"), caller.run("wabotick.create_label")

    assert lost.verdict == (MAYBE, "connection_lost")
    assert result(again.outcome)["existed"] is True
    assert len(sandbox.effects("label")) == 1


@pytest.mark.parametrize(("wanted", "first", "second"), [("either", 1, 1), ("file", 1, 1), ("media_file", 2, 1)])
def test_an_upload_finds_the_name_of_its_field(
    wanted: str, first: int, second: int, caller: Caller, sandbox: Sandbox
) -> None:
    """The document says `file`, sisters `media_file`; what worked is remembered."""
    sandbox.set_trap("wabotick", upload_field=wanted)

    results = [result(caller.run("wabotick.upload_media").outcome) for _ in range(2)]

    assert [found["media_id"] for found in results] == [effect["id"] for effect in sandbox.effects("media")]
    assert len(sandbox.requests("/whatsapp/upload/media")) == first + second


ROWS = [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        ({"message": ROWS}, ROWS),
        ({"mesasge": ROWS}, ROWS),
        ({"message": json.dumps(ROWS)}, ROWS),
        ({"message": {"0": ROWS[0], "1": ROWS[1]}}, ROWS),
        ({"message": ROWS[0]}, ROWS[:1]),
        ({"message": "Custom fields list.", "data": ROWS}, ROWS),
        ({"data": ROWS[0]}, ROWS[:1]),
        ({"message": []}, []),
        ({"message": {}}, [{}]),
        ({"message": "No label found."}, []),
        ({"message": "[not json"}, []),
        ({"message": [1, None, ROWS[0]]}, ROWS[:1]),
        ({"message": None}, None),
        ({}, None),
    ],
)
def test_a_list_in_any_disguise_is_a_list(body: dict[str, Any], rows: Any) -> None:
    """A list, JSON in a text, an object with numbers for keys, one row alone; words in its place are an empty list."""
    assert rows_of(body) == rows


@pytest.mark.parametrize("shape", ["list", "json_string", "indexed_object"])
@pytest.mark.parametrize("spelling", ["own", "number", "boolean", "text_boolean", "word"])
def test_lists_are_read_whatever_they_are_dressed_as(
    shape: str, spelling: str, caller: Caller, sandbox: Sandbox
) -> None:
    """The same labels out of every shape of list and every spelling of yes."""
    sandbox.set_trap("wabotick", list_shape=shape, status_spelling=spelling, misspell_everywhere=True)

    found = result(caller.run("wabotick.list_labels").outcome)

    assert found["labels"][:2] == [{"id": "1", "label_name": "Lead"}, {"id": "2", "label_name": "Active"}]
    assert found["count"] == len(found["labels"])


def test_a_lists_result_names_nobody(caller: Caller, sandbox: Sandbox) -> None:
    """Ids and counts of subscribers, no names, no phones."""
    found = result(caller.run("wabotick.list_subscribers").outcome)

    assert set(found) == {"count", "subscriber_ids"}
    assert found["count"] == len(sandbox.state("wabotick")["subscribers"])


@pytest.mark.parametrize("shape", ["list", "json_string", "indexed_object"])
def test_the_access_token_in_the_list_of_templates_is_never_kept(shape: str, caller: Caller, sandbox: Sandbox) -> None:
    """Neither in the result nor in what is written down of the answer, however it is dressed."""
    sandbox.set_trap("wabotick", list_shape=shape)

    tried = caller.run("wabotick.list_templates")

    kept = json.dumps([result(tried.outcome), tried.session.exchanges])
    assert "257000" in kept
    assert not [word for word in ("template_json", "access_token", "EXAMPLE-NOT-A-REAL-TOKEN") if word in kept]


@pytest.mark.parametrize(
    "body", ["access_token", {"status": "1"}, {"status": "1", "message": None, "template_json": "access_token"}]
)
def test_what_cannot_be_read_of_the_templates_is_not_kept_at_all(body: Any, caller: Caller, sandbox: Sandbox) -> None:
    """An answer of another shape may hold the token anywhere."""
    sandbox.fail(vendor="wabotick", status=200, body=body)

    tried = caller.run("wabotick.list_templates")

    assert tried.verdict == (MAYBE, "unreadable_answer")
    assert "access_token" not in json.dumps(tried.session.exchanges)


def test_what_people_wrote_is_not_kept(caller: Caller, sandbox: Sandbox) -> None:
    """A conversation is read for ids and states."""
    happens(sandbox, "incoming", phone_number=AVERY, message="my secret wish")

    tried = caller.run("wabotick.get_conversation")

    assert result(tried.outcome)["messages"][0]["sender"] == "user"
    assert "secret wish" not in json.dumps([result(tried.outcome), tried.session.exchanges])
