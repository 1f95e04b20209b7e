"""A supervisor in a process of its own, driven and looked at from outside."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.programs import eventually

REPOSITORY = Path(__file__).parents[3]
SLEEP = "import time; time.sleep(600)"


def is_alive(pid: int) -> bool:
    """Say whether a process runs; a zombie, which pid 1 may never reap, does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def processes_on(data_dir: Path) -> list[str]:
    """List the running processes whose command line, working directory or environment names the data directory."""
    return [text for process in psutil.process_iter() if (text := _describe(process, str(data_dir)))]


def _describe(process: psutil.Process, needle: str) -> str:
    try:
        if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
            return ""
        shown = f"{process.pid}: {process.cmdline()}"
        everything = [shown, process.cwd(), *process.environ().values()]
    except (psutil.Error, OSError):
        return ""
    return shown if any(needle in text for text in everything) else ""


def traces_in(data_dir: Path, run_dir: Path) -> list[str]:
    """List the lock, pid, note and socket files that are left."""
    names = ("*.lock", "up.*", "postgres/postmaster.pid", "postgres.initdb")
    found = [path for name in names for path in data_dir.glob(name)]
    return [str(path) for path in (*found, *([run_dir] if run_dir.exists() else []))]


class Up:
    """A supervisor process and what it has said."""

    def __init__(self, data_dir: Path, services: list[dict[str, Any]], *, servers: bool, ports: list[Any]) -> None:
        """Start it."""
        spec = {"data_dir": str(data_dir), "services": services, "servers": servers, "ports": ports}
        self.data_dir = data_dir
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("run_stack.py")), json.dumps(spec)],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []
        self.errors = ""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def await_line(self, text: str, count: int = 1) -> None:
        """Wait until it has said so often a line with this text."""

        def said() -> bool:
            assert self.process.poll() is None or self.count(text) >= count, f"it ended: {self.lines} {self.errors}"
            return self.count(text) >= count

        eventually(said, f"{text!r} in {self.lines}")

    def count(self, text: str) -> int:
        """Count the lines with this text."""
        return sum(text in line for line in self.lines)

    def position(self, text: str) -> int:
        """Return the number of the first line with this text."""
        return next(number for number, line in enumerate(self.lines) if text in line)

    def pids(self) -> dict[str, int]:
        """Return the pids it has noted."""
        notes = json.loads((self.data_dir / "up.children.json").read_text())
        return {note["name"]: note["pid"] for note in notes}

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal it and wait for its end."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for its end and return its status."""
        assert self.process.stderr is not None
        status = self.process.wait(90)
        self._reader.join(30)
        self.errors += self.process.stderr.read()
        return status

    def close(self) -> None:
        """Leave nothing behind, whatever the test did."""
        if self.process.poll() is None:
            self.process.kill()
        self.wait()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data directory that another user can reach, and whose processes are killed at the end."""
    # Not tmp_path: pytest closes its root again whenever another session starts, also to the user of PostgreSQL.
    with tempfile.TemporaryDirectory(prefix="stack-") as folder:
        path = Path(folder).resolve() / "data"
        yield path
        for process in psutil.process_iter():
            if _describe(process, str(path)):
                process.kill()
        eventually(lambda: not processes_on(path), "the end of what the test left")
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def up(data_dir: Path) -> Iterator[Callable[..., Up]]:
    """Start supervisors on the data directory."""
    started: list[Up] = []

    def start(*services: dict[str, Any], servers: bool = False, ports: list[Any] | None = None) -> Up:
        started.append(Up(data_dir, list(services), servers=servers, ports=ports or []))
        return started[-1]

    yield start
    for one in started:
        one.close()
