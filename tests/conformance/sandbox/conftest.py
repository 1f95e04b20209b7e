"""A real sandbox process on a free port, and plain httpx clients for its vendors.

Invariant: every test begins with a sandbox that is back at its seed.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import httpx
import pytest

from tests.conformance.sandbox.receiver import Receiver, running_receiver

Starter = Callable[..., AbstractContextManager[tuple[str, "subprocess.Popen[str]"]]]


@contextmanager
def _started(*arguments: str, **environment: str) -> "Iterator[tuple[str, subprocess.Popen[str]]]":
    command = [sys.executable, "-m", "sandbox", "--port", "0", *arguments]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SANDBOX_")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**clean, **environment}) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert "listening on http://" in line
            yield line.split()[-1], process
        finally:
            process.terminate()
            process.wait(timeout=60)


@pytest.fixture(scope="session")
def start_sandbox() -> Starter:
    """Start a further sandbox process: `with start_sandbox("--seed", "2", SANDBOX_PROTON_KEY="k") as (url, …)`."""
    return _started


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    """Return the address of the sandbox that all tests share."""
    with _started("--seed", "1") as (url, _):
        yield url


@pytest.fixture(autouse=True)
def fresh(sandbox: httpx.Client) -> None:
    """Put the shared sandbox back to its seed before every test."""
    assert sandbox.post("/_sandbox/reset").status_code == 200


@pytest.fixture(scope="session")
def sandbox(base_url: str) -> Iterator[httpx.Client]:
    """Return a client of the control API."""
    with httpx.Client(base_url=base_url, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def scalev(base_url: str) -> Iterator[httpx.Client]:
    """Return a client with a Scalev key."""
    headers = {"Authorization": "Bearer sk_example_key"}
    with httpx.Client(base_url=f"{base_url}/scalev/v3", headers=headers, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def wabotick(base_url: str) -> Iterator[Callable[..., httpx.Response]]:
    """Return a function that posts a form to Wabotick: `wabotick("send/template", phone_number="…")`."""
    with httpx.Client(base_url=f"{base_url}/wabotick/api/v1/whatsapp", timeout=60) as client:

        def post(path: str, form: dict[str, str] | None = None, **more: Any) -> httpx.Response:
            own = {"apiToken": "1|example-token", "phone_number_id": "100000000000001"}
            values = {**own, **(form or {}), **more}
            return client.post(f"/{path}", data={name: value for name, value in values.items() if value is not None})

        yield post


@pytest.fixture(scope="session")
def proton(base_url: str) -> Iterator[httpx.Client]:
    """Return a client with Proton's three headers for the company harborline."""
    headers = {"X-Api-Key": "example-key", "X-Company": "harborline", "X-User-Id": "ops@harborline.example"}
    with httpx.Client(base_url=f"{base_url}/proton/harborline", headers=headers, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def meta(base_url: str) -> Iterator[httpx.Client]:
    """Return a client of the Cloud API with a token, for the number's messages."""
    headers = {"Authorization": "Bearer EAAexample"}
    with httpx.Client(base_url=f"{base_url}/meta/v23.0/100000000000001", headers=headers, timeout=60) as client:
        yield client


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Return a receiver of webhooks of this test's own."""
    with running_receiver() as found:
        yield found
