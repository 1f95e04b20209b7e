"""A ledger with thousands of rows, loaded once: tests only read it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine, create_engine

from bench.scale.load import load
from tests.support.servers import Servers

EVENTS = 12_000
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def full_ledger(servers: Servers) -> Iterator[Engine]:
    """The ledger."""
    with servers.database(f"full_{uuid4().hex}") as url:
        engine = create_engine(url)
        load(engine, EVENTS, NOW)
        yield engine
        engine.dispose()


@pytest.fixture
def connection(full_ledger: Engine) -> Iterator[Connection]:
    """A transaction on it."""
    with full_ledger.connect() as found:
        yield found
