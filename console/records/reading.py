"""What an event was understood to say, and why each rule wanted something of it or not, as people may see it.

Invariant: nothing is written, and nothing that is returned tells who somebody is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from config.load import Config
from console.records.bodies import laid_out, plain
from tasks.trying.explaining import Explainer, NoSuchEventError
from tasks.trying.reading import READERS
from worker.masking import mask, mask_message, mask_text, personal_in
from worker.reading import Stored, Understanding, UnreadableError
from worker.routing import read_stored


@dataclass(frozen=True)
class Said:
    """What an event says, in lines of a name and a value, and in patches."""

    lines: tuple[tuple[str, str], ...] = ()
    patches: tuple[tuple[str, bool, str], ...] = ()
    """Of each subject: its key, whether the event tells it whole, and the values."""
    fault: str = ""
    """Why it cannot be understood."""


def understood(config: Config, event: Row[Any], body: bytes | None) -> Said:
    """Read an event as routing does."""
    stored = Stored(
        account=event.account, type=event.type, body=body or b"", content_type=event.content_type, query=event.query,
        headers=event.headers or {}, trigger=event.trigger, received_at=event.received_at, part=event.part,
    )  # fmt: skip
    try:
        what = read_stored(config, READERS, stored)
    except UnreadableError as error:
        return Said(fault=str(error))
    personal = personal_in(what.data).union(*(personal_in(patch.values) for patch in what.patches))
    patches = tuple((patch.subject, patch.complete, laid_out(mask(patch.values, personal))) for patch in what.patches)
    lines = tuple((name, plain(value)) for name, value in _lines(what, personal) if value)
    return Said(lines, patches)


def _lines(what: Understanding, personal: set[str]) -> list[tuple[str, str]]:
    lines = [("What is done with this type", str(what.handling))]
    if what.completion:
        lines.append(("Leaves something out", f"{what.completion.action} tells it"))
    if what.order:
        lines.append(("Belongs to the order", what.order.order_id or what.order.by_button or ""))
        lines.append(("Answers the message", what.order.replied_to or ""))
    if what.receipt:
        lines.append(("Tells of the message", what.receipt.message_id))
        lines.append(("How far it came", str(what.receipt.state)))
        lines.append(("Why not", str(what.receipt.reason or "").replace("_", " ")))
        lines.append(("WhatsApp's code", what.receipt.error_code or ""))
    if what.heard:
        lines.append(("From", mask_text(what.heard.phone)))
        said = mask({"text": what.heard.text or ""}, personal | {what.heard.phone})
        lines.append(("Said", mask_message(said["text"])))
    lines.append(("Facts that may follow", ", ".join(what.possible_facts)))
    return lines


@dataclass(frozen=True)
class Explained:
    """What the rules say, as they are now."""

    rules: tuple[dict[str, Any], ...] = ()
    """Those that want something first, then those that listen, then the others."""
    notes: tuple[str, ...] = ()
    fault: str = ""
    what: str = ""
    """The event's type."""
    led_to: tuple[str, ...] = ()
    """The facts that follow from it."""


def explained(connection: Connection, config: Config, now: datetime, event_id: UUID) -> Explained:
    """Return what every rule says to an event."""
    try:
        said = Explainer(connection, config, now).explain(event_id)
    except NoSuchEventError as error:
        return Explained(fault=str(error))
    return laid_out_rules(said)


def laid_out_rules(said: Mapping[str, Any]) -> Explained:
    """Return what an `Explainer` says as a page shows it."""
    rules = sorted(said["rules"], key=lambda rule: (not rule["matched"], rule["on"] is None))
    for rule in rules:
        rule["saw"] = {name: plain(str(value)) for name, value in rule.get("saw", {}).items()}
        rule["steps"] = [step | {"shown": laid_out(step["parameters"])} for step in rule.get("steps", [])]
    event = said["event"]
    return Explained(tuple(rules), tuple(said["notes"]), what=event["type"], led_to=tuple(said["happened"][1:]))
