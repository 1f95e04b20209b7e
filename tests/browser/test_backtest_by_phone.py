"""A backtest in real Chromium on a phone where no script runs: pressed, watched until it tells, and another stopped."""

from contextlib import suppress
from uuid import UUID

from playwright.sync_api import Error, expect

from console.users import Role
from tasks.trying.launching import Launcher
from tests.browser.conftest import Looked, Stage
from tests.support.programs import PATIENCE_SECONDS, eventually
from worker.clock import system_clock

PATIENCE = PATIENCE_SECONDS * 1_000
"""Milliseconds, as Playwright counts."""


def press_play(looked: Looked) -> UUID:
    """Press Play and return the backtest that it leads to."""
    looked.open("/rules/backtest")
    looked.page.get_by_label("Events of").select_option("1h")
    looked.page.get_by_role("button", name="Play").click()
    expect(looked.page.get_by_role("status").first).to_have_text("waits for a worker")
    return UUID(looked.page.url.rpartition("/")[2])


def press_stop(looked: Looked) -> bool:
    """Press Stop unless it is stopped, and say whether it is: a press is lost where the page comes again just then."""
    button = looked.page.get_by_role("button", name="Stop")
    with suppress(Error):
        if button.is_visible():
            button.click(timeout=5_000)
    return looked.page.get_by_text("stopped by operator after no event was played").is_visible()


def test_a_backtest_is_watched_and_stopped_by_phone(stage: Stage) -> None:
    """The page comes again by itself until it tells what came of it; nothing is wider than the window meanwhile."""
    launcher = Launcher(stage.works.engine, system_clock, stage.works.shop.environ)
    with stage.page(360, 780, scripts=False) as looked:
        looked.log_in(Role.OPERATOR)
        played = press_play(looked)
        widths = [looked.is_wider_than_its_window]
        launcher.take_up(played)
        told = looked.page.get_by_text("Would be sent")
        expect(told).to_be_visible(timeout=PATIENCE)
        widths.append(looked.is_wider_than_its_window)
        stopped = press_play(looked)
        eventually(lambda: press_stop(looked), "it is stopped")

        assert stopped != played
        assert widths == [False, False]
    launcher.close()
