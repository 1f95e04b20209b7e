"""Wabotick's calls about subscribers: get, create, list, update, delete, and the fields they may have.

Invariant: an answer keeps the vendor's oddities (camelCase names, `mesasge`, "not found" with status "1").
"""

from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Json
from sandbox.vendors.wabotick.shapes import ok, paged
from sandbox.vendors.wabotick.state import Chats, Subscriber, wall_clock
from sandbox.vendors.wabotick.words import (
    ACCOUNT_NOT_FOUND,
    SUBSCRIBER_EXISTS,
    SUBSCRIBER_LIMIT,
    SUBSCRIBER_NOT_FOUND,
    checked,
)
from sandbox.whatsapp_account import PHONE_NUMBER_ID

if TYPE_CHECKING:
    from sandbox.vendors.wabotick.vendor import Wabotick

CHANGEABLE = ("first_name", "last_name", "gender")


def get_subscriber(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/subscriber/get."""
    refusal = checked(call, "phone_number_id", "phone_number") or vendor.check_number(call)
    if refusal is not None:
        return refusal
    subscriber = vendor.chats.visible(call.params["phone_number"], vendor.setup.clock())
    document = vendor.settings.shape == "document"
    if subscriber is None:
        # With status "1": a sister product reports it so, and a client that trusts the status is fooled.
        body = {"status": "0" if document else "1", "message": SUBSCRIBER_NOT_FOUND}
        return Answer(200, body, refusal=SUBSCRIBER_NOT_FOUND)
    if document:
        return Answer(200, {"status": "success", "data": _document_row(vendor.chats, subscriber)})
    return Answer(200, ok([_white_label_row(vendor.chats, subscriber)]))


def create_subscriber(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/subscriber/create: its own parameter names."""
    refusal = checked(call, "phoneNumberID", "name", "phoneNumber")
    if refusal is not None:
        return refusal
    phone = call.params["phoneNumber"]
    if call.params["phoneNumberID"] != PHONE_NUMBER_ID:
        return vendor.refuse(200, ACCOUNT_NOT_FOUND)
    if phone in vendor.chats.subscribers or not (phone.isascii() and phone.isdecimal()):
        return vendor.refuse(200, SUBSCRIBER_EXISTS)
    if vendor.subscriber_limit_reached(phone):
        return vendor.refuse(200, SUBSCRIBER_LIMIT)
    subscriber = vendor.chats.subscribe(phone, call.params["name"], vendor.setup.clock())
    effect = {"kind": "subscriber", "id": str(subscriber.subscriber_id), "phone_number": phone}
    body = {"status": "1", "mesasge": "WhatsApp subscriber has been created."}
    return Answer(200, body, effects=({**effect, "name": subscriber.first_name},))


def list_subscribers(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/subscriber/list: newest first, unless `orderBy` says ASC (the sisters: 1)."""
    refusal = checked(call, "phone_number_id") or vendor.check_account(call)
    if refusal is not None:
        return refusal
    order = str(call.params.get("orderBy") or "")
    now = vendor.setup.clock()
    found = [item for item in vendor.chats.subscribers.values() if item.visible_at <= now]
    found.sort(key=lambda item: item.subscriber_id, reverse=not (order == "1" or order.upper().endswith("ASC")))
    return paged(vendor, call, [_white_label_row(vendor.chats, item) for item in found], "subscribers")


def update_subscriber(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/subscriber/update: `label_ids` replaces all labels."""
    subscriber = vendor.subscriber_of(call)
    if isinstance(subscriber, Answer):
        return subscriber
    changes = {name: call.params[name] for name in CHANGEABLE if isinstance(call.params.get(name), str)}
    for name, value in changes.items():
        setattr(subscriber, name, value)
    if isinstance(call.params.get("label_ids"), str):
        subscriber.labels = changes["label_ids"] = id_list(call.params["label_ids"])
    effect = {"kind": "subscriber_update", "id": str(subscriber.subscriber_id), "phone_number": subscriber.chat_id}
    return Answer(200, ok("Subscriber has been updated successfully."), effects=({**effect, "fields": changes},))


def delete_subscriber(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/subscriber/delete."""
    subscriber = vendor.subscriber_of(call)
    if isinstance(subscriber, Answer):
        return subscriber
    vendor.chats.remove(subscriber.chat_id)
    effect = {"kind": "subscriber_delete", "id": str(subscriber.subscriber_id), "phone_number": subscriber.chat_id}
    return Answer(200, ok("Subscriber has been deleted successfully."), effects=(effect,))


def list_custom_fields(vendor: "Wabotick", _: Call) -> Answer:
    """POST /whatsapp/subscriber/custom-fields/list: the only list that comes in `data`."""
    return Answer(200, ok("Custom fields list.", data=vendor.chats.custom_fields))


def id_list(text: str) -> list[str]:
    """Read comma separated ids."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _document_row(chats: Chats, subscriber: Subscriber) -> dict[str, Json]:
    return {
        "subscriber_id": subscriber.subscriber_id,
        "first_name": subscriber.first_name,
        "last_name": subscriber.last_name,
        "phone_number": subscriber.chat_id,
        "gender": subscriber.gender,
        "labels": chats.label_names(subscriber),
        "custom_fields": dict(subscriber.custom_fields),
    }


def _white_label_row(chats: Chats, subscriber: Subscriber) -> dict[str, Json]:
    return {
        "subscriber_id": subscriber.subscriber_id,
        "chat_id": subscriber.chat_id,
        "first_name": subscriber.first_name,
        "last_name": subscriber.last_name,
        "email": "null",
        "gender": subscriber.gender,
        "created_at": wall_clock(subscriber.created_at),
        "assigned_agent_id": _agent_id(subscriber.team_member_id),
        "label_names": ",".join(chats.label_names(subscriber)),
        "custom_fields": ",".join(f"{name}:{value}" for name, value in subscriber.custom_fields.items()),
    }


def _agent_id(team_member_id: str | None) -> int | str | None:
    """Return it as a number where it is one."""
    return (
        int(team_member_id)
        if team_member_id and team_member_id.isascii() and team_member_id.isdecimal()
        else team_member_id
    )
