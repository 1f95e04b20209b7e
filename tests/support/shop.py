"""A shop in operation: ledger, broker, sandbox, and Hookyard's own processes, each startable and killable."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import Engine, Row, create_engine, text

from config.load import Config, load_config
from config.settings import Settings, load_settings
from tasks.actions.registry import make_catalog
from tests.support.programs import Program, answers, eventually, free_port
from tests.support.sandbox import Sandbox
from webhooks.examples import load_example
from worker import health
from worker.clock import system_clock
from worker.states import WORKER_HEARTBEAT

SIGNING_SECRET = "scalev-signing-secret"
OLD_SIGNING_SECRET = "scalev-signing-secret-of-last-year"
FLOW_SECRET = "wabotick-flow-url-secret"
PROTON_SECRET = "proton-webhook-secret"

ACCOUNTS = f"""
accounts:
  toko:
    vendor: scalev
    signing_secrets: ["{SIGNING_SECRET}", "{OLD_SIGNING_SECRET}"]
    api_key: sk_test_scalev
    base_url: "${{SANDBOX_URL}}/scalev/v3"
  wa:
    vendor: wabotick
    api_token: "1|test-wabotick-token"
    phone_number_id: "100000000000001"
    url_secrets: {{incoming: wabotick-incoming-url-secret, flow: ["{FLOW_SECRET}", wabotick-flow-old-url-secret]}}
    base_url: "${{SANDBOX_URL}}/wabotick/api/v1"
  crm:
    vendor: proton
    company: harborline
    user_id: ops@harborline.example
    api_key: proton-test-key
    webhook_auth: {{scheme: hmac, header: X-Proton-Signature, prefix: "sha256=", secrets: ["{PROTON_SECRET}"]}}
    base_url: "${{SANDBOX_URL}}/proton"
# Lifted, as tests send many messages to one person; those about limits set their own.
limits:
  scalev: {{per_second: null, per_hour: null}}
  wabotick: {{per_second: null, per_recipient_seconds: null}}
  proton: {{per_second: null}}
"""
EXAMPLE_RULES = Path(__file__).parents[2] / "config" / "examples" / "rules"


@dataclass
class Shop:
    """Everything a test of the whole needs; processes are started when asked for and killed at the end."""

    folder: Path
    database_url: str
    redis_url: str
    sandbox: Sandbox
    environ: dict[str, str] = field(init=False)
    engine: Engine = field(init=False)
    programs: list[Program] = field(default_factory=list)
    receiver_port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        """Write the configuration and the environment of the processes."""
        (self.folder / "config" / "rules").mkdir(parents=True)
        (self.folder / "config" / "accounts.yaml").write_text(ACCOUNTS)
        for path in EXAMPLE_RULES.glob("*.yaml"):
            (self.folder / "config" / "rules" / path.name).write_text(path.read_text())
        self.environ = {
            "HOOKYARD_CONFIG_DIR": str(self.folder / "config"),
            "HOOKYARD_DATA_DIR": str(self.folder / "var"),
            "HOOKYARD_DATABASE_URL": self.database_url.replace("postgresql+psycopg://", "postgresql://"),
            "HOOKYARD_REDIS_URL": self.redis_url,
            "HOOKYARD_RECEIVER_PORT": str(self.receiver_port),
            "HOOKYARD_LOG_FORMAT": "json",
            "HOOKYARD_COMPLETE_AFTER_SECONDS": "0",
            "HOOKYARD_REWAKE_SECONDS": "1",
            "HOOKYARD_LEASE_SECONDS": "4",
            "HOOKYARD_VENDOR_TIMEOUT_SECONDS": "2",
            "HOOKYARD_TEMPLATE_LIST_SECONDS": "0",  # faults that tests order are met by the messages themselves
            "SANDBOX_URL": self.sandbox.url,
        }
        self.engine = create_engine(self.database_url)

    # The configuration.

    @property
    def settings(self) -> Settings:
        """The settings as the processes read them."""
        return load_settings(self.environ)

    @property
    def config(self) -> Config:
        """The configuration as the processes read it."""
        return load_config(self.folder / "config", self.environ, make_catalog())

    def write_rules(self, yaml: str) -> None:
        """Replace all rules."""
        for path in (self.folder / "config" / "rules").glob("*.yaml"):
            path.unlink()
        (self.folder / "config" / "rules" / "test.yaml").write_text(yaml)

    # The processes.

    def start(self, name: str, **environ: str) -> Program:
        """Start `receiver`, `worker` or `beat` and return it at once."""
        number = len(self.programs)
        program = Program([name], {**self.environ, **environ}, self.folder / f"{number}-{name}.log")
        self.programs.append(program)
        return program

    def start_receiver(self, **environ: str) -> Program:
        """Start a receiver and wait until it answers."""
        program = self.start("receiver", **environ)
        program.wait_for(lambda: answers(f"{self.receiver_url}/healthz"), "the receiver answers")
        return program

    def start_worker(self, **environ: str) -> Program:
        """Start a worker and wait until it consumes; a beat must run, or be started first."""
        program = self.start("worker", **environ)
        program.wait_for(lambda: "worker.started" in program.log, "the worker has started")
        return program

    def start_all(self) -> None:
        """Start beat, worker and receiver, and wait until a heartbeat came through."""
        began = system_clock()
        self.start("beat")
        self.start_worker()
        self.start_receiver()

        def beats() -> bool:
            with self.engine.connect() as connection:
                beat = health.last_beat(connection, WORKER_HEARTBEAT)
            return beat is not None and beat >= began

        eventually(beats, "a heartbeat came through the queue")

    def stop(self) -> None:
        """Kill every process and leave nothing behind."""
        for program in self.programs:
            program.kill()
        self.engine.dispose()

    def command(self, *arguments: str) -> Program:
        """Run a `hookyard` command to its end and return it."""
        program = Program(list(arguments), self.environ, self.folder / f"command-{uuid4().hex}.log")
        program.process.wait(180)
        return program

    # The vendors.

    @property
    def receiver_url(self) -> str:
        """Where vendors post to."""
        return f"http://127.0.0.1:{self.receiver_port}"

    def post_scalev(self, body: Mapping[str, Any] | bytes, **headers: str) -> httpx.Response:
        """Post a Scalev event, signed as Scalev signs."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        signature = base64.b64encode(hmac.digest(SIGNING_SECRET.encode(), raw, hashlib.sha256)).decode()
        given = {"X-Scalev-Hmac-Sha256": signature, "Content-Type": "application/json", **headers}
        return httpx.post(f"{self.receiver_url}/webhooks/toko", content=raw, headers=given, timeout=60)

    def post_wabotick(
        self, body: Mapping[str, Any] | bytes, secret: str = FLOW_SECRET, query: str = ""
    ) -> httpx.Response:
        """Post a Wabotick event to one of its secret URLs."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.post(f"{self.receiver_url}/webhooks/wa/{secret}{query}", content=raw, timeout=60)

    def post_proton(self, body: Mapping[str, Any] | bytes) -> httpx.Response:
        """Post a Proton event, signed as the account's `webhook_auth` wants it."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        signature = "sha256=" + hmac.digest(PROTON_SECRET.encode(), raw, hashlib.sha256).hex()
        headers = {"X-Proton-Signature": signature}
        return httpx.post(f"{self.receiver_url}/webhooks/crm", content=raw, headers=headers, timeout=60)

    def know_order(self, number: str = "250804QWERTY", **data: Any) -> None:
        """Post order.created and wait until it is known, so that what is said next finds the order."""
        answer = self.post_scalev(order_created(number, **data)).raise_for_status()
        wanted = "SELECT 1 FROM events WHERE id = :id AND state = 'processed'"
        eventually(lambda: self.rows(wanted, id=answer.json()["id"]), f"order {number} is known")

    # The ledger.

    def rows(self, query: str, **values: Any) -> list[Row[Any]]:
        """Return what a query finds in the ledger."""
        with self.engine.connect() as connection:
            return list(connection.execute(text(query), values))

    def deliveries(self, state: str | None = None) -> list[Row[Any]]:
        """Return the deliveries, oldest first."""
        found = self.rows("SELECT * FROM deliveries ORDER BY id")
        return [row for row in found if state is None or row.state == state]

    def wait_for_deliveries(self, count: int, state: str) -> list[Row[Any]]:
        """Wait until so many deliveries are in a state, and return them."""
        eventually(lambda: len(self.deliveries(state)) >= count, f"{count} deliveries {state}")
        return self.deliveries(state)


def order_created(number: str = "250804QWERTY", **data: Any) -> dict[str, Any]:
    """Return a new order.created event for an order of this human number, with an id of its own."""
    body = load_example("scalev", "order.created")
    body["unique_id"] = f"event_{uuid4().hex[:24]}"
    body["data"] |= {"order_id": number, **data}
    return body


def order_status_changed(status: str, number: str = "250804QWERTY", **data: Any) -> dict[str, Any]:
    """Return a new order.status_changed event."""
    body = load_example("scalev", "order.status_changed")
    body["unique_id"] = f"event_{uuid4().hex[:24]}"
    body["data"] |= {"order_id": number, "status": status, **data}
    return body
