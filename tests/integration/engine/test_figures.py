"""Figures over time, filled from the real ledger: nothing twice, no gap, whatever was down meanwhile."""

from collections import Counter as Tallied
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from tests.integration.engine.test_delivering import plan_change, plan_message
from tests.support.shop import order_created
from worker.acting import Call, Outcome
from worker.errors import PermanentError
from worker.figures import Grain, Name, hour_of, minute_of
from worker.ledger import figures, watermarks
from worker.ledger.counting import FINAL_AFTER, Counter
from worker.ledger.database import connect
from worker.states import Reason
from worker.tally import Tally

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

MINUTE = timedelta(minutes=1)


def now_in(works: "Works") -> datetime:
    """Let the clock show the real time, which the ids tell too."""
    works.clock.now = datetime.now(UTC)
    return works.clock.now


def totals(engine: Engine) -> Tallied[tuple[str, ...]]:
    """Return the totals by account, name and labels; measures of all buckets together."""
    found: Tallied[tuple[str, ...]] = Tallied()
    with engine.connect() as connection:
        for row in figures.totals(connection):
            found[row.account, row.name, *row.labels] += row.total
    return found


def rows(works: "Works", grain: Grain) -> dict[tuple[Any, ...], int]:
    """Return what stands at a grain."""
    found = works.shop.rows("SELECT * FROM figures WHERE grain = :grain", grain=grain)
    return {(row.at, row.account, row.name, *row.labels, row.bucket): row.total for row in found}


def work(works: "Works") -> None:
    """Receive three orders; one message succeeds, one change of status is refused by the vendor."""
    now_in(works)
    message, change = plan_message(works), plan_change(works, "250804ANOTHER")
    works.deliver(message)

    def refuse(_: Call) -> Outcome:
        raise PermanentError(Reason.REJECTED, "no")

    works.replace_action("scalev.change_status", run=refuse)
    works.deliver(change)


def test_what_happened_is_counted_by_account_and_label(works: "Works") -> None:
    """Events, attempts, dead letters, and how long calls and the whole way took."""
    work(works)

    Counter(works.engine).count(datetime.now(UTC) + MINUTE)

    found = totals(works.engine)
    assert found["toko", "received"] == 3
    assert found["wa", "received"] == 1
    assert found["wa", "attempts", "wabotick.send_template", "succeeded", ""] == 1
    assert found["toko", "attempts", "scalev.change_status", "dead", "rejected"] == 1
    assert found["toko", "dead", "scalev.change_status", "rejected"] == 1
    assert found["wa", "end_to_end"] == 1
    assert found["wa", "vendor"] >= 1
    assert ("toko", "end_to_end") not in found


def test_counting_again_changes_nothing(works: "Works") -> None:
    """By several workers at once, before and after the minutes became final."""
    work(works)
    counter = Counter(works.engine)
    counter.count(datetime.now(UTC) + MINUTE)
    once, minutes, hours = totals(works.engine), rows(works, Grain.MINUTE), rows(works, Grain.HOUR)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(counter.count, [datetime.now(UTC) + MINUTE] * 8))
    assert totals(works.engine) == once

    for _ in range(2):
        counter.count(datetime.now(UTC) + FINAL_AFTER + 3 * MINUTE)
        assert totals(works.engine) == once
    is_kept = {key: total for key, total in rows(works, Grain.MINUTE).items() if key in minutes}
    assert is_kept == minutes
    assert {key: total for key, total in rows(works, Grain.HOUR).items() if key in hours} == hours


def test_what_was_down_for_hours_is_caught_up_with(works: "Works") -> None:
    """Each minute has its own figures, hours and totals are their sums."""
    now = now_in(works)
    began = now - timedelta(hours=30, minutes=7)
    with works.engine.begin() as connection:
        watermarks.move(connection, *figures.WATERMARK, began)
    for hours in (29, 20, 3):
        _received_at(works, now - timedelta(hours=hours))

    Counter(works.engine).count(now)

    received = {key[0]: total for key, total in rows(works, Grain.MINUTE).items() if key[2] == Name.RECEIVED}
    assert received == {minute_of(now - timedelta(hours=hours)): 1 for hours in (29, 20, 3)}
    assert sum(total for key, total in rows(works, Grain.HOUR).items() if key[2] == Name.RECEIVED) == 3
    assert totals(works.engine)["toko", "received"] == 3
    with works.engine.connect() as connection:
        assert figures.final_until(connection) == minute_of(now - FINAL_AFTER)


def test_soon_after_the_full_hour_both_hours_are_counted(works: "Works") -> None:
    """The last minutes of the one before are not final yet, and hold nobody up; they are final once, later."""
    hour = hour_of(now_in(works))
    counter, now = Counter(works.engine), hour + MINUTE
    with works.engine.begin() as connection:
        watermarks.move(connection, *figures.WATERMARK, hour - 30 * MINUTE)
    for at in (hour - MINUTE, hour):
        _received_at(works, at)

    assert counter.count(now) == now + MINUTE

    assert totals(works.engine)["toko", "received"] == 2
    with works.engine.connect() as connection:
        assert figures.final_until(connection) == now - FINAL_AFTER
    counter.count(now + FINAL_AFTER + MINUTE)
    assert totals(works.engine)["toko", "received"] == 2


def test_a_dead_letter_that_is_begun_again_stays_counted(works: "Works") -> None:
    """A counter never goes back: it had been one."""
    work(works)
    counter = Counter(works.engine)
    counter.count(datetime.now(UTC) + MINUTE)
    [dead] = works.shop.rows("SELECT id FROM deliveries WHERE state = 'dead'")
    with works.people() as people:
        people.retry(dead.id)

    counter.count(datetime.now(UTC) + MINUTE)

    assert totals(works.engine)["toko", "dead", "scalev.change_status", "rejected"] == 1


def test_what_is_open_is_looked_at(works: "Works") -> None:
    """The most of a minute stays; it is no total."""
    now = now_in(works)
    plan_message(works)

    Counter(works.engine).count(now)

    [found] = [
        (key, total) for key, total in rows(works, Grain.MINUTE).items() if key[1:3] == ("wa", Name.OPEN)
    ]  # fmt: skip
    assert (found[0][3], found[1]) == ("ready", 1)
    assert not any(name == Name.OPEN for _, name, *_ in totals(works.engine))


def test_old_minutes_and_hours_are_forgotten_and_totals_stay(works: "Works") -> None:
    """What no plot reaches back to is taken away."""
    now = now_in(works)
    _received_at(works, now - timedelta(days=10))
    Counter(works.engine).count(now - timedelta(days=9))
    for _ in range(10):  # in steps, as many hours each as are caught up with at once
        Counter(works.engine).count(now)
    before = totals(works.engine)
    assert before["toko", "received"] == 1

    works.sweeper.tidy()
    assert not [key for key in rows(works, Grain.MINUTE) if key[2] == Name.RECEIVED]
    assert [key for key in rows(works, Grain.HOUR) if key[2] == Name.RECEIVED]
    works.clock.pass_(timedelta(days=30).total_seconds())
    works.sweeper.tidy()

    assert not [key for key in rows(works, Grain.HOUR) if key[2] == Name.RECEIVED]
    assert totals(works.engine) == before


def test_receivers_add_to_the_same_figures(works: "Works") -> None:
    """Two processes flush at once, many times: nothing is lost, nobody waits for ever."""
    tallies = [Tally(works.engine, works.clock) for _ in range(4)]

    def busy(tally: Tally) -> None:
        for _ in range(10):
            tally.measure(Name.ACKNOWLEDGEMENT, "toko", 0.004)
            tally.count(Name.REFUSED, "toko", "mismatch")
            tally.count(Name.DUPLICATES, "toko")
            tally.flush()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(busy, tallies))

    found = totals(works.engine)
    assert found["toko", "acknowledgement"] == 40
    assert found["toko", "refused", "mismatch"] == found["toko", "duplicates"] == 40
    assert set(rows(works, Grain.MINUTE).values()) == set(rows(works, Grain.HOUR).values()) == {40}
    [measured] = works.shop.rows("SELECT seconds FROM figures WHERE grain = 0 AND name = 'acknowledgement'")
    assert round(measured.seconds, 6) == 0.16


def test_what_a_receiver_counted_while_the_ledger_was_away_is_written_later(works: "Works") -> None:
    """A flush that finds no ledger keeps everything for the next."""
    nowhere = connect("postgresql+psycopg://nobody@127.0.0.1:1/none", pool_size=1)
    tally = Tally(nowhere, works.clock)
    tally.count(Name.DUPLICATES, "toko")
    tally.flush()
    tally.count(Name.DUPLICATES, "toko")

    tally._engine = works.engine
    tally.flush()

    assert totals(works.engine)["toko", "duplicates"] == 2


def test_a_series_is_put_together_by_steps(works: "Works") -> None:
    """Ten minutes a step, sums of the figures and the most of them."""
    now = minute_of(now_in(works)) - timedelta(hours=1)
    tally = Tally(works.engine, works.clock)
    for minutes in (0, 1, 9, 10, 25):
        works.clock.now = now + minutes * MINUTE
        tally.count(Name.DUPLICATES, "toko")
    tally.flush()

    with works.engine.connect() as connection:
        span = (now, now + 20 * MINUTE)
        found = figures.series(connection, Grain.MINUTE, span, 10 * MINUTE, [Name.DUPLICATES], "toko")
        assert figures.series(connection, Grain.MINUTE, span, 10 * MINUTE, [Name.DUPLICATES], "wa") == []

    assert [(row.at, row.total, row.peak) for row in found] == [(now, 3, 1), (now + 10 * MINUTE, 1, 1)]


def _received_at(works: "Works", moment: datetime) -> None:
    """Store an event as if it had come at another time: ids tell the time too."""
    event = works.accept(order_created())
    new = f"{int(moment.timestamp() * 1000):012x}7000{event.hex[16:]}"
    works.execute(
        "UPDATE events SET id = CAST(:new AS uuid), received_at = :at WHERE id = :old",
        new=new, at=moment, old=event,
    )  # fmt: skip
