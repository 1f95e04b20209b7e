"""What every page works with: who asks, the ledger, the configuration, and the right to press.

Invariant: no view reaches the ledger but through the desk of its request, which knows who sits at it.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ParamSpec, TypeVar, cast

from flask import Response, g, redirect, request
from sqlalchemy import Connection, Engine
from werkzeug.exceptions import Forbidden

from config.load import Config
from config.settings import Settings
from console.users import Role
from console.web.live_config import LiveConfig
from console.web.visits import Visit
from worker.clock import Clock
from worker.ledger.storable import storable_text
from worker.people import People
from worker.wakeups import Wakeups

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")

STATEMENT_SECONDS = 10
"""How long one statement of a page may take."""


@dataclass(frozen=True)
class Console:
    """What the console's process has, once."""

    settings: Settings
    live: LiveConfig
    engine: Engine
    wakeups: Wakeups
    clock: Clock


@dataclass(frozen=True)
class User:
    """Who asks; `name` is the actor in the audit."""

    name: str
    role: Role
    by: str
    """How we know: `session`, `proxy` or `demo`."""


@dataclass(frozen=True)
class Desk:
    """One request's place at the console."""

    console: Console
    visit: Visit
    user: User

    @property
    def settings(self) -> Settings:
        """The settings of this installation."""
        return self.console.settings

    @property
    def config(self) -> Config:
        """The configuration as it is now."""
        return self.console.live.config

    @property
    def clock(self) -> Clock:
        """The clock."""
        return self.console.clock

    @property
    def wakeups(self) -> Wakeups:
        """The way to tell workers at once what was pressed, after the commit."""
        return self.console.wakeups

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Open a transaction that only reads, and in which no statement takes long."""
        with self.console.engine.begin() as connection:
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            yield connection

    @contextmanager
    def people(self, comment: str = "") -> Iterator[People]:
        """Give what a person can press, in one transaction and in this user's name."""
        with self.console.engine.begin() as connection:
            yield People(connection, self.user.name, self.clock(), self.settings.rewake_seconds, comment)

    def may(self, role: Role | str) -> bool:
        """Whether this user may do what needs a role."""
        return self.user.role.may(Role(role))


def current() -> Desk:
    """Return the desk of the request under way."""
    return cast("Desk", g.desk)


def needs(role: Role) -> Callable[[Callable[Parameters, Answer]], Callable[Parameters, Answer]]:
    """Refuse a view to whoever has less than a role."""

    def decorate(view: Callable[Parameters, Answer]) -> Callable[Parameters, Answer]:
        @functools.wraps(view)
        def guarded(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
            if not current().may(role):
                raise Forbidden(f"This needs the role {role}; you are {current().user.role}.")
            return view(*args, **kwargs)

        return guarded

    return decorate


def notice(text: str, kind: str = "good") -> None:
    """Say something on the next page that is shown: `good`, `bad` or `info`."""
    g.setdefault("notices", []).append((kind, text))


def back_to(url: str) -> Response:
    """Answer a press: the browser goes on to a page of ours, so that reloading presses nothing again."""
    return cast("Response", redirect(own_path(url), 303))


def own_path(url: str | None, otherwise: str = "/") -> str:
    """Return an address if it is a path of the console, which no form may lead away from."""
    is_ours = url is not None and url.startswith("/") and not url.startswith(("//", "/\\"))
    return url if url is not None and is_ours and url.isprintable() else otherwise


def wanted_text(form: Mapping[str, str], name: str, most: int = 500) -> str:
    """Return a field of a form as one trimmed line, shortened, that the ledger can be asked for."""
    return storable_text(" ".join(form.get(name, "").split())[:most])


def here() -> str:
    """Return the address of the page under way, to come back to."""
    return request.full_path.rstrip("?")
