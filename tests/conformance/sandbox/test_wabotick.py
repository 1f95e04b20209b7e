"""The faked Wabotick answers as its API page and its sisters do. Invariant: texts are the vendor's, to the letter."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

Post = Callable[..., httpx.Response]

AVERY = "12025550143"  # wrote just now: window open
BUDI = "628123456789"  # never wrote: window closed
SHIPPED = {
    "template_id": "257000",
    "phone_number": BUDI,
    "templateVariable-name-1": "Budi Contoh",
    "templateVariable-receipt-2": "JX123",
}
OUTSIDE = "Sending message outside 24 hour window is not allowed. You can only send template message to this user."


def effects(sandbox: httpx.Client, kind: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sandbox.get("/_sandbox/effects", params={"vendor": "wabotick", "kind": kind}).json()
    return found


def assert_failed(answer: httpx.Response, message: str) -> None:
    assert answer.status_code == 200
    assert answer.json() == {"status": "0", "message": message}


def test_sends_a_template_in_the_white_label_shape(wabotick: Post, sandbox: httpx.Client) -> None:
    """By default the answer is status "1" with `wa_message_id`, and the message is one effect."""
    answer = wabotick("send/template", SHIPPED)

    body = answer.json()
    assert body == {"status": "1", "wa_message_id": body["wa_message_id"], "message": "Message sent successfully."}
    assert body["wa_message_id"].startswith("wamid.")
    (effect,) = effects(sandbox, "message")
    assert effect["id"] == body["wa_message_id"]
    assert (effect["template_id"], effect["phone_number"]) == ("257000", BUDI)
    assert effect["variables"] == ["Budi Contoh", "JX123"]


def test_sends_a_template_in_the_document_shape(wabotick: Post, sandbox: httpx.Client) -> None:
    """The `shape` switch gives the answer the API page prints."""
    sandbox.put("/_sandbox/settings/wabotick", json={"shape": "document"})
    body = wabotick("send/template", SHIPPED).json()

    assert body["status"] == "success"
    assert body["message"] == "Template message sent successfully."
    assert body["data"]["message_id"] == effects(sandbox)[0]["id"]


def test_sends_a_template_with_quick_replies(wabotick: Post) -> None:
    """One postback id for each button is accepted, any other number refused."""
    form = {**SHIPPED, "template_id": "257001"}
    assert wabotick("send/template", form).json()["status"] == "1"
    for values, status in (('["a","b"]', "1"), ('["a"]', "0"), ("a,b", "0")):
        answer = wabotick("send/template", form, template_quick_reply_button_values=values)
        assert answer.json()["status"] == status


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"template_id": None}, "The template id field is required."),
        ({"phone_number": ""}, "The phone number field is required."),
        ({"phone_number_id": None}, "The phone number id field is required."),
        ({"phone_number_id": "999"}, "WhatsApp account not found."),
        ({"phone_number": "+628123456789"}, "The phone number must be digits only with country code."),
        ({"template_id": "999999"}, "Message template not found."),
        ({"template_id": "437500000257000"}, "Message template not found."),
        ({"template_id": "257004"}, "(#132001) Template name does not exist in the translation"),
        (
            {"templateVariable-receipt-2": None},
            "(#132000) Number of parameters does not match the expected number of params",
        ),
        (
            {"templateVariable-more-3": "x"},
            "(#132000) Number of parameters does not match the expected number of params",
        ),
        (
            {"templateVariable-receipt-2": "two\nlines"},
            "(#100) Param text cannot be empty, have new-line/tab characters or more than 4 consecutive spaces",
        ),
        ({"template_id": None, "template_name": "order_shipped"}, OUTSIDE),
    ],
)
def test_refuses_a_wrong_template_call_in_http_200(
    wabotick: Post, sandbox: httpx.Client, changes: dict[str, Any], message: str
) -> None:
    """A failure is HTTP 200 with status "0" and the documented text, and sends nothing."""
    assert_failed(wabotick("send/template", {**SHIPPED, **changes}), message)
    assert effects(sandbox) == []


def test_needs_a_media_url_for_a_document_header(wabotick: Post) -> None:
    """A template with a media header goes out only with `template_header_media_url`."""
    form = {"template_id": "257005", "phone_number": BUDI, "templateVariable-name-1": "Budi"}

    assert wabotick("send/template", form).json()["status"] == "0"
    assert wabotick("send/template", form, template_header_media_url="https://x.example/a.pdf").json()["status"] == "1"


def test_sends_session_text_only_inside_the_window(wabotick: Post, sandbox: httpx.Client) -> None:
    """The 24-hour window opens with a message of the customer."""
    assert wabotick("send", phone_number=AVERY, message="Hi").json()["message"] == "Message sent successfully."
    assert_failed(wabotick("send", phone_number=BUDI, message="Hi"), OUTSIDE)

    sandbox.post("/_sandbox/state/wabotick/incoming", json={"phone_number": BUDI, "message": "Halo"})
    assert wabotick("send", phone_number=BUDI, message="Hi").json()["status"] == "1"


def test_the_window_can_be_left_open(wabotick: Post, sandbox: httpx.Client) -> None:
    """`enforce_window: false` lets session text through to everybody."""
    sandbox.put("/_sandbox/settings/wabotick", json={"enforce_window": False})

    assert wabotick("send", phone_number=BUDI, message="Hi").json()["status"] == "1"


def test_sends_interactive_buttons(wabotick: Post, sandbox: httpx.Client) -> None:
    """Buttons are strings or objects; the effect names them."""
    buttons = json.dumps(["Yes", {"id": "no:1", "title": "No"}])
    answer = wabotick("send/interactive-buttons", phone_number=AVERY, message="Sure?", buttons=buttons)

    assert answer.json()["status"] == "1"
    assert effects(sandbox)[0]["buttons"] == [{"id": "button-1", "title": "Yes"}, {"id": "no:1", "title": "No"}]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"buttons": "[]"}, "You can send between 1 and 3 reply buttons."),
        ({"buttons": '["a","b","c","d"]'}, "You can send between 1 and 3 reply buttons."),
        ({"buttons": "yes"}, "You can send between 1 and 3 reply buttons."),
        ({"buttons": '["This title is much too long"]'}, "Button title must be between 1 and 20 characters."),
        ({"media_type": "audio"}, "media_type must be one of image, video, document."),
        ({"phone_number": BUDI}, OUTSIDE),
        ({"message": None}, "The message field is required."),
    ],
)
def test_refuses_wrong_buttons(wabotick: Post, changes: dict[str, Any], message: str) -> None:
    """Each rule of interactive buttons has its text."""
    form = {"phone_number": AVERY, "message": "Sure?", "buttons": '["Yes"]'}

    assert_failed(wabotick("send/interactive-buttons", {**form, **changes}), message)


def test_reports_the_status_of_a_message(wabotick: Post, sandbox: httpx.Client) -> None:
    """A sent message reads as delivered; a reported failure carries its code in the text."""
    identity = wabotick("send/template", SHIPPED).json()["wa_message_id"]
    ask = {"wa_message_id": identity, "whatsapp_bot_id": "4242"}
    delivered = wabotick("get/message-status", ask).json()
    assert delivered["status"] == "1"
    assert delivered["message"]["message_status"] == "delivered"
    assert delivered["message"]["failed_reason"] == ""

    report = {"message_status": "failed", "failed_reason": "(Error Code : 131026 )Message Undeliverable."}
    assert sandbox.put(f"/_sandbox/state/wabotick/messages/{identity}", json=report).status_code == 200
    failed = wabotick("get/message-status", ask).json()["message"]
    assert (failed["message_status"], failed["failed_reason"]) == ("failed", report["failed_reason"])
    assert failed["failed_time"] is not None


def test_marks_messages_to_undeliverable_numbers_as_failed(wabotick: Post, sandbox: httpx.Client) -> None:
    """A send to such a number is accepted and fails later, as on WhatsApp."""
    sandbox.put("/_sandbox/settings/wabotick", json={"undeliverable": [BUDI]})
    identity = wabotick("send/template", SHIPPED).json()["wa_message_id"]
    status = wabotick("get/message-status", wa_message_id=identity, whatsapp_bot_id="100000000000001").json()["message"]

    assert status["message_status"] == "failed"
    assert "131026" in status["failed_reason"]


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"whatsapp_bot_id": "4242"}, "The wa message id field is required."),
        ({"wa_message_id": "wamid.x"}, "The whatsapp bot id field is required."),
        ({"wa_message_id": "wamid.x", "whatsapp_bot_id": "1"}, "WhatsApp account not found."),
        ({"wa_message_id": "wamid.x", "whatsapp_bot_id": "4242"}, "Message not found."),
    ],
)
def test_refuses_a_wrong_status_question(wabotick: Post, form: dict[str, str], message: str) -> None:
    """Both ids are required and must exist."""
    assert_failed(wabotick("get/message-status", form), message)


@pytest.mark.parametrize("shape", ["list", "json_string", "indexed_object"])
def test_gives_a_conversation_in_each_disguise(wabotick: Post, sandbox: httpx.Client, shape: str) -> None:
    """The rows come as a list, as JSON in a string or as an object with number keys."""
    sandbox.put("/_sandbox/settings/wabotick", json={"list_shape": shape})
    identity = wabotick("send/template", SHIPPED).json()["wa_message_id"]
    message = wabotick("get/conversation", phone_number=BUDI).json()["message"]

    rows = json.loads(message) if shape == "json_string" else message
    first = rows["0"] if shape == "indexed_object" else rows[0]
    assert (first["wa_message_id"], first["sender"]) == (identity, "bot")
    content = json.loads(first["message_content"])
    assert content["template"]["components"][0]["parameters"][1]["text"] == "JX123"


def test_pages_a_conversation_newest_first(wabotick: Post) -> None:
    """`limit` and `offset` count rows from the newest."""
    sent = [wabotick("send", phone_number=AVERY, message=f"m{n}").json()["wa_message_id"] for n in range(3)]
    rows = wabotick("get/conversation", phone_number=AVERY, limit="1", offset="1").json()["message"]

    assert [row["wa_message_id"] for row in rows] == [sent[1]]
    assert wabotick("get/conversation", phone_number="6281000").json() == {"status": "1", "message": []}


def test_lists_templates_with_the_short_id(wabotick: Post) -> None:
    """`id` is what a send wants; `template_id` is Meta's; `template_json` holds a token nobody may store."""
    rows = {row["id"]: row for row in wabotick("template/list").json()["message"]}

    assert rows[257000]["template_id"] == "437500000257000"
    assert rows[257001]["button_type"] == "quick_reply"
    assert rows[257004]["status"] == "Rejected"
    assert "access_token" in rows[257000]["template_json"]


def test_gets_a_subscriber_in_both_shapes(wabotick: Post, sandbox: httpx.Client) -> None:
    """Custom fields are one string on the white labels, an object in the document."""
    fields = json.dumps({"order_id": "ORD-1"})
    wabotick("subscriber/chat/assign-custom-fields", phone_number=AVERY, custom_fields=fields)
    wabotick("subscriber/chat/assign-labels", phone_number=AVERY, label_ids="1,3")
    (row,) = wabotick("subscriber/get", phone_number=AVERY).json()["message"]
    assert (row["chat_id"], row["custom_fields"], row["label_names"]) == (AVERY, "order_id:ORD-1", "Lead,VIP")

    sandbox.put("/_sandbox/settings/wabotick", json={"shape": "document"})
    data = wabotick("subscriber/get", phone_number=AVERY).json()["data"]
    assert (data["custom_fields"], data["labels"]) == ({"order_id": "ORD-1"}, ["Lead", "VIP"])


def test_says_subscriber_not_found_with_status_1(wabotick: Post) -> None:
    """The trap: not found, yet status "1"."""
    body = wabotick("subscriber/get", phone_number="6281000").json()

    assert body == {"status": "1", "message": "Subscriber not found"}


def test_creates_a_subscriber_once(wabotick: Post, sandbox: httpx.Client) -> None:
    """Creation has camelCase names, a misspelt key, and an ambiguous failure the second time."""
    form = {"phoneNumberID": "100000000000001", "name": "Rina", "phoneNumber": "628999"}
    assert wabotick("subscriber/create", form).json() == {
        "status": "1",
        "mesasge": "WhatsApp subscriber has been created.",
    }
    assert_failed(wabotick("subscriber/create", form), "Something went wrong or subscriber already exist.")
    assert_failed(wabotick("subscriber/create", name="Rina"), "The phoneNumberID field is required.")
    assert [effect["kind"] for effect in effects(sandbox)] == ["subscriber"]


def test_respects_the_subscriber_limit(wabotick: Post, sandbox: httpx.Client) -> None:
    """At the limit, known customers can be written to and new ones cannot."""
    sandbox.put("/_sandbox/settings/wabotick", json={"subscriber_limit": 2})
    limit = "Subscriber limit has been exceeded. You cannot have more subscribers."

    assert wabotick("send/template", SHIPPED).json()["status"] == "1"
    assert_failed(wabotick("send/template", {**SHIPPED, "phone_number": "628777"}), limit)
    form = {"phoneNumberID": "100000000000001", "name": "Rina", "phoneNumber": "628777"}
    assert_failed(wabotick("subscriber/create", form), limit)


def test_finds_a_new_subscriber_only_later_when_told(wabotick: Post, sandbox: httpx.Client) -> None:
    """The record of a first send can appear late: assign calls fail until then."""
    sandbox.put("/_sandbox/settings/wabotick", json={"subscriber_delay_seconds": 3600})
    wabotick("send/template", {**SHIPPED, "phone_number": "628777"})

    assert_failed(
        wabotick("subscriber/chat/assign-labels", phone_number="628777", label_ids="1"), "Subscriber not found"
    )


def test_refuses_custom_fields_that_are_no_json_object(wabotick: Post) -> None:
    """`custom_fields` is a JSON object as text."""
    answer = wabotick("subscriber/chat/assign-custom-fields", phone_number=AVERY, custom_fields="[1]")

    assert answer.json()["status"] == "0"
    assert_failed(
        wabotick("subscriber/chat/assign-custom-fields", phone_number=AVERY), "The custom fields field is required."
    )


def test_triggers_a_bot_flow(wabotick: Post, sandbox: httpx.Client) -> None:
    """Success has the vendor's words; the failing trap keeps status "1" and leaves no effect."""
    form = {"bot_flow_unique_id": "flow-1", "phone_number": AVERY}
    assert wabotick("trigger-bot", form).json() == {"status": "1", "message": "Bot has been trigger successfully."}

    sandbox.put("/_sandbox/settings/wabotick", json={"trigger_bot_fails": True})
    failed = wabotick("trigger-bot", form).json()
    assert (failed["status"], failed["message"][:20]) == ("1", "Something went wrong")
    assert len(effects(sandbox, "bot_trigger")) == 1


@pytest.mark.parametrize("token", [None, ""])
def test_redirects_to_a_login_page_without_a_token(wabotick: Post, token: str | None) -> None:
    """A missing token is a 302 to HTML, not a JSON error."""
    answer = wabotick("send/template", {**SHIPPED, "apiToken": token})

    assert answer.status_code == 302
    assert answer.headers["Location"] == "/wabotick/login"
    assert answer.headers["Content-Type"].startswith("text/html")


def test_does_not_read_a_token_from_json_or_query(base_url: str) -> None:
    """The API is form encoded: a JSON body counts as no token at all."""
    url = f"{base_url}/wabotick/api/v1/whatsapp/template/list"
    form = {"apiToken": "1|x", "phone_number_id": "100000000000001"}

    assert httpx.post(url, json=form).status_code == 302
    assert httpx.post(url, params=form).status_code == 302
    assert "<h1>Login</h1>" in httpx.get(f"{base_url}/wabotick/login").text


def test_reads_multipart_forms_too(base_url: str, sandbox: httpx.Client) -> None:
    """Uploads use multipart; the same fields work there."""
    fields = {"apiToken": "1|x", "phone_number_id": "100000000000001", **SHIPPED}
    files = {name: (None, value) for name, value in fields.items()}
    answer = httpx.post(f"{base_url}/wabotick/api/v1/whatsapp/send/template", files=files)

    assert answer.json()["status"] == "1"
    assert effects(sandbox)[0]["variables"] == ["Budi Contoh", "JX123"]


@pytest.mark.parametrize(("method", "path", "status"), [("POST", "nothing", 404), ("PUT", "send/template", 405)])
def test_answers_unknown_calls_in_json(base_url: str, method: str, path: str, status: int) -> None:
    """Unknown paths and wrong methods are JSON with status "0"."""
    url = f"{base_url}/wabotick/api/v1/whatsapp/{path}"
    answer = httpx.request(method, url, data={"apiToken": "1|x"})

    assert (answer.status_code, answer.json()["status"]) == (status, "0")


def test_survives_bytes_that_are_no_form(base_url: str) -> None:
    """A broken form or multipart body is answered, not crashed on."""
    url = f"{base_url}/wabotick/api/v1/whatsapp/send"
    for content, content_type in (
        (b"%ff%fe=\xff&apiToken=%zz", "application/x-www-form-urlencoded"),
        (b"a=1&" * 2000, "application/x-www-form-urlencoded"),
        (b"--x\r\nnonsense", "multipart/form-data; boundary=x"),
        (b"nonsense", "multipart/form-data"),
    ):
        answer = httpx.post(url, content=content, headers={"Content-Type": content_type})
        assert answer.status_code in (200, 302)


def test_the_control_api_refuses_wrong_state(sandbox: httpx.Client) -> None:
    """Incoming messages need a phone; reports need a known message and status."""
    assert sandbox.post("/_sandbox/state/wabotick/incoming", json={}).status_code == 400
    assert sandbox.put("/_sandbox/state/wabotick/messages/x", json={"message_status": "read"}).status_code == 404
    assert sandbox.put("/_sandbox/state/wabotick/other", json={}).status_code == 404
