"""What we do, in business words: as done, as planned, and as it failed.

Invariant: every action has words: its own, or those of its verb and noun.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from config.rules import Step
from console.stories.event_words import vendor_name
from console.stories.wording import plain, sentence, told, words

# By verb, what the thing then is.
VERBS: Mapping[str, str] = {
    "create": "created", "update": "updated", "edit": "changed", "set": "set", "change": "changed", "put": "set",
    "add": "added", "remove": "removed", "delete": "deleted", "send": "sent", "assign": "assigned",
    "unassign": "taken away", "mark": "marked", "ensure": "made sure of", "upsert": "created or updated",
    "get": "looked up", "find": "looked up", "list": "looked up", "search": "looked up", "check": "checked",
    "count": "counted", "export": "exported", "show": "shown", "recommend": "asked for", "duplicate": "duplicated",
    "generate": "generated", "cancel": "cancelled", "upload": "uploaded", "request": "asked", "connect": "connected",
    "reset": "reset", "sync": "synchronised", "track": "recorded", "pay": "paid", "empty": "emptied",
    "next": "drawn", "convert": "converted", "start": "started", "signal": "signalled", "retry": "retried",
    "advance": "advanced", "claim": "claimed", "complete": "completed", "run": "run", "undo": "undone",
    "redo": "redone", "test": "tested", "trigger": "triggered",
}  # fmt: skip

# An action's own words: the noun of a message, or what is done and to be done.
_MESSAGES: Mapping[str, str] = {
    "scalev.send_message": "WhatsApp message", "scalev.send_messages": "WhatsApp messages",
    "scalev.send_template": "WhatsApp message[ (template {template_id})]",
    "wabotick.send_template": "WhatsApp message[ (template {template_id})]",
    "wabotick.send_message": "WhatsApp message", "wabotick.send_interactive_buttons": "WhatsApp message with buttons",
    "wabotick.send_file": "WhatsApp file", "wabotick.trigger_bot": "Bot's flow[ {bot_flow_unique_id}]",
    "wabotick.send_broadcast_template": "WhatsApp broadcast",
    "meta.send_message": "WhatsApp message", "meta.send_template": "WhatsApp message[ “{name}”]",
    "meta.send_buttons": "WhatsApp message with buttons", "meta.send_list": "WhatsApp message with a list",
    "meta.send_media": "WhatsApp picture or file",
    "cgb.send_text": "WhatsApp message", "cgb.send_file": "WhatsApp file", "cgb.send_flow": "Bot's flow",
    "cgb.send_content": "WhatsApp message", "cgb.send_products": "WhatsApp message with products",
    "cgb.send_template": "WhatsApp message[ “{name}”]",
    "scalev.send_follow_up_email": "Follow-up e-mail",
    "scalev.send_product_digital": "Digital product", "scalev.send_lms_access": "Access to the course",
}  # fmt: skip
_OTHERS: Mapping[str, tuple[str, str]] = {
    "scalev.change_status": ("Order set to {status}", "Set the order to {status}"),
    "scalev.update_shipment_receipt": ("Receipt entered at the shop", "Enter the receipt at the shop"),
    "scalev.add_message_history": ("Message noted with the order", "Note the message with the order"),
    "scalev.get_order": ("Order looked up at the shop", "Look the order up at the shop"),
    "scalev.mark_not_spam": ("Order marked as no spam", "Mark the order as no spam"),
    "scalev.request": ("Scalev asked", "Ask Scalev"),
    "open_mercato.request": ("Open Mercato asked", "Ask Open Mercato"),
    "open_mercato.undo": ("Last change undone", "Undo the last change"),
    "open_mercato.redo": ("Last change redone", "Redo the last change"),
    "proton.track": ("Visit recorded in the CRM", "Record the visit in the CRM"),
    "meta.mark_read": ("Message marked as read", "Mark the message as read"),
    "wabotick.assign_to_team_member": ("Conversation given to a team member", "Give the conversation to a team member"),
}
_NOUNS = {"deal": "opportunity", "awb": "waybill", "upload_change_status": "statuses", "for_cart": "products"}


@dataclass(frozen=True)
class Deed:
    """An action in words."""

    done: str
    """"Opportunity created"."""
    to_do: str
    """"Create opportunity"."""
    thing: str
    """What it is about, where that is a message; else what is to be done."""
    is_message: bool = False

    @property
    def undone(self) -> str:
        """That it was not done, in words."""
        return f"{self.thing} not {'sent' if self.is_message else 'done'}"


def deed_of(action: str, step: Step | None = None) -> Deed:
    """Return an action in words, with what its rule's step says of it, where that is the same each time."""
    values = _constants(step)
    if (message := _MESSAGES.get(action)) and (thing := told(message, values)):
        return Deed(f"{thing} sent", f"Send {_lower(thing)}", thing, is_message=True)
    own = _OTHERS.get(action)
    if own and (done := told(own[0], values)) and (to_do := told(own[1], values)):
        return Deed(done, to_do, to_do)
    return _from_name(action)


def _from_name(action: str) -> Deed:
    verb, _, noun = plain(action, 200).partition(".")[2].partition("_")
    thing = words(_NOUNS.get(noun, noun)) or vendor_name(action)
    to_do = sentence(f"{verb} {thing}".strip())
    where = f" ({vendor_name(action)})"
    return Deed(sentence(f"{thing} {VERBS.get(verb, 'done: ' + verb)}".strip()) + where, to_do + where, to_do)


def _constants(step: Step | None) -> dict[str, Any]:
    given = step.parameters if step is not None and isinstance(step.parameters, Mapping) else {}
    return {name: value for name, value in given.items() if isinstance(value, str | int)}


def _lower(thing: str) -> str:
    return thing if thing.startswith("WhatsApp") else thing[:1].lower() + thing[1:]
