"""Events and deliveries that differ in everything a press of many can be narrowed by, and what each filter means.

Invariant: every filter that pages and commands have stands here, and each leaves something out.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine

from tests.support.shop import Shop
from worker.ids import first_id
from worker.ledger.tables import deliveries, events
from worker.states import JobKind

OLD, NEW = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 9, tzinfo=UTC)
BETWEEN = (OLD + timedelta(days=2)).isoformat()
# Who it is about, when it was made; its event: account, type, state, reason, handling, subject; its delivery: account,
# action, state, reason, rule, error. Two are messages to people.
_ROWS = {
    "Ayu": (
        OLD, "toko", "scalev.order.created", "failed", "bug", "handled", "order:1",
        "wa", "wabotick.send_template", "dead", "template", "greet", "Template of that name not found",
    ),
    "Budi": (
        NEW, "toko", "scalev.order.created", "failed", "unreadable_event", "handled", "order:2",
        "wa", "wabotick.send_template", "dead", "exhausted", "thank", None,
    ),
    "Citra": (
        NEW, "crm", "proton.customer.created", "failed", "bug", "unknown", "customer:3",
        "crm", "proton.create_opportunity", "dead", "rejected", "sell", None,
    ),
    "Dewi": (
        NEW, "crm", "proton.customer.created", "processed", None, "handled", "customer:4",
        "crm", "proton.create_opportunity", "retrying", "server_error", "sell", None,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Narrowed:
    """A filter, and what it means."""

    given: dict[str, str]
    whom: tuple[str, ...]
    """Whose are pressed."""
    messages: int = 0


OF_DELIVERIES = (
    Narrowed({"account": "wa"}, ("Ayu", "Budi"), 2),
    Narrowed({"type": "proton.create_opportunity"}, ("Citra",)),
    Narrowed({"state": "retrying"}, ("Dewi",)),
    Narrowed({"reason": "template"}, ("Ayu",), 1),
    Narrowed({"rule": "thank"}, ("Budi",), 1),
    Narrowed({"subject": "order:1"}, ("Ayu",), 1),
    Narrowed({"text": "citra"}, ("Citra",)),
    Narrowed({"text": "of that name"}, ("Ayu",), 1),
    Narrowed({"text": "lives here"}, ("Ayu", "Budi", "Citra"), 2),
    Narrowed({"since": BETWEEN}, ("Budi", "Citra"), 1),
    Narrowed({"until": BETWEEN}, ("Ayu",), 1),
    Narrowed({"account": "wa", "text": "Budi"}, ("Budi",), 1),
)
OF_EVENTS = (
    Narrowed({"account": "toko"}, ("Ayu", "Budi")),
    Narrowed({"type": "proton.customer.created"}, ("Citra",)),
    Narrowed({"state": "processed"}, ("Dewi",)),
    Narrowed({"handling": "unknown"}, ("Citra",)),
    Narrowed({"reason": "unreadable_event"}, ("Budi",)),
    Narrowed({"subject": "order:1"}, ("Ayu",)),
    Narrowed({"text": "citra"}, ("Citra",)),
    Narrowed({"since": BETWEEN}, ("Budi", "Citra")),
    Narrowed({"until": BETWEEN}, ("Ayu",)),
    Narrowed({"account": "toko", "text": "BUDI"}, ("Budi",)),
)
EVERY_FILTER = [
    *((JobKind.RETRY, narrowed) for narrowed in OF_DELIVERIES),
    *((JobKind.REPLAY, narrowed) for narrowed in OF_EVENTS),
    (JobKind.CANCEL, Narrowed({"text": "dewi"}, ("Dewi",))),
]


def name_of(value: object) -> str:
    """Return what a case of `EVERY_FILTER` is called."""
    return " ".join(value.given) if isinstance(value, Narrowed) else str(value)


def lay_out(engine: Engine) -> None:
    """Write them all into the ledger."""
    with engine.begin() as connection:
        for number, (name, row) in enumerate(_ROWS.items()):
            made_at, account, type_, state, reason, handling, subject, *its = row
            event = {
                "id": _id(number, made_at), "account": account, "dedupe_key": name, "type": type_, "state": state,
                "reason": reason, "handling": handling, "subject": subject, "received_at": made_at,
                "occurred_at": made_at, "body": f'{{"name": "{name}", "says": "lives here"}}'.encode(),
            }  # fmt: skip
            connection.execute(events.insert(), event)
            to, action, state, reason, rule, error = its
            delivery = {
                "id": _id(number, made_at), "event_id": event["id"], "account": to, "action": action, "state": state,
                "reason": reason, "rule": rule, "step": "x", "last_error": error, "subject": subject, "due_at": made_at,
                "series_at": made_at, "created_at": made_at, "updated_at": made_at, "needs": [],
            }  # fmt: skip
            connection.execute(deliveries.insert(), delivery)


def pressed(shop: Shop, kind: JobKind) -> list[str]:
    """Return whose were pressed, as the audit has it."""
    names = {str(_id(number, row[0])): name for number, (name, row) in enumerate(_ROWS.items())}
    return [
        names[row.target]
        for row in shop.rows("SELECT target FROM audit WHERE action = :kind ORDER BY target", kind=kind)
    ]


def said(kind: JobKind, narrowed: Narrowed) -> str:
    """Return what a preview says at first."""
    many = len(narrowed.whom) > 1
    if kind is JobKind.REPLAY:
        return f"{len(narrowed.whom)} event{'s' if many else ''} would be replayed: rules are asked anew"
    counted = f"{len(narrowed.whom)} {'deliveries' if many else 'delivery'}"
    if kind is JobKind.CANCEL:
        return f"{counted} would be cancelled: nothing of it is sent any more"
    messages = f"{narrowed.messages} message{'s' if narrowed.messages > 1 else ''} of these would be sent to people"
    return f"{counted} would be retried; {messages if narrowed.messages else 'none is a message to a person'}."


def _id(number: int, made_at: datetime) -> UUID:
    return UUID(int=first_id(made_at).int + number)
