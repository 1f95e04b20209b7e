"""What people press, in real Chromium: each button does what it says, once, whoever presses and however often."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from console.users import Role
from tests.browser.conftest import Looked, Stage
from tests.support.shop import order_created, order_status_changed
from worker.clock import system_clock
from worker.jobs import Runner
from worker.ledger import jobs
from worker.states import JobState
from worker.wakeups import Wakeups

if TYPE_CHECKING:
    from sqlalchemy import Row


class _Asleep(Wakeups):
    """Wakes nobody: these tests play the worker themselves."""

    def __init__(self) -> None:
        """Need no broker."""
        self._accounts = {}

    def _publish(self, *_: Any) -> None:
        pass


def dead_message(stage: Stage, order: str, fault: dict[str, Any] | None = None) -> UUID:
    """Let the message about a new order fail for good, or end otherwise by another fault."""
    works = stage.works
    works.clock.now = system_clock()
    works.receive(order_created(order))
    [wake] = works.receive(order_status_changed("shipped", order)).deliveries
    works.shop.sandbox.fail(vendor="wabotick", **(fault or {"status": 422}))
    works.deliver(wake)
    works.shop.sandbox.reset()
    return wake.id


def audited(stage: Stage, target: UUID | str) -> "list[Row[Any]]":
    """Return what was written down about something that was pressed."""
    return stage.works.shop.rows("SELECT * FROM audit WHERE target = :target ORDER BY id", target=str(target))


def open_delivery(looked: Looked, delivery_id: UUID) -> Page:
    """Open a delivery's page."""
    assert looked.open(f"/deliveries/{delivery_id}") == 200
    return looked.page


@pytest.mark.parametrize("width", [360, 1280], ids=["phone", "desk"])
def test_try_again(stage: Stage, width: int) -> None:
    """A dead letter becomes ready, once however fast the button is pressed; who, and why, is told on the page."""
    one = dead_message(stage, f"2511TRY{width}")
    with stage.page(width) as looked:
        page = open_delivery(looked.log_in(Role.OPERATOR), one)
        page.get_by_label("Why").first.fill("the address is right now")
        page.get_by_role("button", name="Try again now").dblclick()
        expect(page.get_by_role("status").first).to_be_visible()

    assert stage.works.delivery(one).state == "ready"
    assert [(row.actor, row.action, row.details["comment"]) for row in audited(stage, one)] == [
        ("operator", "retry", "the address is right now")
    ]


def test_two_people_press_the_same_button(stage: Stage) -> None:
    """The second is told what it is by now; it is done once."""
    one = dead_message(stage, "2511TWO")
    with stage.page() as first, stage.page() as second:
        mine = open_delivery(first.log_in(Role.OPERATOR), one)
        yours = open_delivery(second.log_in(Role.ADMIN), one)
        for page in (mine, yours):
            page.get_by_label("Why").first.fill("buyer called")
            page.get_by_role("button", name="Try again now").click()
            page.wait_for_load_state()
        expect(yours.get_by_text("you saw").first).to_be_visible()

    assert [row.actor for row in audited(stage, one)] == ["operator"]


def test_give_up(stage: Stage) -> None:
    """A dead letter is cancelled."""
    one = dead_message(stage, "2511GIVEUP")
    with stage.page() as looked:
        page = open_delivery(looked.log_in(Role.OPERATOR), one)
        page.get_by_label("Why").first.fill("told by phone")
        page.get_by_role("button", name="Give up").click()
        expect(page.get_by_text("cancelled").first).to_be_visible()

    assert stage.works.delivery(one).state == "cancelled"


def test_say_that_it_was_sent(stage: Stage) -> None:
    """An unknown delivery is settled by a person, and nothing is sent for it."""
    one = dead_message(stage, "2511UNKNOWN", {"when": "after", "reset": True})
    assert stage.works.delivery(one).state == "unknown"
    with stage.page() as looked:
        page = open_delivery(looked.log_in(Role.OPERATOR), one)
        page.get_by_label("Why").first.fill("seen at the vendor")
        page.get_by_role("button", name="It was sent", exact=True).click()
        expect(page.get_by_text("succeeded").first).to_be_visible()

    assert stage.works.delivery(one).state == "succeeded"


def test_ask_the_rules_again(stage: Stage) -> None:
    """An event is routed again, and sends nothing twice."""
    event_id = stage.paths["event_id"]
    with stage.page() as looked:
        looked.log_in(Role.OPERATOR).open(f"/events/{event_id}")
        looked.page.get_by_label("Why").first.fill("a rule was mended")
        looked.page.get_by_role("button", name="Ask the rules again").click()
        expect(looked.page.get_by_role("status").first).to_be_visible()

    [row] = stage.works.shop.rows("SELECT * FROM audit WHERE action = 'replay'")
    assert (row.actor, row.details["comment"]) == ("operator", "a rule was mended")
    before = len(stage.works.shop.deliveries())
    stage.works.route(UUID(row.target))  # of a fact that is the event it came of
    assert len(stage.works.shop.deliveries()) == before


def test_pause_and_resume(stage: Stage) -> None:
    """An account is paused with a reason, shown as such, and resumed."""
    with stage.page() as looked:
        looked.log_in(Role.OPERATOR).open("/held")
        row = looked.page.get_by_role("row").filter(has=looked.page.get_by_role("rowheader", name="crm", exact=True))
        row.get_by_label("Why").fill("the CRM moves house")
        row.get_by_role("button", name="Pause").click()
        expect(row.get_by_text("the CRM moves house")).to_be_visible()
        row.get_by_label("Why").fill("it has moved")
        row.get_by_role("button", name="Resume").click()
        expect(row.get_by_text("goes on")).to_be_visible()

    assert [row.action for row in audited(stage, "account/crm")] == ["pause", "resume"]


def test_press_many_with_a_preview_progress_and_stop(stage: Stage) -> None:
    """First how many and how many messages; then how far it is; stopped, it presses no more."""
    ids = [dead_message(stage, f"2511MANY{number}") for number in range(3)]
    works = stage.works
    works.execute("UPDATE deliveries SET reason = 'template' WHERE id = ANY(:ids)", ids=ids)
    with stage.page() as looked:
        page = looked.log_in(Role.OPERATOR).page
        looked.open("/press?kind=retry&state=dead&account=wa&reason=template")
        expect(page.get_by_role("main")).to_contain_text("3")
        page.get_by_role("form", name="Do it").get_by_label("Why").fill("the template is back")
        page.get_by_role("form", name="Do it").get_by_role("button").dblclick()
        page.wait_for_url("**/jobs/*")
        job_id = UUID(page.url.rpartition("/")[2].partition("?")[0])
        Runner(works.engine, 1, works.clock, _Asleep()).step(job_id)
        page.reload()
        expect(page.get_by_text("1 of 3")).to_be_visible()
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_text("stopped").first).to_be_visible()

    with works.engine.connect() as connection:
        job = jobs.get(connection, job_id)
        begun = [one for one in jobs.newest(connection, 10) if one.actor == "operator"]
    assert job is not None
    assert (job.state, job.done, job.comment) == (JobState.STOPPED, 1, "the template is back")
    assert len(begun) == 1
    assert sorted(works.delivery(one).state for one in ids) == ["dead", "dead", "ready"]


def test_show_what_is_masked(stage: Stage) -> None:
    """An operator says why, sees it, and it is written down; then comes back to where it was masked."""
    with stage.page() as looked:
        looked.log_in(Role.OPERATOR).open(f"/orders/toko/{stage.paths['key']}")
        page = looked.page
        page.locator("a.reveal").first.click()
        page.get_by_label("Why do you need to see it?").fill("the parcel came back")
        page.get_by_role("button", name="Show it").click()
        expect(page.get_by_role("heading", name="What was masked")).to_be_visible()
        page.get_by_role("link", name="Back").click()
        expect(page).to_have_url(f"{stage.url}/orders/toko/{stage.paths['key']}")

    [row] = stage.works.shop.rows("SELECT * FROM audit WHERE action = 'reveal'")
    assert (row.actor, row.details) == ("operator", {"comment": "the parcel came back"})


def test_a_viewer_is_offered_no_button(stage: Stage) -> None:
    """What a viewer could not press is not shown to one."""
    one = dead_message(stage, "2511VIEWER")
    with stage.page() as looked:
        page = open_delivery(looked.log_in(Role.VIEWER), one)
        buttons = page.get_by_role("main").get_by_role("button").all_text_contents()
        assert buttons == [], buttons
