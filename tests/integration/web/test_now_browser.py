"""The first page in a real browser: what scripts add, that nothing is refused by its policy, and that it is whole."""

from collections.abc import Iterator
from threading import Thread

import pytest
from playwright.sync_api import expect
from werkzeug.serving import make_server

from config.settings import load_settings
from console.web.app import make_app
from console.web.frame import Console
from tests.integration.engine.conftest import Works
from tests.integration.web.conftest import Desks
from tests.integration.web.test_now import live
from tests.support.browser import browser_page
from worker.figures import Name
from worker.tally import Tally


@pytest.fixture
def address(works: Works, desks: Desks) -> Iterator[str]:
    """The console over real HTTP, in which everybody is an admin."""
    settings = load_settings(works.shop.environ | {"HOOKYARD_CONSOLE_LOGIN": "off"})
    console = Console(settings, desks.console.live, works.engine, desks.console.wakeups, works.clock)
    server = make_server("127.0.0.1", 0, make_app(console), threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_page_tells_values_under_the_pointer_and_renews_itself(works: Works, address: str) -> None:
    """Without an error of a script or of the policy, and without scrolling sideways on a phone."""
    tally, now = Tally(works.engine, works.clock), works.clock()
    works.clock.pass_(-1800)
    for _ in range(1234):
        tally.measure(Name.ACKNOWLEDGEMENT, "toko", 0.004)
    tally.flush()
    works.clock.now = now
    live(works)
    with browser_page(390, 844) as page:
        faults: list[str] = []
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.clock.install()
        page.goto(address)
        expect(page.locator(".verdict")).to_contain_text("Everything is well.")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

        page.set_viewport_size({"width": 1280, "height": 900})
        plot = page.locator(".plot", has_text="Acknowledging a webhook")
        plot.locator(".hit", has_text="(p50) 3.75 ms").hover()
        expect(plot.locator(".readout")).to_contain_text("half stay under (p50) 3.75 ms")
        plot.get_by_text("The same as a table").click()
        expect(plot.get_by_role("cell", name="3.75 ms").first).to_be_visible()

        works.clock.pass_(90)
        page.evaluate("document.activeElement.blur()")
        page.mouse.move(5, 5)
        page.clock.fast_forward(31_000)
        expect(page.locator(".verdict")).to_contain_text("Something needs you.")
        expect(plot.get_by_role("cell", name="3.75 ms").first).to_be_visible()  # what was opened stays open
        assert faults == []
