"""What must be so after histories were played, whatever happened in them.

Invariant: a check looks at what the vendors saw and at the ledger, never at what the engine says of itself.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import text

from tests.soak.knowledge import PROMISES, Fault
from tests.soak.world import World
from worker.ledger.database import by_statement

_IN_THE_LEDGER = {
    "a delivery that did not end": """
        SELECT subject, rule || '/' || step || ' ' || state FROM deliveries d
        WHERE (
            state NOT IN ('succeeded', 'dead', 'cancelled', 'suppressed', 'unknown')
            OR state <> 'succeeded' AND reason IS NULL
        ) AND NOT EXISTS (
            SELECT FROM deliveries needed WHERE needed.event_id = d.event_id AND needed.rule = d.rule
            AND needed.step = ANY(d.needs) AND needed.state = 'unknown' AND d.state = 'waiting')""",
    "an event that was not routed": """
        SELECT coalesce(subject, dedupe_key), type || ' ' || state FROM events
        WHERE state NOT IN ('processed', 'failed') OR state = 'failed' AND reason IS NULL""",
    "an end that nobody followed up": """
        SELECT subject, rule || '/' || step FROM deliveries
        WHERE has_followers AND state IN ('succeeded', 'dead', 'cancelled', 'suppressed')
              AND followed IS DISTINCT FROM state""",
    "a fact twice": """
        SELECT subject, type FROM events WHERE parent_id IS NOT NULL AND part IS NULL
        GROUP BY subject_account, subject, type HAVING count(*) > 1""",
    "an effect twice": """
        SELECT min(subject), effect_key FROM deliveries WHERE state IN ('succeeded', 'unknown')
        GROUP BY effect_key HAVING effect_key IS NOT NULL AND count(*) > 1""",
    "an order decided in two ways": """
        SELECT subject, 'confirmed and declined' FROM deliveries
        WHERE rule IN ('confirmed', 'declined') AND state IN ('succeeded', 'unknown')
        GROUP BY subject_account, subject HAVING count(DISTINCT rule) > 1""",
    "a decision that nobody took": """
        SELECT subject, name || ' ' || coalesce(answer, '-') FROM questions
        WHERE (answered_at IS NULL) <> (answered_by IS NULL) OR (answered_at IS NULL) <> (answer IS NULL)
              OR answered_at >= until""",
    "a paid order without thanks": """
        SELECT subject, type FROM events fact WHERE type = 'scalev.order.paid' AND NOT EXISTS (
            SELECT FROM deliveries WHERE rule = 'thanks' AND deliveries.subject = fact.subject)""",
}  # fmt: skip
_DELIVERIES = text("SELECT id, state, reason, effect_key, attempts, result FROM deliveries ORDER BY id")
_QUESTIONS = text("SELECT delivery_id AS id, answer, answered_by FROM questions ORDER BY delivery_id")
_AGAIN = text("UPDATE events SET state = 'received', wake_at = NULL WHERE parent_id IS NULL AND subject = ANY(:some)")
_TO_ROUTE = text("SELECT id FROM events WHERE state = 'received' ORDER BY id")
_OUTCOMES = text("SELECT id, subject, rule, step, state, reason, action FROM deliveries ORDER BY id")
_ANSWERED = text(
    "SELECT subject, answer, answered_by FROM questions WHERE answered_by IS NOT NULL ORDER BY delivery_id"
)
_MOST_TAGS = 20
"""How often an order may be tagged: by each tap, each echo and what is repeated of that."""


def faults_of(world: World) -> list[Fault]:
    """Return everything that is wrong after a round; it ends with routing some events again."""
    found = list(world.vendors.wrong)
    with by_statement(world.engine).connect() as connection:
        for what, query in _IN_THE_LEDGER.items():
            found += [Fault(what, str(row[0]), row[1]) for row in connection.execute(text(query))]
        outcomes, answered = connection.execute(_OUTCOMES).all(), connection.execute(_ANSWERED).all()
    found += [*_of_effects(world), *_of_outcomes(world, outcomes), *_of_answers(world, answered)]
    return found + _of_telling(world) + _of_routing_again(world)


def _of_effects(world: World) -> Iterator[Fault]:
    """Count what was really done."""
    effects = world.vendors.effects
    for key, times in effects.done.items():
        if times - effects.failed[key] > (_MOST_TAGS if key[1] == "tagged" else 1):
            yield Fault("done twice", key[0], f"{' '.join(key[1:])} done {times} times")


def _of_outcomes(world: World, outcomes: Any) -> Iterator[Fault]:
    """Compare what the ledger says of each message to what was really done."""
    effects, arrived = world.vendors.effects, world.vendors.knowledge.arrived
    for row in outcomes:
        if "send_" not in row.action:
            continue
        message_id, what = effects.message_of.get(str(row.id)), f"{row.rule}/{row.step} is {row.state}"
        gone = message_id in effects.failed_messages or row.reason == "not_delivered"
        if row.state == "succeeded" and message_id is None:
            yield Fault("said to be done", str(row.subject), what)
        if message_id is not None and row.state not in {"succeeded", "unknown"} and not (row.state == "dead" and gone):
            yield Fault("done, and not said", str(row.subject), f"{what} {row.reason}")
        if row.step in PROMISES[row.rule].arrives and row.state == "succeeded" and message_id not in arrived:
            yield Fault("said to have arrived", str(row.subject), what)


def _of_answers(world: World, answered: Any) -> Iterator[Fault]:
    """Compare each decision to the tap that took it."""
    for row in answered:
        arriving, _ = world.arrived[row.answered_by]
        if arriving.tapped != row.answer:
            yield Fault("another answer", row.subject, f"{row.answer}, but {arriving.tapped} was tapped")
        if arriving.is_sure and row.subject != f"order:{arriving.number}":
            yield Fault("another order", row.subject, f"a tap on {arriving.number} decided it")


def _of_telling(world: World) -> list[Fault]:
    """Ask whether everything true that was told is known."""
    with by_statement(world.engine).connect() as connection:
        known = {row.key: row.snapshot for row in connection.execute(text("SELECT key, snapshot FROM subjects"))}
    found = []
    for number, told in world.vendors.knowledge.orders.items():
        snapshot = known.get(f"order:{number}", {})
        if "paid" in told and snapshot.get("payment_status") not in {"paid", "settled"}:
            found.append(Fault("told, and not known", number, "it is paid"))
        if "canceled" in told and snapshot.get("status") != "canceled":
            found.append(Fault("told, and not known", number, "it is canceled"))
    return found


def _of_routing_again(world: World) -> list[Fault]:
    """Route every event of some orders and persons again: nothing may change."""
    orders = [history.order for history in world.histories.values() if world.rng.random() < 0.15]
    some = [name for order in orders for name in (f"order:{order.number}", f"phone:{order.phone}")]
    before = _as_it_stands(world)
    with world.engine.begin() as connection:
        connection.execute(_AGAIN, {"some": some})
        again = list(connection.scalars(_TO_ROUTE))
    world.rng.shuffle(again)
    for event_id in again:
        world.route(event_id, may_crash=False)
    after = _as_it_stands(world)
    with by_statement(world.engine).connect() as connection:
        subjects = {row.id: row.subject for row in connection.execute(_OUTCOMES)}
    changed = [row for row in {**before, **after} if (row in before) != (row in after)]
    return [Fault("routing again changed it", str(subjects.get(before.get(row) or after[row])), row) for row in changed]


def _as_it_stands(world: World) -> dict[str, Any]:
    with by_statement(world.engine).connect() as connection:
        rows = [row for query in (_DELIVERIES, _QUESTIONS) for row in connection.execute(query)]
    return {repr(row): row.id for row in rows}
