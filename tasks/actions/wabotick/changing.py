"""Wabotick's calls that change what is known of a subscriber, a chat, a catalogue or the account.

Invariant: what is called idempotent sets, adds or takes away what may be set, added or taken away again.
"""

from typing import Any

from tasks.actions.operations import Operation
from tasks.actions.parameters import Parameters
from tasks.actions.wabotick import parameters as given


def _change(
    name: str, model: type[Parameters], path: str, summary: str, *, idempotent: bool = True, **more: Any
) -> Operation:
    return Operation(
        f"wabotick.{name}", model, "POST", f"/whatsapp/{path}", summary, idempotent=idempotent, encoding="form", **more
    )


OPERATIONS = (
    _change("connect_account", given.ConnectAccount, "account/connect",
            "Connect a WhatsApp business account: done once.", idempotent=False),
    _change("update_subscriber", given.UpdateSubscriber, "subscriber/update",
            "Change a subscriber's name, gender or labels."),
    _change("add_notes", given.AddNotes, "subscriber/chat/add-notes", "Add a note to a chat.", idempotent=False),
    # Each call leaves a line in the chat.
    _change("assign_to_team_member", given.AssignToTeamMember, "subscriber/chat/assign-to-team-member",
            "Give a chat to a member of the team.", idempotent=False),
    _change("reset_user_input_flow", given.ToPerson, "subscriber/reset/user-input-flow",
            "End the questions that a person is being asked."),
    _change("assign_custom_fields", given.AssignCustomFields, "subscriber/chat/assign-custom-fields",
            "Set a subscriber's fields; one that does not exist is answered with success too."),
    _change("assign_labels", given.LabelIds, "subscriber/chat/assign-labels", "Add labels to a subscriber."),
    _change("remove_labels", given.LabelIds, "subscriber/chat/remove-labels", "Take labels from a subscriber."),
    # Whether a sequence that runs begins anew is not documented.
    _change("assign_sequence", given.SequenceIds, "subscriber/chat/assign-sequence",
            "Begin sequences of messages; an unknown one is answered with success too.", idempotent=False),
    _change("remove_sequence", given.SequenceIds, "subscriber/chat/remove-sequence", "End sequences of messages."),
    _change("sync_catalog", given.OfCatalog, "catalog/sync", "Read a catalogue from Meta again."),
    _change("change_order_status", given.ChangeOrderStatus, "catalog/order/status-change",
            "Set the status of a catalogue's order."),
)  # fmt: skip
