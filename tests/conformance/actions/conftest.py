"""Run an action against the sandbox, or against a server that answers raw bytes, and see what became of it."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import Engine, create_engine

from config.accounts import AccountsFile
from tasks.actions.http import HttpSession
from tasks.actions.registry import ACTIONS
from tests.conformance.actions.vendors.registry import CASES
from tests.support.programs import free_port
from tests.support.sandbox import Sandbox
from tests.support.servers import Servers
from worker.acting import Call, Outcome, Settlement
from worker.errors import WorkerError
from worker.ledger.memory import Memory

NOW = datetime(2026, 1, 15, 3, 0, tzinfo=UTC)
TIMEOUT_SECONDS = 0.6
"""How long an answer is waited for that does not come."""
PATIENCE_SECONDS = 20.0
"""How long one that comes: a loaded machine takes its time."""


@dataclass
class Tried:
    """What came of one run of an action."""

    session: HttpSession
    outcome: Outcome | None = None
    error: WorkerError | None = None

    @property
    def verdict(self) -> tuple[str, str]:
        """The kind of the error and its reason; of a success the empty texts."""
        return (type(self.error).__name__, str(self.error.reason)) if self.error else ("", "")


@dataclass
class Caller:
    """Runs actions at an address."""

    url: str
    memory: Memory
    client: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False))
    delivery_id: str | None = None
    is_in_vain: Callable[[], bool] = lambda: False
    """Whether an answer may not come."""

    def run(self, name: str, /, **changes: Any) -> Tried:
        """Run an action with the parameters that work, some of them changed."""
        call = self._call(name, changes)
        tried = Tried(call.session)
        try:
            tried.outcome = ACTIONS[name].run(call)
        except WorkerError as error:
            tried.error = error
        return tried

    def settle(self, name: str, since: datetime, /, **changes: Any) -> Settlement:
        """Ask the vendor whether an action happened, from a moment on."""
        settle = ACTIONS[name].settle
        assert settle is not None
        return settle(self._call(name, changes), since)

    def _call(self, name: str, changes: dict[str, Any]) -> Call:
        action, vendor = ACTIONS[name], name.partition(".")[0]
        case = CASES[vendor]
        given = {"vendor": vendor, "base_url": self.url + case.mount, **case.account}
        account = AccountsFile.model_validate({"accounts": {"a": given}}).accounts["a"]
        parameters = action.parameters.model_validate({**case.parameters[name], **changes}, context={"country": "ID"})
        patience = TIMEOUT_SECONDS if self.is_in_vain() else PATIENCE_SECONDS
        session = HttpSession(self.client, account.base_url, patience, lambda: NOW)
        return Call("a", account, "ID", parameters, session, self.memory, self.delivery_id)


@pytest.fixture(scope="session")
def remembering(servers: Servers) -> Iterator[Engine]:
    """One ledger for what all these actions remember."""
    with servers.database("test_actions_memory") as url:
        engine = create_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def memory(remembering: Engine) -> Memory:
    """An account's memory with nothing in it."""
    return Memory(remembering, f"account-{uuid4().hex}", lambda: NOW)


@pytest.fixture
def caller(sandbox: Sandbox, memory: Memory) -> Iterator[Caller]:
    """Run actions against the sandbox."""
    found = Caller(sandbox.url, memory, is_in_vain=lambda: sandbox.hangs)
    yield found
    found.client.close()


@pytest.fixture
def nobody(memory: Memory) -> Iterator[Caller]:
    """Run actions against a port that nothing listens on."""
    found = Caller(f"http://127.0.0.1:{free_port()}", memory)
    yield found
    found.client.close()


Talk = Callable[[socket.socket], None]


@pytest.fixture
def talking(memory: Memory) -> Callable[[Talk], Any]:
    """Run actions against a server that does with the connection whatever it is told to."""

    @contextmanager
    def serve(talk: Talk) -> Iterator[Caller]:
        with socket.create_server(("127.0.0.1", 0)) as server:

            def answer() -> None:
                connection, _ = server.accept()
                with connection:
                    connection.settimeout(10)
                    connection.recv(65536)
                    try:
                        talk(connection)
                    except OSError:
                        return  # the client had enough

            thread = threading.Thread(target=answer)
            thread.start()
            found = Caller("http://{}:{}".format(*server.getsockname()), memory, is_in_vain=lambda: True)
            yield found
            found.client.close()
            thread.join()

    return serve
