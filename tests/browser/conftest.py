"""A console in a process of its own, on a ledger with 10,000 events and with hostile ones, and real Chromium in front.

One ledger, one console and one browser serve all tests of the folder; what presses makes its own delivery.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urljoin
from uuid import UUID, uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from bench.scale.load import load
from console import users
from console.users import Role
from console.web.app import make_app
from console.web.frame import Console
from console.web.live_config import LiveConfig
from tasks.actions.registry import make_catalog
from tasks.trying.launching import Launcher
from tests.integration.engine.conftest import Works
from tests.support.browser import CHROMIUM_ARGUMENTS, find_chromium
from tests.support.programs import answers, eventually, free_port
from tests.support.sandbox import Sandbox
from tests.support.servers import Servers
from tests.support.shop import ACCOUNTS, Shop, order_created, order_status_changed
from worker.celery_app import make_celery
from worker.clock import system_clock
from worker.ids import new_id
from worker.ledger.selecting import Selection
from worker.people import People
from worker.states import JobKind
from worker.wakeups import Wakeups

EVENTS = 10_000
PASSWORD = "a password for tests"
HOSTILE = '<script>document.title="taken"</script><img src=x onerror="document.title=\'taken\'">'
RIGHT_TO_LEFT = "\u202emoc.elpmaxe//:sptth"
META = """
  meta:
    vendor: meta
    app_secrets: [meta-app-secret-for-tests]
    verify_token: the-verify-token-of-meta
    access_token: EAAG
    phone_number_id: "100000000000002"
    base_url: "${SANDBOX_URL}/meta/v23.0"
"""
SERIOUS = {"serious", "critical"}
PATIENCE_SECONDS = 30
expect.set_options(timeout=PATIENCE_SECONDS * 1000)  # only ever waited out where something is wrong


@dataclass
class Stage:
    """The console that is looked at, and what its pages are about."""

    works: Works
    url: str
    app: Flask
    browser: Browser
    paths: dict[str, str] = field(default_factory=dict)
    """What stands for an argument of an address, by the argument's name."""
    not_shown: frozenset[str] = frozenset({"connect.ask"})
    """Addresses that show no page: they send a file, or lead on; or need names that mean another thing elsewhere."""

    @contextmanager
    def page(
        self, width: int = 1280, height: int = 900, scheme: str = "light", *, has_touch: bool = False,
        scripts: bool = True,
    ) -> Iterator["Looked"]:  # fmt: skip
        """Open a browser of its own, logged in as nobody."""
        context = self.browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light",
            has_touch=has_touch, java_script_enabled=scripts, locale="en-US",
        )  # fmt: skip
        try:
            yield Looked(self, context.new_page())
        finally:
            context.close()


@dataclass
class Looked:
    """A page in the browser, and what it complained of."""

    stage: Stage
    page: Page
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Hear what the browser says of a page: scripts and styles that the policy refused, errors in scripts."""

        def hear(message: ConsoleMessage) -> None:
            if message.type == "error":
                self.complaints.append(message.text)

        self.page.on("console", hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def log_in(self, role: Role = Role.ADMIN) -> "Looked":
        """Log in by the form."""
        self.page.goto(f"{self.stage.url}/login")
        self.page.get_by_label("Name").fill(role.value)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url(lambda url: not url.endswith("/login"))
        return self

    def open(self, path: str) -> int:
        """Go to a path, or to a page of another console, and return the status of its answer."""
        answer = self.page.goto(urljoin(self.stage.url, path))
        return answer.status if answer else 0

    @property
    def is_wider_than_its_window(self) -> bool:
        """Whether the page has to be moved sideways to be read."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))

    def barriers(self) -> list[str]:
        """Return what keeps people out, as axe sees it: serious things only."""
        found = Axe().run(self.page).response["violations"]
        return [
            f"{violation['id']}: {node['html'][:200]}"
            for violation in found
            if violation["impact"] in SERIOUS
            for node in violation["nodes"]
        ]


@pytest.fixture(scope="module")
def stage(servers: Servers, sandbox_process: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The console over a busy ledger."""
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("no Chromium on PATH (Debian: apt install chromium)")
    folder = tmp_path_factory.mktemp("console")
    with servers.database(f"browser_{uuid4().hex}") as url, sync_playwright() as playwright:
        shop = Shop(folder, url, servers.redis.url, sandbox_process)
        (folder / "config" / "accounts.yaml").write_text(ACCOUNTS.replace("\nlimits:", META + "limits:"))
        works = Works(shop)
        works.clock.now = system_clock()
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        try:
            load(works.engine, EVENTS, works.clock.now)
            port = free_port()
            console = shop.start("console", HOOKYARD_CONSOLE_PORT=str(port))
            found = Stage(works, f"http://127.0.0.1:{port}", _app(works), browser)
            _add_users(works)
            _play(found)
            console.wait_for(lambda: answers(f"{found.url}/healthz"), "the console answers")
            yield found
        finally:
            browser.close()
            works.close()
            shop.stop()


def _app(works: Works) -> Flask:
    """Return the same application, to ask which pages it has."""
    live = LiveConfig(works.settings.config_dir, works.shop.environ, make_catalog())
    wakeups = Wakeups(make_celery(works.settings, works.config), works.config.accounts)
    return make_app(
        Console(settings=works.settings, live=live, engine=works.engine, wakeups=wakeups, clock=system_clock)
    )


def _add_users(works: Works) -> None:
    with works.people("set-up") as people, works.engine.begin() as connection:
        for role in Role:
            users.add(connection, people, role, role, PASSWORD, works.clock())


def _play_what_was_recorded(works: Works, backtest_id: UUID) -> None:
    launcher = Launcher(works.engine, system_clock, works.shop.environ)
    launcher.take_up(backtest_id)
    done = "SELECT 1 FROM backtest_reports WHERE job_id = :id"
    eventually(lambda: works.shop.rows(done, id=backtest_id), "what was recorded is played")
    launcher.close()


def _play(stage: Stage) -> None:
    """Receive hostile orders, let one message go out and one fail for good."""
    works = stage.works
    order = "2511HOSTILE"
    works.receive(order_created(order, customer={"name": HOSTILE, "phone": "08123456789"}, notes=RIGHT_TO_LEFT))
    [wake] = works.receive(order_status_changed("shipped", order)).deliveries
    works.deliver(wake)
    works.receive(order_created("2511BIG", notes=HOSTILE + "x" * 900_000))
    works.shop.sandbox.fail(vendor="wabotick", status=422)
    works.receive(order_created("2511DEAD"))
    [dead] = works.receive(order_status_changed("shipped", "2511DEAD")).deliveries
    works.deliver(dead)
    works.shop.sandbox.reset()
    assert works.delivery(dead.id).state == "dead"
    with works.engine.begin() as connection:
        hostile = People(connection, "ani", works.clock(), works.settings.rewake_seconds, RIGHT_TO_LEFT + HOSTILE)
        job = hostile.begin_job(
            new_id(),
            JobKind.REPLAY,
            Selection(account="toko", state="processed", since=works.clock() - timedelta(hours=1)),
        )
        hostile.stop_job(job.id)
        backtest = hostile.begin_backtest(new_id(), works.clock() - timedelta(hours=1))
    _play_what_was_recorded(works, backtest.id)
    stage.paths |= {
        "job_id": str(job.id), "name": "toko", "backtest_id": str(backtest.id),
        "delivery_id": str(dead.id), "event_id": str(works.delivery(wake.id).event_id),
        "kind": "snapshot", "reference": f"toko/order:{order}/phone", "account": "toko", "key": f"order:{order}",
        "rule": works.config.rules[0].name,
    }  # fmt: skip
