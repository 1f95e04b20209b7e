"""The first page: one verdict, what is wrong with what to do, and how it went, on a real ledger."""

import json
import re
from datetime import UTC, datetime, timedelta

from console.users import Role
from tests.integration.cli.test_commands import hookyard
from tests.integration.engine.conftest import Works
from tests.integration.engine.test_delivering import plan_message
from tests.integration.engine.test_figures import work
from tests.integration.web.conftest import Browser, Desks
from worker import health
from worker.alerting import Cause, Measure, Watch
from worker.figures import Name
from worker.ledger import alerts
from worker.ledger.counting import Counter
from worker.states import BEAT_HEARTBEAT, WORKER_HEARTBEAT, PauseKind
from worker.tally import Tally


def live(works: Works) -> None:
    """Let worker and beat show that they live."""
    with works.engine.begin() as connection:
        for name in (WORKER_HEARTBEAT, BEAT_HEARTBEAT):
            health.beat(connection, name, works.clock())


def verdict(page: str) -> str:
    """Return the one sentence."""
    found = re.search(r'<p class="notice verdict (\w+)"><strong><span[^>]*>.</span> ([^<]+)</strong>', page)
    assert found is not None
    return f"{found[1]}: {found[2]}"


def test_all_is_well_in_an_empty_shop(works: Works, viewer: Browser) -> None:
    """Green, in words and by a sign; accounts that never spoke are not connected yet, which is no fault."""
    live(works)

    page = viewer.open("/")

    assert verdict(page) == "good: Everything is well."
    assert "<caption>What is not as it should be" not in page
    assert re.search(r"Not connected yet, nothing has ever come for:\s+toko, wa, crm\.", re.sub(r"<[^>]*>", "", page))


def test_without_a_worker_it_says_so(works: Works, viewer: Browser) -> None:
    """Who never consumed, who stopped consuming, and beat."""
    assert "no worker has ever consumed" in viewer.open("/")
    live(works)
    works.clock.pass_(120)

    page = viewer.open("/")

    assert verdict(page) == "bad: Something needs you."
    assert "consumed a heartbeat 120 s ago: worker, beat or broker is down" in page
    assert "beat does not run" in page
    assert "(2 min ago)" in page


def test_an_alert_that_is_on_is_told(works: Works, viewer: Browser) -> None:
    """What it is of, how near to its limit, since when."""
    live(works)
    now = works.clock()
    with works.engine.begin() as connection:
        alerts.remember(connection, Watch(Measure(Cause.UNKNOWN, "wa", 7, 10), now, {70: now}, 70))

    page = viewer.open("/")

    assert verdict(page) == "waits: Everything works. Something is worth a look."
    assert "wa: unknown at 70 % of its limit" in page


def test_what_needs_a_person_is_told_with_what_to_do(works: Works, desks: Desks) -> None:
    """A dead letter and a late message: how many, since when, what it means."""
    work(works)
    works.clock.pass_(120)
    live(works)

    page = desks.as_(Role.VIEWER).open("/")

    assert verdict(page) == "bad: Something needs you."
    assert '<a href="/deliveries?state=dead">Dead deliveries</a>' in page
    assert "They failed and nobody repeats them." in page
    assert "hookyard dead list" in page


def test_late_work_is_told_unless_something_holds_it(works: Works, viewer: Browser) -> None:
    """A message that nobody sends is behind; paused, it only is worth a look."""
    plan_message(works)
    works.clock.pass_(90)
    works.sweep()
    live(works)
    assert "1 deliveries of deliver.wabotick wait although nothing holds them, the oldest for 90 s" in viewer.open("/")

    with works.people() as people:
        people.pause(PauseKind.ACCOUNT, "wa")
    page = viewer.open("/")

    assert "although nothing holds them" not in page
    assert verdict(page) == "waits: Everything works. Something is worth a look."
    assert "account wa is paused by ani" in page
    assert '<a href="/held">Paused account</a>' in page


def test_an_account_that_falls_silent_is_noticed(works: Works, viewer: Browser) -> None:
    """Forty events an hour for five days, then none for three hours."""
    tally, now = Tally(works.engine, works.clock), works.clock()
    for hour in range(3, 5 * 24):
        works.clock.now = now - timedelta(hours=hour)
        for _ in range(40):
            tally.count(Name.DUPLICATES, "toko")
    tally.flush()
    works.clock.now = now
    live(works)

    page = viewer.open("/")

    assert "Silence of toko" in page
    assert "usually 119 events come in such a time" in page
    works.clock.now = now - timedelta(hours=2, minutes=45)
    live(works)
    assert "in such a time" not in viewer.open("/")


def test_what_went_through_is_plotted(works: Works, desks: Desks) -> None:
    """Each span and account: drawings without inline styles, and the same values in a table."""
    work(works)
    Counter(works.engine).count(datetime.now(UTC))
    works.clock.now = datetime.now(UTC) + timedelta(hours=1, minutes=1)
    viewer = desks.as_(Role.VIEWER)

    page = viewer.open("/?span=day")

    assert page.count("<svg viewBox") >= 4
    assert "style=" not in page
    assert "received: at most " in page
    assert "received: at most 0" not in page
    assert "failed: at most 1" in page
    assert page.count('<th scope="row"><time') == 4 * 144
    for span in ("hour", "week", "nonsense"):
        assert "<svg viewBox" in viewer.open(f"/?span={span}")
    of_crm = viewer.open("/?span=day&account=crm")
    assert "received: at most 0" in of_crm
    assert '<option value="crm" selected>' in of_crm


def test_doctor_tells_the_same(works: Works, desks: Desks) -> None:
    """One list of checks: what the page calls wrong, doctor calls BAD."""
    work(works)
    live(works)

    told = json.loads(hookyard("doctor", "--json", environ=works.shop.environ).stdout)
    page = desks.as_(Role.VIEWER).open("/")

    findings = {one["check"]: one for one in told["findings"]}
    assert not findings["dead deliveries"]["ok"]
    assert findings["dead deliveries"]["what"] == "1: hookyard dead list"
    assert findings["unknown deliveries"]["ok"]
    assert findings["silence of toko"]["ok"]
    assert "Dead deliveries" in page
    assert "Unknown deliveries" not in page


def test_a_hostile_account_name_in_the_address_shows_nothing_of_itself(viewer: Browser) -> None:
    """What is not an account is left out of the page."""
    page = viewer.open('/?account="><script>alert(1)</script>&span=%3Cb%3E')

    assert "<script>alert" not in page
