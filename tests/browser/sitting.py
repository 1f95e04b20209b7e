"""Those who sit at the console: each logged in once, each opens the page of a button, fills its form in and presses.

Invariant: whoever sits here does what a person can do at a screen, and nothing else.
"""

import itertools
from contextlib import ExitStack
from dataclasses import dataclass, field

from playwright.sync_api import Download, Locator, Page, expect

from console.users import Role
from tests.browser.buttons import Button
from tests.browser.conftest import Looked, Stage
from tests.browser.hands import MOUSE, Mouse
from tests.browser.scenes import Scene

_STAYS = "addEventListener('load', () => { if (/job|backtest/.test(location.pathname)) stop(); });"
"""Keeps a page that asks to be loaded again soon; else it is taken away from under a hand. Some browsers are set so."""
_numbers = itertools.count(1)
_TWICE_AT_ONCE = "one => { one.click(); one.click(); }"


@dataclass
class Person:
    """Somebody before a button."""

    button: Button
    scene: Scene
    looked: Looked
    role: Role
    hand: Mouse
    why: str = ""
    """The reason that was given, where one was asked for."""

    @property
    def page(self) -> Page:
        """The page in the browser."""
        return self.looked.page

    @property
    def target(self) -> Locator:
        """The button."""
        return self.page.locator(self.scene.within).get_by_role("button", name=self.button.pattern)

    @property
    def form(self) -> Locator:
        """Its form."""
        return self.target.locator("xpath=ancestor::form")

    @property
    def fills(self) -> dict[str, str]:
        """What is filled in beside the reason."""
        return {name: self.scene.told(value) for name, value in self.button.fills.items()}

    @property
    def deed(self) -> list[tuple[str, str, str]]:
        """What is to be written down of the press."""
        return [(self.role, self.button.audit, self.why)] if self.button.audit else []

    def open(self) -> int:
        """Open the page on which one begins."""
        self.looked.complaints.clear()
        return self.looked.open(self.scene.path)

    def go(self) -> "Person":
        """Go to the button and fill its form in."""
        assert self.open() == 200
        if self.scene.through:
            self.hand.press(self.page.locator(self.scene.through).first)
        expect(self.target).to_be_visible()
        for name, value in self.fills.items():
            self.hand.put(self.form.locator(f"[name={name}]:not([type=hidden])"), value)
        reason = self.form.get_by_label("Why")
        if reason.count():
            self.why = f"because of {next(_numbers)}"
            self.hand.put(reason, self.why)
        return self

    def press(self, *, twice: bool = False) -> str:
        """Press it, twice before anything is answered if so wanted; wait for what comes then; return what was asked."""
        waits = self.page.expect_download() if self.button.sends_file else self.page.expect_navigation()
        with waits as coming:
            if twice:
                self.target.evaluate(_TWICE_AT_ONCE)
            else:
                self.hand.press(self.target)
        if isinstance(coming.value, Download):
            assert b"order.created" in coming.value.path().read_bytes()
            return coming.value.url
        request = coming.value.request
        return (request.redirected_from or request).url

    def shows(self, text: str) -> None:
        """See a text on the page."""
        if text:
            expect(self.page.get_by_role("main")).to_contain_text(self.scene.told(text))

    def shows_not(self, text: str) -> None:
        """See a page without a text."""
        if text:
            expect(self.page.get_by_role("main")).not_to_contain_text(self.scene.told(text))

    def sent(self) -> tuple[str, dict[str, str]]:
        """Return where the form goes, and all that it would send."""
        address = self.target.evaluate("one => one.hasAttribute('formaction') ? one.formAction : one.form.action")
        return address, self.target.evaluate("one => Object.fromEntries(new FormData(one.form, one))")


@dataclass
class Seats:
    """The browsers at which people sit, one for each role and size of window."""

    stage: Stage
    stack: ExitStack
    taken: dict[tuple[Role, int, bool, bool], Looked] = field(default_factory=dict)

    def sit(
        self, button: Button, scene: Scene, *, role: Role | None = None, hand: Mouse = MOUSE, scripts: bool = True
    ) -> Person:
        """Let somebody sit down to press a button: who just may, unless a role is named."""
        who = role or button.role
        key = (who, hand.width, hand.has_touch, scripts)
        if key not in self.taken:
            page = self.stage.page(hand.width, has_touch=hand.has_touch, scripts=scripts)
            self.taken[key] = self.stack.enter_context(page).log_in(who)
            self.taken[key].page.add_init_script(_STAYS)
        return Person(button, scene, self.taken[key], who, hand)
