"""The lists of templates: what each vendor's says, how a message fills one, and what an answer may look like."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from config.accounts import AccountsFile
from tasks.actions.http import HttpSession
from tasks.actions.registry import ACTIONS
from tests.conformance.actions.conftest import NOW, TIMEOUT_SECONDS
from tests.conformance.actions.vendors.registry import CASES
from tests.support.sandbox import Sandbox
from worker.acting import Call
from worker.errors import WorkerError
from worker.ledger.memory import Memory
from worker.messaging.templating import judge
from worker.templates import Filling, TemplateList, TemplateSource, TemplateStatus

BUSINESS = "200000000000001"
WITH_LISTS = {"wabotick.send_template": {}, "scalev.send_template": {}, "meta.send_template": {
    "business_account_id": BUSINESS
}}  # fmt: skip


def source_of(name: str) -> TemplateSource:
    """Return where an action's templates are listed."""
    found = ACTIONS[name].templates
    assert found is not None
    return found


def call_of(name: str, url: str, client: httpx.Client, memory: Memory, **changes: Any) -> Call:
    """Return the call of an action with the parameters that work, some of them changed."""
    vendor = name.partition(".")[0]
    case = CASES[vendor]
    given = {"vendor": vendor, "base_url": url + case.mount, **case.account, **WITH_LISTS[name]}
    account = AccountsFile.model_validate({"accounts": {"a": given}}).accounts["a"]
    wanted = ACTIONS[name].parameters.model_validate({**case.parameters[name], **changes}, context={"country": "ID"})
    session = HttpSession(client, account.base_url, TIMEOUT_SECONDS, lambda: NOW)  # type: ignore[attr-defined]
    return Call("a", account, "ID", wanted, session, memory)


def answering(*bodies: Any) -> tuple[httpx.Client, list[str]]:
    """Return a client that gets these answers, one after the other, and the addresses it asked."""
    asked: list[str] = []
    left = list(bodies)

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, stream=httpx.ByteStream(json.dumps(left.pop(0)).encode()))

    return httpx.Client(transport=httpx.MockTransport(answer)), asked


@pytest.mark.parametrize("name", WITH_LISTS)
def test_the_message_that_works_fits_its_template(name: str, sandbox: Sandbox, memory: Memory) -> None:
    """At every vendor with a list: the working example of each action is one that its list lets pass."""
    source = source_of(name)
    with httpx.Client(trust_env=False) as client:
        call = call_of(name, sandbox.url, client, memory)
        found = source.fetch(call)

    assert found.is_whole
    filling = source.filling(call.parameters)
    [template] = [one for one in found.templates if one.key == filling.key]
    assert (template.name, template.language, template.status) == ("order_shipped", "id", TemplateStatus.APPROVED)
    assert template.variables == ("1", "2")
    assert template.wants_media is False
    assert judge(found, filling, NOW) is None


@pytest.mark.parametrize(
    ("name", "key", "status"),
    [
        ("wabotick.send_template", "257004", "rejected"),
        ("wabotick.send_template", "257006", "paused"),
        ("wabotick.send_template", "257007", "disabled"),
        ("wabotick.send_template", "257008", "unmapped"),
        ("meta.send_template", "weekend_discount", "rejected"),
        ("meta.send_template", "new_collection", "paused"),
        ("scalev.send_template", "303", "paused"),
    ],
)
def test_each_vendors_word_for_a_status_is_known(
    name: str, key: str, status: str, sandbox: Sandbox, memory: Memory
) -> None:
    """As the sandbox says it, after the vendor's document."""
    with httpx.Client(trust_env=False) as client:
        found = source_of(name).fetch(call_of(name, sandbox.url, client, memory))

    assert [one.status for one in found.templates if one.key == key] == [status]


def test_no_token_of_the_list_is_kept(sandbox: Sandbox, memory: Memory) -> None:
    """Wabotick's rows hold an access token of Meta's."""
    with httpx.Client(trust_env=False) as client:
        call = call_of("wabotick.send_template", sandbox.url, client, memory)
        found = source_of("wabotick.send_template").fetch(call)

    assert "TOKEN" not in repr(found)
    assert "TOKEN" not in repr(call.session.exchanges)


def test_meta_is_not_asked_without_its_business_account(memory: Memory) -> None:
    """Templates belong to it, and the number does not tell which it is."""
    with httpx.Client() as client:
        call = call_of("meta.send_template", "http://127.0.0.1:1", client, memory)
        account = call.account.model_copy(update={"business_account_id": None})
        bare = Call("a", account, "ID", call.parameters, call.session, memory)

    assert source_of("meta.send_template").shelf(call) == BUSINESS
    assert source_of("meta.send_template").shelf(bare) is None


def fetched(name: str, memory: Memory, *bodies: Any) -> tuple[TemplateList, list[str]]:
    """Return what is understood of answers, and what was asked."""
    client, asked = answering(*bodies)
    with client:
        return source_of(name).fetch(call_of(name, "http://vendor.example", client, memory)), asked


def meta_page(first: int, last: int, *, more: bool) -> dict[str, Any]:
    """Return a page of Meta's list."""
    rows = [{"name": f"t{number}", "language": "id", "status": "APPROVED"} for number in range(first, last)]
    paging = {"cursors": {"after": f"c{last}"}, **({"next": "https://graph.example/next"} if more else {})}
    return {"data": rows, "paging": paging}


def test_meta_is_asked_page_by_page(memory: Memory) -> None:
    """By its cursor, until there is no next page."""
    found, asked = fetched("meta.send_template", memory, meta_page(0, 2, more=True), meta_page(2, 3, more=False))

    assert [one.name for one in found.templates] == ["t0", "t1", "t2"]
    assert found.is_whole
    assert ["after=c2" in url for url in asked] == [False, True]


def test_a_list_without_end_is_not_taken_for_all(memory: Memory) -> None:
    """After five pages it is enough; an unknown template is then Meta's to refuse."""
    found, asked = fetched("meta.send_template", memory, *(meta_page(n, n + 1, more=True) for n in range(9)))

    assert len(asked) == 5
    assert not found.is_whole


def test_scalev_is_asked_for_the_account_first(memory: Memory) -> None:
    """Sends name it by a text, the list by a number; then page by page."""
    accounts = {"data": [{"id": 41, "unique_id": "waba_AAAAAAAAAAAAAAAAAAAAAAAA"}]}
    pages = {"data": [{"id": 1, "name": "a"}], "next_cursor": "n1"}, {"data": [{"id": 2, "name": "b"}]}

    found, asked = fetched("scalev.send_template", memory, accounts, *pages)

    assert [one.key for one in found.templates] == ["1", "2"]
    assert [httpx.URL(url).path.removeprefix("/scalev/v3") for url in asked] == [
        "/waba-accounts", "/waba-accounts/41/message-templates", "/waba-accounts/41/message-templates",
    ]  # fmt: skip


ROW = {"id": 48, "template_name": "hello", "body_content": "Hi {{1}} {{2}}", "status": "Approved", "map_needed": "0"}


@pytest.mark.parametrize(
    ("message", "keys", "is_whole"),
    [
        ([ROW, {**ROW, "id": 49}], ["48", "49"], True),
        ({"0": ROW, "1": {**ROW, "id": 49}}, ["48", "49"], True),
        (json.dumps([ROW, {**ROW, "id": 49}]), ["48", "49"], True),
        (ROW, ["48"], False),
        ([ROW], ["48"], False),
        ([], [], False),
        ([{"template_name": "without an id"}], [], False),
    ],
)
def test_wabotick_lists_in_any_disguise(message: Any, keys: list[str], is_whole: bool, memory: Memory) -> None:
    """A single row, as in the document, may be one of many."""
    try:
        found, _ = fetched("wabotick.send_template", memory, {"status": "1", "message": message})
    except WorkerError:
        assert keys == []  # an empty list cannot be told from no list
        return

    assert [one.key for one in found.templates] == keys
    assert found.is_whole is is_whole


@pytest.mark.parametrize(
    ("changes", "variables"),
    [
        ({"variable_map": '{"header":[],"body":["name","id"]}'}, ("1", "2")),
        ({"variable_map": '{"header":[],"body":["name"]}'}, None),
        ({"variable_map": '{"header":["who"],"body":["name","id"]}'}, None),
        ({"variable_map": "{broken"}, ("1", "2")),
        ({}, ("1", "2")),
        ({"body_content": "Hi {{2}} {{10}} {{1}} {{2}}"}, ("1", "2", "10")),
        ({"body_content": "Hi"}, ()),
        ({"body_content": None}, None),
    ],
)
def test_wabotick_variables_are_known_only_where_text_and_map_agree(
    changes: dict[str, Any], variables: tuple[str, ...] | None, memory: Memory
) -> None:
    """What is doubtful is not judged."""
    found, _ = fetched("wabotick.send_template", memory, {"status": "1", "message": [{**ROW, **changes}]})

    assert found.templates[0].variables == variables


BODY = {"type": "body", "parameters": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
FILLED: list[tuple[str, dict[str, Any], Filling]] = [
    ("wabotick.send_template", {}, Filling("257000", values=2, has_media=False)),
    ("wabotick.send_template", {"variables": {"name": "a"}, "template_header_media_url": "https://x.example/a.pdf"},
     Filling("257000", values=1, has_media=True)),
    ("meta.send_template", {}, Filling("order_shipped", "id", values=2, has_media=False)),
    ("meta.send_template", {"variables": {"name": "a", "order": "b"}},
     Filling("order_shipped", "id", values=2, names=("name", "order"), has_media=False)),
    ("meta.send_template", {"variables": [], "components": [BODY]},
     Filling("order_shipped", "id", values=2, has_media=False)),
    ("meta.send_template", {"quick_reply_payloads": ["y", "n"], "header": {"type": "image", "link": "https://x.example"}},
     Filling("order_shipped", "id", values=2, has_media=True, buttons=2)),
    ("scalev.send_template", {"components_param": [BODY]}, Filling("301", values=2, has_media=False)),
    ("scalev.send_template", {"components_param": {"body": ["a"]}}, Filling("301")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "changes", "expected"), FILLED)
def test_how_a_message_fills_its_template(
    name: str, changes: dict[str, Any], expected: Filling, memory: Memory
) -> None:
    """Each vendor in its own way; a shape that is not Meta's is not judged."""
    with httpx.Client() as client:
        call = call_of(name, "http://127.0.0.1:1", client, memory, **changes)

    assert source_of(name).filling(call.parameters) == expected


UNREADABLE: list[Callable[[], Any]] = [lambda: {"status": "1"}, lambda: {"data": "none"}, list, lambda: "junk"]


@pytest.mark.parametrize("name", WITH_LISTS)
@pytest.mark.parametrize("body", UNREADABLE)
def test_an_answer_without_a_list_is_none(name: str, body: Callable[[], Any], memory: Memory) -> None:
    """It is refused, and so the message goes as before."""
    with pytest.raises(WorkerError):
        fetched(name, memory, body(), body())
