"""Events as they come in: each once, whatever the order of the commits, and only those that are wanted."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from tests.integration.engine.conftest import Works
from tests.support.shop import order_created
from worker.ids import first_id
from worker.ledger.arrivals import MOST_AT_ONCE, ROUTED_SECONDS, Arrivals, Wanted


class Watcher:
    """Looks for arrivals, with a clock of its own."""

    def __init__(self, works: Works, wanted: Wanted | None = None, since_seconds: float | None = None) -> None:
        self.works, self.seconds = works, 0.0
        since = None if since_seconds is None else works.clock() - timedelta(seconds=since_seconds)
        self.arrivals = Arrivals(wanted or Wanted(), since, lambda: self.seconds)

    def look(self) -> list[UUID]:
        """Return the ids of what came."""
        with self.works.engine.begin() as connection:
            return [row.id for row in self.arrivals.look(connection)]


def add(works: Works, number: int, *, state: str = "processed", account: str = "toko", type_: str = "a.b") -> UUID:
    """Store an event whose id was made so many milliseconds after the clock's moment."""
    id_ = UUID(int=first_id(works.clock() + timedelta(milliseconds=number)).int + 1)
    statement = text(
        """
        INSERT INTO events (id, account, dedupe_key, type, handling, state, received_at, occurred_at)
        VALUES (:id, :account, :id, :type, 'handled', :state, :now, :now)
        """
    )
    with works.engine.begin() as connection:
        given = {"id": id_, "account": account, "type": type_, "state": state, "now": works.clock()}
        connection.execute(statement, given)
    return id_


def test_what_is_there_already_is_not_shown(works: Works) -> None:
    """From now on, or from the moment that was said."""
    old = add(works, 0)
    now, earlier = Watcher(works), Watcher(works, since_seconds=60)

    assert now.look() == []
    assert earlier.look() == [old]
    new = add(works, 1)
    assert now.look() == [new]
    assert earlier.look() == [new]
    assert now.look() == earlier.look() == []


def test_a_commit_out_of_order_is_not_missed(works: Works) -> None:
    """An event that is committed after one with a later id comes with the next look, once."""
    watcher = Watcher(works)
    watcher.look()
    later = add(works, 5_000)
    assert watcher.look() == [later]
    earlier = add(works, 10)
    assert watcher.look() == [earlier]
    assert watcher.look() == []


def test_an_event_waits_until_it_is_routed(works: Works) -> None:
    """Only then its subject is known; one that nobody routes is shown after a while."""
    watcher = Watcher(works)
    watcher.look()
    waiting = add(works, 1, state="received")
    assert watcher.look() == []
    watcher.seconds += ROUTED_SECONDS
    assert watcher.look() == [waiting]
    assert watcher.look() == []


def test_only_what_is_wanted(works: Works) -> None:
    """By account and by type, also by a pattern in which only the star means something."""
    watchers = {
        name: Watcher(works, wanted, since_seconds=60)
        for name, wanted in {
            "account": Wanted(account="wa"), "type": Wanted(type="a_b.c"), "pattern": Wanted(type="a_b.*"),
        }.items()
    }  # fmt: skip
    one = add(works, 1, account="wa", type_="a_b.c")
    two = add(works, 2, type_="a_b.d")
    add(works, 3, type_="axb.c")

    assert {name: watcher.look() for name, watcher in watchers.items()} == {
        "account": [one], "type": [one], "pattern": [one, two],
    }  # fmt: skip


def test_many_at_once_all_come(works: Works) -> None:
    """More than one query takes."""
    watcher = Watcher(works)
    watcher.look()
    with works.engine.begin() as connection:
        connection.execute(
            text(
                """
                INSERT INTO events (id, account, dedupe_key, type, handling, state, received_at, occurred_at)
                SELECT CAST(:prefix || lpad(n::text, 12, '0') AS uuid), 'toko', n::text, 'a.b', 'handled', 'processed',
                       :now, :now
                FROM generate_series(1, :count) AS n
                """
            ),
            {"prefix": str(first_id(works.clock()))[:24], "count": MOST_AT_ONCE + 7, "now": works.clock()},
        )

    assert len(watcher.look()) == MOST_AT_ONCE + 7
    assert watcher.look() == []


def test_whole_requests_have_their_body(works: Works) -> None:
    """What was derived, or found by reconciling, is none that a webhook brought."""
    watcher = Watcher(works, Wanted(whole=True), since_seconds=60)
    webhook = works.accept(order_created())
    works.accept(order_created(), trigger="reconciled")
    add(works, 1)
    watcher.look()
    watcher.seconds += ROUTED_SECONDS

    assert watcher.look() == [webhook]
