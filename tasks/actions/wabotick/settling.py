"""Whether a message whose answer was lost was sent: read out of the conversation with that person.

Invariant: a message counts as ours only when exactly one in the conversation says the same and can be of that moment;
that none is there proves nothing, as the record may come late.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from tasks.actions.wabotick.client import ask, rows_of
from webhooks import fields
from worker.acting import Call, Outcome, Settled, Settlement
from worker.states import MessageState
from worker.whatsapp import state_of

SETTLED_BY = "the conversation: one message to the person with the same content, at that moment"

_QUARTER_SECONDS = 900
_EARLY_SECONDS, _LATE_SECONDS = 30, 180
_WEST_SECONDS, _EAST_SECONDS = 12 * 3600, 14 * 3600

Content = Mapping[str, Any]
IsIt = Callable[[Content], bool]


def settle_text(call: Call, since: datetime) -> Settlement:
    """Find a session text."""
    return _settle(call, since, lambda content: fields.at(content, "text.body") == call.parameters.message)


def settle_buttons(call: Call, since: datetime) -> Settlement:
    """Find a message with buttons by its text."""
    return _settle(call, since, lambda content: fields.at(content, "interactive.body.text") == call.parameters.message)


def settle_file(call: Call, since: datetime) -> Settlement:
    """Find a file by its kind and where it is."""
    wanted = call.parameters

    def is_it(content: Content) -> bool:
        sources = {fields.at(content, f"{wanted.media_type}.{name}") for name in ("link", "id")} - {None}
        return bool(sources & {wanted.media_url, wanted.media_id})

    return _settle(call, since, is_it)


def settle_template(call: Call, since: datetime) -> Settlement:
    """Find a template by its name at Meta and the values of its variables."""
    wanted = call.parameters
    templates = rows_of(ask(call, "POST", "/whatsapp/template/list")) or []
    names = {row.get("template_name") for row in templates if fields.text(row.get("id")) == wanted.template_id}

    def is_it(content: Content) -> bool:
        return fields.at(content, "template.name") in names - {None} and _body_values(content) == wanted.values()

    return _settle(call, since, is_it)


def _settle(call: Call, since: datetime, is_it: IsIt) -> Settlement:
    form = {"phone_number": call.parameters.phone_number.lstrip("+"), "limit": "50"}
    rows = rows_of(ask(call, "POST", "/whatsapp/get/conversation", data=form)) or []
    found = [row for row in rows if _is_ours(row) and _may_be_of(row, since) and is_it(_content(row))]
    message_id = fields.key_text(found[0].get("wa_message_id")) if len(found) == 1 else None
    if message_id is None:
        return Settlement(Settled.NOT_KNOWN)
    state = state_of(found[0].get("message_status")) or MessageState.ACCEPTED
    return Settlement(Settled.HAPPENED, Outcome({"message_id": message_id, "message_state": state}))


def _is_ours(row: Mapping[str, Any]) -> bool:
    return row.get("sender") not in {"user", "system"}


def _may_be_of(row: Mapping[str, Any], since: datetime) -> bool:
    """Whether a message can have been sent at that moment.

    Wabotick's times have no zone. But zones differ from UTC by whole quarters of an hour, between 12 hours west and
    14 east, so a time of that moment is a few minutes after it when whole quarters are taken away.
    """
    at = fields.moment(row.get("conversation_time"))
    if at is None:
        return False
    passed = (at - since).total_seconds() + _EARLY_SECONDS
    is_near = -_WEST_SECONDS <= passed <= _EAST_SECONDS + _LATE_SECONDS
    return is_near and passed % _QUARTER_SECONDS <= _EARLY_SECONDS + _LATE_SECONDS


def _content(row: Mapping[str, Any]) -> Content:
    """Return a message in Meta's form, which the conversation keeps as JSON inside a text."""
    content = row.get("message_content")
    try:
        content = json.loads(content) if isinstance(content, str) else content
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, Mapping) else {}


def _body_values(content: Content) -> list[Any]:
    components = fields.at(content, "template.components")
    parts = [part for part in components if isinstance(part, Mapping)] if isinstance(components, list) else []
    bodies = [part for part in parts if str(part.get("type")).lower() == "body"]
    parameters = bodies[0].get("parameters") if bodies else []
    return [fields.at(part, "text") for part in parameters] if isinstance(parameters, list) else []
