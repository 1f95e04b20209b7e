"""The desk around Scalev's WhatsApp: batches, users, quick replies, tags, media, and unofficial devices.

Invariant: a batch answers 204 whatever becomes of its lines; how each fared is in the attempts.
"""

import csv
from io import StringIO
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Json
from sandbox.routing import Route
from sandbox.vendors.scalev.paging import mentions, page
from sandbox.vendors.scalev.records import RecordList
from sandbox.vendors.scalev.waba import (
    account_by_number,
    account_by_unique_id,
    deliver_template,
    message_effect,
)
from sandbox.vendors.scalev.words import (
    MULTIPART_ONLY,
    Record,
    RefusedError,
    body,
    found,
    needed_text,
    numbered,
    picked,
    route,
    structure,
    uploaded,
    whole,
)

if TYPE_CHECKING:
    from sandbox.vendors.scalev.vendor import Scalev

_USER_FIELDS = ("handler_id", "handler_type", "tag_ids", "is_block")
_PICTURES = (".jpg", ".jpeg", ".png")
_OPERATE = "waba_account:operate"
_SEND = "waba_template_message:send"


def send_messages(vendor: "Scalev", call: Call) -> Answer:
    """POST /waba-accounts/{id}/send-messages: one template to every line of a CSV of `name,phone`."""
    account_by_number(vendor, call)
    params = body(call)
    template = found(numbered(vendor.waba.templates, str(whole(params, "template_id"))), "Template")
    people = list(csv.DictReader(StringIO(str(uploaded(params).get("text") or ""))))
    if not people or "phone" not in people[0]:
        raise RefusedError(422, "file must be a CSV with name and phone")
    if str(params.get("is_prevent_duplicate", "")).lower() in ("true", "1"):
        people = list({person["phone"]: person for person in people}.values())
    values = structure(params, "component_values")
    sent = [_attempt(vendor, template, person, values) for person in people]
    effects = [message_effect(record, template["name"]) for record in sent if record is not None]
    return Answer(204, effects=tuple(effects))


def list_attempts(vendor: "Scalev", call: Call) -> Answer:
    """GET /waba-accounts/{id}/message-attempts: newest first."""
    account_by_number(vendor, call)
    return Answer(200, page(vendor.waba.attempts[::-1], call.query))


def upload_media(vendor: "Scalev", call: Call) -> Answer:
    """POST /waba-accounts/{id}/upload-media: JPEG or PNG."""
    account_by_number(vendor, call)
    file = uploaded(call.params)
    if not str(file["file"]).lower().endswith(_PICTURES):
        raise RefusedError(422, "file must be a JPEG or PNG")
    identity = str(vendor.ids.number("media", 880_000_000_000_000))
    return Answer(200, {"id": identity}, effects=({"kind": "media", "id": identity},))


def list_users(vendor: "Scalev", call: Call) -> Answer:
    """GET /waba-accounts/{unique_id}/customers: the conversations."""
    account_by_unique_id(vendor, call)
    rows = [row for row in vendor.waba.users.values() if mentions(call.query, row["wa_user_id"], row["name"])]
    return Answer(200, page(rows, call.query))


def update_user(vendor: "Scalev", call: Call) -> Answer:
    """PATCH /waba-accounts/{unique_id}/customers/{user}."""
    user, changes = _user(vendor, call), picked(body(call), _USER_FIELDS)
    if changes.get("handler_type") not in (None, "auto", "human"):
        raise RefusedError(422, "handler_type must be auto or human")
    user.update(changes)
    effect = {"kind": "waba_user", "id": user["id"], "fields": sorted(changes)}
    return Answer(200, {**user}, effects=(effect,))


def add_purchase(vendor: "Scalev", call: Call) -> Answer:
    """POST /waba-accounts/{unique_id}/customers/{user}/purchase."""
    user, params = _user(vendor, call), body(call)
    value = params.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedError(422, "value must be a number")
    effect = {"kind": "purchase", "id": user["id"], "currency": needed_text(params, "currency"), "value": value}
    return Answer(204, effects=(effect,))


def check_integration(vendor: "Scalev", call: Call) -> Answer:
    """POST /whatsapp-integrations/{id}/check-status."""
    device = found(numbered(vendor.waba.integrations, call.ids["id"]), "WhatsApp integration")
    return Answer(200, {"id": device["id"], "status": device.get("status") or "disconnected"})


LISTS = (
    RecordList(
        "/waba-accounts/{account}/quick-replies", "quick_reply", ("code", "message"), lambda waba: waba.quick_replies
    ),
    RecordList("/waba-customer-tags", "waba_tag", ("name", "color"), lambda waba: waba.tags),
    RecordList(
        "/whatsapp-integrations",
        "whatsapp_integration",
        ("name", "phone"),
        lambda waba: waba.integrations,
        "whats_app_integration:*",
    ),
)
ROUTES: tuple["Route[Scalev]", ...] = (
    route(_SEND, "POST", "/waba-accounts/{id}/send-messages", send_messages, MULTIPART_ONLY),
    route(_SEND, "GET", "/waba-accounts/{id}/message-attempts", list_attempts),
    route(_OPERATE, "POST", "/waba-accounts/{id}/upload-media", upload_media, MULTIPART_ONLY),
    route(_OPERATE, "GET", "/waba-accounts/{id}/customers", list_users),
    route(_OPERATE, "PATCH", "/waba-accounts/{id}/customers/{user}", update_user),
    route(_OPERATE, "POST", "/waba-accounts/{id}/customers/{user}/purchase", add_purchase),
    *(item for listed in LISTS for item in listed.routes()),
    route("whats_app_integration:update", "POST", "/whatsapp-integrations/{id}/check-status", check_integration),
)


def _attempt(vendor: "Scalev", template: Record, person: dict[str, str], values: Json) -> Record | None:
    """Send one line of a batch and note how it went. Returns the message, None when there is none."""
    phone = "".join(letter for letter in person["phone"] or "" if letter.isdecimal())
    attempt: Record = {
        "id": vendor.ids.number("attempt", 0),
        "name": person.get("name"),
        "phone": phone,
        "template_id": template["id"],
        "wamid": None,
        "error": None,
    }
    vendor.waba.attempts.append(attempt)
    try:
        record = deliver_template(vendor, phone, template, values)
    except RefusedError as error:
        attempt |= {"status": "failed", "error": str(error)}
        return None
    attempt |= {"status": "sent", "wamid": record["wamid"]}
    return record


def _user(vendor: "Scalev", call: Call) -> Record:
    """Find a WABA user by its number or its WhatsApp id: the document does not say which `{id}` means."""
    account_by_unique_id(vendor, call)
    identity, users = call.ids["user"], vendor.waba.users
    return found(users.get(identity) or numbered(users.values(), identity), "WABA customer")
