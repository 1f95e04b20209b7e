"""ChatGPT Builder: its answers judged, contacts found or made, sends that are safe to repeat half-way."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from config.accounts import CgbAccount
from tasks.actions.cgb.people import memory_key
from tasks.actions.registry import ACTIONS
from tests.conformance.actions.conftest import Caller, Tried
from tests.conformance.actions.vendors.cgb import AVERY, CASE, CONTACT, PHONE, PIPELINE, TOKEN
from tests.support.sandbox import Sandbox
from worker.acting import Call, Settled
from worker.ledger.memory import Memory
from worker.states import Scope

MAYBE, LATER, NEVER = "UncertainError", "RetryableError", "PermanentError"
TEXT, FIND, CREATE = "cgb.send_text", "*/find_by_custom_field", "*/contacts"
NEW = "+6281234567890"
SINCE_LONG = datetime(2020, 1, 1, tzinfo=UTC)


def paths(sandbox: Sandbox) -> list[str]:
    """Return what was asked, in short: the method and the end of each path."""
    return [f"{request['method']} {request['path'].removeprefix(CASE.mount)}" for request in sandbox.requests()]


def send(caller: Caller, phone: str = NEW, **changes: Any) -> Tried:
    """Send a text to a phone."""
    return caller.run(TEXT, **{"contact_id": None, "phone": phone, **changes})


# What answers mean.


@pytest.mark.parametrize(
    ("status", "body", "expected", "scope"),
    [
        (200, {"success": True}, ("", ""), None),
        (200, {"success": "true"}, ("", ""), None),
        (200, {}, ("", ""), None),
        (200, {"success": False, "error": "message not sent"}, (NEVER, "rejected"), Scope.DELIVERY),
        (200, {"success": "false", "message": {"text": ["is required"]}}, (NEVER, "rejected"), Scope.DELIVERY),
        (200, {"error": "message not sent"}, (NEVER, "rejected"), Scope.DELIVERY),
        (200, {"success": False, "error": "No valid API key provided"}, (NEVER, "credentials_refused"), Scope.ACCOUNT),
        (200, {"success": 0, "error": "Too many requests"}, (LATER, "rate_limited"), Scope.DELIVERY),
        (200, {"success": False}, (NEVER, "rejected"), Scope.DELIVERY),
        (401, {"error": "No valid API key provided"}, (NEVER, "credentials_refused"), Scope.ACCOUNT),
        (403, {"error": "Forbidden"}, (NEVER, "forbidden"), Scope.ACCOUNT),
        (402, {"error": "x"}, (NEVER, "rejected"), Scope.DELIVERY),
        (400, {"error": "text is required"}, (NEVER, "invalid_request"), Scope.DELIVERY),
        (404, {"error": "Contact not found"}, (NEVER, "not_found"), Scope.DELIVERY),
        (200, True, (MAYBE, "unreadable_answer"), Scope.DELIVERY),
    ],
)  # fmt: skip
def test_an_answer_is_what_its_body_says(
    status: int, body: Any, expected: tuple[str, str], scope: Scope | None, caller: Caller, sandbox: Sandbox
) -> None:
    """Failures come with HTTP 200; what is about the token holds for the whole account."""
    sandbox.fail(vendor="cgb", status=status, body=body)

    tried = caller.run(TEXT)

    assert tried.verdict == expected
    assert getattr(tried.error, "scope", None) == scope


def test_a_refused_send_has_sent_nothing(caller: Caller, sandbox: Sandbox) -> None:
    """The vendor's own failure inside HTTP 200."""
    sandbox.set_trap("cgb", fail_in_200=True)

    assert caller.run(TEXT).verdict == (NEVER, "rejected")
    assert sandbox.effects() == []


@pytest.mark.parametrize("trap", ["shell", "not_found"])
def test_a_contact_with_nothing_in_it_is_none(trap: str, caller: Caller, sandbox: Sandbox) -> None:
    """An unknown id gives an empty shell, or the 404 of the document."""
    sandbox.set_trap("cgb", unknown_contact=trap)

    assert caller.run("cgb.get_contact", contact_id="999").verdict == (NEVER, "not_found")


def test_a_402_has_two_meanings(caller: Caller, sandbox: Sandbox) -> None:
    """A status that is set already is set; a checkout that failed has failed."""
    assert caller.run("cgb.set_order_status", status=6).error is None
    assert sandbox.effects() == []
    sandbox.set_trap("cgb", checkout_fails=True)
    assert caller.run("cgb.pay_order").verdict == (NEVER, "rejected")


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("cgb.delete_tag", {"tag_id": 999}),
        ("cgb.remove_contact_tag", {"tag_id": 999}),
        ("cgb.delete_opportunity", {"opportunity_id": 999}),
        ("cgb.remove_cart_product", {"product_id": 999}),
    ],
)
def test_what_is_gone_already_is_taken_away(name: str, changes: dict[str, Any], caller: Caller) -> None:
    """In the vendor's own words; a bare 404 is tried with every action."""
    assert caller.run(name, **changes).error is None


def test_the_token_goes_where_the_account_says(caller: Caller, sandbox: Sandbox) -> None:
    """As it is in the header of its own; as a bearer token where the document is believed."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, stream=httpx.ByteStream(b"{}"))

    asked = Caller(sandbox.url, caller.memory, httpx.Client(transport=httpx.MockTransport(answer)))
    asked.run("cgb.get_account")
    account = CgbAccount.model_validate(
        {"vendor": "cgb", **CASE.account, "base_url": sandbox.url, "auth_header": "Authorization"}
    )
    tried = caller.run("cgb.get_account")
    tried.session.client = asked.client
    nothing = ACTIONS["cgb.get_account"].parameters()
    ACTIONS["cgb.get_account"].run(Call("a", account, "ID", nothing, tried.session, caller.memory))

    assert seen[0].headers["x-access-token"] == TOKEN
    assert "x-access-token" not in seen[1].headers
    assert seen[1].headers["authorization"] == f"Bearer {TOKEN}"


# The contact behind a phone.


def test_a_new_phone_gets_a_contact_then_the_message(caller: Caller, sandbox: Sandbox) -> None:
    """Found nowhere, made, written to; the second message needs one call."""
    assert send(caller, first_name="Budi").error is None
    first = paths(sandbox)
    assert send(caller).error is None

    assert [path.rpartition("/")[2] for path in first] == [
        "find_by_custom_field", "find_by_custom_field", "contacts", "text",
    ]  # fmt: skip
    assert len(paths(sandbox)) == len(first) + 1
    assert [effect["kind"] for effect in sandbox.effects()] == ["contact", "message", "message"]
    assert sandbox.effects("contact")[0]["first_name"] == "Budi"


@pytest.mark.parametrize(
    "trap",
    [
        {}, {"stored_phone": "plus"}, {"hide_phone": True}, {"find_other_channels": True}, {"contact_ids": "text"},
        {"contact_ids": "number"},
    ],
)  # fmt: skip
def test_a_known_phone_is_found_however_it_is_shown(trap: dict[str, Any], caller: Caller, sandbox: Sandbox) -> None:
    """With or without a plus, with other channels beside it, with the id as text or number: no second contact."""
    sandbox.set_trap("cgb", **trap)

    assert send(caller, PHONE).error is None

    assert [effect["kind"] for effect in sandbox.effects()] == ["message"]
    assert sandbox.effects()[0]["contact_id"] == AVERY


@pytest.mark.parametrize("shape", ["nested", "flat"])
def test_a_new_contacts_id_stands_in_one_of_two_places(shape: str, caller: Caller, sandbox: Sandbox) -> None:
    """Both shapes were seen."""
    sandbox.set_trap("cgb", create_shape=shape)

    tried = caller.run("cgb.ensure_contact")

    assert tried.outcome is not None
    assert tried.outcome.result == {"contact_id": "628123456789"}


def test_two_contacts_of_one_phone_are_for_a_person(caller: Caller, sandbox: Sandbox) -> None:
    """Nothing is sent to either."""
    sandbox.set_trap("cgb", create_existing="duplicate")
    assert caller.run("cgb.create_contact", phone=PHONE, actions=[]).error is None

    tried = send(caller, PHONE)

    assert tried.verdict == (NEVER, "not_found")
    assert sandbox.effects("message") == []


@pytest.mark.parametrize("trap", ["conflict", "error", "returns"])
def test_somebody_else_made_the_contact_first(trap: str, caller: Caller, sandbox: Sandbox) -> None:
    """Found nowhere, refused when made, found then: whatever the vendor answers to a second one."""
    sandbox.set_trap("cgb", create_existing=trap)
    sandbox.fail(vendor="cgb", path=FIND, times=2, status=200, body={"data": []})

    assert send(caller, PHONE).error is None
    assert [effect["kind"] for effect in sandbox.effects()] == ["message"]


def test_a_contact_that_cannot_be_made_is_no_contact(caller: Caller, sandbox: Sandbox) -> None:
    """The vendor's refusal is told, not that nothing was found."""
    sandbox.fail(vendor="cgb", path=CREATE, status=400, body={"error": "phone is not valid"})

    tried = send(caller)

    assert tried.verdict == (NEVER, "invalid_request")
    assert "phone is not valid" in str(tried.error)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("path", [FIND, CREATE])
def test_half_way_is_safe_to_repeat(path: str, when: str, caller: Caller, sandbox: Sandbox) -> None:
    """No answer before the send: nobody was written to, and the next attempt makes no second contact."""
    sandbox.fail(vendor="cgb", path=path, when=when, times=1, hang=True)

    assert send(caller).verdict == (LATER, "timeout")
    assert sandbox.effects("message") == []
    assert send(caller).error is None

    assert [effect["kind"] for effect in sandbox.effects()] == ["contact", "message"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_no_answer_to_the_send_is_unknown(when: str, caller: Caller, sandbox: Sandbox) -> None:
    """It may have been sent: the contact stays found, and nothing is sent again here."""
    sandbox.fail(vendor="cgb", path="*/send/text", when=when, hang=True)

    assert send(caller, PHONE).verdict == (MAYBE, "timeout")
    assert caller.memory.recall(memory_key(AVERY)) == AVERY


def test_a_contact_that_is_gone_is_looked_for_again(caller: Caller, sandbox: Sandbox) -> None:
    """What was remembered turns out wrong."""
    caller.memory.remember(memory_key(AVERY), "999")

    assert send(caller, PHONE).error is None
    assert caller.memory.recall(memory_key(AVERY)) == AVERY
    assert len(sandbox.effects("message")) == 1


def test_a_flow_that_is_not_there_is_not_the_contacts_fault(caller: Caller, sandbox: Sandbox) -> None:
    """The contact is looked for once more, is the same, and the vendor's word stands."""
    caller.memory.remember(memory_key(AVERY), AVERY)

    tried = caller.run("cgb.send_flow", contact_id=None, phone=PHONE, flow_id=999)

    assert tried.verdict == (NEVER, "not_found")
    assert "Flow not found" in str(tried.error)
    assert len([path for path in paths(sandbox) if path.startswith("POST")]) == 1


@pytest.mark.parametrize("given", [{"contact_id": AVERY}, {"contact_id": None, "phone": PHONE}])
def test_one_delivery_at_a_time_writes_to_a_contact(given: dict[str, Any], caller: Caller, sandbox: Sandbox) -> None:
    """By its id or by its phone; nothing is asked meanwhile."""
    with caller.memory.alone(memory_key(AVERY)):
        assert caller.run(TEXT, **given).verdict == (LATER, "not_yet")
    assert sandbox.requests() == []
    assert caller.run(TEXT, **given).error is None


def test_what_is_remembered_holds_no_phone(caller: Caller, memory: Memory) -> None:
    """The key is a hash."""
    assert send(caller).error is None
    assert memory.recall(memory_key("6281234567890")) == "6281234567890"
    assert "81234567890" not in memory_key("6281234567890")


# What is sent.


def test_a_template_goes_whole_with_its_values(caller: Caller, sandbox: Sandbox) -> None:
    """As Meta takes it, so that no field of the contact is in between."""
    assert caller.run("cgb.send_template", language="id").error is None

    [message] = sandbox.requests("*/send_content")[0]["params"]["messages"]
    assert message["to"] == AVERY
    assert message["template"]["language"] == {"code": "id"}
    [body] = message["template"]["components"]
    assert [value["text"] for value in body["parameters"]] == ["Avery", "ORD-1001"]


def test_a_flow_with_fields_is_one_call(caller: Caller, sandbox: Sandbox) -> None:
    """Set and sent together: the flow speaks of the right order."""
    assert caller.run("cgb.send_flow", custom_fields={"order_id": "ORD-77"}).error is None

    assert paths(sandbox) == [f"POST /contacts/{AVERY}/send_content"]
    assert [effect["kind"] for effect in sandbox.effects()] == ["custom_field_value", "flow"]
    [text] = [message["content"]["text"]["body"] for message in sandbox.state("cgb")["messages"]]
    assert "ORD-77" in text


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        (TEXT, {"phone": PHONE}), (TEXT, {"contact_id": None}), (TEXT, {"contact_id": "x/../y"}), (TEXT, {"text": " "}),
        (TEXT, {"contact_id": None, "phone": PHONE, "channel": "messenger"}),
        ("cgb.send_flow", {"flow_id": "text"}), ("cgb.send_content", {"messages": []}),
        ("cgb.send_content", {"messages": [{"type": "template"}]}), ("cgb.send_file", {"url": "file:///etc/passwd"}),
        ("cgb.send_content", {"actions": [{"action": "explode"}]}), ("cgb.send_template", {"components": [{}]}),
        ("cgb.set_order_status", {"status": 5}), ("cgb.pay_order", {"amount_received": 80.5}),
        ("cgb.update_product", {"stock": None, "sale_price": -1}), ("cgb.create_contact", {"phone": None}),
        ("cgb.find_contacts", {"field_id": "name"}), ("cgb.create_custom_field", {"type": 8}),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_before_it_is_sent(name: str, changes: dict[str, Any]) -> None:
    """Each limit that the vendor's document or its traps give."""
    with pytest.raises(ValidationError):
        ACTIONS[name].parameters.model_validate({**CASE.parameters[name], **changes}, context={"country": "ID"})


def test_the_person_is_known_by_phone_or_by_contact() -> None:
    """For limits and consent; a contact of another channel has no phone."""

    def recipient(name: str, **given: Any) -> str | None:
        action = ACTIONS[name]
        parameters = {**CASE.parameters[name], **given}
        return action.recipient(action.parameters.model_validate(parameters, context={"country": "ID"}))

    assert recipient(TEXT) == recipient("cgb.send_template") == PHONE
    assert recipient(TEXT, contact_id=None, phone="08123456789") == "+628123456789"
    assert recipient(TEXT, contact_id="9000001", channel="messenger") is None
    assert recipient("cgb.get_contact") is None
    template = ACTIONS["cgb.send_template"]
    assert (
        template.template(template.parameters.model_validate(CASE.parameters["cgb.send_template"])) == "order_confirm"
    )


# How an unknown outcome is settled.


@pytest.mark.parametrize(
    ("name", "path", "changes"),
    [
        ("cgb.create_tag", "*/tags", {}),
        ("cgb.create_custom_field", "*/custom_fields", {}),
        ("cgb.create_contact", CREATE, {"actions": []}),
        ("cgb.create_opportunity", "*/opportunities", {}),
    ],
)
def test_what_was_made_after_all_is_found(
    name: str, path: str, changes: dict[str, Any], caller: Caller, sandbox: Sandbox
) -> None:
    """The answer was lost; the thing is there, and its id is told. Where it is not there, nobody knows."""
    sandbox.fail(vendor="cgb", path=path, method="POST", when="before", times=1, hang=True)
    lost = caller.run(name, **changes)
    assert lost.verdict == (MAYBE, "timeout")
    assert caller.settle(name, SINCE_LONG, **changes).settled is Settled.NOT_KNOWN
    sandbox.fail(vendor="cgb", path=path, method="POST", when="after", times=1, hang=True)
    assert caller.run(name, **changes).verdict == (MAYBE, "timeout")

    found = caller.settle(name, SINCE_LONG, **changes)

    assert found.settled is Settled.HAPPENED
    assert list(found.outcome.result.values()) not in ([], [None])


def test_a_comment_of_the_same_words_may_be_an_older_one(caller: Caller, sandbox: Sandbox) -> None:
    """Only one that was made since counts."""
    CASE.prepare(sandbox)
    caller.run("cgb.create_comment")
    tomorrow = datetime(2099, 1, 1, tzinfo=UTC)

    assert caller.settle("cgb.create_comment", SINCE_LONG).settled is Settled.HAPPENED
    assert caller.settle("cgb.create_comment", tomorrow).settled is Settled.NOT_KNOWN
    assert caller.run("cgb.create_comment").error is None
    assert caller.settle("cgb.create_comment", SINCE_LONG).settled is Settled.NOT_KNOWN


def test_lists_tell_ids_and_names_of_the_shops_own(caller: Caller) -> None:
    """Of people only ids."""

    def result(name: str, **changes: Any) -> Any:
        outcome = caller.run(name, **changes).outcome
        return outcome and outcome.result

    assert result("cgb.list_flows") == {"count": 2, "names": {"501": "Order confirmation", "502": "Out for delivery"}}
    assert result("cgb.list_admins") == {"count": 1, "ids": ["7001"]}
    assert result("cgb.get_contact") == {"contact_id": AVERY, "channel": "5", "subscribed": "1", "tags": ["VIP"]}
    assert result("cgb.get_contact_field")["is_filled"] is True
    assert result("cgb.get_order") == {"order_id": "901", "status": "6", "total_cents": "8000"}
    assert result("cgb.list_opportunities", **PIPELINE, **CONTACT) == {"count": 0, "ids": []}
