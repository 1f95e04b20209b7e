"""Wabotick's calls that only look: messages, templates, buttons, labels, fields, catalogues, subscribers.

Invariant: a result holds ids, names of the shop's own things, states and counts; nothing of people, and no token.
"""

from collections.abc import Callable, Iterable
from typing import Any

from config.accounts import WabotickAccount
from tasks.actions.operations import Operation
from tasks.actions.parameters import Parameters
from tasks.actions.wabotick import parameters as given
from tasks.actions.wabotick.client import ask, rows_of
from webhooks import fields
from worker.acting import Action, Call, Outcome
from worker.errors import UncertainError
from worker.states import MessageState, Reason
from worker.whatsapp import code_in, reason_of, state_of


def get_message_status(call: Call) -> Outcome:
    """Ask how far a message came.

    `whatsapp_bot_id` is Meta's id of the number after the document, the platform's own id after sister products.
    """
    account, wanted = call.account, call.parameters
    assert isinstance(account, WabotickAccount)  # noqa: S101 - the loader's check, told to mypy
    number = wanted.whatsapp_bot_id or account.whatsapp_bot_id or account.phone_number_id
    form = {"wa_message_id": wanted.wa_message_id, "whatsapp_bot_id": number}
    rows = rows_of(ask(call, "POST", "/whatsapp/get/message-status", data=form))
    row = rows[0] if rows else {}
    code = code_in(fields.text(row.get("failed_reason")) or "")
    state = MessageState.FAILED if code is not None else state_of(row.get("message_status"))
    if state is None:
        raise UncertainError(Reason.UNREADABLE_ANSWER, "the answer says no state that is known")
    result: dict[str, Any] = {"message_id": wanted.wa_message_id, "message_state": state}
    if state is MessageState.FAILED:
        result |= {"error_code": None if code is None else str(code), "error_reason": reason_of(code)}
    return Outcome(result)


def _listed(name: str, *keys: str) -> Callable[[Call, Any], Outcome]:
    """Return what makes a list's result: how many, and of each row the named fields."""

    def finish(_call: Call, body: Any) -> Outcome:
        rows = rows_of(body)
        if rows is None:
            raise UncertainError(Reason.UNREADABLE_ANSWER, "the answer holds no list")
        return Outcome({"count": len(rows), name: [_of(row, keys) for row in rows]})

    return finish


def _of(row: dict[str, Any], keys: Iterable[str]) -> Any:
    found = {key: fields.text(row.get(key)) for key in keys}
    return next(iter(found.values())) if len(found) == 1 else found


def _list(name: str, model: type[Parameters], path: str, summary: str, of: str, *keys: str) -> Operation:
    return Operation(
        f"wabotick.{name}", model, "POST", path, summary, encoding="form", is_read=True, finish=_listed(of, *keys)
    )


GET_MESSAGE_STATUS = Action(
    "wabotick.get_message_status", given.GetMessageStatus, get_message_status, idempotent=True, is_read=True,
    summary="Ask how far a message came.", endpoint="POST /whatsapp/get/message-status",
)  # fmt: skip

OPERATIONS = (
    _list("get_conversation", given.GetConversation, "/whatsapp/get/conversation",
          "Read the newest messages with a person: their ids and states.",
          "messages", "wa_message_id", "sender", "message_status"),
    _list("list_templates", given.Nothing, "/whatsapp/template/list", "List the templates.",
          "templates", "id", "template_name", "locale", "status", "map_needed"),
    _list("list_postbacks", given.Nothing, "/whatsapp/get/post-back-list",
          "List the bot's buttons: a catalogue, not who tapped them.", "postbacks", "postback_id", "bot_name"),
    _list("list_subscribers", given.ListSubscribers, "/whatsapp/subscriber/list",
          "List subscribers: their ids.", "subscriber_ids", "subscriber_id"),
    _list("list_custom_fields", given.Nothing, "/whatsapp/subscriber/custom-fields/list",
          "List the fields that subscribers may have.", "custom_fields", "id", "name", "reply_type"),
    _list("list_labels", given.Nothing, "/whatsapp/label/list", "List the labels.", "labels", "id", "label_name"),
    _list("list_catalogs", given.Nothing, "/whatsapp/catalog/list",
          "List the catalogues.", "catalogs", "whatsapp_catalog_id", "catalog_name"),
    _list("list_catalog_orders", given.OfCatalog, "/whatsapp/catalog/order/list",
          "List a catalogue's orders: their ids and states.", "orders", "order_unique_id", "cart_status"),
)  # fmt: skip
