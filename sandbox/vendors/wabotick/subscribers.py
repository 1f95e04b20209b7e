"""Wabotick's calls around a subscriber: get, create, labels, custom fields, bot flows.

Invariant: an answer keeps the vendor's oddities (camelCase names, `mesasge`, "not found" with status "1").
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Effect, Json
from sandbox.intake import load_json
from sandbox.vendors.wabotick.state import LABELS, PHONE_NUMBER_ID, Subscriber, wall_clock
from sandbox.vendors.wabotick.words import (
    ACCOUNT_NOT_FOUND,
    SUBSCRIBER_EXISTS,
    SUBSCRIBER_LIMIT,
    SUBSCRIBER_NOT_FOUND,
    TRIGGER_FAILED,
    checked,
)

if TYPE_CHECKING:
    from sandbox.vendors.wabotick.vendor import Wabotick


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
    return Answer(200, _document_shape(subscriber) if document else _white_label_shape(subscriber))


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


def assign_labels(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/subscriber/chat/assign-labels."""
    label_ids = [part.strip() for part in str(call.params.get("label_ids", "")).split(",") if part.strip()]

    def assign(subscriber: Subscriber) -> tuple[str, Effect]:
        new = [label for label in label_ids if label not in subscriber.labels]
        subscriber.labels.extend(new)
        return "Labels have been assigned successfully.", {"kind": "labels", "label_ids": label_ids}

    return _with_subscriber(vendor, call, "label_ids", assign)


def assign_custom_fields(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/subscriber/chat/assign-custom-fields: a JSON object as text."""
    try:
        fields = load_json(str(call.params.get("custom_fields") or "{}"))
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        return vendor.refuse(200, "The custom fields must be a valid JSON string.")

    def assign(subscriber: Subscriber) -> tuple[str, Effect]:
        subscriber.custom_fields.update(fields)
        return "Custom fields have been assigned successfully.", {"kind": "custom_fields", "custom_fields": fields}

    return _with_subscriber(vendor, call, "custom_fields", assign)


def trigger_bot(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/trigger-bot: any flow id is answered with success, also one nobody knows."""
    refusal = checked(call, "phone_number_id", "bot_flow_unique_id", "phone_number") or vendor.check_number(call)
    if refusal is not None:
        return refusal
    if vendor.settings.trigger_bot_fails:
        return Answer(200, {"status": "1", "message": TRIGGER_FAILED}, refusal=TRIGGER_FAILED)
    effect = {
        "kind": "bot_trigger",
        "id": vendor.ids.uuid("bot trigger"),
        "bot_flow_unique_id": call.params["bot_flow_unique_id"],
        "phone_number": call.params["phone_number"],
    }
    return Answer(200, {"status": "1", "message": "Bot has been trigger successfully."}, effects=(effect,))


def _with_subscriber(
    vendor: "Wabotick", call: Call, required: str, then: Callable[[Subscriber], tuple[str, Effect]]
) -> Answer:
    refusal = checked(call, "phone_number_id", "phone_number", required) or vendor.check_number(call)
    if refusal is not None:
        return refusal
    subscriber = vendor.chats.visible(call.params["phone_number"], vendor.setup.clock())
    if subscriber is None:
        return vendor.refuse(200, SUBSCRIBER_NOT_FOUND)
    message, effect = then(subscriber)
    names = {"id": str(subscriber.subscriber_id), "phone_number": subscriber.chat_id}
    return Answer(200, {"status": "1", "message": message}, effects=({**effect, **names},))


def _document_shape(subscriber: Subscriber) -> dict[str, Json]:
    data = {
        "subscriber_id": subscriber.subscriber_id,
        "first_name": subscriber.first_name,
        "last_name": "",
        "phone_number": subscriber.chat_id,
        "gender": "",
        "labels": [LABELS.get(label, label) for label in subscriber.labels],
        "custom_fields": dict(subscriber.custom_fields),
    }
    return {"status": "success", "data": data}


def _white_label_shape(subscriber: Subscriber) -> dict[str, Json]:
    data = {
        "subscriber_id": subscriber.subscriber_id,
        "chat_id": subscriber.chat_id,
        "first_name": subscriber.first_name,
        "last_name": "",
        "email": "null",
        "gender": "",
        "created_at": wall_clock(subscriber.created_at),
        "assigned_agent_id": None,
        "label_names": ",".join(LABELS.get(label, label) for label in subscriber.labels),
        "custom_fields": ",".join(f"{name}:{value}" for name, value in subscriber.custom_fields.items()),
    }
    return {"status": "1", "message": [data]}
