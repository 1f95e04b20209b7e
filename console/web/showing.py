"""How values look on pages: times in the shop's zone, masked persons, states in words.

Invariant: what these return is escaped; a value that may be personal is masked unless its page was asked to reveal it.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask
from markupsafe import Markup

from console.records.bodies import plain
from console.stories.press_words import press_words
from worker.masking import mask, mask_message, mask_text

_GOOD, _WAITS, _BAD, _ODD, _DONE = "good", "waits", "bad", "odd", "done"
STATES: Mapping[str, tuple[str, str]] = {
    # deliveries
    "waiting": (_WAITS, "waits until it is due"),
    "ready": (_WAITS, "goes out next"),
    "in_flight": (_WAITS, "is being sent"),
    "retrying": (_WAITS, "failed for now, is tried again"),
    "succeeded": (_GOOD, "done"),
    "unknown": (_ODD, "may have been sent: a person has to say"),
    "dead": (_BAD, "failed, nobody retries it by itself"),
    "cancelled": (_DONE, "given up by a person"),
    "suppressed": (_DONE, "not wanted any more"),
    # events
    "received": (_WAITS, "about to be routed"),
    "processed": (_GOOD, "routed"),
    "failed": (_BAD, "failed"),
    # messages
    "accepted": (_WAITS, "the platform took it"),
    "sent": (_WAITS, "is on its way"),
    "delivered": (_GOOD, "arrived"),
    "read": (_GOOD, "was read"),
    # jobs
    "running": (_WAITS, "is at work"),
    "done": (_GOOD, "is done"),
    "stopped": (_DONE, "was stopped"),
}
"""By state: the class of its colour, and what it means."""


def add_to(app: Flask) -> None:
    """Let templates use them."""
    app.jinja_env.filters |= {
        "when": when, "ago": ago, "masked": masked, "masked_json": masked_json, "as_json": as_json, "number": number,
        "masked_message": mask_message, "plain": plain, "pressed": press_words,
        "state_class": lambda state: STATES.get(state, (_DONE, ""))[0],
        "state_meaning": lambda state: STATES.get(state, ("", ""))[1],
    }  # fmt: skip


def when(moment: datetime | None, zone: ZoneInfo) -> str:
    """Return a moment in the shop's time, named, with the exact one for machines and under the pointer."""
    if moment is None:
        return Markup('<span class="nothing">–</span>')
    local = moment.astimezone(zone)
    exact = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        exact, exact, f"{local:%d %b %Y %H:%M:%S} {local.tzname()}"
    )


def ago(moment: datetime | None, now: datetime) -> str:
    """Return how long ago a moment was, or how soon it will be, in one rough unit."""
    if moment is None:
        return "never"
    seconds = (now - moment).total_seconds()
    rough = span(timedelta(seconds=abs(seconds)))
    return f"{rough} ago" if seconds >= 0 else f"in {rough}"


def span(length: timedelta) -> str:
    """Return a length of time in one rough unit."""
    seconds = int(length.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size or (seconds >= size and unit == "d"):
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def masked(text: object) -> str:
    """Return a personal text of which only the edge is left."""
    return mask_text(str(text)) if text not in (None, "") else ""


def masked_json(value: Any) -> str:
    """Return JSON-like data as indented text, personal values and secrets masked."""
    return as_json(mask(value))


def as_json(value: Any) -> str:
    """Return JSON-like data, which holds nothing to mask, as indented text."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def number(value: float | None) -> str:
    """Return a number with its thousands apart."""
    return "–" if value is None else f"{value:,}".replace(",", "\u202f")
