"""What must be so after histories were played, whatever happened in them.

Invariant: a check looks at what the vendors saw and at the ledger, never at what the engine says of itself.
"""

from typing import Any

from sqlalchemy import text

from tests.soak.world import World

Found = list[tuple[str, str]]
"""The order, and what is wrong with it."""

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
    "a paid order without thanks": """
        SELECT subject, type FROM events fact WHERE type = 'scalev.order.paid' AND NOT EXISTS (
            SELECT FROM deliveries WHERE rule = 'thanks' AND deliveries.subject = fact.subject)""",
}  # fmt: skip
_DELIVERIES = text("SELECT id, state, reason, effect_key, attempts, result FROM deliveries ORDER BY id")
_AGAIN = text("UPDATE events SET state = 'received', wake_at = NULL WHERE parent_id IS NULL AND subject = ANY(:some)")
_TO_ROUTE = text("SELECT id FROM events WHERE state = 'received' ORDER BY id")
_OUTCOMES = text("SELECT id, subject, rule, step, state, action FROM deliveries")


def faults_of(world: World) -> Found:
    """Return everything that is wrong after a round; it ends with routing some events again."""
    found = list(world.vendors.wrong)
    with world.engine.connect() as connection:
        for what, query in _IN_THE_LEDGER.items():
            found += [(str(row[0]), f"{what}: {row[1]}") for row in connection.execute(text(query))]
        outcomes = connection.execute(_OUTCOMES).all()
    return found + _of_effects(world, outcomes) + _of_telling(world) + _of_routing_again(world)


def _of_effects(world: World, outcomes: Any) -> Found:
    """Count what was really done, and compare it to what the ledger says of it."""
    vendors = world.vendors
    found = [
        (key[0], f"{' '.join(key[1:])} done {times} times")
        for key, times in vendors.done.items()
        if times - vendors.failed[key] > (20 if key[1] == "tagged" else 1)
    ]
    for row in outcomes:
        is_message, message_id = row.action == "wabotick.send_template", vendors.done_for.get(str(row.id))
        is_done = message_id is not None
        if row.state == "dead" and message_id in vendors.failed_for:
            continue
        said_done, may_be_done = row.state == "succeeded", row.state in {"succeeded", "unknown"}
        if is_message and ((said_done and not is_done) or (is_done and not may_be_done)):
            found.append((str(row.subject), f"{row.rule}/{row.step} is {row.state}, but was sent: {is_done}"))
    return found


def _of_telling(world: World) -> Found:
    """Ask whether everything true that was told is known."""
    with world.engine.connect() as connection:
        known = {row.key: row.snapshot for row in connection.execute(text("SELECT key, snapshot FROM subjects"))}
    found = []
    for number, told in world.vendors.known.items():
        snapshot = known.get(f"order:{number}", {})
        if "paid" in told and snapshot.get("payment_status") not in {"paid", "settled"}:
            found.append((number, "it is paid, which was told, and is not known"))
        if "canceled" in told and snapshot.get("status") != "canceled":
            found.append((number, "it is canceled, which was told, and is not known"))
    return found


def _of_routing_again(world: World) -> Found:
    """Route every event of some orders again: nothing may change."""
    some = [f"order:{history.order.number}" for history in world.histories.values() if world.rng.random() < 0.15]
    with world.engine.begin() as connection:
        before = connection.execute(_DELIVERIES).all()
        connection.execute(_AGAIN, {"some": some})
        again = list(connection.scalars(_TO_ROUTE))
    world.rng.shuffle(again)
    for event_id in again:
        world.route(event_id, may_crash=False)
    with world.engine.connect() as connection:
        after = connection.execute(_DELIVERIES).all()
        subjects = {row.id: row.subject for row in connection.execute(text("SELECT id, subject FROM deliveries"))}
    changed = set(map(repr, after)) ^ set(map(repr, before))
    return (
        [
            (str(subjects.get(row.id)), f"routing again changed {row}")
            for row in {*before, *after}
            if repr(row) in changed
        ]
        if changed
        else []
    )
