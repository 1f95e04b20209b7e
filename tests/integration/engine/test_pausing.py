"""Accounts and rules that a person paused: nothing of theirs leaves, nothing is lost, all goes on when resumed."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.engine.test_holds import customers, open_circuit, sent, states
from tests.integration.engine.test_people import audited
from tests.support.shop import order_created, order_status_changed
from worker.people import RefusedError
from worker.states import PauseKind

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

DAYS = 3 * 86400
CRM = (PauseKind.ACCOUNT, "crm")


def pause(works: "Works", what: tuple[PauseKind, str], actor: str = "ani") -> Any:
    """Pause; return the pause or the refusal."""
    try:
        with works.people(actor) as people:
            return people.pause(*what)
    except RefusedError as error:
        return error


def resume(works: "Works", what: tuple[PauseKind, str], actor: str = "ani") -> Any:
    """Resume; return how many come due, or the refusal."""
    try:
        with works.people(actor) as people:
            return people.resume(*what)
    except RefusedError as error:
        return error


def rule_of(works: "Works") -> tuple[PauseKind, str]:
    """Return the rule that the newest delivery is of, as what is paused."""
    return PauseKind.RULE, works.shop.deliveries()[-1].rule


@pytest.mark.parametrize("kind", PauseKind)
def test_what_is_paused_waits_unspent_and_goes_on(works: "Works", kind: PauseKind) -> None:
    """What was planned before and what comes meanwhile, for days; then each is done once."""
    found = customers(works, 2)
    what = CRM if kind is PauseKind.ACCOUNT else rule_of(works)

    pause(works, what)
    found += customers(works, 1)
    tried = [works.deliverer.deliver(one) for one in found]
    works.settle(DAYS)

    assert tried == [None] * 3
    assert sent(works) == 0
    assert [works.delivery(one).attempts for one in found] == [0] * 3
    assert resume(works, what) == 3
    works.settle()
    assert {state for state, _ in states(works, found)} == {"succeeded"}
    assert len(works.shop.sandbox.effects("opportunity")) == 3
    assert audited(works) == [("ani", "pause"), ("ani", "resume")]


def test_a_paused_rule_leaves_the_others_alone(works: "Works") -> None:
    """Its deliveries are laid aside; another rule's to the same account go."""
    [held] = customers(works, 1)
    rule = rule_of(works)
    pause(works, rule)
    works.execute("UPDATE deliveries SET rule = 'other', effect_key = NULL WHERE id = :id", id=held)
    [paused] = customers(works, 1)

    woken = [wake.id for wake in (works.clock.pass_(60), works.sweep())[1].deliveries]

    assert woken == [held]
    assert (works.delivery(paused).wake_at - works.clock()).total_seconds() > 3600


def test_a_resumed_rule_is_woken_although_it_was_laid_aside(works: "Works") -> None:
    """The next sweep after resuming finds what the sweeps before laid aside."""
    [paused] = customers(works, 1)
    rule = rule_of(works)
    pause(works, rule)
    works.settle()

    resume(works, rule)

    assert [wake.id for wake in works.sweep().deliveries] == [paused]


@pytest.mark.parametrize("kind", PauseKind)
def test_a_pause_kills_nothing_that_an_open_circuit_held(works: "Works", kind: PauseKind) -> None:
    """Held by the account's circuit for a day it would be a dead letter: not while it is paused, nor right after."""
    found = open_circuit(works)
    what = CRM if kind is PauseKind.ACCOUNT else rule_of(works)
    pause(works, what)

    works.settle(DAYS)
    resume(works, what)
    works.sweep()

    assert {state for state, _ in states(works, found)} <= {"waiting", "ready", "retrying", "in_flight"}
    works.shop.sandbox.heal()
    works.settle(3600)
    works.settle(3600)
    assert {state for state, _ in states(works, found)} == {"succeeded"}


def test_no_probe_goes_through_a_paused_account(works: "Works") -> None:
    """The circuit stays open and nothing is sent."""
    open_circuit(works)
    pause(works, CRM)
    before = sent(works)

    works.settle(DAYS)

    assert sent(works) == before


def test_a_pause_does_not_eat_the_time_that_a_step_has(works: "Works") -> None:
    """`within` counts from when the series began; the pause is taken out of it."""
    [found] = customers(works, 1)
    began = works.delivery(found).series_at
    works.clock.pass_(10)
    pause(works, CRM)
    works.clock.pass_(DAYS)

    resume(works, CRM)

    assert (works.delivery(found).series_at - began).total_seconds() == DAYS


def test_what_is_not_wanted_any_more_is_not_sent_after_a_pause(works: "Works") -> None:
    """It is judged at the moment when it would leave, not when it was planned or paused."""
    works.receive(order_created())
    routed = works.receive(order_status_changed("shipped"))
    [wake] = routed.deliveries
    pause(works, (PauseKind.ACCOUNT, "wa"))
    works.execute("UPDATE subjects SET snapshot = snapshot || '{\"is_probably_spam\": true}'")

    resume(works, (PauseKind.ACCOUNT, "wa"))
    works.settle()

    assert (works.delivery(wake.id).state, works.delivery(wake.id).reason) == ("suppressed", "spam")


def test_two_operators_pause_and_resume(works: "Works") -> None:
    """One of each is done and audited; the other is told who was faster."""
    with ThreadPoolExecutor(4) as pool:
        paused = list(pool.map(lambda actor: pause(works, CRM, actor), ["ani", "budi", "citra", "dewi"]))
        resumed = list(pool.map(lambda actor: resume(works, CRM, actor), ["ani", "budi", "citra", "dewi"]))

    refused = [str(one) for one in paused if isinstance(one, RefusedError)]
    assert len(refused) == 3
    assert all("paused by" in one for one in refused)
    assert [one for one in resumed if not isinstance(one, RefusedError)] == [0]
    assert len(audited(works)) == 2
