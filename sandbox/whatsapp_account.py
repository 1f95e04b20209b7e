"""The WhatsApp business account of the sandbox's shop: its number, its templates, how one looks filled.

Invariant: every vendor on the number sees the same templates, as they belong to the account and not to a vendor.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox.exchange import Json

NUMBER = "12025550100"
SHOWN_NUMBER = "+1 202-555-0100"
PHONE_NUMBER_ID = "100000000000001"

STATUSES = ("Approved", "Rejected", "Pending", "Paused", "Disabled")

Template = dict[str, Json]

_FILE = Path(__file__).with_name("whatsapp_templates.json")
_PLACEHOLDER = re.compile(r"\{\{(\d+)\}\}")
# Meta refuses line breaks, tabs and more than four blanks in a row.
_BAD_VALUE = re.compile(r"[\r\n\t]| {5,}")


def load_templates() -> list[Template]:
    """Return fresh copies of all templates."""
    return list(json.loads(_FILE.read_text(encoding="utf-8")))


def change(template: Template, changes: Mapping[str, Json]) -> str:
    """Let Meta judge a template, or somebody write another one; say what is wrong with that, empty when nothing is."""
    status, body = changes.get("status", template["status"]), changes.get("body_content", template["body_content"])
    if status not in STATUSES:
        return f"status: must be one of {', '.join(STATUSES)}"
    if not isinstance(body, str) or not body:
        return "body_content: must be a text"
    wanted = [f"v{position}" for position in sorted({int(found) for found in _PLACEHOLDER.findall(body)})]
    if body != template["body_content"]:
        template["variable_map"] = json.dumps({"header": [], "body": wanted})
    template |= {"status": status, "body_content": body}
    return ""


def positions(template: Template) -> set[int]:
    """Return the numbers of the variables in the template's body."""
    return {int(position) for position in _PLACEHOLDER.findall(template["body_content"])}


def filled(template: Template, values: Mapping[int, str]) -> str:
    """Return the body with its variables filled in."""
    return _PLACEHOLDER.sub(lambda match: values.get(int(match[1]), "-"), template["body_content"])


def is_sendable(values: Sequence[str]) -> bool:
    """Return whether Meta takes these values for variables."""
    return all(value.strip() and not _BAD_VALUE.search(value) for value in values)
