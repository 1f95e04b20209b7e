"""Wabotick's list of templates, as messages are judged by it.

Source: the vendor's API page and sister products. Sends name the platform's short `id`; what the list calls
`template_id` is Meta's. Invariant: a list of one row may be a single example of many, so it is not taken for all.
"""

import json
from collections.abc import Mapping
from typing import Any

from tasks.actions.templates import placeholders
from tasks.actions.wabotick.client import ask, rows_of
from tasks.actions.wabotick.parameters import SendTemplate
from webhooks import fields
from worker.acting import Call
from worker.errors import UncertainError
from worker.states import Reason
from worker.templates import Filling, Template, TemplateList, TemplateSource, TemplateStatus, status_of

_MEDIA = frozenset({"image", "video", "document"})


def fetch(call: Call) -> TemplateList:
    """Ask for the templates of the number."""
    rows = rows_of(ask(call, "POST", "/whatsapp/template/list"))
    if rows is None:
        raise UncertainError(Reason.UNREADABLE_ANSWER, "the answer holds no list of templates")
    found = tuple(template for row in rows if (template := _template(row)))
    return TemplateList(found, is_whole=len(found) > 1)


def filling(wanted: SendTemplate) -> Filling:
    """Return how a message fills its template; only the position of a value binds."""
    return Filling(wanted.template_id, values=len(wanted.values()), has_media=bool(wanted.template_header_media_url))


def _template(row: Mapping[str, Any]) -> Template | None:
    key, name = fields.key_text(row.get("id")), fields.text(row.get("template_name"))
    if key is None:
        return None
    status = status_of(fields.text(row.get("status")))
    if status is TemplateStatus.APPROVED and fields.text(row.get("map_needed")) not in {None, "", "0"}:
        status = TemplateStatus.UNMAPPED
    return Template(
        key=key, name=name or key, language=fields.text(row.get("locale")), status=status, variables=_variables(row),
        wants_media=str(row.get("header_type")).lower() in _MEDIA,
        known_as=tuple(other for other in (name, fields.key_text(row.get("template_id"))) if other and other != key),
    )  # fmt: skip


def _variables(row: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the variables of the body; None where its text and the map of them do not agree."""
    text = row.get("body_content")
    if not isinstance(text, str):
        return None
    found, mapped = placeholders(text), _mapped(row.get("variable_map"))
    return found if mapped is None or mapped == len(found) else None


def _mapped(value: Any) -> int | None:
    """Return how many variables the map names; None where there is none, or the header has some too."""
    try:
        parts = json.loads(value) if isinstance(value, str) and value else value
    except (ValueError, RecursionError):
        return None
    if not isinstance(parts, Mapping) or not isinstance(parts.get("body"), list):
        return None
    return -1 if parts.get("header") else len(parts["body"])


SOURCE = TemplateSource(fetch, filling)
