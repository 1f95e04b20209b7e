"""The rule language at work: times, needs, lists, values of the rule's own, conditions at sending, what overtakes."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import Row

from tests.support.shop import order_created, order_status_changed
from worker.acting import Call, Outcome
from worker.errors import PermanentError, RetryableError
from worker.snapshots import Patch
from worker.states import DeliveryState, Reason

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

NUMBER = "250804QWERTY"
HEAD = "rules:\n  - name: r\n    on: [scalev.order.created]\n"


def step(more: str = "", step_id: str = "confirm", status: str = "confirmed") -> str:
    """Return a step that changes the order's status, with more keys."""
    lines = f"      - id: {step_id}\n        action: scalev.change_status\n"
    lines += "".join(f"        {line}\n" for line in more.splitlines())
    return lines + f"        with: {{ids: ['{{{{ order.id }}}}'], status: {status}}}\n"


def use(works: "Works", *steps: str, head: str = HEAD) -> None:
    """Let a rule with these steps be the only one."""
    works.shop.write_rules(head + "    steps:\n" + "".join(steps))
    works.reload()


def one(works: "Works", step_id: str) -> Row[Any]:
    """Return the only delivery of a step."""
    [row] = works.shop.rows("SELECT * FROM deliveries WHERE step = :step ORDER BY id", step=step_id)
    return row


def states(works: "Works") -> dict[str, str]:
    """Return the state of each step's delivery."""
    return {row.step: row.state for row in works.shop.deliveries()}


def created(works: "Works", number: str = NUMBER) -> dict[str, Any]:
    """Return an order.created event of this very moment."""
    return order_created(number) | {"timestamp": works.clock().isoformat()}


class Doing:
    """Takes the place of an action's call: remembers what it was asked, and does as it is told."""

    def __init__(self, works: "Works", name: str = "scalev.change_status") -> None:
        self.asked: list[Any] = []
        self.error: Exception | None = None
        self.works = works
        works.replace_action(name, run=self)

    def __call__(self, call: Call) -> Outcome:
        self.asked.append(call.parameters)
        if self.error:
            raise self.error
        patch = Patch(f"order:{NUMBER}", {"status": call.parameters.status}, self.works.clock(), complete=False)
        return Outcome({"order_id": NUMBER, "number": len(self.asked)}, (patch,))


# Times.


def test_a_timer_is_a_row_that_comes_due(works: "Works") -> None:
    """Nothing is sent before its time, whatever is swept or woken; then it is sent once."""
    use(works, step("after: 2h"))
    doing = Doing(works)
    routed = works.receive(created(works))

    assert routed.deliveries == ()
    row = one(works, "confirm")
    assert (row.state, row.due_at) == ("waiting", works.clock() + timedelta(hours=2))
    works.settle(7100)
    assert doing.asked == []
    assert works.deliverer.deliver(row.id) is None
    works.settle(7200)
    assert len(doing.asked) == 1
    assert states(works) == {"confirm": "succeeded"}


def test_a_timer_counts_from_when_it_happened(works: "Works") -> None:
    """An event that was three hours on its way is followed by its two-hour reminder at once."""
    use(works, step("after: 2h"))
    Doing(works)
    late = order_created() | {"timestamp": (works.clock() - timedelta(hours=3)).isoformat()}

    routed = works.receive(late)

    assert len(routed.deliveries) == 1
    assert one(works, "confirm").state == "ready"


@pytest.mark.parametrize(
    ("at", "due_in"),
    [("{{ now.isoformat() }}", 0), ("2020-01-01", 0), ("{{ (now | localtime('%Y'))[:4] }}-12-31T10:00:00+07:00", None)],
)
def test_a_step_may_be_for_a_moment(works: "Works", at: str, due_in: int | None) -> None:
    """`at` gives a time; one that has passed means now."""
    use(works, step(f'at: "{at}"'))

    works.receive(order_created())

    row = one(works, "confirm")
    if due_in is None:
        assert (row.due_at.month, row.due_at.day, row.due_at.hour) == (12, 31, 3)
    else:
        assert row.due_at == works.clock()


@pytest.mark.parametrize("at", ["soon", "{{ order.nothing }}", "{{ order.tags }}", "0001-01-01"])
def test_what_is_no_moment_is_a_dead_letter(works: "Works", at: str) -> None:
    """A time that cannot be told is told at once, not when it would have been due."""
    use(works, step(f'at: "{at}"'))

    works.receive(order_created())

    assert (one(works, "confirm").state, one(works, "confirm").reason) == ("dead", "expression")


def test_unless_is_asked_at_the_moment_of_sending(works: "Works") -> None:
    """What became so since the event keeps the reminder from being sent."""
    use(works, step('after: 2h\nunless: order.status == "canceled"'))
    doing = Doing(works)
    works.receive(order_created())
    works.receive(order_status_changed("canceled"))

    works.settle(7201)

    assert doing.asked == []
    row = one(works, "confirm")
    assert (row.state, row.reason) == ("suppressed", "not_needed")


def test_what_overtakes_cancels_at_once(works: "Works") -> None:
    """A fact or an event of the same subject cancels the waiting row; another order's does not."""
    use(works, step("after: 2h\ncancel_on: [scalev.order.canceled, scalev.order.shipped]"))
    works.receive(created(works))
    works.receive(created(works, "OTHER1"))

    works.receive(order_status_changed("canceled"))

    rows = {row.subject: (row.state, row.reason) for row in works.shop.deliveries()}
    assert rows == {f"order:{NUMBER}": ("cancelled", "overtaken"), "order:OTHER1": ("waiting", None)}


def test_what_overtook_before_cancels_from_the_start(works: "Works") -> None:
    """The cancellation that was heard of first counts, too."""
    use(works, step("after: 2h\ncancel_on: [scalev.order.canceled]"))
    works.receive(order_status_changed("canceled"))
    works.settle()

    works.receive(created(works))

    row = one(works, "confirm")
    assert (row.state, row.reason) == ("cancelled", "overtaken")
    assert row.last_error == "scalev.order.canceled has happened already"


# Steps that need others.


def test_a_step_waits_for_what_it_needs_and_sees_its_result(works: "Works") -> None:
    """It is not due before; then its expressions may use what the other one brought."""
    second = step('needs: confirm\nonce: "{{ order.order_id }}:{{ steps.confirm.result.number }}"', "close", "closed")
    use(works, step(), second)
    doing = Doing(works)
    [wake] = works.receive(order_created()).deliveries
    assert states(works) == {"confirm": "ready", "close": "waiting"}
    assert works.deliverer.deliver(one(works, "close").id) is None

    delivered = works.deliver(wake)

    [woken] = delivered.woken
    assert woken.id == one(works, "close").id
    works.deliver(woken)
    assert states(works) == {"confirm": "succeeded", "close": "succeeded"}
    assert one(works, "close").effect_key == f"{NUMBER}:1"
    assert [asked.status for asked in doing.asked] == ["confirmed", "closed"]


def test_a_step_after_what_it_needs_counts_from_then(works: "Works") -> None:
    """`after` of such a step is the time since the other one succeeded."""
    use(works, step(), step("needs: [confirm]\nafter: 1h", "close", "closed"))
    Doing(works)
    [wake] = works.receive(order_created()).deliveries
    works.clock.pass_(600)

    works.deliver(wake)

    assert one(works, "close").due_at == works.clock() + timedelta(hours=1)
    works.settle(3601)
    assert states(works)["close"] == "succeeded"


def test_what_is_needed_and_fails_takes_the_others_with_it_and_brings_them_back(works: "Works") -> None:
    """Dead: what needs it is suppressed, all the way down; a person's retry that succeeds revives all of it."""
    use(works, step(), step("needs: [confirm]", "close", "closed"), step("needs: [close]", "draft", "draft"))
    doing = Doing(works)
    doing.error = PermanentError(Reason.REJECTED, "no")
    [wake] = works.receive(order_created()).deliveries

    works.deliver(wake)
    works.settle()

    assert states(works) == {"confirm": "dead", "close": "suppressed", "draft": "suppressed"}
    assert (one(works, "close").reason, one(works, "draft").reason) == ("need_failed", "need_failed")
    doing.error = None
    with works.people() as people:
        people.retry(wake.id)
    works.settle()
    works.settle()
    assert set(states(works).values()) == {"succeeded"}
    assert [asked.status for asked in doing.asked] == ["confirmed", "confirmed", "closed", "draft"]


def test_a_worker_that_dies_before_following_up_loses_nothing(works: "Works") -> None:
    """The end stands in the ledger; the next sweep releases what waits for it, once."""
    use(works, step(), step("needs: [confirm]", "close", "closed"))
    Doing(works)
    [wake] = works.receive(order_created()).deliveries
    works.deliver(wake)
    works.execute("UPDATE deliveries SET followed = NULL WHERE step = 'confirm'")
    works.execute("UPDATE deliveries SET state = 'waiting', wake_at = NULL, released = false WHERE step = 'close'")

    works.settle()

    assert states(works) == {"confirm": "succeeded", "close": "succeeded"}


def test_a_fallback_follows_a_final_failure_for_its_reasons_only(works: "Works") -> None:
    """Dead, not retrying: then what is done instead is planned, once, where the reason is one it is for."""
    instead = "on_failure:\n  - id: other\n    action: scalev.change_status\n    reasons: [rejected]\n"
    instead += "    with: {ids: ['{{ order.id }}'], status: pending}\n  - id: never\n    action: scalev.change_status\n"
    instead += "    reasons: [forbidden]\n    with: {ids: ['{{ order.id }}'], status: draft}"
    use(works, step(instead))
    doing = Doing(works)
    doing.error = RetryableError(Reason.UNAVAILABLE, "later")
    [wake] = works.receive(order_created()).deliveries
    works.deliver(wake)
    assert states(works) == {"confirm": "retrying"}

    doing.error = PermanentError(Reason.REJECTED, "no")
    works.clock.pass_(10)
    [woken] = works.deliver(wake).woken
    doing.error = None
    works.deliver(woken)
    works.settle()

    assert states(works) == {"confirm": "dead", "confirm.other": "succeeded"}
    assert doing.asked[-1].status == "pending"


# Lists and values.


@pytest.mark.parametrize("listed", ["{{ ['a', 'b', 'c'] }}", "['a', 'b', 'c']"])
def test_a_step_for_each_element(works: "Works", listed: str) -> None:
    """One delivery an element, each with its own; what needs it waits for all of them; braces or none."""
    each = f'for_each: "{listed}"\n' + "once: '{{ order.order_id }}:{{ item }}:{{ index }}'"
    use(works, step(each), step("needs: [confirm]", "close", "closed"))
    doing = Doing(works)
    wakes = works.receive(order_created()).deliveries
    assert len(wakes) == 3

    for wake in wakes:
        assert states(works)["close"] == "waiting"
        works.deliver(wake)
    works.settle()

    keys = {row.step: row.effect_key for row in works.shop.deliveries() if row.step != "close"}
    assert keys == {f"confirm[{i}]": f"{NUMBER}:{x}:{i}" for i, x in enumerate("abc")}
    assert set(states(works).values()) == {"succeeded"}
    assert len(doing.asked) == 4


@pytest.mark.parametrize(("listed", "state"), [("{{ [] }}", None), ("{{ now }}", "dead"), ("order.status", "dead")])
def test_a_list_of_nothing_and_what_is_no_list(works: "Works", listed: str, state: str | None) -> None:
    """Nothing to do for an empty list; what is none is a dead letter."""
    use(works, step(f'for_each: "{listed}"'))

    works.receive(order_created())

    assert states(works) == ({} if state is None else {"confirm": state})


def test_a_rules_own_values_are_there_at_planning_and_at_sending(works: "Works") -> None:
    """A later one builds on an earlier one; both name the effect and fill the parameters."""
    head = HEAD + "    set: {key: '{{ order.order_id }}', long: '{{ key }}:done'}\n"
    use(works, step("once: '{{ long }}'"), head=head)
    Doing(works)

    [wake] = works.receive(order_created()).deliveries

    assert works.deliver(wake).conclusion.state is DeliveryState.SUCCEEDED
    assert one(works, "confirm").effect_key == f"{NUMBER}:done"


# Order of events.


def delivery_of(works: "Works", event_id: UUID) -> Row[Any]:
    """Return the delivery of an event."""
    [row] = works.shop.rows("SELECT * FROM deliveries WHERE event_id = :id", id=event_id)
    return row


def updated(works: "Works", seconds: int, notes: str) -> dict[str, Any]:
    """Return an order.updated event some seconds from now, which says something new."""
    at = (works.clock() + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = order_created(notes=notes, last_updated_at=at)
    return body | {"event": "order.updated", "timestamp": at}


def test_those_of_one_subject_and_rule_run_one_at_a_time_in_event_order(works: "Works") -> None:
    """A later event's delivery waits for an earlier one that is being sent, or waits to be sent again."""
    use(works, step(), head=HEAD.replace("created", "updated"))
    doing = Doing(works)
    works.receive(order_created())
    first, second = (works.receive(updated(works, at, f"note {at}")) for at in (-20, -10))
    early, late = delivery_of(works, first.event_id), delivery_of(works, second.event_id)

    assert works.deliverer.deliver(late.id) is None
    doing.error = RetryableError(Reason.UNAVAILABLE, "later", 30)
    works.deliver(early.id)
    assert works.deliverer.deliver(late.id) is None
    doing.error = None
    works.clock.pass_(40)
    delivered = works.deliver(early.id)

    assert [woken.id for woken in delivered.woken] == [late.id]
    works.deliver(late.id)
    assert len(doing.asked) == 3


def test_other_subjects_and_other_rules_do_not_wait(works: "Works") -> None:
    """The line is one rule's about one subject."""
    rules = HEAD + "    steps:\n" + step() + "  - name: s\n    on: [scalev.order.created]\n    steps:\n" + step()
    works.shop.write_rules(rules)
    works.reload()
    doing = Doing(works)
    doing.error = RetryableError(Reason.UNAVAILABLE, "later", 3600)

    for number in (NUMBER, "OTHER1"):
        for wake in works.receive(order_created(number)).deliveries:
            works.deliver(wake)

    assert len(doing.asked) == 4


def test_an_event_older_than_what_is_known_causes_nothing(works: "Works") -> None:
    """It changes nothing, and its deliveries say why they are not wanted."""
    use(works, step(), head=HEAD.replace("created", "updated"))
    works.receive(order_created())
    works.receive(updated(works, -10, "new"))

    late = works.receive(updated(works, -20, "old"))

    assert late.deliveries == ()
    row = delivery_of(works, late.event_id)
    assert (row.state, row.reason) == ("suppressed", "stale")
    [subject] = works.shop.rows("SELECT snapshot FROM subjects WHERE key = :key", key=f"order:{NUMBER}")
    assert subject.snapshot["notes"] == "new"


def test_what_came_to_be_has_come_to_be_however_late_it_is_told(works: "Works") -> None:
    """The creation that arrives after a later change is followed all the same."""
    use(works, step())
    Doing(works)
    works.receive(updated(works, -10, "new"))

    routed = works.receive(order_created())

    assert len(routed.deliveries) == 1


def test_a_spam_order_causes_nothing(works: "Works") -> None:
    """Neither when it is known to be spam, nor when that turns out before its message is sent."""
    use(works, step("after: 1h"))
    doing = Doing(works)
    works.receive(order_created("SPAMMY", is_probably_spam=True))
    works.receive(order_created())
    works.receive(updated(works, 0, "now") | {"data": order_created(is_probably_spam=True)["data"]})

    works.settle(3601)

    assert doing.asked == []
    assert {(row.state, row.reason) for row in works.shop.deliveries()} == {("suppressed", "spam")}


# Loops.


def test_our_own_write_that_comes_back_does_not_start_the_rule_again(works: "Works") -> None:
    """The echo is taken in, other rules are asked about it, and the one that wrote is not."""
    rules = "rules:\n  - name: writer\n    on: [scalev.order.*]\n    steps:\n" + step()
    rules += "  - name: other\n    on: [scalev.order.status_changed]\n    steps:\n" + step(status="ready")
    works.shop.write_rules(rules)
    works.reload()
    Doing(works)
    [wake] = works.receive(order_created()).deliveries
    works.deliver(wake)

    echo = works.receive(order_status_changed("confirmed"))

    rows = works.shop.rows("SELECT * FROM deliveries WHERE event_id = :id", id=echo.event_id)
    assert {row.rule: (row.state, row.reason) for row in rows} == {
        "writer": ("suppressed", "loop"), "other": ("ready", None),
    }  # fmt: skip
    [event] = works.shop.rows("SELECT chain FROM events WHERE id = :id", id=echo.event_id)
    assert event.chain == ["writer"]


def test_a_change_that_is_not_ours_is_no_echo(works: "Works") -> None:
    """Somebody else's change of the same order, right after our write, is followed like any."""
    works.shop.write_rules("rules:\n  - name: writer\n    on: [scalev.order.*]\n    steps:\n" + step())
    works.reload()
    Doing(works)
    [wake] = works.receive(order_created()).deliveries
    works.deliver(wake)

    later = (works.clock() + timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    works.clock.pass_(10)

    routed = works.receive(order_status_changed("in_process", last_updated_at=later) | {"timestamp": later})

    [row] = works.shop.rows("SELECT * FROM deliveries WHERE event_id = :id", id=routed.event_id)
    assert row.reason is None


def test_rules_of_two_vendors_do_not_set_each_other_off_for_ever(works: "Works") -> None:
    """A write whose answer says nothing of its subject may be followed once; what follows from that is cut."""
    works.shop.write_rules("rules:\n  - name: writer\n    on: [scalev.order.*]\n    steps:\n" + step())
    works.reload()
    doing = Doing(works)
    works.replace_action("scalev.change_status", run=lambda call: (doing.asked.append(call), Outcome())[1])
    works.receive(order_created())

    for seconds in range(1, 8):
        works.settle(1)
        works.receive(updated(works, seconds, f"told {seconds}"))

    works.settle()
    assert 1 < len(doing.asked) <= 3
    assert {row.reason for row in works.shop.deliveries("suppressed")} == {"loop"}
