"""What forms and addresses say, read: moments, what was seen, where to go back to.

Invariant: what cannot be understood is refused with a sentence, before anything is done.
"""

from collections.abc import Mapping
from datetime import datetime

from werkzeug.exceptions import BadRequest

from console.moments import read_moment
from console.web.frame import current, wanted_text
from worker.people import Seen


def seen(form: Mapping[str, str]) -> Seen:
    """Return what the page showed of the thing that is pressed; without it nobody can say whether it moved on."""
    state, attempts = wanted_text(form, "state", 30), form.get("attempts", "")
    if not state or not attempts.isascii() or not attempts.isdecimal():
        raise BadRequest("This form does not say what it was made for. Open the page again and repeat it.")
    return Seen(state, int(attempts[:9]))


def moment(given: Mapping[str, str], name: str) -> datetime | None:
    """Return a moment: `7d`, `2h`, or a date and time of the shop's zone."""
    text = wanted_text(given, name, 40)
    if not text:
        return None
    found = read_moment(text, current().clock(), current().config.business.zone)
    if found is None:
        raise BadRequest(f"“{text}” is not a time: 7d, 2h, 30m or 2026-01-31T08:00 is wanted.")
    return found
