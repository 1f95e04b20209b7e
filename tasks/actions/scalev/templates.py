"""The templates of Scalev's WhatsApp accounts, as messages are judged by them.

Source: the OpenAPI v3 file for the paths; what a row holds is not documented, Meta's form is read where it is there.
Sends name the account by its text id, the list by its number. Invariant: a list that goes on beyond what was read is
not taken for all.
"""

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tasks.actions.scalev import results
from tasks.actions.scalev.client import ask
from tasks.actions.templates import filling_of, template_of
from webhooks import fields
from worker.acting import Call
from worker.errors import PermanentError
from worker.states import Reason
from worker.templates import Filling, TemplateList, TemplateSource

if TYPE_CHECKING:
    from tasks.actions.scalev.operations.waba import SendTemplate

_MOST_PAGES = 4


def fetch(call: Call) -> TemplateList:
    """Ask for the templates of the WhatsApp account that a message to one person names."""
    return _listed(call, _number(call))


def _listed(call: Call, number: str) -> TemplateList:
    """Ask for the templates of a WhatsApp account, page by page."""
    path = f"/waba-accounts/{quote(number, safe='')}/message-templates"
    rows: list[Any] = []
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        answer = ask(call, "GET", path, params={"page_size": "25"} | ({"next_cursor": cursor} if cursor else {}))
        rows += results.rows_of(answer)
        cursor = fields.text(fields.at(answer, "next_cursor"))
        if cursor is None:
            break
    found = ((row, fields.text(row.get("id"))) for row in rows if isinstance(row, dict))
    templates = tuple(template_of(row, key, row.get("name"), row.get("template_id")) for row, key in found if key)
    return TemplateList(templates, is_whole=cursor is None and bool(templates))


def filling(wanted: "SendTemplate") -> Filling:
    """Return how a message fills its template, where its components are in Meta's form: a list of named parts."""
    given, key = wanted.components_param, str(wanted.template_id)
    parts = [part for part in given if isinstance(part, dict) and "type" in part] if isinstance(given, list) else []
    if given and not parts:
        return Filling(key)
    found = filling_of(parts, key)
    return Filling(key, values=found.values, names=found.names, has_media=bool(wanted.file) or found.has_media)


def shelf(call: Call) -> str:
    """Return the WhatsApp account."""
    return str(call.parameters.waba_unique_id)


def _number(call: Call) -> str:
    """Return the number of the WhatsApp account whose text id is given."""
    wanted = shelf(call)
    for row in results.rows_of(ask(call, "GET", "/waba-accounts")):
        if fields.at(row, "unique_id") == wanted and (number := fields.text(fields.at(row, "id"))):
            return number
    raise PermanentError(Reason.WRONG_ACCOUNT, f"Scalev lists no WhatsApp account {wanted}")


def _number_given(call: Call) -> str:
    return str(call.parameters.waba_account_id)


SOURCE = TemplateSource(fetch, filling, shelf)
SOURCE_OF_MANY = TemplateSource(
    lambda call: _listed(call, _number_given(call)),
    lambda wanted: Filling(str(wanted.template_id)),  # what component_values hold is not documented
    _number_given,
)
