"""Every button of every page, in real Chromium: with a finger on a phone, a mouse at a desk, and the keys alone.

Each does once what it says, tells the person so, and is written down; whoever comes too late, or may not, is told that.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from console.users import Role
from tests.browser.buttons import EVERYWHERE, PRESSES, Button
from tests.browser.conftest import PASSWORD, Stage
from tests.browser.filters import FILTERS
from tests.browser.hands import HANDS, Mouse, out_of_reach
from tests.browser.sitting import Seats
from tests.browser.test_every_page import everywhere
from tests.support.programs import answers, free_port

if TYPE_CHECKING:
    from sqlalchemy import Row

BUTTONS = PRESSES + FILTERS
DOORS = {("login.login", "login.log_in", "Log in"), (EVERYWHERE, "login.log_out", "Log out")}
"""The buttons that have a test of their own below."""
WHO_MAY_NOT = {Role.OPERATOR: Role.VIEWER, Role.ADMIN: Role.OPERATOR}
ROW_IS_MISSING = """no row of a table presses it. Add one to PRESSES in tests/browser/buttons.py, or to FILTERS in
tests/browser/filters.py if it changes nothing: Button({!r}, {!r}, {!r}, <a scene>, <what is seen then>, …)"""
with_every_hand = pytest.mark.parametrize("hand", HANDS, ids=[hand.name for hand in HANDS])
of_each_press = pytest.mark.parametrize("button", PRESSES, ids=lambda button: button.name)
of_each_form = pytest.mark.parametrize("button", FILTERS, ids=lambda button: button.name)
_SHOWN = """() => [...document.querySelectorAll("button, [type=submit], form:not(:has(button))")].map(one => [
  one.closest("main") !== null, one.form?.getAttribute("method") ?? "get",
  one.getAttribute("formaction") ?? one.form?.getAttribute("action"), one.textContent.replace(/\\s+/g, " ").trim()])"""


@pytest.fixture(scope="module")
def seats(stage: Stage) -> Iterator[Seats]:
    """Where people sit, with a receiver, and with another console at which vendors are real."""
    shop, port = stage.works.shop, str(free_port())
    stage.paths["real"] = f"http://127.0.0.1:{port}"
    real = shop.start("console", HOOKYARD_CONSOLE_PORT=port, SANDBOX_URL="https://vendor.example")
    shop.start_receiver()
    real.wait_for(lambda: answers(f"{stage.paths['real']}/healthz"), "the other console answers")
    with ExitStack() as stack:
        yield Seats(stage, stack)


def audited(stage: Stage) -> "list[Row[Any]]":
    """Return all that was written down."""
    return stage.works.shop.rows("SELECT * FROM audit ORDER BY id")


def told(rows: "Iterable[Row[Any]]", before: "Iterable[Row[Any]]") -> list[tuple[str, str, str]]:
    """Return who did what and why, since."""
    known = {row.id for row in before}
    return [(row.actor, row.action, row.details.get("comment", "")) for row in rows if row.id not in known]


def endpoint(stage: Stage, address: str, method: str = "GET") -> str:
    """Return the name of the page, or of the press, that an address leads to."""
    return str(stage.app.url_map.bind("").match(urlsplit(address).path, method.upper())[0])


def not_pressed(stage: Stage, page: Page) -> list[str]:
    """Return the buttons of a page that stand in no table."""
    here = endpoint(stage, page.url)
    shown = [
        (here if in_main else EVERYWHERE, endpoint(stage, action or page.url, method), label)
        for in_main, method, action, label in page.evaluate(_SHOWN)
    ]
    return [
        ROW_IS_MISSING.format(*one)
        for one in shown
        if one not in DOORS and not any(button.is_(*one) for button in BUTTONS)
    ]


@with_every_hand
@of_each_press
def test_a_button_does_what_it_says(seats: Seats, button: Button, hand: Mouse) -> None:
    """It is within reach; the person is told, the ledger has it, and the audit says who did it and why."""
    stage = seats.stage
    scene = button.set_up(stage)
    person, before = seats.sit(button, scene, hand=hand).go(), audited(stage)
    assert not_pressed(stage, person.page) == []
    assert out_of_reach(person.target) == []
    person.shows_not(button.seen)

    person.press()

    person.shows(button.seen)
    assert person.looked.complaints == []
    after = audited(stage)
    assert told(after, before) == person.deed
    if button.audit and "target" in scene.about:
        assert after[-1].target == scene.about["target"]
    if button.asked:
        [row] = stage.works.shop.rows(button.asked, **scene.about, why=person.why)
        assert tuple(row) == button.becomes


@with_every_hand
@of_each_form
def test_a_form_finds_what_was_asked_for(seats: Seats, button: Button, hand: Mouse) -> None:
    """What was filled in is asked for and found, in a page that fits its window; nothing is written."""
    stage = seats.stage
    scene = button.set_up(stage)
    person, before = seats.sit(button, scene, hand=hand).go(), audited(stage)
    assert not_pressed(stage, person.page) == []
    assert out_of_reach(person.target) == []
    person.shows(button.gone)

    asked = parse_qs(urlsplit(person.press()).query)

    assert {name: asked.get(name) for name in person.fills} == {name: [text] for name, text in person.fills.items()}
    person.shows(button.seen)
    person.shows_not(button.gone)
    assert person.looked.complaints == []
    assert person.looked.is_wider_than_its_window is False
    assert not_pressed(stage, person.page) == []
    assert told(audited(stage), before) == []


@of_each_press
def test_a_button_is_pressed_once_whoever_presses(seats: Seats, button: Button) -> None:
    """Twice at once is once; somebody else, whose page is older and runs no scripts, is told what it is by now."""
    stage = seats.stage
    scene = button.set_up(stage)
    second = seats.sit(button, scene, role=Role.ADMIN, scripts=button.comes_again).go()
    first, before = seats.sit(button, scene).go(), audited(stage)

    first.press(twice=True)
    first.shows(button.seen)
    between = audited(stage)
    second.press()
    second.shows(button.again or button.seen)

    assert told(between, before) == first.deed
    assert told(audited(stage), between) == ([] if button.again else second.deed)


@of_each_press
def test_a_button_is_not_for_everybody(seats: Seats, button: Button) -> None:
    """Whoever may not press it is not offered it, and is refused when the same form is sent by hand."""
    stage = seats.stage
    scene = button.set_up(stage)
    address, fields = seats.sit(button, scene).go().sent()
    outsider, before = seats.sit(button, scene, role=WHO_MAY_NOT[button.role]), audited(stage)
    outsider.open()
    proof = outsider.page.locator("header [name=csrf]").get_attribute("value") or ""

    answer = outsider.page.request.post(address, form=fields | {"csrf": proof})

    assert outsider.target.count() == 0
    assert answer.status == 403
    assert told(audited(stage), before) == []


@with_every_hand
def test_somebody_logs_in_and_out(stage: Stage, hand: Mouse) -> None:
    """With a name and a password one is led to where one wanted to go; logged out, one has to log in again."""
    with stage.page(hand.width, has_touch=hand.has_touch) as looked:
        page, doors = looked.page, {}
        for name in ("Log in", "Log out"):
            doors[name] = page.get_by_role("button", name=name)
        looked.open("/events")
        assert out_of_reach(doors["Log in"]) == []
        hand.put(page.get_by_label("Name"), Role.VIEWER)
        hand.put(page.get_by_label("Password"), PASSWORD)
        hand.press(doors["Log in"])
        expect(page).to_have_url(f"{stage.url}/events")
        assert out_of_reach(doors["Log out"]) == []
        hand.press(doors["Log out"])
        expect(page.get_by_role("main")).to_contain_text("You are logged out.")
        looked.open("/events")
        expect(doors["Log in"]).to_be_visible()


def test_every_button_is_among_those_that_are_pressed(seats: Seats) -> None:
    """Whatever takes a form, and every button that is found on the way through all pages, stands in a table."""
    stage = seats.stage
    named = {button.endpoint for button in BUTTONS} | {name for _, name, _ in DOORS}
    taking = {rule.endpoint for rule in stage.app.url_map.iter_rules() if "POST" in (rule.methods or ())}
    missing = {ROW_IS_MISSING.format("…", name, "…") for name in taking - named}
    with stage.page() as looked:
        looked.log_in(Role.ADMIN)
        for path in everywhere(looked).values():
            looked.open(path)
            missing |= set(not_pressed(stage, looked.page))

    assert missing == set()
