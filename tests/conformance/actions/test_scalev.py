"""Scalev's actions, sentence by sentence after scalev.md: numbers of orders, its own words, composed actions."""

from typing import Any

import pytest
from pydantic import ValidationError

from tasks.actions.registry import ACTIONS
from tests.conformance.actions.conftest import Caller
from tests.conformance.actions.scalev_calls import call_of
from tests.conformance.actions.vendors.scalev import CASE, DIGITAL, NUMBER, ORDER, PERSON, UNIQUE, api, shop
from tests.support.sandbox import Sandbox
from worker.errors import WorkerError
from worker.states import Scope

LONG_BUTTON = {"reply": {"title": "x" * 21}}
MAYBE, LATER, NEVER = "UncertainError", "RetryableError", "PermanentError"
OF_ONE = sorted(name for name, action in ACTIONS.items() if name.startswith("scalev.") and "order_id" in
                action.parameters.model_fields and "id" in action.parameters.model_fields)  # fmt: skip
OF_SOME = sorted(name for name, action in ACTIONS.items() if "order_ids" in action.parameters.model_fields)


def result(tried: Any) -> dict[str, Any]:
    """Return what came of an action that worked."""
    assert tried.error is None
    found: dict[str, Any] = tried.outcome.result
    return found


# Orders by their number.


@pytest.mark.parametrize("name", OF_ONE)
def test_an_order_is_named_by_its_number_as_well(name: str, caller: Caller, sandbox: Sandbox) -> None:
    """One look for the key, which is remembered, then the request itself."""
    CASE.prepare(sandbox)
    given = CASE.parameters[name]["id"]
    number = api(sandbox, "GET", f"/orders/{given}")["order_id"]

    assert caller.run(name, id=None, order_id=number).error is None

    paths = [request["path"] for request in sandbox.requests()]
    assert paths[0] == "/scalev/v3/orders"
    assert given in paths[1]
    assert len(paths) == 2


@pytest.mark.parametrize("name", OF_SOME)
def test_several_orders_are_named_by_their_numbers_as_well(name: str, caller: Caller, sandbox: Sandbox) -> None:
    """Each number becomes the key that the API wants."""
    CASE.prepare(sandbox)
    keys = CASE.parameters[name]["ids"]
    numbers = [api(sandbox, "GET", f"/orders/{key}")["order_id"] for key in keys]

    assert result(caller.run(name, ids=None, order_ids=numbers))["ids"] == keys


def test_a_key_is_looked_up_once(caller: Caller, sandbox: Sandbox) -> None:
    """The second action on the order asks no list again."""
    for tags in (["a"], ["b"]):
        caller.run("scalev.update_order_tags", id=None, order_id=NUMBER, tags=tags)

    assert len(sandbox.requests("/scalev/v3/orders")) == 1


def test_a_key_that_turned_out_wrong_is_looked_up_again(caller: Caller) -> None:
    """What is remembered is a cache: a 404 with it is no answer yet."""
    caller.memory.remember(f"order:{NUMBER}", "0198a1b2-0000-7000-8000-000000000000")

    assert result(caller.run("scalev.get_order", id=None, order_id=NUMBER))["id"] == ORDER
    assert caller.memory.recall(f"order:{NUMBER}") == ORDER


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 200, "body": "<html>"}, {"reset": True}])
def test_a_look_that_fails_has_done_nothing(fault: dict[str, Any], caller: Caller, sandbox: Sandbox) -> None:
    """Though making a payment may have an effect, looking for the order has none: it is tried again."""
    sandbox.fail(vendor="scalev", path="/scalev/v3/orders", **fault)

    assert caller.run("scalev.create_payment", id=None, order_id=NUMBER).verdict[0] == LATER
    assert sandbox.effects() == []


def test_half_way_the_action_goes_on_where_it_was(caller: Caller, sandbox: Sandbox) -> None:
    """The key stays remembered when the request itself gets no answer."""
    sandbox.fail(vendor="scalev", path="*/payment", when="before", reset=True, times=1)
    number = "250804ASDFGH"

    assert caller.run("scalev.create_payment", id=None, order_id=number).verdict[0] == MAYBE
    assert caller.run("scalev.create_payment", id=None, order_id=number).error is None

    assert len(sandbox.requests("/scalev/v3/orders")) == 1
    assert len(sandbox.effects("order_payment")) == 1


@pytest.mark.parametrize("given", [{"id": None}, {"id": ORDER, "order_id": NUMBER}])
def test_one_way_of_naming_an_order_is_wanted(given: dict[str, Any], caller: Caller) -> None:
    """Neither none nor both."""
    with pytest.raises(ValidationError, match="either id or order_id is wanted"):
        caller.run("scalev.get_order", **given)


# Scalev's own words.


def test_an_order_that_is_read_is_taken_into_snapshots(caller: Caller) -> None:
    """The order and its buyer; the result holds nothing personal."""
    tried = caller.run("scalev.get_order")

    assert result(tried) == {"id": ORDER, "order_id": NUMBER, "status": "pending", "payment_status": "unpaid"}
    order, buyer = tried.outcome.patches
    assert (order.subject, order.complete, buyer.subject) == (f"order:{NUMBER}", True, "customer:28024")
    assert order.values["gross_revenue"] == "168724.00"
    assert order.values["orderlines"][0]["variant_price"] == "150000.0"


def test_one_that_failed_among_several_is_told_with_its_reason(caller: Caller, sandbox: Sandbox) -> None:
    """A 200 that has failures is no success, and says which order it was."""
    sandbox.set_trap("scalev", partial_changes=True)

    tried = caller.run("scalev.change_status", ids=[ORDER, "none"])

    assert tried.verdict == (NEVER, "rejected")
    assert "1 of 2: none: Order not found" in str(tried.error)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"X-Ratelimit-Reset": "7"}, 7.0),
        ({"X-Ratelimit-Reset": "7", "Retry-After": "9"}, 9.0),
        ({"X-Ratelimit-Reset": "1768446030"}, 30.0),
        ({"X-Ratelimit-Reset": "1768446030000"}, 30.0),
        ({"X-Ratelimit-Reset": "1568446030"}, 0.0),
        ({"X-Ratelimit-Reset": "999999"}, 3600.0),
        ({"X-Ratelimit-Reset": "soon"}, None),
    ],
)
def test_the_limit_says_when_it_ends(
    headers: dict[str, str], seconds: float | None, caller: Caller, sandbox: Sandbox
) -> None:
    """Seconds or a moment, that is not documented; never longer than the hour that the limit counts; for all calls."""
    sandbox.fail(vendor="scalev", status=429, body="Too many requests", headers=headers)

    error = caller.run("scalev.get_order").error

    assert error is not None
    assert (error.reason, error.retry_after_seconds, error.scope) == ("rate_limited", seconds, Scope.ACCOUNT)


def test_the_limit_of_the_sandbox_is_met_and_waited_for(caller: Caller, sandbox: Sandbox) -> None:
    """As in the documents: plain text, and headers."""
    sandbox.set_trap("scalev", enforce_rate_limit=True, requests_per_10_seconds=1)
    caller.run("scalev.get_me")

    error = caller.run("scalev.get_me").error

    assert error is not None
    assert error.reason == "rate_limited"
    assert error.retry_after_seconds is not None


@pytest.mark.parametrize("shape", ["string", "object", "list", "number", "boolean"])
def test_an_error_is_read_in_any_shape(shape: str, caller: Caller, sandbox: Sandbox) -> None:
    """`error` may be of any type; the text tells what was said."""
    sandbox.set_trap("scalev", error_shape=shape)

    error = caller.run("scalev.get_order", id="none").error

    assert error is not None
    assert (error.reason, "Order not found" in str(error)) == ("not_found", True)


def test_a_key_without_the_scope_is_forbidden_this_and_nothing_else(caller: Caller, sandbox: Sandbox) -> None:
    """A restricted key may do the rest; a wrong key may do nothing."""
    sandbox.set_trap("scalev", missing_scopes=["order:update"])
    forbidden = caller.run("scalev.update_order").error
    sandbox.fail(vendor="scalev", status=401, body={"error": "Invalid API key"})
    refused = caller.run("scalev.update_order").error

    assert forbidden is not None
    assert refused is not None
    assert (forbidden.reason, forbidden.scope) == ("forbidden", Scope.DELIVERY)
    assert (refused.reason, refused.scope) == ("credentials_refused", Scope.ACCOUNT)


@pytest.mark.parametrize(
    ("unique_id", "expected"), [("AAAAAAAAAAAAAAAA", ("", "")), ("BBBBBBBBBBBBBBBB", (NEVER, "forbidden"))]
)
def test_a_business_is_named_on_each_call(
    unique_id: str, expected: tuple[str, str], caller: Caller, sandbox: Sandbox
) -> None:
    """Where the key is good for several: one that revoked it is refused, and it alone."""
    call = call_of(caller, "scalev.list_orders", account={"business_unique_id": unique_id})

    try:
        ACTIONS["scalev.list_orders"].run(call)
        verdict = ("", "")
    except WorkerError as error:
        verdict = (type(error).__name__, str(error.reason))

    assert verdict == expected
    assert sandbox.requests()[0]["query"]["b_uid"] == unique_id


# Done already.


def test_the_follow_up_email_goes_out_once(caller: Caller, sandbox: Sandbox) -> None:
    """409 says that it was sent: what was wanted is so."""
    CASE.prepare(sandbox)

    assert caller.run("scalev.send_follow_up_email").error is None
    assert caller.run("scalev.send_follow_up_email").error is None
    assert len(sandbox.effects("follow_up_email")) == 1


@pytest.mark.parametrize(
    "name",
    ["scalev.delete_customer_address", "scalev.delete_message", "scalev.delete_quick_reply", "scalev.delete_waba_tag",
     "scalev.delete_whatsapp_integration", "scalev.delete_orders"],
)  # fmt: skip
def test_what_is_gone_is_deleted(name: str, caller: Caller, sandbox: Sandbox) -> None:
    """The second time it is a 404 in Scalev's own words."""
    CASE.prepare(sandbox)

    assert caller.run(name).error is None
    assert caller.run(name).error is None
    assert len(sandbox.effects()) == 1


def test_orders_are_deleted_to_the_end_when_some_are_gone(caller: Caller, sandbox: Sandbox) -> None:
    """A list refused because of one that is gone is gone through one by one."""
    shop(sandbox, f"/orders/{DIGITAL}/status", status="canceled")

    assert result(caller.run("scalev.delete_orders", ids=["gone", DIGITAL])) == {"ids": ["gone", DIGITAL]}
    assert [effect["id"] for effect in sandbox.effects("order_delete")] == [DIGITAL]


def test_an_order_that_may_not_be_deleted_is_refused(caller: Caller) -> None:
    """Only drafts and canceled ones can be."""
    assert caller.run("scalev.delete_orders", ids=[ORDER]).verdict == (NEVER, "invalid_request")


# Anything else.


@pytest.mark.parametrize(
    "path", ["orders", "//evil", "/../x", "/a/../b", "/me?x=1", "/me#x", "/a b", "/%2e%2e/x", "/é"]
)
def test_a_path_of_ones_own_stays_below_the_api(path: str, caller: Caller) -> None:
    """It cannot lead to another host or place, and the query has its own parameter."""
    with pytest.raises(ValidationError, match="path"):
        caller.run("scalev.request", path=path)


def test_any_request_is_judged_like_the_others(caller: Caller, sandbox: Sandbox) -> None:
    """Same key, same table; ids and states of the answer are kept."""
    got = result(caller.run("scalev.request", method="GET", path="/orders", body=None, query={"status": "pending"}))
    nothing = caller.run("scalev.request", method="GET", path="/nowhere", body=None)

    assert (got["count"], ORDER in got["ids"]) == (2, True)
    assert nothing.verdict == (NEVER, "not_found")
    assert sandbox.requests()[0]["query"] == {"status": "pending"}


@pytest.mark.parametrize(("method", "kind"), [("GET", LATER), ("POST", MAYBE), ("PUT", MAYBE), ("DELETE", MAYBE)])
def test_only_a_get_of_ones_own_is_repeated(method: str, kind: str, caller: Caller, sandbox: Sandbox) -> None:
    """Whatever else got no answer may have happened."""
    sandbox.fail(vendor="scalev", reset=True)

    assert caller.run("scalev.request", method=method, path="/me", body=None).verdict[0] == kind
    assert not ACTIONS["scalev.request"].idempotent


# WhatsApp.


def test_a_message_goes_to_the_person_by_the_text_id_of_the_account(caller: Caller, sandbox: Sandbox) -> None:
    """Any spelling of the number; the id of the message is the result."""
    CASE.prepare(sandbox)

    told = result(caller.run("scalev.send_message", wa_user_id="0812-3456-789"))

    assert told["message_id"].startswith("wamid.")
    assert sandbox.requests()[-1]["path"].endswith(f"/waba-accounts/{UNIQUE}/customers/{PERSON}/messages")
    assert sandbox.effects("message")[0]["phone_number"] == PERSON


def test_a_mocked_message_says_so_in_a_header(caller: Caller, sandbox: Sandbox) -> None:
    """It is recorded and goes nowhere."""
    assert result(caller.run("scalev.send_message", send_mode="mock"))["message_id"]

    [request] = sandbox.requests()
    assert "send_mode" not in str(request)
    assert sandbox.effects() == []


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"type": "image"}, 'wants a field of this name'),
        ({"text": {"body": "x" * 4097}}, "4096"),
        ({"type": "image", "image": {"link": "https://x.example/a.png", "id": "1"}}, "either link or id"),
        ({"type": "interactive", "interactive": {"type": "button", "action": {"buttons": []}}}, "1 to 3 buttons"),
        ({"type": "interactive", "interactive": {"type": "button", "action": {"buttons": [LONG_BUTTON]}}},
         "1 to 20 characters"),
        ({"waba_unique_id": "41"}, "waba_unique_id"),
        ({"wa_user_id": "nobody"}, "wa_user_id"),
    ],
)  # fmt: skip
def test_what_whatsapp_would_refuse_is_refused_before(changes: dict[str, Any], wrong: str, caller: Caller) -> None:
    """With the field named, and nothing sent."""
    with pytest.raises(ValidationError, match=wrong):
        caller.run("scalev.send_message", **changes)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": {"code": 131056, "message": "Pair rate limit hit"}}, (LATER, "pair_rate_limited")),
        ({"error": "(#131047) Re-engagement message"}, (NEVER, "outside_window")),
        ({"error": "Unprocessable Entity", "message": "(#132001) Template does not exist"}, (NEVER, "template")),
        ({"error": "Unprocessable Entity"}, (NEVER, "invalid_request")),
    ],
)
def test_whatsapps_codes_decide_where_they_are_told(
    body: Any, expected: tuple[str, str], caller: Caller, sandbox: Sandbox
) -> None:
    """Scalev passes on what WhatsApp says."""
    sandbox.fail(vendor="scalev", status=422, body=body)

    assert caller.run("scalev.send_template").verdict == expected


def test_a_message_that_failed_at_once_was_not_sent(caller: Caller, sandbox: Sandbox) -> None:
    """A success whose message says failed is none."""
    failed = {"wamid": "wamid.X", "status": "failed", "error": {"code": 131026, "title": "Undeliverable"}}
    sandbox.fail(vendor="scalev", status=200, body=failed)

    assert caller.run("scalev.send_template").verdict == (NEVER, "undeliverable")


def test_a_template_carries_its_picture_and_variables(caller: Caller) -> None:
    """Multipart: fields as text, the object as JSON, the picture as a file."""
    picture = {"name": "promo.PNG", "content": "iVBORw0KGgo="}

    told = result(
        caller.run("scalev.send_template", template_id=302, components_param={"body": ["Budi"]}, file=picture)
    )

    assert told["message_id"]
    assert ACTIONS["scalev.send_template"].template(ACTIONS["scalev.send_template"].parameters.model_validate(
        CASE.parameters["scalev.send_template"])) == "301"  # fmt: skip


def test_a_batch_goes_to_each_person_once(caller: Caller, sandbox: Sandbox) -> None:
    """The list is the file that the API wants; names with commas stay names."""
    people = [{"name": "Budi, Contoh", "phone": "0812 3456 789"}, {"name": "Budi", "phone": "+62 812-3456-789"}]

    assert caller.run("scalev.send_messages", people=people).error is None
    assert [effect["phone_number"] for effect in sandbox.effects("message")] == [PERSON]
    assert result(caller.run("scalev.list_message_attempts"))["status_list"] == ["sent"]
