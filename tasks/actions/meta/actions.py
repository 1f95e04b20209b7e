"""What can be done at Meta's Cloud API: send messages, and mark a person's message as read.

Invariant: every message carries the id of its delivery, which Meta gives back in each report on it, so that one whose
answer was lost is known again; Meta offers no way to ask.
"""

from typing import Any

from tasks.actions.meta import messages
from tasks.actions.meta.client import ask
from tasks.actions.meta.templates import SOURCE
from webhooks import fields
from worker.acting import Action, Call, Outcome, nobody
from worker.errors import PermanentError, UncertainError
from worker.states import MessageState, Reason

_ENDPOINT = "POST /{phone_number_id}/messages"


def send(call: Call) -> Outcome:
    """Send a message; the result is the id under which its reports will come."""
    wanted: messages.Message = call.parameters
    body: dict[str, Any] = {"recipient_type": "individual", "to": wanted.to.lstrip("+"), **wanted.content()}
    if wanted.reply_to:
        body["context"] = {"message_id": wanted.reply_to}
    if call.delivery_id:
        body["biz_opaque_callback_data"] = call.delivery_id
    sent = ask(call, body).get("messages")
    message_id = fields.key_text(fields.at(sent[0], "id")) if isinstance(sent, list) and sent else None
    if message_id is None:
        raise UncertainError(Reason.NO_MESSAGE_ID, "accepted, but without a message id: it may have been sent")
    return Outcome({"message_id": message_id, "message_state": MessageState.ACCEPTED})


def mark_read(call: Call) -> Outcome:
    """Mark a message as read, and those before it."""
    body = ask(call, {"status": "read", "message_id": call.parameters.message_id})
    if "success" not in body:
        raise UncertainError(Reason.UNREADABLE_ANSWER, "the answer does not say whether it was done")
    if body["success"] not in (True, "true"):
        raise PermanentError(Reason.REJECTED, "Meta did not mark the message as read")
    return Outcome()


def _to(parameters: Any) -> str:
    return str(parameters.to)


def _send(name: str, model: type[messages.Message], summary: str, **more: Any) -> Action:
    return Action(
        f"meta.{name}", model, send, idempotent=False, summary=summary, endpoint=_ENDPOINT, recipient=_to,
        settled_by="a person, by the reports on the message, which name its delivery", **more,
    )  # fmt: skip


def _template_of(parameters: Any) -> str:
    return str(parameters.name)


def _in_session(name: str, model: type[messages.Message], summary: str) -> Action:
    return _send(name, model, summary, in_session=True)


ACTIONS = (
    _in_session("send_message", messages.SendMessage, "Send a text within the 24 hours."),
    _send("send_template", messages.SendTemplate, "Send an approved template.", template=_template_of,
          templates=SOURCE),
    _in_session("send_buttons", messages.SendButtons, "Send a text with one to three buttons within the 24 hours."),
    _in_session("send_list", messages.SendList, "Send a text with a list of up to ten rows within the 24 hours."),
    _in_session("send_media", messages.SendMedia, "Send a picture, film, sound or document within the 24 hours."),
    Action(
        "meta.mark_read", messages.MarkRead, mark_read, idempotent=True,
        summary="Mark a person's message as read.", endpoint=_ENDPOINT, recipient=nobody,
    ),
)  # fmt: skip
