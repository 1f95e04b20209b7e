"""The console's pages on a real ledger: Flask's own client, logged in as whoever a test says.

`desk.open("/events")` gets a page as an admin; `desk.as_(Role.VIEWER)` gives the same of a viewer; `press` sends a form
with the token that a page of ours would carry.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from console import users
from console.users import Role
from console.web.app import make_app
from console.web.frame import Console
from console.web.live_config import LiveConfig
from tasks.actions.registry import make_catalog
from tests.integration.engine.conftest import Works
from worker.celery_app import make_celery
from worker.ledger import users as ledger_users
from worker.wakeups import Wakeups

PASSWORD = "a password for tests"


@dataclass
class Browser:
    """One browser, with its cookies."""

    client: FlaskClient
    role: Role

    def open(self, path: str, status: int = 200) -> str:
        """Return a page, which answers with this status."""
        answer = self.client.get(path, buffered=True)
        assert answer.status_code == status, (answer.status_code, answer.text)
        return answer.text

    def press(self, path: str, /, **fields: Any) -> TestResponse:
        """Send a form as one of our pages would, and return what it answers."""
        return self.client.post(path, data={"csrf": self.token(), **fields})

    def token(self) -> str:
        """Return what our forms carry for this browser, read from a page."""
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.client.get("/login").text)
        assert found is not None
        return found[1]

    def log_in(self, name: str, password: str = PASSWORD) -> TestResponse:
        """Log in by the form."""
        return self.press("/login", name=name, password=password)


@dataclass
class Desks:
    """The console of one ledger; each role has a user of that name."""

    app: Flask
    console: Console
    works: Works

    def browser(self, role: Role = Role.ADMIN) -> Browser:
        """Return a browser in which nobody is logged in."""
        return Browser(self.app.test_client(), role)

    def as_(self, role: Role) -> Browser:
        """Return a browser in which a user of this role is logged in."""
        browser = self.browser(role)
        with self.works.people("set-up") as people, self.works.engine.begin() as connection:
            if ledger_users.get_user(connection, role) is None:
                users.add(connection, people, role, role, PASSWORD, self.console.clock())
        assert browser.log_in(role.value).status_code == 303
        return browser


@pytest.fixture
def works(shop: Any) -> Iterator[Works]:
    """The engine's parts on this test's own ledger."""
    found = Works(shop)
    yield found
    found.close()


@pytest.fixture
def desks(works: Works) -> Desks:
    """The console on this test's own ledger, with the engine's clock."""
    settings = works.settings
    live = LiveConfig(settings.config_dir, works.shop.environ, make_catalog())
    wakeups = Wakeups(make_celery(settings, works.config), works.config.accounts)
    console = Console(settings=settings, live=live, engine=works.engine, wakeups=wakeups, clock=works.clock)
    app = make_app(console)
    app.testing = False
    return Desks(app, console, works)


@pytest.fixture
def admin(desks: Desks) -> Browser:
    """A browser in which an admin is logged in."""
    return desks.as_(Role.ADMIN)


@pytest.fixture
def operator(desks: Desks) -> Browser:
    """A browser in which an operator is logged in."""
    return desks.as_(Role.OPERATOR)


@pytest.fixture
def viewer(desks: Desks) -> Browser:
    """A browser in which a viewer is logged in."""
    return desks.as_(Role.VIEWER)
