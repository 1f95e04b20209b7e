"""What a benchmark runs on: PostgreSQL and Redis of its own, the sandbox, and Hookyard's own processes.

Invariant: everything lives in a temporary folder and ends with the benchmark, however it ends; the settings are the
defaults, so that what is measured is what is shipped.
"""

import os
import shutil
import socket
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from signal import SIGTERM
from subprocess import Popen, TimeoutExpired

import httpx
import psutil
from sqlalchemy import Engine, create_engine

from bench.orders import ACCOUNT, SIGNING_SECRET
from config.settings import PREFIX, Settings
from console.stack.directories import run_directory
from console.stack.logs import last_lines
from console.stack.postgres import EmbeddedPostgres
from console.stack.processes import spawn
from console.stack.redis import EmbeddedRedis
from console.stack.service import Service
from worker.ledger.migrating import migrate

PATIENCE_SECONDS = 60.0
SEND_TEMPLATE = "/wabotick/api/v1/whatsapp/send/template"

_ACCOUNTS = f"""
accounts:
  {ACCOUNT}:
    vendor: scalev
    signing_secrets: ["{SIGNING_SECRET}"]
    api_key: bench
    base_url: "${{SANDBOX_URL}}/scalev/v3"
  wa:
    vendor: wabotick
    api_token: bench
    phone_number_id: "100000000000001"
    url_secrets: {{flow: bench-flow-secret}}
    base_url: "${{SANDBOX_URL}}/wabotick/api/v1"
  crm:
    vendor: proton
    company: harborline
    user_id: ops@harborline.example
    api_key: bench
    webhook_auth: {{scheme: hmac, header: X-Proton-Signature, secrets: [bench-proton-secret]}}
    base_url: "${{SANDBOX_URL}}/proton"
# Lifted: what is measured is how fast we are, not how fast a vendor wants it.
limits:
  scalev: {{per_second: null, per_hour: null}}
  wabotick: {{per_second: null, per_recipient_seconds: null}}
  proton: {{per_second: null}}
"""
_RULES = """
rules:
  - name: bench
    on: [scalev.order.created]
    steps:
      - action: wabotick.send_template
        account: wa
        once: "{{ order.order_id }}:created"
        with:
          phone_number: "{{ order.phone }}"
          template_id: "257000"
          variables: ["{{ order.customer_name }}", "{{ order.order_id }}"]
"""


class BenchError(Exception):
    """A benchmark could not be run; the text says why."""


class Stage:
    """Servers and processes of one benchmark."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        """Write the configuration; nothing runs yet."""
        self.folder, self._stack = folder, stack
        self.receiver_port, self.bare_port, self.sandbox_port = free_port(), free_port(), free_port()
        self.sandbox_url = f"http://127.0.0.1:{self.sandbox_port}"
        (folder / "config" / "rules").mkdir(parents=True)
        (folder / "config" / "accounts.yaml").write_text(_ACCOUNTS, encoding="utf-8")
        (folder / "config" / "rules" / "bench.yaml").write_text(_RULES, encoding="utf-8")
        self.environ = clean_environment() | {
            "HOOKYARD_CONFIG_DIR": str(folder / "config"),
            "HOOKYARD_DATA_DIR": str(folder / "var"),
            "HOOKYARD_RECEIVER_PORT": str(self.receiver_port),
            "HOOKYARD_LOG_FORMAT": "json",
            # A call an hour that the bare vendors do not answer; every other call is one of the figures.
            "HOOKYARD_TEMPLATE_LIST_SECONDS": "0",
            "SANDBOX_URL": self.sandbox_url,
        }

    def start_servers(self) -> None:
        """Start PostgreSQL and Redis and make the ledger's tables."""
        run_dir = run_directory(self.folder)
        postgres = self._stack.enter_context(EmbeddedPostgres(self.folder, run_dir))
        redis = self._stack.enter_context(EmbeddedRedis(self.folder, run_dir))
        self.environ["HOOKYARD_DATABASE_URL"] = postgres.dsn().replace("postgresql+psycopg://", "postgresql://")
        self.environ["HOOKYARD_REDIS_URL"] = redis.url
        self.ledger: Engine = create_engine(postgres.dsn())
        self._stack.callback(self.ledger.dispose)
        migrate(self.ledger)

    def start_sandbox(self) -> "Vendors":
        """Start the sandbox vendors."""
        arguments = ["-m", "sandbox", "--host", "127.0.0.1", "--port", str(self.sandbox_port)]
        self._start("sandbox", arguments, lambda: answers(f"{self.sandbox_url}/_sandbox"))
        client = self._stack.enter_context(httpx.Client(base_url=self.sandbox_url, timeout=30, trust_env=False))
        return Vendors(client)

    def start_receiver(self) -> Popen[bytes]:
        """Start the receiver."""
        return self._start_command("receiver", lambda: answers(f"http://127.0.0.1:{self.receiver_port}/healthz"))

    def start_bare(self) -> Popen[bytes]:
        """Start the application that only answers."""
        own = {"HOOKYARD_RECEIVER_PORT": str(self.bare_port), "BENCH_VENDOR_URL": self.sandbox_url + SEND_TEMPLATE}
        return self._start(
            "bare", ["-m", "bench.bare"], lambda: answers(f"http://127.0.0.1:{self.bare_port}/healthz"), own
        )

    def start_workers(self) -> list[Popen[bytes]]:
        """Start beat and as many workers as `hookyard up` does, and wait until they consume."""
        self._start_command("beat", lambda: True)
        count = int(Settings.model_fields["worker_processes"].default)
        return [self._start_worker(self.folder / f"worker-{number}.log") for number in range(count)]

    def start_console(self, ready: Callable[[], bool]) -> Popen[bytes]:
        """Start the console."""
        return self._start_command("console", ready)

    def _start_worker(self, log: Path) -> Popen[bytes]:
        arguments = ["-m", "console.cli.main", "worker"]
        return self._start(log.stem, arguments, lambda: "worker.started" in log.read_text("utf-8", "replace"))

    def _start_command(self, name: str, ready: Callable[[], bool]) -> Popen[bytes]:
        return self._start(name, ["-m", "console.cli.main", name], ready)

    def _start(
        self, name: str, arguments: Sequence[str], ready: Callable[[], bool], environ: dict[str, str] | None = None
    ) -> Popen[bytes]:
        log_path = self.folder / f"{name}.log"
        service = Service(
            name=name, argv=[sys.executable, *arguments], env=self.environ | (environ or {}), ready=ready,
            log_path=log_path,
        )  # fmt: skip
        process = spawn(service)
        self._stack.callback(end, process)
        wait_until(ready, f"{name} is ready", process, log_path)
        return process


class Vendors:
    """The sandbox as benchmarks use it."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def take(self, seconds: float) -> None:
        """Let every call take so long."""
        fault = {"vendor": "*", "delay_seconds": seconds}
        self._client.put("/_sandbox/faults", json=[fault]).raise_for_status()

    def clear(self) -> None:
        """Forget what was received."""
        self._client.delete("/_sandbox/requests").raise_for_status()

    def count(self) -> int:
        """Return how many requests were received."""
        return int(self._client.get("/_sandbox").raise_for_status().json()["requests"])

    def requests(self) -> list[dict[str, object]]:
        """Return what was received, in order."""
        found: list[dict[str, object]] = self._client.get("/_sandbox/requests").raise_for_status().json()
        return found


@contextmanager
def open_stage() -> Iterator[Stage]:
    """Make a stage in a temporary folder (TMPDIR says where: it should be on a real disk), and remove it."""
    folder = Path(tempfile.mkdtemp(prefix="hookyard-bench-"))
    try:
        with ExitStack() as stack:
            yield Stage(folder, stack)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def clean_environment() -> dict[str, str]:
    """Return this environment without the settings of another installation."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Whether a server answers 200 at an address."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - our own servers
            return int(response.status) == 200
    except OSError:
        return False


def wait_until(
    condition: Callable[[], bool], what: str, process: Popen[bytes], log_path: Path, seconds: float = PATIENCE_SECONDS
) -> None:
    """Wait for a condition while a process lives; BenchError with the end of its log otherwise."""
    give_up_at = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None or time.monotonic() > give_up_at:
            raise BenchError("\n".join([f"did not happen: {what}", *last_lines(log_path)]))
        time.sleep(0.02)


def end(process: Popen[bytes], seconds: float = 30) -> None:
    """Ask a process to end; kill it and its children when it does not."""
    if process.poll() is None:
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(SIGTERM)
        try:
            process.wait(seconds)
        except TimeoutExpired:
            process.kill()
            for member in family:
                with suppress(psutil.NoSuchProcess):
                    member.kill()
            process.wait()
    if process.stdout:
        process.stdout.close()
