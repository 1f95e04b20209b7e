"""Links from Flower's page of a task to the console: Flower has none of its own, its template gets one line more.

Invariant: a Flower whose template is another one than expected shows its pages as they are, without links.
"""

import re
from collections.abc import Callable
from typing import Any

from flower.urls import settings as pages
from tornado.template import Loader, Template

from config.settings import Settings

_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
MOST_LINKS = 20
PAGE, PLACE = "task.html", '  <section class="detail-card task-details-card"'
LINKS = """  {% for label, address in console_links(task) %}
  <p><a href="{{ address }}">{{ label }}</a></p>
  {% end %}
"""


def add_to_flower(settings: Settings) -> None:
    """Let Flower's page of a task link to the console."""
    pages["template_loader"] = _WithLinks(str(pages["template_path"]))
    pages["ui_methods"] = {"console_links": links_for(settings)}


def links_for(settings: Settings) -> Callable[[Any, Any], list[tuple[str, str]]]:
    """Return what makes the links of a task: the ids of the ledger stand in its arguments."""

    def console_links(handler: Any, task: Any) -> list[tuple[str, str]]:
        request = handler.request
        base = settings.console_url or f"{request.protocol}://{request.host_name}:{settings.console_port}"
        found = list(dict.fromkeys(_ID.findall(str(task.args))))[:MOST_LINKS]
        return [(f"Open {one} in the console", f"{base}/find?q={one}") for one in found]

    return console_links


class _WithLinks(Loader):
    """Flower's own templates, that of a task with the links in it."""

    def _create_template(self, name: str) -> Template:
        if name != PAGE:
            return super()._create_template(name)
        with open(f"{self.root}/{name}", encoding="utf-8") as file:  # noqa: PTH123 - as the one it stands for
            source = file.read()
        return Template(source.replace(PLACE, LINKS + PLACE, 1), name=name, loader=self)
