"""The templates of Meta's WhatsApp business account: listed as Meta does, changed from outside.

Invariant: what the list says of a template is what a send of it meets.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Json
from sandbox.vendors.meta.words import refusal
from sandbox.whatsapp_account import Template, change

if TYPE_CHECKING:
    from sandbox.vendors.meta.vendor import Meta

BUSINESS_ACCOUNT_ID = "200000000000001"
_MOST = 500


def list_templates(vendor: "Meta", call: Call) -> Answer:
    """GET /{business_account_id}/message_templates, with `limit` and `after`."""
    if call.ids["business_account_id"] != BUSINESS_ACCOUNT_ID:
        return refusal(100, f"Object with ID '{call.ids['business_account_id']}' does not exist")
    limit, after = call.query.get("limit", "25"), call.query.get("after", "0")
    if not (limit.isdecimal() and after.isdecimal()) or not 1 <= int(limit) <= _MOST:
        return refusal(100, "limit and after: numbers are wanted")
    begin = int(after)
    end = begin + int(limit)
    rows = [_listed(template) for template in vendor.templates[begin:end]]
    paging: dict[str, Json] = {"cursors": {"before": str(begin), "after": str(end)}}
    if end < len(vendor.templates):
        paging["next"] = f"https://graph.example/{BUSINESS_ACCOUNT_ID}/message_templates?after={end}"
    return Answer(200, {"data": rows, "paging": paging})


def change_template(templates: Sequence[Template], call: Call, name: str) -> Answer:
    """Let Meta judge a template, or its text be another one."""
    template = next((item for item in templates if item["template_name"] == name), None)
    if template is None:
        return Answer(404, {"error": f"there is no template {name!r}"})
    problem = change(template, call.params)
    return Answer(400, {"error": problem}) if problem else Answer(200, template)


def _listed(template: Template) -> dict[str, Json]:
    components: list[dict[str, Json]] = [{"type": "BODY", "text": template["body_content"]}]
    if template["header_type"]:
        components.insert(0, {"type": "HEADER", "format": template["header_type"].upper()})
    if template["buttons"]:
        buttons = [{"type": "QUICK_REPLY", "text": title} for title in template["buttons"]]
        components.append({"type": "BUTTONS", "buttons": buttons})
    return {
        "id": template["template_id"],
        "name": template["template_name"],
        "language": template["locale"],
        "status": template["status"].upper(),
        "category": template["category"],
        "parameter_format": "POSITIONAL",
        "components": components,
    }
