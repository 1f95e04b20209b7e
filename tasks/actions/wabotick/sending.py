"""Wabotick's sends: template, text, buttons, file, flow, campaign.

Invariant: `accepted` means that Wabotick took the message, not that it arrived; a yes that names no message is no yes.
"""

from typing import Any

from tasks.actions.operations import Operation
from tasks.actions.wabotick import parameters as given
from tasks.actions.wabotick.client import ask, message_id_of, refusal, words_of
from tasks.actions.wabotick.settling import SETTLED_BY, settle_buttons, settle_file, settle_template, settle_text
from tasks.actions.wabotick.templates import SOURCE
from worker.acting import Action, Audience, Call, Outcome
from worker.errors import UncertainError
from worker.states import MessageState, Reason


def _to(parameters: Any) -> str:
    return str(parameters.phone_number)


def accepted(_call: Call, body: Any) -> Outcome:
    """Return the id under which the message's receipts will come."""
    message_id = message_id_of(body)
    if message_id is None:
        raise UncertainError(Reason.NO_MESSAGE_ID, "accepted, but without a message id: it may have been sent")
    return Outcome({"message_id": message_id, "message_state": MessageState.ACCEPTED})


def send_template(call: Call) -> Outcome:
    """Send a template message."""
    return accepted(call, ask(call, "POST", "/whatsapp/send/template", data=call.parameters.form()))


def _triggered(_call: Call, body: Any) -> Outcome:
    """Believe a yes only when its words say so too: the vendor answers status "1" to a flow that went wrong."""
    words = words_of(body)
    if "success" not in words.lower():
        raise refusal(words)
    return Outcome()


SEND_TEMPLATE = Action(
    "wabotick.send_template", given.SendTemplate, send_template, idempotent=False,
    summary="Send an approved template to a phone number.", endpoint="POST /whatsapp/send/template",
    recipient=_to, template=lambda parameters: str(parameters.template_id), settle=settle_template,
    settled_by=SETTLED_BY, templates=SOURCE,
)  # fmt: skip

OPERATIONS = (
    Operation(
        "wabotick.send_message", given.SendMessage, "POST", "/whatsapp/send", "Send a text within the 24 hours.",
        idempotent=False, encoding="form", finish=accepted, recipient=_to, in_session=True,
        settle=settle_text, settled_by=SETTLED_BY,
    ),
    Operation(
        "wabotick.send_interactive_buttons", given.SendInteractiveButtons, "POST", "/whatsapp/send/interactive-buttons",
        "Send a text with one to three buttons within the 24 hours.", idempotent=False, encoding="form",
        finish=accepted, recipient=_to, in_session=True, settle=settle_buttons, settled_by=SETTLED_BY,
    ),
    Operation(
        "wabotick.send_file", given.SendFile, "POST", "/whatsapp/send/file",
        "Send a picture, film, sound or document within the 24 hours.", idempotent=False, encoding="form",
        finish=accepted, recipient=_to, in_session=True, settle=settle_file, settled_by=SETTLED_BY,
    ),
    Operation(
        "wabotick.trigger_bot", given.TriggerBot, "POST", "/whatsapp/trigger-bot",
        "Let a flow of the bot begin; an unknown flow is answered with success too.", idempotent=False,
        encoding="form", finish=_triggered, recipient=_to,
    ),
    Operation(
        "wabotick.send_broadcast_template", given.SendBroadcastTemplate, "POST", "/whatsapp/broadcast/template/send",
        "Begin a campaign with a template.", idempotent=False, encoding="form",
        result={"visual_flow_campaign_id": ("visual_flow_campaign_id",)}, must_tell=True,
        audience=Audience(lambda _: (), lambda wanted, _: wanted),  # the list is Wabotick's
    ),
)  # fmt: skip
