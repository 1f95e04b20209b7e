"""Tells what the ledger's rows say: events, facts, deliveries with their messages, and what people pressed.

Invariant: whatever a row holds, it becomes a line; an event that cannot be read any more is told by its name.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from config.load import Config
from config.rules import Step
from console.stories.action_words import Deed, deed_of
from console.stories.advice import advice_of
from console.stories.conditions import condition_words
from console.stories.entries import Entry, Tone, safe_words
from console.stories.event_words import event_clause, event_sentence
from console.stories.press_words import press_words
from console.stories.wording import plain, words
from webhooks.registry import SOURCES
from worker.ledger.settling import SETTLE
from worker.reading import Stored, UnreadableError
from worker.routing import COMPLETION_RULE, read_stored
from worker.states import RECONCILED, DeliveryState, EventState, Handling, MessageState, Reason

READERS = {vendor: source.read for vendor, source in SOURCES.items()}
_GOOD_ENDINGS = (".paid", ".completed", ".shipped", ".received", ".won", ".delivered", ".opted_in")
_BAD_ENDINGS = (
    ".failed",
    ".returned",
    ".lost",
    ".canceled",
    ".cancelled",
    ".deleted",
    ".opted_out",
    ".activation_failed",
)
_SUPERFLUOUS = frozenset({Reason.NOT_NEEDED, Reason.OVERTAKEN})
_HAPPENED = re.compile(r"(\S+) (?:has )?happened")


def step_of(config: Config, row: Row[Any]) -> Step | None:
    """Return the step that a delivery runs, where its rule is still configured and its steps are known."""
    rule = config.rule(row.rule)
    return rule.step(row.step) if rule is not None and rule.plan is None else None


def tell_event(config: Config, row: Row[Any], key: str) -> Entry:
    """Tell an event or a fact; `key`: the subject whose story it is."""
    values = _values(config, row, key)
    tone, details = _tone(row.type), list(_event_details(row))
    if row.state == EventState.FAILED or (row.tap or {}).get("ambiguous"):
        tone = Tone.BAD if row.state == EventState.FAILED else Tone.WARN
    return Entry(
        at=row.occurred_at, text=event_sentence(row.type, values), tone=tone, details=tuple(details),
        account=row.account, event_id=row.root_id,
    )  # fmt: skip


def _values(config: Config, row: Row[Any], key: str) -> dict[str, Any]:
    """Return what an event says of a subject; nothing where it cannot be read."""
    if row.root_body is None:
        return {}
    stored = Stored(
        account=row.root_account, type=row.root_type, body=bytes(row.root_body), content_type=row.root_content_type,
        query=row.root_query, headers=row.root_headers or {}, trigger=row.root_trigger,
        received_at=row.root_received_at, part=row.root_part,
    )  # fmt: skip
    try:
        what = read_stored(config, READERS, stored)
    except UnreadableError:
        return {}
    said = {name: value for patch in what.patches if patch.subject == key for name, value in patch.values.items()}
    title = {"title": what.data.get("title") or what.data.get("button")}
    return {**what.data, **{name: value for name, value in title.items() if value}, **said}


def _tone(type_: str) -> Tone:
    if type_.endswith(_GOOD_ENDINGS):
        return Tone.GOOD
    return Tone.WARN if type_.endswith(_BAD_ENDINGS) else Tone.PLAIN


def _event_details(row: Row[Any]) -> Iterator[str]:
    tap = row.tap or {}
    if tap.get("ambiguous"):
        yield f"It could mean several things, and nothing is guessed: {safe_words(row.note)}"
    elif tap.get("decided"):
        yield f"It was decided before: “{plain(tap.get('decision'))}”"
    elif tap.get("late"):
        yield "It came after the question's time"
    elif tap.get("question"):
        yield f"It answers “{plain(tap['question'])}”"
    if row.trigger == RECONCILED:
        yield "Learned by asking the vendor, as no webhook told it"
    if row.state == EventState.FAILED:
        known = advice_of(row.reason)
        yield "The rules could not be asked: " + (known.meaning if known else safe_words(row.last_error))
    elif row.state == EventState.WAITING:
        yield "The vendor is asked first for what it leaves out"
    if row.handling == Handling.UNKNOWN:
        yield "Hookyard does not know this kind of event; it is kept"


def tell_delivery(
    config: Config, row: Row[Any], tries: Sequence[Row[Any]], sent: Sequence[Row[Any]], asked: Row[Any] | None
) -> Iterator[Entry]:
    """Tell what came of a delivery: its message's way, what failed and was tried again, how it ended."""
    step = step_of(config, row)
    deed = deed_of(row.action, step)
    own = [attempt for attempt in tries if attempt.kind != SETTLE]
    yield from _in_vain(row, deed, own)
    for message in sent:
        yield from _message(row, deed, message, asked)
    if row.state == DeliveryState.SUCCEEDED and not sent:
        is_read = row.rule == COMPLETION_RULE
        yield _line(row, own, deed.done, Tone.MUTED if is_read else Tone.GOOD)
    elif not (row.state == DeliveryState.DEAD and any(one.state == MessageState.FAILED for one in sent)):
        yield from _end(row, deed, step, own)


def _in_vain(row: Row[Any], deed: Deed, tries: Sequence[Row[Any]]) -> Iterator[Entry]:
    again = [attempt for attempt in tries if attempt.state == DeliveryState.RETRYING]
    if not again:
        return
    last = again[-1]
    known = advice_of(last.reason)
    how_often = "did not work at once" if len(again) == 1 else f"did not work {len(again)} times"
    said = tuple(filter(None, (safe_words(last.error),)))
    text = f"{deed.thing} {how_often}, tried again: {known.meaning if known else words(last.reason or '')}"
    yield Entry(last.finished_at, text, Tone.WARN, said, row.account, row.event_id, row.id, 1)


def _message(row: Row[Any], deed: Deed, message: Row[Any], asked: Row[Any] | None) -> Iterator[Entry]:
    where = {"account": row.account, "event_id": row.event_id, "delivery_id": row.id}
    if moment := message.accepted_at or message.sent_at:
        asks = f"It asks: {' or '.join(f'“{plain(answer)}”' for answer in asked.answers)}" if asked else ""
        yield Entry(moment, f"{deed.thing} sent", Tone.GOOD, tuple(filter(None, (asks,))), order=2, **where)
    # Receipts have the vendor's clock, often in whole seconds: nothing arrives before it was sent.
    if delivered_at := _latest(moment, message.delivered_at):
        yield Entry(delivered_at, f"{deed.thing} delivered", Tone.GOOD, order=3, **where)
    if read_at := _latest(delivered_at or moment, message.read_at):
        yield Entry(read_at, f"{deed.thing} read", Tone.GOOD, order=4, **where)
    if message.state == MessageState.FAILED:
        known = advice_of(message.reason, message.error_code)
        code = f" (code {plain(message.error_code)})" if message.error_code else ""
        text = f"{deed.thing} failed: {known.meaning if known else 'no reason was told'}{code}"
        to_do = tuple(filter(None, (known.to_do,))) if known else ()
        yield Entry(message.failed_at or message.changed_at, text, Tone.BAD, to_do, order=3, **where)


def _latest(before: datetime | None, moment: datetime | None) -> datetime | None:
    return moment and max(moment, before or moment)


def _end(row: Row[Any], deed: Deed, step: Step | None, tries: Sequence[Row[Any]]) -> Iterator[Entry]:
    known = advice_of(row.reason)
    meaning = known.meaning if known else words(row.reason or "")
    said = safe_words(row.last_error) if row.last_error and row.last_error != meaning else ""
    to_do = known.to_do if known else ""
    if row.state == DeliveryState.DEAD:
        yield _line(row, tries, f"{deed.thing} failed: {meaning}", Tone.BAD, said, to_do)
    elif row.state == DeliveryState.UNKNOWN:
        yield _line(row, tries, f"{deed.thing}: it may have happened; {meaning}", Tone.BAD, said, to_do)
    elif row.reason in _SUPERFLUOUS:
        yield _line(row, (), f"{deed.undone}: {_why_superfluous(row, step) or meaning}", Tone.MUTED)
    elif row.state == DeliveryState.CANCELLED:
        yield _line(row, (), f"{deed.thing} cancelled: {meaning}", Tone.MUTED, said)
    elif row.state == DeliveryState.SUPPRESSED and row.reason != Reason.DUPLICATE_EFFECT:
        yield _line(row, (), f"{deed.undone}: {meaning}", Tone.MUTED, said)


def _why_superfluous(row: Row[Any], step: Step | None) -> str:
    if row.reason == Reason.NOT_NEEDED:
        return condition_words(step.unless) if step and step.unless else ""
    happened = _HAPPENED.match(row.last_error or "")
    return event_clause(happened[1]) if happened else ""


def _line(row: Row[Any], tries: Sequence[Row[Any]], text: str, tone: Tone, *details: str) -> Entry:
    at = tries[-1].finished_at if tries else row.updated_at
    return Entry(at, text, tone, tuple(filter(None, details)), row.account, row.event_id, row.id, 2)


def tell_press(row: Row[Any], deeds: Mapping[str, str]) -> Entry:
    """Tell what a person pressed; `deeds`: by a delivery's id, what it does."""
    what = deeds.get(row.target)
    comment = safe_words((row.details or {}).get("comment"))
    details = tuple(filter(None, (f"“{comment}”" if comment else "",)))
    delivery_id = UUID(row.target) if what else None
    text = f"{plain(row.actor)} {press_words(row.action)}" + (f": {what}" if what else "")
    return Entry(row.at, text, Tone.PLAIN, details, delivery_id=delivery_id, order=5)


def tell_person(row: Row[Any]) -> Entry:
    """Tell what a person said that concerns the story's subject though it is not about it alone."""
    details = (f"It could mean several things, and nothing is guessed: {safe_words(row.note)}",) if row.note else ()
    tone = Tone.WARN if row.note or row.type.endswith(_BAD_ENDINGS) else Tone.PLAIN
    return Entry(row.occurred_at, event_sentence(row.type, {}), tone, details, row.account, row.id)
