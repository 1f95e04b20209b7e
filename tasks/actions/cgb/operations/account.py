"""The account at ChatGPT Builder: tags, flows, custom fields, bot fields, template links.

Invariant: what is made here has a name of its own, by which a lost answer is settled.
"""

from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote

from pydantic import Field

from tasks.actions.cgb.client import ask
from tasks.actions.cgb.contents import Id, listed, named
from tasks.actions.operations import Operation
from tasks.actions.parameters import Parameters, Text
from webhooks import fields
from worker.acting import Call, Outcome, Settled, Settlement
from worker.errors import PermanentError
from worker.states import Reason


class Nothing(Parameters):
    """No parameters."""


class Tag(Parameters):
    """One tag, by its id."""

    tag_id: Id


class TagName(Parameters):
    """One tag, by its name."""

    tag_name: Text


class NewTag(Parameters):
    """A tag to be made."""

    name: Text


class NewField(Parameters):
    """A custom field to be made."""

    name: Text
    type: int = Field(
        default=0, ge=0, le=7,
        description="0 text, 1 number, 2 date, 3 date and time, 4 boolean, 5 long text, 6 select, 7 multi select.",
    )  # fmt: skip


class CustomField(Parameters):
    """One custom field, by its id."""

    field_id: Id


class FieldName(Parameters):
    """One custom field, by its name."""

    name: Text


class BotFieldValue(Parameters):
    """A value for a field of the bot."""

    field_id: Id
    value: Text


class Template(Parameters):
    """One template of the account."""

    template_id: Id


def _by_name(path: str) -> Callable[[Call, datetime], Settlement]:
    """Return how a lost answer is settled: is there something of that name?"""

    def settle(call: Call, _since: datetime) -> Settlement:
        try:
            answer = ask(call, "GET", path + quote(call.parameters.name, safe=""))
        except PermanentError as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            return Settlement(Settled.NOT_KNOWN)
        found = fields.text(fields.at(answer, "id"))
        return Settlement(Settled.HAPPENED, Outcome({"id": found})) if found else Settlement(Settled.NOT_KNOWN)

    return settle


_ID = {"id": ("id", "data.id")}
_FIELD: dict[str, tuple[str, ...]] = {"id": ("id",), "name": ("name",), "type": ("type",)}

OPERATIONS = (
    Operation(
        "cgb.get_account", Nothing, "GET", "/accounts/me", "Read the account.",
        result={"page_id": ("page_id",), "name": ("name",), "active": ("active",), "total_users": ("total_users",)},
    ),
    Operation("cgb.list_admins", Nothing, "GET", "/accounts/admins", "List the ids of the admins.", finish=listed),
    Operation("cgb.list_tags", Nothing, "GET", "/accounts/tags", "List the tags.", finish=named),
    Operation(
        "cgb.create_tag", NewTag, "POST", "/accounts/tags", "Make a tag.", idempotent=False, encoding="form",
        result=_ID, must_tell=True, settle=_by_name("/accounts/tags/name/"), settled_by="a tag of that name",
    ),
    Operation("cgb.get_tag", Tag, "GET", "/accounts/tags/{tag_id}", "Read a tag.", result=_FIELD),
    Operation("cgb.find_tag", TagName, "GET", "/accounts/tags/name/{tag_name}", "Read a tag by name.", result=_FIELD),
    Operation("cgb.list_flows", Nothing, "GET", "/accounts/flows", "List the flows.", finish=named),
    Operation("cgb.list_custom_fields", Nothing, "GET", "/accounts/custom_fields", "List fields.", finish=named),
    Operation(
        "cgb.create_custom_field", NewField, "POST", "/accounts/custom_fields", "Make a custom field.",
        idempotent=False, result=_ID, must_tell=True, settle=_by_name("/accounts/custom_fields/name/"),
        settled_by="a field of that name",
    ),
    Operation(
        "cgb.get_custom_field", CustomField, "GET", "/accounts/custom_fields/{field_id}", "Read a custom field.",
        result=_FIELD,
    ),
    Operation(
        "cgb.find_custom_field", FieldName, "GET", "/accounts/custom_fields/name/{name}", "Read a field by name.",
        result=_FIELD,
    ),
    Operation(
        "cgb.get_bot_field", CustomField, "GET", "/accounts/bot_fields/{field_id}", "Read a field of the bot.",
        result=_FIELD | {"value": ("value",)},
    ),
    Operation(
        "cgb.set_bot_field", BotFieldValue, "POST", "/accounts/bot_fields/{field_id}", "Set a field of the bot.",
        idempotent=True, encoding="form",
    ),
    Operation(
        "cgb.generate_single_use_link", Template, "POST", "/accounts/template/{template_id}/generateSingleUseLink",
        "Make a link by which a template can be installed once.", idempotent=False,
        result={"link": ("link", "data.link")}, must_tell=True,
    ),
)  # fmt: skip

REMOVALS = (
    Operation(
        "cgb.delete_tag", Tag, "DELETE", "/accounts/tags/{tag_id}", "Delete a tag, from contacts too.", idempotent=True
    ),
    Operation(
        "cgb.delete_bot_field", CustomField, "DELETE", "/accounts/bot_fields/{field_id}", "Empty a field of the bot.",
        idempotent=True,
    ),
)  # fmt: skip
