"""The checks of the random histories are seen to fail: whatever breaks a promise is found out.

Three ways: a shop whose rules or words lack what keeps the promise, a ledger that forgets what keeps it (a trigger),
and a ledger that was changed after everything was played.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from tests.soak.checks import faults_of
from tests.soak.histories import BEGIN
from tests.soak.knowledge import Fault, Knowledge, Sending
from tests.soak.rounds import ACCOUNTS, RULES, Stage
from tests.soak.scenario import Scenario
from tests.soak.vendors import FakeSession, Vendors
from tests.soak.wire import Arriving, Wish
from tests.soak.world import World
from tests.support.servers import Servers
from worker.acting import Call

MOST_HISTORIES = 400
OF_A_ROUND = 10
YAML = RULES.read_text()
SENDING = Sending(BEGIN, "thanks", "26000001X", "wa", "628120000001", False, "1", begun=5)
EARLIER = BEGIN - timedelta(hours=1)


def trigger(table: str, when: str, change: str) -> str:
    """Return the statements by which a ledger forgets or bends what is written into a table."""
    body = f"CREATE FUNCTION bend() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {change} END $$"
    return f"{body}; CREATE TRIGGER bend BEFORE {when} ON {table} FOR EACH ROW EXECUTE FUNCTION bend()"


def without(line: str, given: str = YAML) -> str:
    """Return rules, or accounts, without the lines that hold a text."""
    assert line in given
    return "\n".join(one for one in given.splitlines() if line not in one)


# Each promise, and what is taken away that keeps it: of the accounts, the rules, the ledger.
BROKEN = {
    "contradiction": (ACCOUNTS, without("unless:", without("cancel_on:")), ""),
    "quiet hours": (without("quiet_hours", ACCOUNTS), YAML, ""),
    "after STOP": (ACCOUNTS.replace("business: {", "business: {consent: {stop_words: [nobody says]}, "), YAML, ""),
    "outside the 24 hours": (ACCOUNTS.replace("incoming:", "conversation:"), YAML, ""),
    "two at once": (
        ACCOUNTS,
        YAML.replace("[scalev.order.completed]", "[scalev.order.created]").replace("['a', 'b']", "'abcdef' | list"),
        trigger(
            "deliveries", "INSERT", "IF NEW.rule = 'completed' THEN NEW.subject_account := NULL; END IF; RETURN NEW;"
        ),
    ),
    "done twice": (ACCOUNTS, YAML, trigger("deliveries", "INSERT", "NEW.effect_key := NEW.id::text; RETURN NEW;")),
    "said to have arrived": (ACCOUNTS, without("delivered_within", without("success: delivered")), ""),
    "an order decided in two ways": (ACCOUNTS, YAML.replace(" and not tap.decided", ""), ""),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_a_promise_that_nothing_keeps_is_seen_to_be_broken(servers: Servers, kind: str) -> None:
    """The real engine, without what keeps one promise, is found out by the check of that promise."""
    accounts, rules, ledger = BROKEN[kind]
    with (
        servers.database(f"soak_bent_{list(BROKEN).index(kind)}") as url,
        closing(Stage.on(url, accounts, rules)) as stage,
    ):
        if ledger:
            with stage.engine.begin() as connection:
                connection.execute(text(ledger))
        # Few orders at a time get into each other's way the most.
        together = 2 if kind == "two at once" else OF_A_ROUND
        rounds = (stage.play(Scenario(seed, tuple(range(together)))) for seed in range(1, MOST_HISTORIES // together))
        kinds = next((found for played in rounds if kind in (found := {fault.kind for fault in played.found})), set())

    assert kind in kinds


def knowing(*learnt: Arriving, stopped_at: int | None = None) -> Knowledge:
    """Return what a shop knows to which this came in."""
    found = Knowledge()
    for arriving in learnt:
        found.learn(arriving, arriving.at, BEGIN)
    if stopped_at is not None:
        found.stopped["wa", "1"] = stopped_at, EARLIER
    return found


def said(account: str = "wa", wish: Wish | None = None, at: timedelta = timedelta(hours=1)) -> Arriving:
    """Return what comes in when the buyer writes, so long before."""
    return Arriving(BEGIN - at, account, b"", "", SENDING.number, phone=SENDING.phone, wish=wish)


def told(*tells: str) -> Arriving:
    """Return what comes in of the order."""
    return Arriving(EARLIER, "toko", b"", "", SENDING.number, tells=frozenset(tells))


STOP, START = Wish(stopped=True), Wish(stopped=False)
BLOCK, UNBLOCK = Wish(stopped=True, everything=True), Wish(stopped=False, everything=True)
LATER = timedelta(minutes=5)
IN_SESSION, UTILITY = replace(SENDING, in_session=True), replace(SENDING, rule="moved")


@pytest.mark.parametrize(
    ("known", "sending", "kinds"),
    [
        (knowing(), SENDING, []),
        (knowing(told("canceled")), SENDING, ["contradiction"]),
        (knowing(told("paid")), SENDING, []),
        (knowing(told("paid")), replace(SENDING, rule="remind"), ["contradiction"]),
        (knowing(told("spam")), UTILITY, ["contradiction"]),
        (knowing(told("canceled")), replace(SENDING, number="26000002X"), []),
        (knowing(said(wish=STOP)), SENDING, ["after STOP"]),
        (knowing(said(wish=STOP)), UTILITY, []),
        (knowing(said("meta", STOP), said("wa", START, LATER)), SENDING, []),
        (knowing(said("wa", START, LATER), said("meta", STOP)), SENDING, []),
        (knowing(said("wa", STOP, LATER), said("meta", START)), SENDING, ["after STOP"]),
        (knowing(said(wish=STOP)), replace(SENDING, phone="628120000002"), []),
        (knowing(said(wish=BLOCK)), UTILITY, ["blocked"]),
        (knowing(said(wish=BLOCK), said(wish=START, at=LATER)), UTILITY, ["blocked"]),
        (knowing(said(wish=BLOCK), said(wish=UNBLOCK, at=LATER)), UTILITY, []),
        (knowing(), IN_SESSION, ["outside the 24 hours"]),
        (knowing(said()), IN_SESSION, []),
        (knowing(said("meta")), IN_SESSION, ["outside the 24 hours"]),
        (knowing(said(at=timedelta(hours=24))), IN_SESSION, ["outside the 24 hours"]),
        (knowing(said(wish=UNBLOCK)), IN_SESSION, ["outside the 24 hours"]),
        (knowing(stopped_at=4), SENDING, ["stopped template"]),
        (knowing(stopped_at=5), SENDING, []),
        (knowing(stopped_at=4), replace(SENDING, template="2"), []),
    ],
)
def test_what_a_message_must_not_be(known: Knowledge, sending: Sending, kinds: list[str]) -> None:
    """Held against what the shop knows, a message that leaves is wrong in just these ways."""
    assert [fault.kind for fault in known.faults(sending, quiet=False)] == kinds


def test_a_message_in_quiet_hours_is_seen() -> None:
    """Whatever is known else."""
    assert [fault.kind for fault in Knowledge().faults(SENDING, quiet=True)] == ["quiet hours"]


# What was changed in the ledger after everything was played, and what is found by that.
SOME = """
    UPDATE deliveries SET state = '{}'
    WHERE id = (SELECT id FROM deliveries WHERE action LIKE '%send_%' AND state = '{}' ORDER BY id LIMIT 1)"""
CHANGED = {
    "a delivery that did not end": SOME.format("ready", "succeeded"),
    "an event that was not routed": "UPDATE events SET state = 'received' WHERE type = 'scalev.order.created'",
    "an end that nobody followed up": "UPDATE deliveries SET followed = NULL WHERE has_followers",
    "a fact twice": """
        INSERT INTO events SELECT (jsonb_populate_record(
            events, jsonb_build_object('id', gen_random_uuid(), 'dedupe_key', 'again')
        )).* FROM events WHERE type = 'scalev.order.paid' ORDER BY id LIMIT 1""",
    "a paid order without thanks": "UPDATE deliveries SET subject = 'order:other' WHERE rule = 'thanks'",
    "a decision that nobody took": "UPDATE questions SET answer = NULL",
    "another answer": "UPDATE questions SET answer = answer || '?'",
    "another order": "UPDATE questions SET subject = 'order:other'",
    "said to be done": SOME.format("succeeded", "suppressed"),
    "done, and not said": SOME.format("cancelled", "succeeded"),
    "told, and not known": "UPDATE subjects SET snapshot = snapshot - 'payment_status'",
    "routing again changed it": "UPDATE deliveries SET step = step || '?' WHERE rule = 'moved'",
    "an effect twice": """
        DROP INDEX uq_deliveries_effect;
        UPDATE deliveries SET effect_key = 'same' WHERE rule = 'moved'""",
}  # fmt: skip


@pytest.fixture(scope="module")
def played(servers: Servers) -> Iterator[tuple[str, World]]:
    """A round that kept every promise, and its ledger's name."""
    with servers.database("soak_played") as url:
        stage = Stage.on(url)
        world = World(stage.engine, stage.settings, stage.config, Scenario(1, tuple(range(40))))
        world.play()
        stage.engine.dispose()
        yield "soak_played", world


@pytest.mark.parametrize("kind", [None, *CHANGED])
def test_a_ledger_that_was_changed_is_seen(servers: Servers, played: tuple[str, World], kind: str | None) -> None:
    """One thing changed is found by the check that is there for it; nothing changed, nothing found."""
    name, world = played
    with servers.database("soak_changed", template=name) as url, closing(Stage.on(url)) as stage:
        with stage.engine.begin() as connection:
            if kind is not None:
                connection.execute(text(CHANGED[kind]))
        world.engine, world.rng = stage.engine, Random(1)
        kinds = {fault.kind for fault in faults_of(world)}

    assert kind in kinds if kind else not kinds


def test_two_deliveries_of_one_rule_at_once_are_seen() -> None:
    """While one is at the vendor, another of the same order and rule arrives there; of another rule it may."""
    others = ["shipped", "thanks"]
    vendors = Vendors(
        Random(1), lambda: BEGIN, {}, lambda _: call_next(), lambda _: None, lambda _: False, healthy=True
    )
    action = vendors.actions()["wabotick.send_template"]

    def call(rule: str, detail: str) -> None:
        given = {"phone_number": f"+{SENDING.phone}", "template_id": "1", "variables": [SENDING.number, rule, detail]}
        parameters = action.parameters.model_validate(given, context={"country": "ID"})
        made: dict[str, Any] = {"account": None, "memory": None, "session": FakeSession(), "delivery_id": detail}
        action.run(Call(account_name="wa", country="ID", parameters=parameters, **made))

    def call_next() -> None:
        if others:
            call(others.pop(0), "second")
            assert len(vendors.wrong) == (0 if others else 1)

    call("thanks", "first")

    assert [fault.kind for fault in vendors.wrong] == ["two at once"]


def test_a_round_that_does_not_end_is_seen(servers: Servers) -> None:
    """It is broken off, and said."""
    with servers.database("soak_endless") as url, closing(Stage.on(url)) as stage:
        world = World(stage.engine, stage.settings, stage.config, Scenario(1, (0, 1)))
        world.play(most_steps=3)

    assert Fault("no end", "") in world.vendors.wrong
