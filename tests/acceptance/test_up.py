"""`hookyard up`, as a user starts and stops it: everything at once, from one command, on ports of its own."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.programs import Program, eventually, free_port
from tests.support.sandbox import Sandbox

PORTS = ("HOOKYARD_RECEIVER_PORT", "HOOKYARD_CONSOLE_PORT", "HOOKYARD_FLOWER_PORT", "HOOKYARD_SANDBOX_PORT")


class Installation:
    """A data directory with its ports, and the commands of a second terminal."""

    def __init__(self, folder: Path) -> None:
        self.environ = {name: str(free_port()) for name in PORTS}
        self.environ |= {"HOOKYARD_DATA_DIR": str(folder / "var"), "HOOKYARD_COMPLETE_AFTER_SECONDS": "0"}
        self._folder = folder
        self._programs: list[Program] = []

    def up(self) -> Program:
        """Start everything, and wait until it says that it is ready."""
        log = self._folder / f"up-{len(self._programs)}.log"
        program = Program(["up", "--sandbox"], self.environ, log)
        self._programs.append(program)
        program.wait_for(lambda: "Hookyard is ready" in program.log, "everything is ready")
        return program

    def hookyard(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command as in a second terminal."""
        command = [sys.executable, "-m", "console.cli.main", *arguments]
        return subprocess.run(command, env=self.environ, capture_output=True, text=True, timeout=60, check=False)

    def json(self, *arguments: str) -> Any:
        """Run a command with --json and return its document."""
        done = self.hookyard(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def wait_for_succeeded(self, count: int) -> list[dict[str, Any]]:
        """Wait until so many deliveries have succeeded."""
        eventually(
            lambda: len(self.json("deliveries", "--state", "succeeded")) >= count, f"{count} deliveries succeeded"
        )
        found: list[dict[str, Any]] = self.json("deliveries", "--state", "succeeded")
        return found

    def processes(self) -> list[psutil.Process]:
        """Return every process that works on this data directory."""
        folder = self.environ["HOOKYARD_DATA_DIR"]
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("HOOKYARD_DATA_DIR") == folder or process.cwd().startswith(folder):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def kill_everything(self) -> None:
        """End all of it with kill -9, at once."""
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):  # it may have ended when its parent did
                process.kill()
        for program in self._programs:
            program.kill()


@pytest.fixture
def installation() -> Iterator[Installation]:
    """A fresh data directory; whatever still runs on it afterwards is killed."""
    folder = Path(tempfile.mkdtemp(prefix="hookyard-up-"))
    found = Installation(folder)
    yield found
    found.kill_everything()
    shutil.rmtree(folder, ignore_errors=True)


def test_the_three_flows_run_from_the_command_line(installation: Installation) -> None:
    """What the README shows: send the events in a second terminal, read the story, find the effects at the vendors."""
    up = installation.up()

    for arguments in (
        ("send", "scalev", "order.created"),
        ("send", "scalev", "order.status_changed"),
        ("send", "proton", "customer.created"),
        ("send", "wabotick", "postback"),
    ):
        done = installation.hookyard(*arguments)
        assert (done.returncode, done.stderr) == (0, "")
    deliveries = installation.wait_for_succeeded(4)

    sandbox = Sandbox(f"http://127.0.0.1:{installation.environ['HOOKYARD_SANDBOX_PORT']}")
    assert [message["variables"] for message in sandbox.effects("message")] == [["Budi Contoh", "JX1234567890"]]
    assert [opportunity["customer_id"] for opportunity in sandbox.effects("opportunity")] == ["HL-20418"]
    assert [change["order_id"] for change in sandbox.effects("order_status")] == ["250804ASDFGH"]
    sandbox.close()
    story = installation.json("show", deliveries[0]["id"])
    assert story["deliveries"][0]["tries"][0]["state"] == "succeeded"
    assert installation.hookyard("doctor").returncode == 0
    assert up.stop(signal.SIGINT) == 0
    assert installation.processes() == []


def test_a_start_after_kill_9_of_everything_goes_on_with_the_same_data(installation: Installation) -> None:
    """Nothing a dead run left behind keeps the next one from starting, and the ledger is as it was."""
    installation.up()
    installation.hookyard("send", "scalev", "order.created")
    before = installation.json("events")
    installation.kill_everything()

    again = installation.up()

    assert installation.json("events") == before
    assert again.stop(signal.SIGINT) == 0
    assert installation.processes() == []


def test_taken_ports_are_named_in_one_error(installation: Installation) -> None:
    """Every port that is taken is told at once, with the setting that moves it, and nothing is left running."""
    first = installation.up()
    installation.environ["HOOKYARD_DATA_DIR"] += "-of-another"

    refused = installation.hookyard("up", "--sandbox")

    assert refused.returncode == 1
    assert all(name in refused.stderr for name in PORTS)
    assert installation.processes() == []
    first.stop(signal.SIGINT)
