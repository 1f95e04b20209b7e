"""Wabotick's calls about the chat with one subscriber: labels, sequences, fields, notes, the person in charge, flows.

Invariant: success is said also where nothing was done, exactly where the vendor says so: unknown sequences, fields
and flows, and removals that claim an assignment.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Effect
from sandbox.intake import load_json
from sandbox.vendors.wabotick.shapes import ok
from sandbox.vendors.wabotick.state import Subscriber
from sandbox.vendors.wabotick.subscribers import id_list
from sandbox.vendors.wabotick.words import TRIGGER_FAILED, checked

if TYPE_CHECKING:
    from sandbox.vendors.wabotick.vendor import Wabotick

Outcome = tuple[str, Effect | None]
LABELS_DONE = "Labels have been assigned successfully."  # said on removal too
SEQUENCES_DONE = "Sequences have been assigned successfully."


def assign_labels(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/subscriber/chat/assign-labels."""
    label_ids = id_list(str(call.params.get("label_ids", "")))

    def assign(subscriber: Subscriber) -> Outcome:
        subscriber.labels.extend(label for label in label_ids if label not in subscriber.labels)
        return LABELS_DONE, {"kind": "labels", "label_ids": label_ids}

    return _with_subscriber(vendor, call, "label_ids", assign)


def remove_labels(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/subscriber/chat/remove-labels: the text says "assigned" all the same."""
    label_ids = id_list(str(call.params.get("label_ids", "")))

    def remove(subscriber: Subscriber) -> Outcome:
        subscriber.labels = [label for label in subscriber.labels if label not in label_ids]
        return LABELS_DONE, {"kind": "labels_removed", "label_ids": label_ids}

    return _with_subscriber(vendor, call, "label_ids", remove)


def assign_sequence(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/subscriber/chat/assign-sequence: an unknown id is answered with success too."""
    known = [item for item in id_list(str(call.params.get("sequence_ids", ""))) if item in vendor.chats.sequences]

    def assign(subscriber: Subscriber) -> Outcome:
        subscriber.sequences.extend(item for item in known if item not in subscriber.sequences)
        return SEQUENCES_DONE, {"kind": "sequences", "sequence_ids": known} if known else None

    return _with_subscriber(vendor, call, "sequence_ids", assign)


def remove_sequence(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/subscriber/chat/remove-sequence."""
    sequence_ids = id_list(str(call.params.get("sequence_ids", "")))

    def remove(subscriber: Subscriber) -> Outcome:
        subscriber.sequences = [item for item in subscriber.sequences if item not in sequence_ids]
        return SEQUENCES_DONE, {"kind": "sequences_removed", "sequence_ids": sequence_ids}

    return _with_subscriber(vendor, call, "sequence_ids", remove)


def assign_custom_fields(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/subscriber/chat/assign-custom-fields: a JSON object as text."""
    try:
        fields = load_json(str(call.params.get("custom_fields") or "{}"))
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        return vendor.refuse(200, "The custom fields must be a valid JSON string.")
    if vendor.settings.unknown_fields_lost:
        known = {item["name"] for item in vendor.chats.custom_fields}
        fields = {name: value for name, value in fields.items() if name in known}

    def assign(subscriber: Subscriber) -> Outcome:
        subscriber.custom_fields.update(fields)
        effect = {"kind": "custom_fields", "custom_fields": fields} if fields else None
        return "Custom fields have been assigned successfully.", effect

    return _with_subscriber(vendor, call, "custom_fields", assign)


def add_note(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/subscriber/chat/add-notes."""

    def add(subscriber: Subscriber) -> Outcome:
        subscriber.notes.append(call.params["note_text"])
        return "Note has been added successfully.", {"kind": "note", "text": call.params["note_text"]}

    return _with_subscriber(vendor, call, "note_text", add)


def assign_team_member(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/subscriber/chat/assign-to-team-member: each call leaves a line in the chat, repeats too."""

    def assign(subscriber: Subscriber) -> Outcome:
        member = call.params["team_member_id"]
        subscriber.team_member_id = member
        line = {"type": "system", "system": {"body": f"Conversation assigned to agent {member}"}}
        vendor.chats.add_row(subscriber.chat_id, "system", line, vendor.setup.clock())
        return "Team member has been assigned successfully.", {"kind": "team_member", "team_member_id": member}

    return _with_subscriber(vendor, call, "team_member_id", assign)


def reset_input_flow(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/subscriber/reset/user-input-flow."""

    def reset(subscriber: Subscriber) -> Outcome:
        subscriber.input_flow_resets += 1
        return "User input flow has been reset successfully.", {"kind": "input_flow_reset"}

    return _with_subscriber(vendor, call, "phone_number", reset)


def trigger_bot(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/trigger-bot: any flow id is answered with success, also one nobody knows."""
    refusal = checked(call, "phone_number_id", "bot_flow_unique_id", "phone_number") or vendor.check_number(call)
    if refusal is not None:
        return refusal
    if vendor.settings.trigger_bot_fails:
        return Answer(200, ok(TRIGGER_FAILED), refusal=TRIGGER_FAILED)
    effect = {
        "kind": "bot_trigger",
        "id": vendor.ids.uuid("bot trigger"),
        "bot_flow_unique_id": call.params["bot_flow_unique_id"],
        "phone_number": call.params["phone_number"],
    }
    return Answer(200, ok("Bot has been trigger successfully."), effects=(effect,))


def _with_subscriber(vendor: "Wabotick", call: Call, required: str, then: Callable[[Subscriber], Outcome]) -> Answer:
    subscriber = vendor.subscriber_of(call, required)
    if isinstance(subscriber, Answer):
        return subscriber
    message, effect = then(subscriber)
    names = {"id": str(subscriber.subscriber_id), "phone_number": subscriber.chat_id}
    return Answer(200, ok(message), effects=({**effect, **names},) if effect else ())
