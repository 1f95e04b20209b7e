"""Wabotick's actions of several calls: what the vendor answers with less than one has to know.

Invariant: each may be run again from its beginning, wherever it ended, and then does what is still to be done.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from tasks.actions.judging import looking
from tasks.actions.wabotick import parameters as given
from tasks.actions.wabotick.client import Said, ask, hear, judged, rows_of
from webhooks import fields
from worker.acting import Action, Call, Outcome
from worker.errors import PermanentError, RetryableError, UncertainError
from worker.states import Reason

_EXISTS = "subscriber already exist"
_UPLOAD_FIELDS = ("file", "media_file")
_UPLOAD_FIELD = "upload_field"


def get_subscriber(call: Call) -> Outcome:
    """Read a subscriber."""
    row = _find(call)
    if row is None:
        raise PermanentError(Reason.NOT_FOUND, "Wabotick knows no subscriber of this number")
    labels = row.get("labels", row.get("label_names"))
    names = labels.split(",") if isinstance(labels, str) else labels if isinstance(labels, list) else []
    found = {
        "subscriber_id": fields.text(row.get("subscriber_id")),
        "assigned_agent_id": fields.text(row.get("assigned_agent_id")),
        "order_id": fields.key_text(_custom_fields(row).get("order_id")),
        "labels": [name for label in names if (name := fields.text(label))],
    }
    return Outcome({name: value for name, value in found.items() if value})


def create_subscriber(call: Call) -> Outcome:
    """Create a subscriber; "something went wrong or subscriber already exist" is told apart by looking."""
    form = {"name": call.parameters.name, "phoneNumber": call.parameters.phone_number.lstrip("+")}
    said = hear(call, "POST", "/whatsapp/subscriber/create", data=form)
    if not (said.failed and _EXISTS in said.words.lower()):
        judged(call, said)
        return Outcome({"existed": False})
    with looking():
        row = _find(call)
    if row is None:  # then it was the other: something went wrong
        raise RetryableError(Reason.REJECTED, "neither created nor there", most_attempts=2)
    return Outcome({"existed": True, "subscriber_id": fields.text(row.get("subscriber_id"))})


def delete_subscriber(call: Call) -> Outcome:
    """Delete a subscriber; one that is not there any more is deleted."""
    try:
        ask(call, "POST", "/whatsapp/subscriber/delete", data=_person(call))
    except RetryableError as error:
        if error.reason is not Reason.NOT_YET:
            raise
        return Outcome({"existed": False})
    return Outcome({"existed": True})


def create_label(call: Call) -> Outcome:
    """Create a label unless there is one of that name, and learn its id, which the answer does not tell."""
    name = call.parameters.label_name
    with call.memory.alone(f"label:{hashlib.sha256(name.encode()).hexdigest()}"):
        with looking():
            found = _label_id(call, name)
        if found is not None:
            return Outcome({"label_id": found, "existed": True})
        ask(call, "POST", "/whatsapp/label/create", data={"label_name": name})
        found = _label_id(call, name)
    if found is None:
        raise UncertainError(Reason.UNREADABLE_ANSWER, "created, but the list of labels does not have it")
    return Outcome({"label_id": found, "existed": False})


def upload_media(call: Call) -> Outcome:
    """Upload a file, under the field's name in the document, or the one of sister products if that is refused."""
    first = call.memory.recall(_UPLOAD_FIELD) or _UPLOAD_FIELDS[0]
    for name in sorted(_UPLOAD_FIELDS, key=lambda name: name != first):
        said = _upload(call, name)
        if not _wants_another_field(said):
            break
    body = judged(call, said)
    media_id = fields.first_key(body, ("media_id", "data.media_id"))
    if media_id is None:
        raise UncertainError(Reason.UNREADABLE_ANSWER, "accepted, but the answer has no media_id")
    if name != first:
        call.memory.remember(_UPLOAD_FIELD, name)
    return Outcome({"media_id": media_id})


def _upload(call: Call, name: str) -> Said:
    wanted = call.parameters
    file = (wanted.media_name, base64.b64decode(wanted.content), wanted.media_type)
    return hear(call, "POST", "/whatsapp/upload/media", files={name: file})


def _wants_another_field(said: Said) -> bool:
    words = said.words.lower()
    return said.failed and "required" in words and ("file" in words)


def _label_id(call: Call, name: str) -> str | None:
    rows = rows_of(ask(call, "POST", "/whatsapp/label/list")) or []
    return next((fields.text(row.get("id")) for row in rows if row.get("label_name") == name), None)


def _find(call: Call) -> Mapping[str, Any] | None:
    """Return a subscriber; None where there is none, which the vendor says with either status."""
    try:
        rows = rows_of(ask(call, "POST", "/whatsapp/subscriber/get", data=_person(call)))
    except RetryableError as error:
        if error.reason is not Reason.NOT_YET:
            raise
        return None
    if rows is None:
        raise UncertainError(Reason.UNREADABLE_ANSWER, "the answer holds no subscriber, and does not say so")
    return next((row for row in rows if row.get("subscriber_id")), None)


def _person(call: Call) -> dict[str, str]:
    return {"phone_number": call.parameters.phone_number.lstrip("+")}


def _custom_fields(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields of a subscriber: an object in the document, `name:value,name:value` on a sister."""
    found = row.get("custom_fields")
    if isinstance(found, str):
        return dict(part.strip().partition(":")[::2] for part in found.split(","))
    return found if isinstance(found, Mapping) else {}


ACTIONS = (
    Action(
        "wabotick.get_subscriber", given.ToPerson, get_subscriber, idempotent=True, is_read=True,
        summary="Read a subscriber: ids, labels, and the custom field order_id.",
        endpoint="POST /whatsapp/subscriber/get",
    ),
    Action(
        "wabotick.create_subscriber", given.CreateSubscriber, create_subscriber, idempotent=True,
        summary="Create a subscriber, or find the one there is.", endpoint="POST /whatsapp/subscriber/create",
    ),
    Action(
        "wabotick.delete_subscriber", given.ToPerson, delete_subscriber, idempotent=True,
        summary="Delete a subscriber and the chat.", endpoint="POST /whatsapp/subscriber/delete",
    ),
    Action(
        "wabotick.create_label", given.CreateLabel, create_label, idempotent=True,
        summary="Create a label, or find the one there is.", endpoint="POST /whatsapp/label/create",
    ),
    Action(
        "wabotick.upload_media", given.UploadMedia, upload_media, idempotent=True,
        summary="Upload a file that messages may name; a second copy does no harm.",
        endpoint="POST /whatsapp/upload/media",
    ),
)  # fmt: skip
