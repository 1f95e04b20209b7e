"""Run an action against the sandbox, or against a server that answers raw bytes, and see what became of it."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from config.accounts import AccountsFile
from tasks.actions.http import HttpSession
from tasks.actions.registry import ACTIONS
from tests.support.programs import free_port
from tests.support.sandbox import Sandbox
from worker.acting import Call, Outcome
from worker.errors import WorkerError

NOW = datetime(2026, 1, 15, 3, 0, tzinfo=UTC)
TIMEOUT_SECONDS = 0.4
SECRETS = ("sk_live_scalev-secret", "7|wabotick-secret", "proton-secret-key")
ACCOUNTS: dict[str, dict[str, Any]] = {
    "scalev": {"signing_secrets": ["signing-secret-of-scalev"], "api_key": SECRETS[0]},
    "wabotick": {
        "api_token": SECRETS[1],
        "phone_number_id": "100000000000001",
        "url_secrets": {"flow": "wabotick-flow-url-secret"},
    },
    "proton": {
        "company": "harborline",
        "user_id": "ops@harborline.example",
        "api_key": SECRETS[2],
        "webhook_auth": {"scheme": "static", "header": "X-Secret", "secrets": ["proton-webhook-secret"]},
    },
}
MOUNTS = {"scalev": "/scalev/v3", "wabotick": "/wabotick/api/v1", "proton": "/proton"}

# One set of parameters that works, for every action there is.
PARAMETERS: dict[str, dict[str, Any]] = {
    "scalev.get_order": {"id": "0198a1b2-3c4d-7e5f-8a9b-0c1d2e3f4a5b"},
    "scalev.change_status": {"ids": ["0198a1b2-3c4d-7e5f-8a9b-0c1d2e3f4a5b"], "status": "confirmed"},
    "wabotick.send_template": {
        "phone_number": "08123456789",
        "template_id": "257000",
        "variables": ["Budi Contoh", "JX1234567890"],
    },
    "proton.get_customer": {"identifier": "HL-20418"},
    "proton.create_opportunity": {
        "pipeline_id": "pipeline-sales",
        "stage_id": "stage-new",
        "title": "First order of Budi Contoh",
        "customer_id": "HL-20418",
        "value": 1250.5,
    },
}


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
    client: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False))

    def run(self, name: str, **changes: Any) -> Tried:
        """Run an action with the parameters that work, some of them changed."""
        action, vendor = ACTIONS[name], name.partition(".")[0]
        given = {"vendor": vendor, "base_url": self.url + MOUNTS[vendor], **ACCOUNTS[vendor]}
        account = AccountsFile.model_validate({"accounts": {"a": given}}).accounts["a"]
        parameters = action.parameters.model_validate(PARAMETERS[name] | changes, context={"country": "ID"})
        tried = Tried(HttpSession(self.client, account.base_url, TIMEOUT_SECONDS, lambda: NOW))
        try:
            tried.outcome = action.run(Call("a", account, "ID", parameters, tried.session))
        except WorkerError as error:
            tried.error = error
        return tried


@pytest.fixture
def caller(sandbox: Sandbox) -> Iterator[Caller]:
    """Run actions against the sandbox."""
    found = Caller(sandbox.url)
    yield found
    found.client.close()


@pytest.fixture
def nobody() -> Iterator[Caller]:
    """Run actions against a port that nothing listens on."""
    found = Caller(f"http://127.0.0.1:{free_port()}")
    yield found
    found.client.close()


Talk = Callable[[socket.socket], None]


@pytest.fixture
def talking() -> Callable[[Talk], Any]:
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
            found = Caller("http://{}:{}".format(*server.getsockname()))
            yield found
            found.client.close()
            thread.join()

    return serve
