"""Starts services, watches them, starts them again, and stops them in order: what `hookyard up` runs.

One thread and one loop: signals, ends of children, their output and their readiness wake the same `select`.
Invariant: `run` returns or raises only after every process it started has ended.
"""

import os
import selectors
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TextIO

from console.stack import processes
from console.stack.child import Child, State
from console.stack.directories import make_data_directory
from console.stack.errors import StackError
from console.stack.leftovers import stop_leftovers, write_notes
from console.stack.locks import FileLock
from console.stack.logs import bound_log
from console.stack.output import Output
from console.stack.ports import check_ports
from console.stack.service import Service, nothing
from console.stack.stop_requests import Requests

_BACKOFF_SECONDS, _MAX_BACKOFF_SECONDS = 0.5, 30.0
_HEALTHY_SECONDS = 60.0  # who ran this long starts with a short wait again
_KILLS_AT_START = 3  # then it is no accident
_TICK_SECONDS, _IDLE_SECONDS = 0.1, 30.0


class Supervisor:
    """Runs services on a data directory until it is told to stop."""

    def __init__(
        self,
        data_dir: Path,
        services: Sequence[Service],
        *,
        ports: Iterable[tuple[int, str, str, str]] = (),
        stream: TextIO | None = None,
        colour: bool | None = None,
    ) -> None:
        """Describe the run: `ports` are what `check_ports` takes, `stream` (default stdout) gets all lines."""
        names = [service.name for service in services]
        if len(set(names)) != len(names) or not {name for s in services for name in s.after} <= set(names):
            raise ValueError("services need different names, and `after` names of other services")
        order = list(TopologicalSorter({service.name: service.after for service in services}).static_order())
        self._data_dir = data_dir.resolve()
        self._services = sorted(services, key=lambda service: order.index(service.name))
        self._ports = list(ports)
        self._output = Output(stream or sys.stdout, names, colour=colour)
        self._lock = FileLock(self._data_dir / "up.lock", f"the data directory {self._data_dir}")
        self._notes = self._data_dir / "up.children.json"
        self._requests = Requests()
        self._children: dict[str, Child] = {}
        self._logs_bounded = 0.0

    def run(self, on_ready: Callable[[], None] = nothing) -> None:
        """Start everything, call `on_ready` once all are ready, and supervise until SIGINT, SIGTERM or `stop`.

        Call from the main thread of a process that starts no other processes. Raises StackError when the data
        directory is in use, a port is taken, or a service does not become ready; nothing runs any more then.
        """
        make_data_directory(self._data_dir)
        with ExitStack() as stack:
            self._lock.acquire()
            stack.callback(self._lock.release)
            stack.enter_context(self._requests)
            self._selector = stack.enter_context(selectors.DefaultSelector())
            self._selector.register(self._requests, selectors.EVENT_READ)
            processes.adopt_orphans()
            marker = processes.marker_of(self._data_dir)
            stop_leftovers(self._notes, marker, self._output.say)
            check_ports(self._ports)
            stack.callback(self._stop_everything, marker)
            self._children = {
                service.name: Child(service, marker, self._output, self._selector, self._requests.ring)
                for service in self._services
            }
            self._supervise(on_ready)

    def stop(self) -> None:
        """Ask for an orderly stop; from any thread."""
        self._requests.ask_to_stop()

    def _supervise(self, on_ready: Callable[[], None]) -> None:
        announced = False
        while not self._requests.stop:
            for child, returncode in self._reap():
                self._after_end(child, returncode)
            for child in self._children.values():
                self._advance(child, time.monotonic())
            if not announced and self._all_ready():
                announced = True
                on_ready()
            self._bound_logs()
            self._wait(_IDLE_SECONDS if self._all_ready() else _TICK_SECONDS)

    def _advance(self, child: Child, now: float) -> None:
        service = child.service
        if child.state is State.WAITING:
            if now >= child.due and all(self._children[name].state is State.READY for name in service.after):
                self._start(child)
        elif child.state is State.STARTING and child.probed:
            again = " again" if child.was_ready else ""
            self._output.say(f"{service.name} is ready{again} ({now - child.since:.1f} s)")
            self._become_ready(child)
        elif child.state is State.STARTING and now - child.since > service.ready_seconds and not child.complained:
            if not child.was_ready:
                raise StackError(self._story(child, f"was not ready within {service.ready_seconds:g} s"))
            child.complained = True
            self._output.say(f"{service.name} is still not ready after {service.ready_seconds:g} s")

    def _start(self, child: Child) -> None:
        try:
            child.start()
        except (StackError, OSError) as error:
            if not child.was_ready:
                raise StackError(f"{child.service.name} cannot be started: {error}") from error
            self._start_later(child, f"cannot be started: {error}")
        self._write_notes()

    def _become_ready(self, child: Child) -> None:
        child.state = State.READY
        child.was_ready = True
        child.since = time.monotonic()
        child.take_note()  # once more, as some change the title they show
        self._write_notes()

    def _after_end(self, child: Child, returncode: int) -> None:
        how = f"was killed by {_signal_name(-returncode)}" if returncode < 0 else f"ended with status {returncode}"
        if child.service.oneshot and returncode == 0:
            self._output.say(f"{child.service.name} is done ({time.monotonic() - child.since:.1f} s)")
            self._become_ready(child)
        elif not child.was_ready and (returncode >= 0 or child.failures >= _KILLS_AT_START):
            raise StackError(self._story(child, f"{how} before it was ready"))
        else:
            self._start_later(child, how)

    def _start_later(self, child: Child, how: str) -> None:
        """Start a service again after a while that doubles with every failure."""
        now = time.monotonic()
        if now - child.since > _HEALTHY_SECONDS:
            child.failures = 0
        wait = min(_BACKOFF_SECONDS * 2 ** min(child.failures, 10), _MAX_BACKOFF_SECONDS)
        child.failures += 1
        child.due = now + wait
        self._output.say(f"{child.service.name} {how}: starting it again in {wait:g} s")
        self._write_notes()

    def _stop_everything(self, marker: str) -> None:
        """Stop each service once those that need it have ended, then remove every trace."""
        if any(child.pid for child in self._children.values()):
            self._output.say("stopping")
        while any(child.pid for child in self._children.values()):
            now = time.monotonic()
            for child in reversed(self._children.values()):
                if child.pid and self._requests.kill:
                    child.kill(now)
                elif child.pid and not self._needed(child):
                    self._stop(child, now)
            self._wait(_TICK_SECONDS)
            for child, _ in self._reap():
                self._output.say(f"{child.service.name} has stopped")
        processes.await_end(processes.marked(marker), 0)
        for child in reversed(self._children.values()):
            if child.was_prepared:
                self._clean_up(child)
        self._notes.unlink(missing_ok=True)
        self._reap()

    def _stop(self, child: Child, now: float) -> None:
        child.begin_stop(now)
        sent = child.go_on_stopping(now)
        if sent and sent is not child.service.stop_signal:
            self._output.say(f"{child.service.name} does not stop: sent {sent.name}")

    def _clean_up(self, child: Child) -> None:
        try:
            child.service.cleanup()
        except (StackError, OSError) as error:
            self._output.say(f"{child.service.name} left something behind: {error}")

    def _needed(self, child: Child) -> bool:
        return any(other.pid and child.service.name in other.service.after for other in self._children.values())

    def _all_ready(self) -> bool:
        return all(child.state is State.READY for child in self._children.values())

    def _reap(self) -> list[tuple[Child, int]]:
        """Wait for all ended children, also for adopted orphans, and return ours with their return codes."""
        ended = []
        with suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                child = next((child for child in self._children.values() if child.pid == found[0]), None)
                if child:
                    returncode = os.waitstatus_to_exitcode(found[1])
                    child.ended(returncode)
                    ended.append((child, returncode))
        return ended

    def _wait(self, seconds: float) -> None:
        """Sleep until something happens, passing on output."""
        for key, _ in self._selector.select(seconds):
            if isinstance(key.data, Child):
                key.data.read()
            else:
                self._requests.answer()

    def _story(self, child: Child, what: str) -> str:
        lines = child.last_lines()
        return "\n".join([f"{child.service.name} {what}{'; its last lines:' if lines else ''}", *lines])

    def _write_notes(self) -> None:
        with suppress(OSError):  # a full disk is no reason to end; the next run finds them by their marker as well
            write_notes(self._notes, [child.note for child in self._children.values() if child.note])

    def _bound_logs(self) -> None:
        if time.monotonic() - self._logs_bounded > _IDLE_SECONDS:
            self._logs_bounded = time.monotonic()
            for path in {service.log_path for service in self._services if service.log_path}:
                bound_log(path)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # the real-time signals have none
        return f"signal {number}"
