"""Every endpoint of Wabotick's document answers in its shape. Invariant: each of the 32 is called here."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

Post = Callable[..., httpx.Response]

AVERY = "12025550143"
BUDI = "628123456789"
SHIPPED = {
    "template_id": "257000",
    "phone_number": BUDI,
    "templateVariable-name-1": "Budi",
    "templateVariable-receipt-2": "JX123",
}
CATALOG = "510000000000001"

# Path, parameters, the status it answers with, the keys of its answer.
ENDPOINTS: tuple[tuple[str, dict[str, str], Any, set[str]], ...] = (
    (
        "account/connect",
        {"user_id": "7", "whatsapp_business_account_id": "2", "access_token": "EXAMPLE"},
        "1",
        {"message"},
    ),
    ("send/template", SHIPPED, "1", {"wa_message_id", "message"}),
    ("send", {"phone_number": AVERY, "message": "Hi"}, "1", {"wa_message_id", "message"}),
    ("get/conversation", {"phone_number": AVERY, "limit": "5", "offset": "0"}, "1", {"message"}),
    ("trigger-bot", {"phone_number": AVERY, "bot_flow_unique_id": "f"}, "1", {"message"}),
    (
        "send/interactive-buttons",
        {"phone_number": AVERY, "message": "Sure?", "buttons": '["Yes"]'},
        "1",
        {"wa_message_id", "message"},
    ),
    (
        "send/file",
        {"phone_number": AVERY, "media_type": "image", "media_url": "https://x.example/a.png"},
        "1",
        {"wa_message_id", "message"},
    ),
    ("get/post-back-list", {}, "1", {"message"}),
    (
        "broadcast/template/send",
        {"flow_data": "{}"},
        "1",
        {"visual_flow_campaign_id", "message", "redirect_on_success_url"},
    ),
    ("template/list", {}, "1", {"message"}),
    ("subscriber/get", {"phone_number": AVERY}, "1", {"message"}),
    (
        "subscriber/create",
        {"phoneNumberID": "100000000000001", "name": "Rina", "phoneNumber": "628999"},
        "1",
        {"mesasge"},
    ),
    ("subscriber/list", {"limit": "5", "offset": "0", "orderBy": "id DESC"}, "1", {"message"}),
    ("subscriber/update", {"phone_number": AVERY, "first_name": "Ave"}, "1", {"message"}),
    ("subscriber/delete", {"phone_number": AVERY}, "1", {"message"}),
    ("subscriber/custom-fields/list", {}, "1", {"message", "data"}),
    ("subscriber/chat/add-notes", {"phone_number": AVERY, "note_text": "kind"}, "1", {"message"}),
    ("subscriber/chat/assign-to-team-member", {"phone_number": AVERY, "team_member_id": "12"}, "1", {"message"}),
    ("subscriber/reset/user-input-flow", {"phone_number": AVERY}, "1", {"message"}),
    ("subscriber/chat/assign-custom-fields", {"phone_number": AVERY, "custom_fields": "{}"}, "1", {"message"}),
    ("subscriber/chat/assign-labels", {"phone_number": AVERY, "label_ids": "1"}, "1", {"message"}),
    ("subscriber/chat/remove-labels", {"phone_number": AVERY, "label_ids": "1"}, "1", {"message"}),
    ("subscriber/chat/assign-sequence", {"phone_number": AVERY, "sequence_ids": "11"}, "1", {"message"}),
    ("subscriber/chat/remove-sequence", {"phone_number": AVERY, "sequence_ids": "11"}, "1", {"message"}),
    ("label/list", {}, "1", {"message"}),
    ("label/create", {"label_name": "Wholesale"}, "1", {"message"}),
    ("catalog/list", {}, True, {"message"}),
    ("catalog/sync", {"whatsapp_catalog_id": CATALOG}, "1", {"message"}),
    ("catalog/order/list", {"whatsapp_catalog_id": CATALOG}, "1", {"message"}),
    ("catalog/order/status-change", {"order_unique_id": "WAB-0001", "cart_status": "Shipped"}, True, {"message"}),
)
APART = {"upload/media", "get/message-status"}  # need a file and a message: tests of their own


def trap(sandbox: httpx.Client, **settings: Any) -> None:
    assert sandbox.put("/_sandbox/settings/wabotick", json=settings).status_code == 200


def kinds(sandbox: httpx.Client) -> list[str]:
    return [effect["kind"] for effect in sandbox.get("/_sandbox/effects").json()]


def subscriber(sandbox: httpx.Client, phone: str = AVERY) -> dict[str, Any]:
    state = sandbox.get("/_sandbox/state/wabotick").json()
    (found,) = [item for item in state["subscribers"] if item["chat_id"] == phone]
    return dict(found)


def upload(base_url: str, name: str = "file") -> dict[str, Any]:
    url = f"{base_url}/wabotick/api/v1/whatsapp/upload/media"
    data = {"apiToken": "1|x", "phone_number_id": "100000000000001"}
    answer: dict[str, Any] = httpx.post(url, data=data, files={name: ("invoice.pdf", b"%PDF-1.4")}).json()
    return answer


def test_all_endpoints_of_the_document_are_here() -> None:
    """Thirty-two, no more."""
    assert len({path for path, *_ in ENDPOINTS} | APART) == 32


@pytest.mark.parametrize(("path", "form", "status", "keys"), ENDPOINTS, ids=[entry[0] for entry in ENDPOINTS])
def test_answers_in_the_shape_of_the_document(
    wabotick: Post, path: str, form: dict[str, str], status: Any, keys: set[str]
) -> None:
    """Each endpoint has its own way to say success."""
    answer = wabotick(path, form)

    assert answer.status_code == 200
    assert answer.json()["status"] == status
    assert set(answer.json()) == {"status", *keys}


@pytest.mark.parametrize(("path", "form"), [entry[:2] for entry in ENDPOINTS], ids=[entry[0] for entry in ENDPOINTS])
def test_refuses_each_missing_parameter(wabotick: Post, sandbox: httpx.Client, path: str, form: dict[str, str]) -> None:
    """A required parameter that is missing is named, in HTTP 200, and nothing happens."""
    optional = {"limit", "offset", "orderBy", "first_name", "media_url", *(n for n in form if "Variable" in n)}
    for name in set(form) - optional:
        answer = wabotick(path, {**form, name: None})
        assert (answer.status_code, answer.json()["status"]) == (200, "0")
    assert kinds(sandbox) == []


@pytest.mark.parametrize(
    ("spelling", "yes", "no"),
    [
        ("text_number", "1", "0"),
        ("number", 1, 0),
        ("boolean", True, False),
        ("text_boolean", "true", "false"),
        ("word", "success", "error"),
    ],
)
def test_spells_its_status_in_five_ways(
    wabotick: Post, sandbox: httpx.Client, spelling: str, yes: Any, no: Any
) -> None:
    """One trap lets every endpoint spell success and failure alike."""
    trap(sandbox, status_spelling=spelling)
    for path, form, *_ in ENDPOINTS[1:3]:
        found = wabotick(path, form).json()["status"]
        assert (found, type(found)) == (yes, type(yes))
    refused = wabotick("send/template", {**SHIPPED, "template_id": "1"}).json()["status"]
    assert (refused, type(refused)) == (no, type(no))


def test_can_misspell_everywhere(wabotick: Post, sandbox: httpx.Client) -> None:
    """`mesasge` in place of `message`, also in failures."""
    trap(sandbox, misspell_everywhere=True)

    assert "mesasge" in wabotick("label/list").json()
    assert "mesasge" in wabotick("send", phone_number=BUDI, message="Hi").json()


def test_can_send_without_saying_which_message(wabotick: Post, sandbox: httpx.Client) -> None:
    """Success without an id: the message is on the phone all the same."""
    trap(sandbox, send_without_id=True)

    assert wabotick("send/template", SHIPPED).json() == {"status": "1", "message": "Message sent successfully."}
    assert kinds(sandbox) == ["message"]


@pytest.mark.parametrize("path", ["template/list", "label/list", "get/post-back-list", "subscriber/list"])
def test_gives_a_list_as_one_object_too(wabotick: Post, sandbox: httpx.Client, path: str) -> None:
    """The document prints an object where the sisters send a list."""
    trap(sandbox, list_shape="object")

    assert isinstance(wabotick(path).json()["message"], dict)


@pytest.mark.parametrize(
    ("template", "message"),
    [("257006", "(#132015) Template is paused"), ("257007", "(#132016) Template is disabled")],
)
def test_refuses_templates_that_meta_stopped(wabotick: Post, template: str, message: str) -> None:
    """A paused and a disabled template are told apart by Meta's code."""
    form = {"template_id": template, "phone_number": BUDI, "templateVariable-name-1": "Budi"}

    assert wabotick("send/template", form).json() == {"status": "0", "message": message}


def test_a_template_can_be_paused(wabotick: Post, sandbox: httpx.Client) -> None:
    """The control API changes what Meta thinks of a template; the list and a send show it."""
    assert sandbox.put("/_sandbox/state/wabotick/templates/257000", json={"status": "Paused"}).status_code == 200
    rows = {row["id"]: row["status"] for row in wabotick("template/list").json()["message"]}

    assert rows[257000] == "Paused"
    assert wabotick("send/template", SHIPPED).json()["status"] == "0"
    assert sandbox.put("/_sandbox/state/wabotick/templates/257000", json={"status": "x"}).status_code == 400
    assert sandbox.put("/_sandbox/state/wabotick/templates/1", json={"status": "Paused"}).status_code == 404


def test_uploads_and_sends_a_file(wabotick: Post, sandbox: httpx.Client, base_url: str) -> None:
    """The upload gives an id, and the id can be sent; the two families call the field differently."""
    uploaded = upload(base_url)
    assert set(uploaded) == {"status", "media_id", "media_type", "media_name", "message"}
    assert (uploaded["media_type"], uploaded["media_name"]) == ("document", "invoice.pdf")
    form = {"phone_number": AVERY, "media_type": "document", "media_caption_text": "Invoice"}
    assert wabotick("send/file", form, media_id=uploaded["media_id"]).json()["status"] == "1"
    assert wabotick("send/file", form, media_id="1").json()["message"] == "Media not found."
    assert wabotick("send/file", form).json()["status"] == "0"

    trap(sandbox, upload_field="media_file", shape="document")
    assert upload(base_url)["status"] == "0"
    assert upload(base_url, "media_file") == {"status": "success", "media_id": "982340000000002"}


def test_files_need_an_open_window(wabotick: Post) -> None:
    """A file is a session message."""
    form = {"phone_number": BUDI, "media_type": "image", "media_url": "https://x.example/a.png"}

    assert "24 hour window" in wabotick("send/file", form).json()["message"]
    assert "media_type" in wabotick("send/file", {**form, "media_type": "sticker"}).json()["message"]


def test_labels_come_and_go(wabotick: Post, sandbox: httpx.Client) -> None:
    """A label is created without an id in the answer; removal says "assigned" and removes."""
    wabotick("label/create", label_name="Wholesale")
    rows = {row["label_name"]: row["id"] for row in wabotick("label/list").json()["message"]}
    form = {"phone_number": AVERY, "label_ids": f"{rows['Wholesale']},1"}
    assigned = wabotick("subscriber/chat/assign-labels", form).json()
    assert subscriber(sandbox)["labels"] == [str(rows["Wholesale"]), "1"]

    assert wabotick("subscriber/chat/remove-labels", form).json() == assigned
    assert "assigned" in assigned["message"]
    assert subscriber(sandbox)["labels"] == []
    assert wabotick("label/create", label_name="Wholesale").json()["status"] == "0"


def test_unknown_sequences_and_fields_are_answered_with_success(wabotick: Post, sandbox: httpx.Client) -> None:
    """Success is said, and nothing was done."""
    trap(sandbox, unknown_fields_lost=True)
    assert wabotick("subscriber/chat/assign-sequence", phone_number=AVERY, sequence_ids="99").json()["status"] == "1"
    fields = '{"no_such_field": "x"}'
    answer = wabotick("subscriber/chat/assign-custom-fields", phone_number=AVERY, custom_fields=fields)

    assert answer.json()["status"] == "1"
    assert (subscriber(sandbox)["sequences"], subscriber(sandbox)["custom_fields"], kinds(sandbox)) == ([], {}, [])


def test_remembers_what_is_said_of_a_subscriber(wabotick: Post, sandbox: httpx.Client) -> None:
    """Notes, the person in charge, sequences and names are kept."""
    wabotick("subscriber/chat/add-notes", phone_number=AVERY, note_text="kind")
    wabotick("subscriber/chat/assign-sequence", phone_number=AVERY, sequence_ids="11,12")
    wabotick("subscriber/chat/remove-sequence", phone_number=AVERY, sequence_ids="11")
    wabotick("subscriber/update", phone_number=AVERY, last_name="Doe", gender="female", label_ids="2")
    for _ in range(2):
        wabotick("subscriber/chat/assign-to-team-member", phone_number=AVERY, team_member_id="12")
    found = subscriber(sandbox)

    assert (found["notes"], found["sequences"], found["last_name"]) == (["kind"], ["12"], "Doe")
    assert (found["labels"], found["team_member_id"]) == (["2"], "12")
    rows = wabotick("get/conversation", phone_number=AVERY).json()["message"]
    assert [row["sender"] for row in rows] == ["system", "system"]
    (row,) = wabotick("subscriber/get", phone_number=AVERY).json()["message"]
    assert (row["assigned_agent_id"], row["last_name"]) == (12, "Doe")


def test_deletes_a_subscriber(wabotick: Post) -> None:
    """Whoever is deleted is not found any more."""
    assert wabotick("subscriber/delete", phone_number=BUDI).json()["status"] == "1"

    assert wabotick("subscriber/get", phone_number=BUDI).json()["message"] == "Subscriber not found"
    assert wabotick("subscriber/delete", phone_number=BUDI).json()["status"] == "0"


def test_lists_subscribers_in_both_orders_and_pages(wabotick: Post, sandbox: httpx.Client) -> None:
    """Rows are skipped, or pages counted as the sisters do, with the next page named."""
    assert [row["chat_id"] for row in wabotick("subscriber/list").json()["message"]] == [BUDI, AVERY]
    assert [row["chat_id"] for row in wabotick("subscriber/list", orderBy="id ASC").json()["message"]] == [AVERY, BUDI]
    assert [row["chat_id"] for row in wabotick("subscriber/list", limit="1", offset="1").json()["message"]] == [AVERY]

    trap(sandbox, paging="pages")
    first = wabotick("subscriber/list", limit="1", offset="1").json()
    assert ([row["chat_id"] for row in first["message"]], first["nextOffset"]) == ([BUDI], 2)
    assert "nextOffset" not in wabotick("subscriber/list", limit="1", offset="2").json()
    assert wabotick("get/conversation", phone_number=AVERY, limit="51").json()["status"] == "0"
    assert wabotick("get/conversation", phone_number=AVERY).json()["status"] == "0"


def test_catalogues_and_orders(wabotick: Post, sandbox: httpx.Client) -> None:
    """Settings that are no JSON, an address that is JSON in a string, statuses that are booleans."""
    (catalog,) = wabotick("catalog/list").json()["message"]
    with pytest.raises(json.JSONDecodeError):
        json.loads(catalog["checkout_settings"])
    orders = wabotick("catalog/order/list", whatsapp_catalog_id=CATALOG).json()["message"]
    assert json.loads(orders[0]["shipping_address"])["city"] == "Bandung"
    changed = wabotick("catalog/order/status-change", order_unique_id="WAB-0001", cart_status="Shipped").json()
    assert changed == {"status": True, "message": "Cart status has been updated successfully"}

    after = wabotick("catalog/order/list", whatsapp_catalog_id=CATALOG).json()["message"]
    assert after[0]["cart_status"] == "Shipped"
    for form in (
        {"order_unique_id": "x", "cart_status": "Shipped"},
        {"order_unique_id": "WAB-0001", "cart_status": "x"},
    ):
        assert wabotick("catalog/order/status-change", form).json()["status"] is False
    assert wabotick("catalog/sync", whatsapp_catalog_id="1").json()["status"] == "0"
    assert kinds(sandbox) == ["cart_status"]


def test_takes_a_campaign(wabotick: Post, sandbox: httpx.Client) -> None:
    """Any JSON object will do, and the campaign is kept; it is not known what it would send."""
    answer = wabotick("broadcast/template/send", flow_data='{"template_id": 257000}').json()
    campaigns = sandbox.get("/_sandbox/state/wabotick").json()["campaigns"]

    assert campaigns == [{"id": answer["visual_flow_campaign_id"], "flow_data": {"template_id": 257000}}]
    assert wabotick("broadcast/template/send", flow_data="x").json()["status"] == "0"


def test_every_effect_has_its_sentence(wabotick: Post, sandbox: httpx.Client, base_url: str) -> None:
    """Nothing that these calls do is shown as raw data."""
    upload(base_url)
    for path, form, *_ in sorted(ENDPOINTS, key=lambda entry: entry[0] == "subscriber/delete"):
        wabotick(path, form)

    for where in ("/", "/vendors/wabotick"):
        html = sandbox.get(where).text
        assert "Subscriber 12025550143 deleted" in html
        assert "WhatsApp image to 12025550143: https://x.example/a.png" in html
        assert "Note on 12025550143: kind" in html
