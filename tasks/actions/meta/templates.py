"""Meta's list of templates, as messages are judged by it.

Source: Meta's page on the WhatsApp business account's `message_templates`. Templates belong to that account, not to
the number, so the list can be asked for only where `business_account_id` is given. Invariant: a list that goes on
beyond what was read is not taken for all.
"""

from typing import Any
from urllib.parse import quote

from config.accounts import MetaAccount
from tasks.actions.meta.client import get
from tasks.actions.meta.messages import SendTemplate
from tasks.actions.templates import filling_of, template_of
from webhooks import fields
from worker.acting import Call
from worker.errors import UncertainError
from worker.states import Reason
from worker.templates import Filling, TemplateList, TemplateSource

_MOST_PAGES = 5
_PAGE = {"fields": "name,language,status,components,parameter_format", "limit": "200"}


def fetch(call: Call) -> TemplateList:
    """Ask for the templates of the WhatsApp business account, page by page."""
    path = f"/{quote(str(shelf(call)), safe='')}/message_templates"
    rows: list[Any] = []
    after: str | None = None
    for _ in range(_MOST_PAGES):
        answer = get(call, path, _PAGE | ({"after": after} if after else {}))
        page = answer.get("data")
        if not isinstance(page, list):
            raise UncertainError(Reason.UNREADABLE_ANSWER, "the answer holds no list of templates")
        rows += page
        after = fields.text(fields.at(answer, "paging.cursors.after")) if fields.at(answer, "paging.next") else None
        if after is None:
            break
    found = ((row, fields.text(row.get("name"))) for row in rows if isinstance(row, dict))
    templates = tuple(template_of(row, name, row.get("id")) for row, name in found if name)
    return TemplateList(templates, is_whole=after is None and bool(templates))


def filling(wanted: SendTemplate) -> Filling:
    """Return how a message fills its template."""
    content = wanted.content()["template"]
    return filling_of(content.get("components", ()), wanted.name, wanted.language)


def shelf(call: Call) -> str | None:
    """Return the WhatsApp business account; None where it is not configured."""
    account = call.account
    return account.business_account_id if isinstance(account, MetaAccount) else None


SOURCE = TemplateSource(fetch, filling, shelf)
