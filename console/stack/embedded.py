"""What the embedded servers share: a lock on their directory, leftovers stopped first, a start and stop without a
supervisor.

Invariant: whoever holds the lock on the directory is the only one with a server on it.
"""

import subprocess
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL, Signals
from types import TracebackType
from typing import Self

from console.stack import processes
from console.stack.directories import make_data_directory
from console.stack.errors import StackError
from console.stack.locks import FileLock
from console.stack.logs import last_lines
from console.stack.service import Service

_QUIT_SECONDS = 3.0


class EmbeddedServer(ABC):
    """One server with its data in `directory`; give `service()` to a Supervisor, or use `start()` and `stop()`."""

    title: str
    process_names: frozenset[str]
    leftover_signals: tuple[tuple[Signals, float], ...]

    def __init__(self, data_dir: Path, run_dir: Path, directory: str) -> None:
        """Keep the data in the folder `directory` of `data_dir`; nothing is touched before `prepare`."""
        self.data_dir = data_dir.resolve()
        self.run_dir = run_dir
        self.directory = self.data_dir / directory
        self._lock = FileLock(self.data_dir / f"{directory}.lock", f"{self.title} in {self.directory}")
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def service(self) -> Service:
        """Describe the server to a supervisor."""

    @abstractmethod
    def ready(self) -> bool:
        """Say whether the server answers."""

    def prepare(self) -> None:
        """Make everything ready for a start; also after a crash. Takes the lock on the data."""
        make_data_directory(self.data_dir)
        self._lock.acquire()
        self._stop_leftovers()
        self._prepare()

    def cleanup(self) -> None:
        """Remove what a stopped server left behind, and give the lock back."""
        if self._lock.held:
            self._stop_leftovers()
            self._remove_sockets()
            with suppress(OSError):  # the other server is still using it
                self.run_dir.rmdir()
            self._lock.release()

    def start(self) -> None:
        """Start the server without a supervisor and wait until it is ready. Call from the main thread."""
        try:
            self.prepare()
            service = self.service()
            self._process = processes.spawn(service)
            self._await_ready(self._process, service)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop a server that `start` started; harmless when there is none."""
        process, self._process = self._process, None
        if process is not None:
            service = self.service()
            _stop_child(process, service)
        self.cleanup()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @abstractmethod
    def _prepare(self) -> None:
        """Make the directories; no server runs on them."""

    @abstractmethod
    def _remove_sockets(self) -> None:
        """Remove sockets and pid files; no server uses them."""

    def _stop_leftovers(self) -> None:
        """Stop what a dead run left on our data: we hold the lock, so nobody else has a right to be there."""
        if not self.directory.exists():
            return
        found = processes.working_in(self.directory, self.process_names)
        processes.stop(processes.topmost(found), *self.leftover_signals)
        processes.await_end(found, _QUIT_SECONDS)

    def _await_ready(self, process: subprocess.Popen[bytes], service: Service) -> None:
        deadline = time.monotonic() + service.ready_seconds
        while not self.ready():
            if process.poll() is not None or time.monotonic() > deadline:
                output = "\n".join(last_lines(service.log_path)) if service.log_path else ""
                raise StackError(f"{self.title} did not start; the end of {service.log_path}:\n{output}")
            time.sleep(0.02)


def _stop_child(process: subprocess.Popen[bytes], service: Service) -> None:
    quit_first = [(service.quit_signal, _QUIT_SECONDS)] if service.quit_signal else []
    for number, seconds in ((service.stop_signal, service.stop_seconds), *quit_first, (SIGKILL, None)):
        process.send_signal(number)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return
