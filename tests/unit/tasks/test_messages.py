"""Which actions send messages, to whom, and which of them only within the 24 hours."""

from typing import Any

import pytest

from tasks.actions.registry import ACTIONS, make_catalog

TEXT = {"type": "text", "text": {"body": "Halo"}}
TEMPLATE = {"type": "template", "template": {"name": "order_shipped"}}
OWN = {"message": {"text": "Halo"}}
MANY = {"waba_account_id": 41, "template_id": 301, "people": [
    {"name": "Ani", "phone": "08123456789"}, {"name": "Budi", "phone": "081298765432"},
]}  # fmt: skip


def parameters_of(name: str, given: dict[str, Any]) -> Any:
    """Return validated parameters of an action."""
    return ACTIONS[name].parameters.model_validate(given, context={"country": "ID"})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"messages": [TEXT]}, True),
        ({"messages": [OWN]}, True),
        ({"messages": [TEMPLATE]}, False),
        ({"messages": [TEMPLATE, TEXT]}, True),
        ({"actions": [{"action": "add_tag", "tag_name": "vip"}]}, False),
    ],
)
def test_contents_are_in_session_unless_they_are_templates(given: dict[str, Any], expected: bool) -> None:
    """ChatGPT Builder's own messages and WhatsApp's."""
    parameters = parameters_of("cgb.send_content", {"phone": "08123456789", **given})

    assert ACTIONS["cgb.send_content"].is_in_session(parameters) is expected


def test_another_channel_has_no_24_hours() -> None:
    """Messenger is not WhatsApp."""
    parameters = parameters_of("cgb.send_content", {"contact_id": "77", "channel": "messenger", "messages": [OWN]})

    assert not ACTIONS["cgb.send_content"].is_in_session(parameters)


def test_batches_are_messages_to_many() -> None:
    """So that quiet hours hold them, and nobody asks one of them a question."""
    catalog = make_catalog()

    assert catalog.batches == {"wabotick.send_broadcast_template", "scalev.send_messages"}
    assert catalog.batches <= catalog.messages


def test_some_can_be_left_out_of_a_batch() -> None:
    """By their phones; the rest stays as it was."""
    audience, parameters = ACTIONS["scalev.send_messages"].audience, parameters_of("scalev.send_messages", MANY)
    assert audience is not None
    assert audience.persons(parameters) == ["+628123456789", "+6281298765432"]

    left = audience.without(parameters, ["+628123456789"])

    assert [one.name for one in left.people] == ["Budi"]
    assert left.template_id == parameters.template_id
