"""What a run notes about its processes, so that the next one can stop what a `kill -9` left.

Invariant: a noted process is only stopped when its start time and its command line are the noted ones.
"""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from signal import SIGTERM, Signals

import psutil

from console.stack import processes
from console.stack.service import Service

_GRACE_SECONDS = 3.0  # for what was not noted
# The clock may have been set and the boot time is only known to a second, so start times are not compared exactly.
_CREATE_TIME_TOLERANCE = 2.0


@dataclass(frozen=True, slots=True)
class Note:
    """One process: `argv` is what we started, `title` what it showed once it was ready (Redis rewrites it)."""

    name: str
    pid: int
    create_time: float
    argv: list[str]
    title: list[str]
    stop_signal: int
    stop_seconds: float


def note(service: Service, pid: int) -> Note | None:
    """Describe a running process, or return None when it is gone already."""
    try:
        process = psutil.Process(pid)
        return Note(
            name=service.name,
            pid=pid,
            create_time=process.create_time(),
            argv=list(service.argv),
            title=process.cmdline(),
            stop_signal=int(service.stop_signal),
            stop_seconds=service.stop_seconds,
        )
    except psutil.Error:
        return None


def write_notes(path: Path, notes: Iterable[Note]) -> None:
    """Replace the notes in one step."""
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps([asdict(item) for item in notes]), "utf-8")
    draft.replace(path)


def stop_leftovers(path: Path, marker: str, say: Callable[[str], None]) -> None:
    """Stop what an earlier run left: what it noted, and what carries its marker."""
    noted = [(item, process) for item in _read_notes(path) if (process := _find(item))]
    for item, process in noted:
        processes.send(process, Signals(item.stop_signal))
    known = {process.pid for _, process in noted}
    unknown = [process for process in processes.marked(marker) if process.pid not in known]
    for process in unknown:
        processes.send(process, SIGTERM)
    if noted or unknown:
        names = [item.name for item, _ in noted] + [f"process {process.pid}" for process in unknown]
        say(f"stopping what the last run left: {', '.join(names)}")
    grace = max([_GRACE_SECONDS if unknown else 0.0, *(item.stop_seconds for item, _ in noted)])
    processes.await_end([*(process for _, process in noted), *unknown], grace)
    processes.await_end(processes.marked(marker), 0)  # what those started while they were ending
    path.unlink(missing_ok=True)


def _read_notes(path: Path) -> list[Note]:
    with suppress(FileNotFoundError, ValueError, TypeError):  # a damaged file is no reason not to start
        return [Note(**item) for item in json.loads(path.read_text("utf-8"))]
    return []


def _find(item: Note) -> psutil.Process | None:
    try:
        process = psutil.Process(item.pid)
        shown = process.cmdline()
        # Between fork and exec it still shows the launcher, which has the command at its end.
        same_command = bool(shown) and (shown[-len(item.argv) :] == item.argv or shown == item.title)
        same_start = abs(process.create_time() - item.create_time) < _CREATE_TIME_TOLERANCE
    except psutil.Error:
        return None
    return process if same_command and same_start and processes.is_alive(process) else None
