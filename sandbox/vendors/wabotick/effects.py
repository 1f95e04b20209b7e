"""Wabotick's effects in plain words.

Invariant: every kind of effect has its sentence.
"""

from collections.abc import Callable

from sandbox.exchange import Effect


def _message(effect: Effect) -> str:
    phone = effect["phone_number"]
    if effect["template_id"]:
        return f"WhatsApp template {effect['template_id']} to {phone}: {', '.join(effect['variables'])}"
    if "media_type" in effect:
        return f"WhatsApp {effect['media_type']} to {phone}: {effect['text'] or effect['media']}"
    titles = ", ".join(button["title"] for button in effect.get("buttons", ()))
    return f"WhatsApp message to {phone}: {effect['text']}" + (f" [{titles}]" if titles else "")


SENTENCES: dict[str, Callable[[Effect], str]] = {
    "message": _message,
    "media": lambda effect: f"File {effect['name']} uploaded",
    "bot_trigger": lambda effect: f"Bot flow {effect['bot_flow_unique_id']} started for {effect['phone_number']}",
    "campaign": lambda effect: f"Broadcast campaign {effect['id']} created",
    "labels": lambda effect: f"Labels {', '.join(effect['label_ids'])} on {effect['phone_number']}",
    "labels_removed": lambda effect: f"Labels {', '.join(effect['label_ids'])} off {effect['phone_number']}",
    "label": lambda effect: f"Label {effect['name']} created",
    "sequences": lambda effect: f"Sequences {', '.join(effect['sequence_ids'])} for {effect['phone_number']}",
    "sequences_removed": lambda effect: (
        f"Sequences {', '.join(effect['sequence_ids'])} ended for {effect['phone_number']}"
    ),
    "custom_fields": lambda effect: f"Custom fields {', '.join(effect['custom_fields'])} on {effect['phone_number']}",
    "note": lambda effect: f"Note on {effect['phone_number']}: {effect['text']}",
    "team_member": lambda effect: f"{effect['phone_number']} is with team member {effect['team_member_id']}",
    "input_flow_reset": lambda effect: f"User input flow of {effect['phone_number']} reset",
    "subscriber": lambda effect: f"Subscriber {effect['phone_number']} created",
    "subscriber_update": lambda effect: f"Subscriber {effect['phone_number']} changed: {', '.join(effect['fields'])}",
    "subscriber_delete": lambda effect: f"Subscriber {effect['phone_number']} deleted",
    "catalog_sync": lambda effect: f"Catalogue {effect['id']} synced",
    "cart_status": lambda effect: f"Order {effect['id']} is now {effect['status']}",
    "account_connect": lambda effect: f"WhatsApp account {effect['id']} connected",
}
