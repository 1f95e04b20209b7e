"""Start Hookyard's own programs as real processes, and end them as a crash or an operator would."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import httpx
import psutil

PATIENCE_SECONDS = 90.0
"""Long: it is only ever waited out where something is wrong, and a loaded machine starts programs slowly."""


_PORTS = (11_000, 32_000)
"""Below those that outgoing calls leave from: one of them could take the port before its program does."""


def free_port() -> int:
    """Return a port that nothing listens on, none of those that the system gives to whoever asks for any."""
    while True:
        port = random.randrange(*_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def eventually(condition: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Ask again and again until a condition holds; fail with `what` when it does not in time."""
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, f"did not happen within {seconds:g} s: {what}"
        time.sleep(0.05)


class Program:
    """One process of Hookyard: `Program(["worker"], environ, log_path)`."""

    def __init__(
        self, arguments: list[str], environ: Mapping[str, str], log_path: Path, *, module: str = "console.cli.main"
    ) -> None:
        self._log_path = log_path
        with log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env={**os.environ, **environ, "PYTHONUNBUFFERED": "1"},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        """Everything it has printed."""
        return self._log_path.read_text("utf-8", "replace")

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        """Wait until a condition holds while the process lives."""

        def holds() -> object:
            assert self.process.poll() is None, (
                f"ended with {self.process.returncode} before {what}:\n{self.log[-3000:]}"
            )
            return condition()

        eventually(holds, f"{what}; its log:\n{self.log[-3000:]}")

    def family(self) -> list[psutil.Process]:
        """Return the process and its children."""
        try:
            parent = psutil.Process(self.process.pid)
            return [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """End it and its children with kill -9."""
        for process in self.family():
            process.kill()
        self.process.wait(PATIENCE_SECONDS)

    def stop(self, number: int = signal.SIGTERM, seconds: float = 20) -> int:
        """Ask it to end and return its exit status; killed when it does not."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        return self.process.returncode


def answers(url: str) -> bool:
    """Whether a server answers 200 at an address."""
    try:
        return httpx.get(url, timeout=60).status_code == 200
    except httpx.HTTPError:
        return False
