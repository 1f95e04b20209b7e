"""What the console does to many at once: the preview tells what a filter means, and exactly that is pressed."""

import re
from html import unescape
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest

from tests.integration.engine.test_holds import customers
from tests.integration.engine.test_jobs import dead, runner
from tests.integration.web.conftest import Browser, Desks
from tests.integration.web.test_pressing import WHY, audited, states
from tests.support.many import EVERY_FILTER, Narrowed, lay_out, name_of, pressed, said
from worker.states import JobKind


def begin(browser: Browser, page: str, **other: str) -> Any:
    """Press the button of a page that was opened, as its own form does."""
    form = page[page.index('aria-label="Do it"') :].partition("</form>")[0]
    carried = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
    fields = {name: unescape(value) for name, value in carried if name != "csrf"}
    return browser.press("/press", **fields | {"comment": WHY} | other)


def run(desks: Desks, answer: Any) -> None:
    """Do what was begun, as a worker does."""
    runner(desks.works).run(UUID(answer.location.rpartition("/")[2]), seconds=60)


@pytest.mark.parametrize(("kind", "narrowed"), EVERY_FILTER, ids=name_of)
def test_what_a_list_is_narrowed_to_is_pressed(
    desks: Desks, operator: Browser, kind: JobKind, narrowed: Narrowed
) -> None:
    """From the list its link leads to a preview of just that; those are pressed, and nothing else."""
    lay_out(desks.works.engine)
    listed = operator.open(f"/{'events' if kind is JobKind.REPLAY else 'deliveries'}?{urlencode(narrowed.given)}")
    link = unescape(re.search(r'href="([^"]+)">Press all that match<', listed)[1])  # type: ignore[index]

    page = operator.open(re.sub(r"kind=\w+", f"kind={kind}", link))
    run(desks, begin(operator, page))

    assert said(kind, narrowed) in page
    assert pressed(desks.works.shop, kind) == list(narrowed.whom)


def test_the_id_of_a_job_leads_to_it(desks: Desks, operator: Browser) -> None:
    """It stands in the arguments of the job's task, where Flower links to what the console finds."""
    dead(desks.works, 1)
    page = begin(operator, operator.open("/press?kind=retry&account=crm&since=2026-01-01T00:00")).location

    assert operator.client.get(f"/find?q={page.rpartition('/')[2]}").location == page


def test_many_are_pressed_after_a_preview(desks: Desks, operator: Browser) -> None:
    """The page says how many and what they mean; the job's page tells how far it is and comes again by itself."""
    dead(desks.works, 3)
    page = operator.open("/press?kind=retry&account=crm&since=2026-01-01T00:00")
    assert "3 deliveries would be retried; none is a message to a person." in page

    answer = begin(operator, page)
    running = operator.client.get(answer.location)
    run(desks, answer)
    ended = operator.client.get(answer.location)

    assert running.headers["Refresh"]
    assert "0 retried, 3 to go" in running.text
    assert "Refresh" not in ended.headers
    assert "3 retried" in ended.text
    assert WHY in operator.open("/press")
    assert [what for _, what, _ in audited(desks)] == ["begin_job", "retry", "retry", "retry"]


def test_a_job_is_begun_once_and_stopped(desks: Desks, operator: Browser) -> None:
    """The same form twice leads to the same job; stopped twice, the second time is told so."""
    dead(desks.works, 2)
    page = operator.open("/press?kind=retry&account=crm")

    twice = [begin(operator, page).location for _ in range(2)]
    stops = [operator.press(f"{twice[0]}/stop").status_code for _ in range(2)]

    assert twice[0] == twice[1]
    assert stops == [303, 409]
    assert "stopped by operator" in operator.open(twice[0])
    assert states(desks) == ["dead", "dead"]


def test_what_is_made_after_the_page_is_not_swept_in(desks: Desks, operator: Browser) -> None:
    """Others died since it was opened, of deliveries that were not there: those that were told are pressed."""
    early = dead(desks.works, 1)
    page = operator.open("/press?kind=retry&account=crm")
    dead(desks.works, 2)

    run(desks, begin(operator, page))

    assert states(desks) == ["ready", "dead", "dead"]
    assert pressed_ids(desks) == [str(one) for one in early]


@pytest.mark.parametrize(
    ("meanwhile", "told"),
    [
        ("UPDATE deliveries SET state = 'dead'", "3 match by now, you were told 2"),
        ("UPDATE deliveries SET state = 'succeeded' WHERE id = :first", "1 match by now, you were told 2"),
        (
            "UPDATE deliveries SET state = CASE id WHEN :first THEN 'succeeded' ELSE 'dead' END",
            "others match by now than those you were told",
        ),
    ],
    ids=["more", "fewer", "others"],
)
def test_other_than_was_told_is_not_begun(desks: Desks, operator: Browser, meanwhile: str, told: str) -> None:
    """One more died, one was settled, or both: nothing is done, and it has to be looked at again."""
    [waiting] = customers(desks.works, 1)
    first, _ = dead(desks.works, 2)
    desks.works.execute("UPDATE deliveries SET state = 'waiting' WHERE id = :id", id=waiting)
    page = operator.open("/press?kind=retry&account=crm")
    desks.works.execute(meanwhile, **({"first": first} if ":first" in meanwhile else {}))

    answer = begin(operator, page)

    assert answer.status_code == 409
    assert told in answer.text
    assert pressed_ids(desks) == []


def test_what_has_gone_is_not_given_up(desks: Desks, operator: Browser) -> None:
    """What is open goes on by itself: of those told, what is still open is given up, and the page says how many."""
    first, second = customers(desks.works, 2)
    page = operator.open("/press?kind=cancel&account=crm")
    desks.works.execute("UPDATE deliveries SET state = 'succeeded' WHERE id = :first", first=first)

    answer = begin(operator, page)
    told = operator.open(answer.location)
    run(desks, answer)

    assert "You were told 2; some have moved on since, and 1 match now. Only they are cancelled." in told
    assert pressed_ids(desks, "cancel") == [str(second)]


def test_a_text_that_was_looked_for_is_kept_masked(desks: Desks, operator: Browser) -> None:
    """Whoever looks for a text looks for a person: neither the job nor the audit keeps it, and no page tells it."""
    lay_out(desks.works.engine)

    answer = begin(operator, operator.open("/press?kind=retry&text=citra"))
    run(desks, answer)

    kept = [str(row) for name in ("jobs", "audit") for row in desks.works.shop.rows(f"SELECT * FROM {name}")]  # noqa: S608
    pages = [operator.open(path) for path in (answer.location, "/press", "/audit")]
    assert all("citra" not in one.lower() for one in (*kept, *pages))
    assert "text c…" in operator.open("/press")


def test_a_press_of_another_kind_does_not_take_over_a_filter(operator: Browser) -> None:
    """Events have no rule and deliveries no handling: it is said so, and nothing is previewed without it."""
    assert "events have no rule" in operator.open("/press?kind=replay&rule=greet", 409)
    assert "deliveries have no handling" in operator.open("/press?kind=retry&handling=unknown", 409)


@pytest.mark.parametrize("typed", ["yesterday", "999999999w", "0001-01-01T00:00%2B14:00", "9999-12-31T23:59-12:00"])
def test_a_time_that_is_none_is_said(operator: Browser, typed: str) -> None:
    """Also one at the end of time: nothing is previewed."""
    assert "is not a time" in operator.open(f"/press?kind=retry&account=crm&since={typed}", 400)


def pressed_ids(desks: Desks, what: str = "retry") -> list[str]:
    """Return what was pressed, as the audit has it."""
    rows = desks.works.shop.rows("SELECT target FROM audit WHERE action = :what ORDER BY id", what=what)
    return [row.target for row in rows]
