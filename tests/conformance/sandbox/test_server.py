"""The process itself: start, credentials, limits, end. Invariant: it ends at once, whatever hangs."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import httpx
import pytest

Starter = Callable[..., AbstractContextManager[tuple[str, "subprocess.Popen[str]"]]]

CREDENTIALS = {"SANDBOX_SCALEV_KEY": "sk_1", "SANDBOX_WABOTICK_TOKEN": "1|tok", "SANDBOX_PROTON_KEY": "pk"}


def statuses(url: str, scalev: str, wabotick: str, proton: str) -> list[int]:
    form = {"apiToken": wabotick, "phone_number_id": "100000000000001"}
    headers = {"X-Api-Key": proton, "X-Company": "harborline", "X-User-Id": "u"}
    return [
        httpx.get(f"{url}/scalev/v3/me", headers={"Authorization": f"Bearer {scalev}"}).status_code,
        httpx.post(f"{url}/wabotick/api/v1/whatsapp/template/list", data=form).status_code,
        httpx.get(f"{url}/proton/harborline/v1/customers/HL-20418", headers=headers).status_code,
    ]


def test_demands_the_credentials_of_its_environment(start_sandbox: Starter, base_url: str) -> None:
    """With the three variables set, only those keys are accepted; without them any key is."""
    with start_sandbox(**CREDENTIALS) as (url, _):
        assert statuses(url, "sk_1", "1|tok", "pk") == [200, 200, 200]
        assert statuses(url, "sk_2", "1|other", "other") == [401, 401, 401]
        form = {"apiToken": "1|other"}
        wrong = httpx.post(f"{url}/wabotick/api/v1/whatsapp/send", data=form)
        assert wrong.json() == {"status": "0", "message": "Unauthenticated."}

    assert statuses(base_url, "any", "any", "any") == [200, 200, 200]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_quickly_with_hanging_and_slow_requests(start_sandbox: Starter, number: signal.Signals) -> None:
    """A signal ends it with status 0 long before its requests would end, though clients are waiting."""
    with start_sandbox() as (url, process):
        faults = [{"vendor": "scalev", "hang": True}, {"vendor": "proton", "delay_seconds": 600}]
        httpx.put(f"{url}/_sandbox/faults", json=faults)
        outcomes: list[str] = []

        def wait_for(path: str) -> None:
            try:
                httpx.get(f"{url}{path}", timeout=300)
            except httpx.TransportError as error:
                outcomes.append(type(error).__name__)

        waiting = [threading.Thread(target=wait_for, args=(path,)) for path in ("/scalev/v3/me", "/proton/x/y")]
        for thread in waiting:
            thread.start()
        while httpx.get(f"{url}/_sandbox").json()["requests"] < 2:
            time.sleep(0.01)
        process.send_signal(number)

        assert process.wait(timeout=60) == 0
        for thread in waiting:
            thread.join(timeout=30)
        assert len(outcomes) == 2


def test_says_when_the_port_is_taken(base_url: str) -> None:
    """A taken port is one line on stderr and status 1."""
    port = base_url.rpartition(":")[2]
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", "--port", port], capture_output=True, text=True, timeout=30, check=False
    )

    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_explains_itself() -> None:
    """`--help` names the options and the variables."""
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", "--help"], capture_output=True, text=True, timeout=30, check=True
    )

    for word in ("--host", "--port", "--seed", "SANDBOX_WEBHOOKS", "SANDBOX_META_TOKEN", *CREDENTIALS):
        assert word in done.stdout


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/scalev/v3/orders/change-status", 413),
        ("/wabotick/api/v1/whatsapp/send", 413),
        ("/proton/harborline/opportunities", 413),
        ("/_sandbox/faults", 413),
    ],
)
def test_refuses_bodies_over_two_megabytes(sandbox: httpx.Client, path: str, status: int) -> None:
    """Two megabytes pass the size check, more does not."""
    headers = {
        "Authorization": "Bearer k",
        "X-Api-Key": "k",
        "X-Company": "harborline",
        "X-User-Id": "u",
        "Content-Type": "application/json",
    }
    small = sandbox.post(path, content=b"[" + b" " * (2 * 1024 * 1024 - 2) + b"]", headers=headers)
    large = sandbox.post(path, content=b" " * (2 * 1024 * 1024 + 1), headers=headers)

    assert small.status_code in (302, 400)
    assert large.status_code == status


def test_survives_a_body_that_is_not_the_encoding_it_claims(base_url: str) -> None:
    """A false Content-Encoding is a 400, not a crash."""
    headers = {"Authorization": "Bearer k", "Content-Encoding": "gzip", "Content-Type": "application/json"}
    answer = httpx.post(f"{base_url}/scalev/v3/orders/change-status", content=b"not gzip", headers=headers)

    assert answer.status_code == 400
    assert "Traceback" not in answer.text


def test_answers_head_and_odd_methods(base_url: str) -> None:
    """Methods no vendor has are a 4xx, HEAD without a body."""
    headers = {"Authorization": "Bearer k"}

    assert httpx.head(f"{base_url}/scalev/v3/me", headers=headers).status_code == 405
    assert httpx.options(f"{base_url}/scalev/v3/me", headers=headers).status_code == 405
    assert httpx.request("BREW", f"{base_url}/scalev/v3/me", headers=headers).status_code == 400
