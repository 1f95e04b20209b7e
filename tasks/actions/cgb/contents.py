"""What ChatGPT Builder's calls have in common: ids, the actions and messages that some of them carry.

Invariant: an id is digits: a flow's id stands in the path beside fixed words, and must not be taken for one.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from tasks.actions.parameters import Parameters, Text
from webhooks import fields
from worker.acting import Call, Outcome

Id = Annotated[str, Field(pattern=r"^[0-9]{1,20}$")]
Gender = Literal["male", "female"]


class AddTag(Parameters):
    """Tag the contact."""

    action: Literal["add_tag"]
    tag_name: Text


class SetFieldValue(Parameters):
    """Set a custom field of the contact, which goes by its name here and by its id everywhere else."""

    action: Literal["set_field_value"]
    field_name: Text
    value: str


class StartFlow(Parameters):
    """Send the contact a flow."""

    action: Literal["send_flow"]
    flow_id: Id


ContactAction = Annotated[AddTag | SetFieldValue | StartFlow, Field(discriminator="action")]


def _is_message(value: dict[str, Any]) -> dict[str, Any]:
    own = value.get("message")
    if not (isinstance(own, dict) and own) and not isinstance(value.get(str(value.get("type"))), dict):
        raise ValueError('must be {"message": {…}} or a WhatsApp message with its `type` and the object of that name')
    return value


MessageContent = Annotated[dict[str, Any], AfterValidator(_is_message)]
"""A message in the platform's own form, or whole as WhatsApp takes it."""


def rows(answer: Any) -> list[dict[str, Any]]:
    """Return the objects of a list, which comes bare or as `data`."""
    found = answer.get("data") if isinstance(answer, dict) else answer
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def listed(_call: Call, answer: Any) -> Outcome:
    """Tell the ids of a list."""
    ids = [found for row in rows(answer) if (found := fields.text(row.get("id")))]
    return Outcome({"count": len(ids), "ids": ids})


def named(_call: Call, answer: Any) -> Outcome:
    """Tell a list whose names are the shop's own words: names by id."""
    found = {str(fields.text(row.get("id"))): fields.text(row.get("name")) for row in rows(answer)}
    return Outcome({"count": len(found), "names": found})
