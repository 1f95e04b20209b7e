"""Fixtures of all tests: real servers for the session; a fresh database, an empty broker, a reset sandbox for each."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine

from tests.support.programs import Program, answers, free_port
from tests.support.sandbox import Sandbox
from tests.support.servers import Servers, running_servers
from tests.support.shop import Shop


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """One PostgreSQL and one Redis for all tests."""
    with running_servers() as found:
        yield found


@pytest.fixture
def database_url(servers: Servers) -> Iterator[str]:
    """A migrated, empty database of this test's own."""
    with servers.database(f"test_{uuid4().hex}") as url:
        yield url


@pytest.fixture
def ledger(database_url: str) -> Iterator[Engine]:
    """An engine on this test's own ledger."""
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def redis_url(servers: Servers) -> Iterator[str]:
    """The broker, emptied."""
    servers.flush_broker()
    yield servers.redis.url
    servers.flush_broker()


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[Sandbox]:
    """The sandbox vendors, one process for all tests."""
    port = free_port()
    log = Path(tempfile.mkdtemp(prefix="hookyard-sandbox-")) / "sandbox.log"
    program = Program(["--host", "127.0.0.1", "--port", str(port)], {}, log, module="sandbox")
    program.wait_for(lambda: answers(f"http://127.0.0.1:{port}/_sandbox"), "the sandbox answers")
    sandbox = Sandbox(f"http://127.0.0.1:{port}")
    yield sandbox
    sandbox.close()
    program.stop()


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Sandbox:
    """The sandbox vendors, begun anew."""
    sandbox_process.reset()
    return sandbox_process


@pytest.fixture
def shop(tmp_path: Path, database_url: str, redis_url: str, sandbox: Sandbox) -> Iterator[Shop]:
    """A shop on real servers; its processes are started by the test and killed after it."""
    found = Shop(tmp_path, database_url, redis_url, sandbox)
    yield found
    found.stop()
