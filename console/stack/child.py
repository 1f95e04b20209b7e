"""One service of the supervisor at run time: its process, its output, its way from start to end.

Invariant: when `ended` returns, nothing that the process started is left.
"""

import os
import select
import selectors
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from signal import SIGKILL, Signals
from typing import IO

import psutil

from console.stack import processes
from console.stack.leftovers import Note, note
from console.stack.logs import last_lines
from console.stack.output import Lines, Output
from console.stack.service import Service

_PROBE_SECONDS = 0.05
_QUIT_SECONDS = 3.0
_DRAIN_READS = 100


class State(StrEnum):
    """Where a service is on its way."""

    WAITING = "waiting"  # for its time or for the services it needs
    STARTING = "starting"
    READY = "ready"  # a oneshot: it has done its work
    STOPPING = "stopping"


class Child:
    """The process of one service; used by one thread, apart from the probe."""

    def __init__(
        self, service: Service, marker: str, output: Output, selector: selectors.BaseSelector, wake: Callable[[], None]
    ) -> None:
        """Prepare a child that waits to be started; `wake` is called when it turned out to be ready."""
        self.service = service
        self.state = State.WAITING
        self.due = 0.0  # when to start, in monotonic seconds
        self.failures = 0
        self.was_ready = False
        self.was_prepared = False
        self.complained = False
        self.since = 0.0
        self.note: Note | None = None
        self._marker = marker
        self._output = output
        self._selector = selector
        self._wake = wake
        self._process: subprocess.Popen[bytes] | None = None
        self._lines = Lines()
        self._probed = threading.Event()
        self._probe_over = threading.Event()
        self._family: list[psutil.Process] = []
        self._signals: list[tuple[Signals, float]] = []
        self._next_signal = 0.0

    @property
    def pid(self) -> int | None:
        """Return the pid while there is a process that was not waited for."""
        return self._process.pid if self._process else None

    @property
    def probed(self) -> bool:
        """Say whether the running process has been seen to be ready."""
        return self._probed.is_set()

    def start(self) -> None:
        """Start the process and ask in the background whether it is ready."""
        self.since = time.monotonic()
        self.was_prepared = True
        self.complained = False
        self.service.prepare()
        self._lines = Lines()
        self._process = processes.spawn(self.service, self._marker)
        self.state = State.STARTING
        self.take_note()
        if self._process.stdout is not None:
            os.set_blocking(self._process.stdout.fileno(), False)
            self._selector.register(self._process.stdout, selectors.EVENT_READ, self)
        self._probed, self._probe_over = threading.Event(), threading.Event()
        if not self.service.oneshot:
            threading.Thread(target=self._probe, args=(self._probed, self._probe_over), daemon=True).start()

    def take_note(self) -> None:
        """Note what the process looks like now, for the next run."""
        pid = self.pid
        self.note = note(self.service, pid) if pid else None

    def read(self) -> None:
        """Pass on what the process has written."""
        pipe = self._process.stdout if self._process else None
        if pipe is None or pipe.closed:
            return
        with suppress(BlockingIOError):
            data = os.read(pipe.fileno(), 65_536)
            self._output.write(self.service.name, self._lines.feed(data))
            if not data:
                self._selector.unregister(pipe)
                pipe.close()

    def last_lines(self) -> list[str]:
        """Return the end of what the process has written."""
        return last_lines(self.service.log_path) if self.service.log_path else list(self._lines.last)

    def begin_stop(self, now: float) -> None:
        """Ask the process to end; `go_on_stopping` asks again, less and less kindly."""
        if self.state is State.STOPPING:
            return
        self.state = State.STOPPING
        self._probe_over.set()
        self._family = self._descendants()
        quit_first = [(self.service.quit_signal, _QUIT_SECONDS)] if self.service.quit_signal else []
        self._signals = [(self.service.stop_signal, self.service.stop_seconds), *quit_first, (SIGKILL, float("inf"))]
        self._next_signal = now

    def go_on_stopping(self, now: float) -> Signals | None:
        """Send the next signal when the grace of the last is over, and return it."""
        if self.state is not State.STOPPING or now < self._next_signal or self._process is None:
            return None
        number, seconds = self._signals.pop(0)
        self._next_signal = now + seconds
        os.kill(self._process.pid, number)  # not Popen.send_signal: that would reap it, which is the supervisor's task
        return number

    def kill(self, now: float) -> None:
        """End the process at once."""
        self.begin_stop(now)
        if self._signals:
            self._signals = [(SIGKILL, float("inf"))]
            self._next_signal = now
            self.go_on_stopping(now)
            self._signals = []

    def ended(self, returncode: int) -> None:
        """Clear up behind a process that was waited for: its descendants, its pipe, its probe."""
        process, self.note = self._process, None
        if process is None:
            return
        process.returncode = returncode
        self._probe_over.set()
        self._kill_rest(process.pid)
        self._drain(process.stdout)
        self._output.write(self.service.name, self._lines.feed(b""))
        self._process = None
        self.state = State.WAITING

    def _probe(self, probed: threading.Event, over: threading.Event) -> None:
        while not over.is_set():
            with suppress(Exception):  # whatever goes wrong, it is not ready
                if self.service.ready():
                    probed.set()
                    self._wake()
                    return
            over.wait(_PROBE_SECONDS)

    def _kill_rest(self, pid: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, SIGKILL)
        marker = f"{self._marker}:{self.service.name}"
        processes.await_end([*self._family, *processes.marked(marker)], 0)
        self._family = []

    def _descendants(self) -> list[psutil.Process]:
        """List them while they still hang together: some leave our session, and some hide their environment."""
        try:
            return psutil.Process(self.pid).children(recursive=True)
        except psutil.Error:
            return []

    def _drain(self, pipe: IO[bytes] | None) -> None:
        """Read what is left, but not for ever: somebody may have passed the pipe on."""
        for _ in range(_DRAIN_READS):
            if pipe is None or pipe.closed or not select.select([pipe], [], [], 0)[0]:
                break
            self.read()
        if pipe is not None and not pipe.closed:
            self._selector.unregister(pipe)
            pipe.close()
