"""What commands work on: the settings, the checked configuration, the ledger.

Invariant: a command reads the environment once, through `config.settings`, and only when it runs.
"""

import getpass
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from config.load import Config, load_config
from config.settings import Settings, load_settings, read_environment
from console.cli.output import CommandError
from console.moments import read_moment
from tasks.actions.registry import make_catalog
from worker.clock import system_clock
from worker.ids import parse_id

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from worker.people import People
    from worker.wakeups import Wakeups


@dataclass
class Context:
    """Everything a command may need, made when it is first asked for."""

    environ: Mapping[str, str]

    @cached_property
    def settings(self) -> Settings:
        """The settings; ConfigError when one is wrong."""
        return load_settings(self.environ)

    @cached_property
    def config(self) -> Config:
        """The configuration, checked; ConfigError with every fault."""
        return load_config(self.settings.config_dir, self.environ, make_catalog())

    def config_with(self, rules: Path | None) -> Config:
        """Return the configuration with the rules of another folder; ConfigError with every fault."""
        if rules is None:
            return self.config
        if not rules.is_dir():
            raise CommandError(f"{rules} is not a folder")
        return load_config(self.settings.config_dir, self.environ, make_catalog(), rules)

    @cached_property
    def engine(self) -> "Engine":
        """The ledger; ConfigError when it is not said where it is."""
        import structlog  # noqa: PLC0415 - beat and Flower need no ledger, and less memory

        from worker.ledger.database import connect  # noqa: PLC0415 - as above

        # What the engine's parts have to say must not get into the document that a command prints.
        structlog.configure(logger_factory=structlog.WriteLoggerFactory(sys.stderr))
        return connect(self.settings.require_database_url(), pool_size=4)

    @contextmanager
    def ledger(self) -> "Iterator[Connection]":
        """Open a transaction on the ledger; CommandError when it is away or not migrated."""
        from sqlalchemy.exc import OperationalError, ProgrammingError  # noqa: PLC0415 - as above

        try:
            with self.engine.begin() as connection:
                yield connection
        except OperationalError as error:
            first = str(error.orig).strip().splitlines()[0] if error.orig else ""
            raise CommandError(f"the ledger cannot be reached (is `hookyard up` running?): {first}") from None
        except ProgrammingError as error:
            if "does not exist" not in str(error.orig):
                raise
            raise CommandError("the ledger has no tables yet: run `hookyard db migrate`") from None

    def people(self, connection: "Connection", comment: str) -> "People":
        """Return what the person at the keyboard does, in their name."""
        from worker.people import People  # noqa: PLC0415 - as above

        return People(connection, _user_name(), system_clock(), self.settings.rewake_seconds, comment)

    @cached_property
    def wakeups(self) -> "Wakeups":
        """The way to tell workers at once what was pressed."""
        from worker.celery_app import make_celery  # noqa: PLC0415 - Celery is slow to load, few commands need it
        from worker.wakeups import Wakeups  # noqa: PLC0415 - as above

        return Wakeups(make_celery(self.settings, self.config), self.config.accounts)


def open_context() -> Context:
    """Read the environment and return the context of this command."""
    return Context(read_environment())


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"


def wanted_id(text: str) -> UUID:
    """Return the id that was typed; CommandError when it is none."""
    found = parse_id(text)
    if found is None:
        raise CommandError(f'"{text}" is not an id (one like 0198a1b2-3c4d-7e5f-8a9b-0c1d2e3f4a5b is wanted)')
    return found


def since_moment(text: str | None) -> datetime | None:
    """Return the moment that `7d`, `2h` or an ISO time means; CommandError when it means none."""
    if text is None:
        return None
    moment = read_moment(text, system_clock())
    if moment is None:
        raise CommandError(f'"{text}" is not a time (7d, 2h, 30m or 2026-01-31T08:00 is wanted)')
    return moment
